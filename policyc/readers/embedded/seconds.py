"""A second format in a file: archives behind it, PDF or disk images in it.

Sources: APPNOTE.TXT (the end record stands behind its directory), the RAR, 7-Zip, ARJ and
cabinet header layouts, ECMA-119 (volume descriptor at 0x8001), DICOM part 10, and PDF readers
that accept their header anywhere in the first 1,024 bytes.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable

from policyc.model.diagnostic import Proof
from policyc.model.facts import Trait
from policyc.model.formats import FileFormat
from policyc.readers import archive
from policyc.readers.limits import Limits
from policyc.readers.source import Source

_RAR = (b"Rar!\x1a\x07\0", b"Rar!\x1a\x07\x01\0")
_SEVENZIP = b"7z\xbc\xaf\x27\x1c"
_CAB = b"MSCF\0\0\0\0"
_PDF_SEARCH = 1024
_CANDIDATES = 16


def seconds(data: bytes, source: Source, actual: FileFormat, limits: Limits) -> tuple[Trait, ...]:
    """One ``second-format`` trait a format found beside ``actual``.

    ``data`` are the first bytes of ``source``. Compound files hold ZIP theme data by right
    and ZIP formats are archives themselves.
    """
    found: list[Trait | None] = [_marked(data, test) for test in _TESTS]
    if actual not in _ZIPPED and actual is not FileFormat.OLE:
        found.append(_zip(source, limits))
    if actual not in (FileFormat.PDF, FileFormat.POSTSCRIPT):
        found.append(pdf_header(data))
    if actual is not FileFormat.ISO and source.read(0x8001, 5) == b"CD001":
        found.append(_trait("ISO 9660", 0x8001, b"CD001"))
    if data[128:132] == b"DICM":
        found.append(_trait("DICOM", 128, b"DICM"))
    return tuple(item for item in found if item is not None)


_ZIPPED = frozenset(
    {
        FileFormat.ZIP,
        FileFormat.JAR,
        FileFormat.APK,
        FileFormat.OOXML,
        FileFormat.ODF,
        FileFormat.EPUB,
    }
)


def pdf_header(data: bytes) -> Trait | None:
    """A PDF header behind the start, where PDF readers still find it."""
    match = re.compile(rb"%PDF-[0-9]\.[0-9]").search(data, 1, _PDF_SEARCH)
    return None if match is None else _trait("PDF", match.start(), match[0])


def _trait(kind: str, offset: int, data: bytes) -> Trait:
    proof = Proof(offset=offset, data=data, meaning=f"{kind} inside the file")
    return Trait(kind="second-format", detail=f"{kind} at byte {offset}", proofs=(proof,))


def _zip(source: Source, limits: Limits) -> Trait | None:
    found = archive.directory(source, limits)
    if found is None or not found.names:
        return None
    kind = "JAR" if b"META-INF/MANIFEST.MF" in found.names else "ZIP"
    return _trait(kind, found.offset, b"PK\x05\x06")


def _marked(data: bytes, test: tuple[str, bytes, Callable[[bytes, int], bool]]) -> Trait | None:
    kind, mark, valid = test
    at = data.find(mark, 1)
    for _ in range(_CANDIDATES):
        if at < 0:
            return None
        if valid(data, at):
            return _trait(kind, at, data[at : at + max(len(mark), 8)])
        at = data.find(mark, at + 1)
    return None


def _sevenzip(data: bytes, at: int) -> bool:
    header = data[at + 12 : at + 32]
    stated = data[at + 8 : at + 12]
    return len(header) == 20 and struct.unpack("<I", stated)[0] == zlib.crc32(header)


def _cabinet(data: bytes, at: int) -> bool:
    if at + 36 > len(data):
        return False
    size, _, files, _, minor, major = struct.unpack_from("<IIIIBB", data, at + 8)
    return (major, minor) == (1, 3) and 36 <= files <= size


def _arj(data: bytes, at: int) -> bool:
    if at + 4 > len(data):
        return False
    (size,) = struct.unpack_from("<H", data, at + 2)
    header, checksum = data[at + 4 : at + 4 + size], data[at + 4 + size : at + 8 + size]
    whole = 30 <= size <= 2600 and len(checksum) == 4
    return whole and struct.unpack("<I", checksum)[0] == zlib.crc32(header)


def _always(_data: bytes, _at: int) -> bool:
    return True


def _tar(data: bytes, at: int) -> bool:
    begin = at - 257
    if begin < 0 or at + 255 > len(data):
        return False
    head = data[begin : begin + 512]
    stated = re.match(rb"[ \0]*([0-7]{1,7})[ \0]", head[148:156])
    return stated is not None and int(stated[1], 8) == sum(head[:148]) + 256 + sum(head[156:])


_TESTS: tuple[tuple[str, bytes, Callable[[bytes, int], bool]], ...] = (
    *(("RAR", mark, _always) for mark in _RAR),
    ("7-Zip", _SEVENZIP, _sevenzip),
    ("cabinet", _CAB, _cabinet),
    ("ARJ", b"\x60\xea", _arj),
    ("tar", b"ustar", _tar),
)
