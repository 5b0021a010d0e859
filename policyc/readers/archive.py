"""ZIP: member names from the central directory, and the formats that are ZIP inside.

Source: APPNOTE.TXT (PKWARE), sections 4.3.12 to 4.3.16; ECMA-376 part 2 (Open Packaging);
OASIS OpenDocument part 3 and EPUB OCF (the ``mimetype`` member); the JAR File Specification.
Nothing is decompressed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from policyc.model.diagnostic import Proof
from policyc.model.formats import FileFormat
from policyc.readers.limits import Limits
from policyc.readers.reader import Reader, Reading
from policyc.readers.source import Source

_EOCD = b"PK\x05\x06"
_EOCD_SEARCH = 22 + 0xFFFF
_CENTRAL = b"PK\x01\x02"
_LOCAL = b"PK\x03\x04"
_MAX_NAME = 4096
_MAX_END_RECORDS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The names of a ZIP's members in directory order; ``offset`` is the end record's."""

    names: tuple[bytes, ...]
    offset: int


def directory(source: Source, limits: Limits) -> Directory | None:
    """Read the central directory; None if no end record leads to one.

    The directory is looked for directly before its end record, where it is even when
    something was put in front of the archive.
    """
    start = max(0, source.size - _EOCD_SEARCH)
    tail = source.read(start, _EOCD_SEARCH)
    position = tail.rfind(_EOCD)
    for _ in range(_MAX_END_RECORDS):
        if position < 0:
            return None
        if position + 22 <= len(tail):
            count, size, _ = struct.unpack_from("<HII", tail, position + 10)
            end = start + position
            begin = end - size
            if count == 0xFFFF or size == 0xFFFFFFFF:
                zip64 = _zip64(source, end)
                begin, end = zip64 if zip64 is not None else (-1, end)
            names = _names(source, begin, end, limits)
            if names is not None:
                return Directory(names=names, offset=start + position)
        position = tail.rfind(_EOCD, 0, position)
    return None


def _zip64(source: Source, end: int) -> tuple[int, int] | None:
    """Start and end of the central directory that a ZIP64 end record describes."""
    locator = source.read(end - 20, 20)
    if locator[:4] != b"PK\x06\x07":
        return None
    record_at = end - 20 - 56
    record = source.read(record_at, 56)
    if record[:4] != b"PK\x06\x06":
        return None
    (size,) = struct.unpack_from("<Q", record, 40)
    return record_at - size, record_at


def _names(source: Source, begin: int, end: int, limits: Limits) -> tuple[bytes, ...] | None:
    if begin < 0:
        return None
    if begin == end:
        return ()
    if source.read(begin, 4) != _CENTRAL:
        return None
    table = source.read(begin, min(end - begin, limits.max_table))
    names: list[bytes] = []
    position = 0
    while table[position : position + 4] == _CENTRAL and position + 46 <= len(table):
        if len(names) >= limits.max_members:
            break
        lengths = struct.unpack_from("<HHH", table, position + 28)
        names.append(table[position + 46 : position + 46 + min(lengths[0], _MAX_NAME)])
        position += 46 + sum(lengths)
    return tuple(names)


def local_names(source: Source, limits: Limits) -> tuple[bytes, ...]:
    """Names from the local headers at the start, for a ZIP whose directory is missing."""
    names: list[bytes] = []
    position = 0
    while len(names) < min(limits.max_members, 256):
        head = source.read(position, 30)
        if head[:4] != _LOCAL or len(head) < 30:
            break
        flags, size = *struct.unpack_from("<H", head, 6), *struct.unpack_from("<I", head, 18)
        name_length, extra_length = struct.unpack_from("<HH", head, 26)
        names.append(source.read(position + 30, min(name_length, _MAX_NAME)))
        if flags & 8:
            break
        position += 30 + name_length + extra_length + size
    return tuple(names)


def classify(source: Source, limits: Limits) -> FileFormat | None:
    """Which format the ZIP is, by its members; None if it is no ZIP at all."""
    found = directory(source, limits)
    starts = _is_local(source.read(0, 30))
    if found is None and not starts:
        return None
    names = found.names if found is not None else local_names(source, limits)
    stored = _mimetype(source)
    if stored is not None and stored.startswith(b"application/vnd.oasis.opendocument"):
        return FileFormat.ODF
    if stored is not None and stored.startswith(b"application/epub+zip"):
        return FileFormat.EPUB
    members = frozenset(names)
    if b"AndroidManifest.xml" in members:
        return FileFormat.APK
    if b"[Content_Types].xml" in members and any(
        name.startswith((b"word/", b"xl/", b"ppt/", b"visio/", b"docProps/")) for name in names
    ):
        return FileFormat.OOXML
    if b"META-INF/MANIFEST.MF" in members or any(name.endswith(b".class") for name in names):
        return FileFormat.JAR
    return FileFormat.ZIP


def _is_local(head: bytes) -> bool:
    """Whether a local header is possible: version, system and method are known, a name is there."""
    if head[:4] != _LOCAL or len(head) < 30:
        return False
    version, system, _, method = struct.unpack_from("<BBHH", head, 4)
    (name,) = struct.unpack_from("<H", head, 26)
    plausible: bool = version <= 63 and system <= 30 and method <= 99
    return plausible and 0 < name <= _MAX_NAME


def _mimetype(source: Source) -> bytes | None:
    """The content of a first, stored member called ``mimetype``."""
    head = source.read(0, 38)
    if head[:4] != _LOCAL or head[30:38] != b"mimetype":
        return None
    size, _, _, extra = struct.unpack_from("<IIHH", head, 18)
    return source.read(38 + extra, min(size, 128) or 128)


def _read(source: Source, _path: str, limits: Limits) -> Reading:
    proofs = []
    if source.read(0, 4) == _LOCAL:
        proofs.append(Proof(offset=0, data=_LOCAL, meaning="ZIP local file header"))
    found = directory(source, limits)
    if found is not None:
        meaning = f"ZIP end record, {len(found.names)} members"
        proofs.append(Proof(offset=found.offset, data=_EOCD, meaning=meaning))
    return Reading(proofs=tuple(proofs))


READER = Reader(format=FileFormat.ZIP, read=_read)
