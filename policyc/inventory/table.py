"""Reading and writing inventories: ``.parquet`` for size, ``.jsonl`` for review and git."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from policyc.inventory.schema import (
    COLUMNS,
    HEAD,
    READABLE_VERSIONS,
    SCHEMA_VERSION,
    RowReader,
    skipped_row,
    to_row,
)
from policyc.inventory.sorting import sorted_lines
from policyc.model.facts import FileFacts, Platform
from policyc.model.inventory import HostInfo, Inventory, Skipped, SkipReason

_ROW_GROUP = 10_240
_MEMORY = ("256MB", "4GB")
"""What a table may take while it is written: the second only if rows are uncommonly wide."""

_DIGEST = 64
MAX_ROW = 8 << 20
"""Bytes of the longest row; a file with more facts is a skip."""


class InventoryError(Exception):
    """An inventory that cannot be read or written; the text names the file and the line."""


def header_row(host: HostInfo) -> dict[str, Any]:
    """The first line of a JSON Lines inventory, and the metadata of a Parquet one."""
    row: dict[str, Any] = {"policyc_inventory": SCHEMA_VERSION}
    if host.platform is not None:
        row["platform"] = host.platform.value
    if host.name:
        row["name"] = host.name
    return row


def encode_row(item: FileFacts | Skipped) -> bytes:
    """One row as one line of JSON, without the newline."""
    row = to_row(item) if isinstance(item, FileFacts) else skipped_row(item)
    line = msgspec.json.encode(row)
    if len(line) > MAX_ROW:
        detail = f"its facts take {len(line):,} bytes"
        return encode_row(Skipped(path=item.path, reason=SkipReason.TOO_LARGE, detail=detail))
    return line


def write_inventory(inventory: Inventory, path: Path) -> None:
    """Write ``inventory`` to a ``.parquet`` or ``.jsonl`` file, whole or not at all.

    The same inventory gives the same bytes. Raises InventoryError for another suffix and
    OSError where the disk refuses.
    """
    rows: list[FileFacts | Skipped] = [*inventory.files, *inventory.skipped]
    write_rows((encode_row(item) for item in rows), inventory.host, path)


def write_rows(rows: Iterable[bytes], host: HostInfo, path: Path) -> None:
    """Write encoded rows, in any order, as ``write_inventory`` does."""
    writers = {".jsonl": _write_jsonl, ".parquet": _write_parquet}
    writer = writers.get(path.suffix)
    if writer is None:
        raise InventoryError(f"{path}: an inventory ends in .parquet or .jsonl")
    with whole_file(path) as scratch:
        writer(rows, host, scratch)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write beside ``path``, which it replaces at the end, or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        umask = os.umask(0)
        os.umask(umask)
        scratch.chmod(0o666 & ~umask)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _write_jsonl(rows: Iterable[bytes], host: HostInfo, path: Path) -> None:
    with path.open("wb") as file:
        file.write(msgspec.json.encode(header_row(host)) + b"\n")
        # Every row begins with its path, so sorting the lines sorts by path.
        for row in sorted_lines(rows):
            file.write(row + b"\n")


def _write_parquet(rows: Iterable[bytes], host: HostInfo, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="policyc-") as folder:
        spool = Path(folder) / "rows.jsonl"
        with spool.open("wb") as file:
            for line in sorted_lines(_by_digest(row) for row in rows):
                file.write(line[_DIGEST:] + b"\n")
        metadata = json.dumps(header_row(host), sort_keys=True).replace("'", "''")
        selected = ", ".join(
            "unhex(sha256) AS sha256" if name == "sha256" else f'"{name}"' for name in COLUMNS
        )
        source = "read_json(?, format = 'newline_delimited', columns = {}, ".format(
            "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items()) + "}"
        )
        command = (
            f"COPY (SELECT {selected} FROM {source} maximum_object_size = {2 * MAX_ROW})) "  # noqa: S608
            f"TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd, "
            f"ROW_GROUP_SIZE {_ROW_GROUP}, KV_METADATA {{policyc_inventory: '{metadata}'}})"
        )
        _copy(command, spool, folder)


def _copy(command: str, spool: Path, folder: str) -> None:
    """Run the COPY in as little memory as it takes; the bytes are the same."""
    import duckdb  # noqa: PLC0415

    for limit in _MEMORY:
        connection = _connect()
        connection.execute(f"SET memory_limit = '{limit}'")
        connection.execute("SET temp_directory = ?", [folder])
        try:
            connection.execute(command, [str(spool)])
        except duckdb.OutOfMemoryException:
            if limit == _MEMORY[-1]:
                raise
        else:
            return
        finally:
            connection.close()


def _by_digest(row: bytes) -> bytes:
    """The row behind its SHA-256; rows without one come last."""
    _, found, rest = row.partition(b'"sha256":"')
    return (rest[:_DIGEST] if found else b"~" * _DIGEST) + row


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _connect() -> Any:  # noqa: ANN401
    import duckdb  # noqa: PLC0415  (heavy; only where a table is touched)

    # One thread: the order of rows, and so the bytes, must not depend on scheduling.
    return duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})


def read_inventory(path: Path) -> Inventory:
    """Read a ``.parquet`` or ``.jsonl`` inventory; raises InventoryError, OSError.

    Rows come back sorted by path, whichever form they were kept in.
    """
    readers = {".jsonl": _read_jsonl, ".parquet": _read_parquet}
    reader = readers.get(path.suffix)
    if reader is None:
        raise InventoryError(f"{path}: an inventory ends in .parquet or .jsonl")
    if not path.is_file():
        raise InventoryError(f"{path}: no such inventory; make one with `policyc scan`")
    host, rows = reader(path)
    files: list[FileFacts] = []
    skipped: list[Skipped] = []
    for item in rows:
        if isinstance(item, FileFacts):
            files.append(item)
        else:
            skipped.append(item)
    files.sort(key=attrgetter("path"))
    skipped.sort(key=lambda item: (item.path, item.reason.value))
    return Inventory(host=host, files=tuple(files), skipped=tuple(skipped))


def _host(path: Path, header: Any) -> HostInfo:  # noqa: ANN401
    version = header.get("policyc_inventory") if isinstance(header, dict) else None
    if version not in READABLE_VERSIONS:
        raise InventoryError(
            f"{path}: not a policyc inventory of schema {READABLE_VERSIONS[-1]}; scan again"
        )
    try:
        platform = Platform(header["platform"]) if "platform" in header else None
    except ValueError as error:
        raise InventoryError(f"{path}:1: {error}") from error
    return HostInfo(platform=platform, name=str(header.get("name", "")))


_Rows = Iterator[FileFacts | Skipped]
_MALFORMED = (ValueError, TypeError, KeyError)
"""What the reader of a row raises; msgspec's errors are ValueErrors."""


def _read_jsonl(path: Path) -> tuple[HostInfo, _Rows]:
    with path.open("rb") as file:
        first = file.readline()
    try:
        header = msgspec.json.decode(first)
    except msgspec.DecodeError as error:
        raise InventoryError(f"{path}:1: {error}") from error

    def rows() -> _Rows:
        reader = RowReader()
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if number == 1 or not line.strip():
                    continue
                try:
                    yield reader.read_line(line)
                except _MALFORMED as error:
                    raise InventoryError(f"{path}:{number}: {error}") from error

    return _host(path, header), rows()


def _read_parquet(path: Path) -> tuple[HostInfo, _Rows]:
    import duckdb  # noqa: PLC0415

    connection = _connect()
    try:
        found = connection.execute(
            "SELECT value FROM parquet_kv_metadata(?) WHERE key = 'policyc_inventory'", [str(path)]
        ).fetchone()
        header = json.loads(found[0]) if found else None
        host = _host(path, header)
        cursor = connection.execute(_row_query(connection, path), [str(path)])
    except duckdb.Error as error:
        raise InventoryError(f"{path}: {error}") from error

    def rows() -> _Rows:
        reader = RowReader()
        number = 0
        while batch := cursor.fetchmany(10_000):
            for path_, raw_path, size, sha256, rest in batch:
                number += 1
                try:
                    yield reader.read_parts(path_, raw_path, size, sha256, rest)
                except _MALFORMED as error:
                    raise InventoryError(f"{path}:{number}: {error}") from error
        connection.close()

    return host, rows()


def _row_query(connection: Any, path: Path) -> str:  # noqa: ANN401
    """The columns of ``HEAD``, then the others as one JSON text.

    Decoding that is faster than taking nested values over one by one.
    """
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)])
    names = {str(row[0]) for row in described.fetchall()}
    # Only names of the schema are put into the query; an older file has fewer of them.
    known = [name for name in COLUMNS if name in names and name not in HEAD]
    others = ", ".join(f'"{name}" := "{name}"' for name in known)
    head = ", ".join(f'"{name}"' if name in names else "NULL" for name in HEAD)
    head = head.replace('"sha256"', "lower(hex(sha256))")
    return f"SELECT {head}, to_json(struct_pack({others})) FROM read_parquet(?)"  # noqa: S608
