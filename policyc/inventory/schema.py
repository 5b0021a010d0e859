"""The versioned schema of the inventory: one row a file, the same in Parquet and JSON Lines.

A key that is missing or null means "there is none"; facts nobody looked at are listed in
``unknown``. A skipped path is a row with ``skip_reason``. A path that is not UTF-8 has its
bytes in ``raw_path`` (hexadecimal) and a readable stand-in in ``path``.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import intern
from typing import Any, NamedTuple, get_type_hints

import msgspec

from policyc.inventory.codec import decoder, encode
from policyc.model.facts import UNKNOWN, FileFacts, Hashes
from policyc.model.formats import FileFormat
from policyc.model.inventory import Skipped, SkipReason
from policyc.model.variants import Mould, flat_digest

SCHEMA_VERSION = 3
READABLE_VERSIONS = (1, 2, SCHEMA_VERSION)
"""Older versions have fewer columns; what they do not hold reads as absent."""

MAX_ROW = 8 << 20
"""Bytes of the longest row; a file with more facts is a skip."""


class InventoryError(Exception):
    """An inventory that cannot be read or written; the text names the file and the line."""


_CERTIFICATE = (
    "STRUCT(subject VARCHAR[][], issuer VARCHAR[][], sha256 VARCHAR, tbs VARCHAR, key VARCHAR, "
    "key_bits INTEGER, ekus VARCHAR[])"
)
COLUMNS: dict[str, str] = {
    "path": "VARCHAR",
    "raw_path": "VARCHAR",
    "size": "BIGINT",
    "sha256": "VARCHAR",
    "format": "VARCHAR",
    "claimed": "VARCHAR[]",
    "collection": "VARCHAR",
    "authenticode_sha256": "VARCHAR",
    "authenticode_sha1": "VARCHAR",
    "page_sha256": "VARCHAR",
    "page_sha1": "VARCHAR",
    "signatures": f"STRUCT(kind VARCHAR, grade VARCHAR, chain {_CERTIFICATE}[], "
    "digest_algorithm VARCHAR, team VARCHAR, signing_id VARCHAR, detail VARCHAR, "
    "program VARCHAR, signed_at VARCHAR, catalog VARCHAR)[]",
    "version_info": "STRUCT(product_name VARCHAR, original_filename VARCHAR, "
    "internal_name VARCHAR, file_description VARCHAR, company_name VARCHAR, file_version VARCHAR)",
    "pe": "STRUCT(kind VARCHAR, machine INTEGER, subsystem INTEGER, section_alignment BIGINT, "
    "dotnet BOOLEAN, imphash VARCHAR)",
    "elf": "STRUCT(kind VARCHAR, machine INTEGER, bits INTEGER, static BOOLEAN, "
    "interpreter VARCHAR, needed VARCHAR[], rpath VARCHAR[], build_id VARCHAR)",
    "macho": "STRUCT(slices STRUCT(arch VARCHAR, kind VARCHAR, cdhash VARCHAR, "
    "identifier VARCHAR, team VARCHAR, flags BIGINT, platform_binary BOOLEAN, grade VARCHAR, "
    "leaf VARCHAR, hash_type INTEGER, cdhashes VARCHAR[], oids VARCHAR[], "
    "entitlements INTEGER)[], mixed BOOLEAN, "
    "bundle STRUCT(identifier VARCHAR, version VARCHAR, name VARCHAR))",
    "script": "STRUCT(language VARCHAR, interpreter VARCHAR, arguments VARCHAR)",
    "installer": "STRUCT(product_name VARCHAR, product_code VARCHAR, product_version VARCHAR, "
    "manufacturer VARCHAR)",
    "posix": "STRUCT(mode INTEGER, uid BIGINT, gid BIGINT, capabilities VARCHAR[])",
    "package": "STRUCT(manager VARCHAR, name VARCHAR, version VARCHAR, state VARCHAR)",
    "trusted": "BOOLEAN",
    "writable_by_users": "BOOLEAN",
    "ftype": "VARCHAR",
    "masquerade": "VARCHAR",
    "findings": "STRUCT(code VARCHAR, level VARCHAR)[]",
    "proofs": 'STRUCT("offset" BIGINT, data VARCHAR, meaning VARCHAR)[]',
    "traits": "STRUCT(kind VARCHAR, detail VARCHAR, "
    'proofs STRUCT("offset" BIGINT, data VARCHAR, meaning VARCHAR)[])[]',
    "unknown": "VARCHAR[]",
    "skip_reason": "VARCHAR",
    "skip_detail": "VARCHAR",
}
"""Column name → DuckDB type. ``sha256`` is stored in Parquet as 32 bytes."""

_HASHES = get_type_hints(Hashes)
_FACTS = {
    name: kind
    for name, kind in get_type_hints(FileFacts).items()
    if name not in ("path", "size", "actual", "hashes")
}
_READ_HASHES = {name: decoder(kind) for name, kind in _HASHES.items()}
_READ_FACTS = {name: decoder(kind) for name, kind in _FACTS.items()}
_UNKNOWABLE = frozenset(
    {*_HASHES, "signatures", "version_info", "package", "trusted", "writable_by_users", "ftype"}
    | {"masquerade", "findings", "posix"}
)


def to_row(facts: FileFacts) -> dict[str, Any]:
    """The row of a file: JSON types only, nulls and empty lists left out."""
    row = _path_columns(facts.path)
    row["size"] = facts.size
    row["format"] = facts.actual.value
    collection = facts.collection
    if collection is not None:
        row["collection"] = collection.value
    unknown = []
    for holder, names in ((facts.hashes, _HASHES), (facts, _FACTS)):
        for name in names:
            value = getattr(holder, name)
            if value is UNKNOWN:
                unknown.append(name)
            elif value is not None and value != ():
                row[name] = encode(value)
    row["unknown"] = sorted(unknown)
    return {name: row[name] for name in COLUMNS if row.get(name) not in (None, [])}


def skipped_row(skipped: Skipped) -> dict[str, Any]:
    """The row of a path that was not read."""
    row = {
        **_path_columns(skipped.path),
        "skip_reason": skipped.reason.value,
        "skip_detail": encode(skipped.detail) or None,
    }
    return {name: value for name, value in row.items() if value is not None}


HEAD = ("path", "raw_path", "size", "sha256")
"""The columns that hardly two rows have in common."""
_MOULDS = 1024
"""Rows with the same other columns are made from one mould; so many are kept."""


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    """The columns of ``HEAD`` as the first of a line."""

    path: str
    raw_path: str | None = None
    size: int | None = None
    sha256: str | None = None


_read_head = msgspec.json.Decoder(_Head).decode
_AFTER_HEAD = b',"format":'
"""What follows the columns of ``HEAD`` as they are written here; no text of JSON holds it."""


class Cast(NamedTuple):
    """A file that is ready to be made: what it has for itself, and the mould of the rest.

    ``number`` is that of its row; so casts are sorted by path, then by row.
    """

    path: str
    number: int
    size: int
    sha256: object
    mould: Mould

    def file(self) -> FileFacts:
        """The file; raises ValueError or TypeError for a malformed digest."""
        path, _, size, sha256, mould = self
        flat = mould.sha256
        if flat is not UNKNOWN and sha256 is not None:
            if not isinstance(sha256, str):
                raise TypeError(f"a SHA-256 is a text, got {sha256!r}")
            # Rules, native policies and tables hold the same text: one of it for all.
            flat = flat_digest(intern(sha256))
        return mould.file(path, size, flat)


class RowReader:
    """Rows to values. What rows have in common is made once, so that a row takes little.

    Files are made later (``Cast.file``), in the order in which they are used: they then lie side
    by side in memory, which halves the time of all that goes through them.
    """

    def __init__(self) -> None:
        self._moulds: dict[str | bytes, Mould] = {}

    def read_line(self, line: bytes, number: int = 0) -> Cast | Skipped:
        """The value of a line of JSON; raises ValueError or TypeError for a malformed one."""
        at = line.find(_AFTER_HEAD)
        try:
            head = _read_head(line[:at] + b"}")
        except ValueError:  # not as it is written here, or no row
            return self.read(msgspec.json.decode(line, type=dict[str, Any]), number)
        rest = b"{" + line[at + 1 :]
        mould = self._moulds.get(rest)
        if mould is None or head.raw_path or head.size is None:
            own = (head.path, head.raw_path, head.size, head.sha256)
            return self.read_parts(*own, rest, number)
        return Cast(head.path, number, head.size, head.sha256, mould)

    def read(self, row: dict[str, Any], number: int = 0) -> Cast | Skipped:
        """The value of a row, which is used up; raises as ``read_line``."""
        path, raw_path, size, sha256 = (row.pop(name, None) for name in HEAD)
        return self.read_parts(path, raw_path, size, sha256, msgspec.json.encode(row), number)

    def read_parts(
        self,
        path: object,
        raw_path: object,
        size: object,
        sha256: object,
        rest: str | bytes,
        number: int = 0,
    ) -> Cast | Skipped:
        """The value of a row whose other columns are the JSON text ``rest``; raises as ``read``."""
        if not isinstance(path, str):
            raise TypeError("a row has no path")
        if isinstance(raw_path, str) and raw_path:
            path = bytes.fromhex(raw_path).decode("utf-8", "surrogateescape")
        mould = self._moulds.get(rest)
        if mould is None:
            facts = _from_rest(path, msgspec.json.decode(rest, type=dict[str, Any]))
            if isinstance(facts, Skipped):
                return facts
            if len(self._moulds) >= _MOULDS:
                self._moulds.clear()
            mould = self._moulds[rest] = Mould(facts)
        if not isinstance(size, int):
            raise TypeError(f"a row has a size in bytes, got {size!r}")
        return Cast(path, number, size, sha256, mould)


def from_row(row: Mapping[str, Any]) -> FileFacts | Skipped:
    """The value of a row; raises ValueError or TypeError for a malformed one."""
    found = RowReader().read(dict(row))
    return found.file() if isinstance(found, Cast) else found


def _from_rest(path: str, row: Mapping[str, Any]) -> FileFacts | Skipped:
    """The file without what is in ``HEAD``."""
    if row.get("skip_reason"):
        reason = SkipReason(row["skip_reason"])
        return Skipped(path=path, reason=reason, detail=row.get("skip_detail") or "")
    unknown = frozenset(row.get("unknown") or ())
    if not unknown <= _UNKNOWABLE:
        raise ValueError(f"unknown names {sorted(unknown - _UNKNOWABLE)}, which are no facts")
    values: dict[str, Any] = {
        name: UNKNOWN if name in unknown else read(row[name])
        for name, read in _READ_FACTS.items()
        if name in unknown or row.get(name) is not None
    }
    # Where a fact's default is UNKNOWN, a missing value means "there is none".
    for name in ("package", "posix", "ftype", "masquerade"):
        values.setdefault(name, None)
    if "findings" not in values:
        # Before version 3 a row holds the level of its worst finding only.
        values["findings"] = () if values["masquerade"] is None else UNKNOWN
    hashes = Hashes(
        **{
            name: UNKNOWN if name in unknown else read(row.get(name))
            for name, read in _READ_HASHES.items()
        }
    )
    actual = FileFormat(row.get("format") or "unknown")
    return FileFacts(path=path, size=0, actual=actual, hashes=hashes, **values)


def _path_columns(path: str) -> dict[str, Any]:
    text = encode(path)
    if text == path:
        return {"path": path}
    return {"path": text, "raw_path": path.encode("utf-8", "surrogateescape").hex()}
