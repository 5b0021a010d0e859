"""What stands inside or behind a document, a picture or a recording: programs, archives, text.

Sources: "PE Format", APPNOTE.TXT, 7zFormat.txt, the RAR technotes, [MS-CAB], ARJ's technote,
ECMA-119, DICOM PS3.10, ISO 32000 (the header may stand in the first 1024 bytes). A second
format counts only where its own structure agrees: a checksum, a size, a directory in its place.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Iterator

from policyc.model.diagnostic import Proof
from policyc.model.facts import Trait
from policyc.model.formats import FileFormat, FormatClass
from policyc.readers import archive, pe, script
from policyc.readers.limits import Limits
from policyc.readers.source import Source

_MOST = 16 << 20
_TAIL = 64 << 10
_MAX_CANDIDATES = 4096
_MZ = re.compile(rb"MZ")
_ELF = re.compile(rb"\x7fELF[\x01\x02][\x01\x02]\x01[\x00-\x12]\x00{7}")
_ARJ = re.compile(rb"\x60\xea")
_SEVENZIP = re.compile(rb"7z\xbc\xaf\x27\x1c")
_CAB = re.compile(rb"MSCF\0{4}")
_RAR = re.compile(rb"Rar!\x1a\x07(?:\0|\x01\0)")
_BASE64_PE = re.compile(rb"TV[opqr][A-Za-z0-9+/\r\n]{120}")
_SERVER = re.compile(
    rb"<\?php[ \t\r\n]|<%@[ ]?page |<%[ \t\r\n][^%]{8}|<script[ \t\r\n>]|<job[ >]", re.IGNORECASE
)
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_IMAGES = frozenset({FileFormat.JPEG, FileFormat.PNG, FileFormat.GIF, FileFormat.BMP})
_CARRIERS = frozenset({FormatClass.DOCUMENT, FormatClass.MEDIA})
_ZIPS = frozenset({FileFormat.OOXML, FileFormat.ODF, FileFormat.EPUB})
_LEAST_TEXT = 24


def traits(
    source: Source, actual: FileFormat, claimed: tuple[FileFormat, ...], limits: Limits
) -> tuple[Trait, ...]:
    """What a file of format ``actual`` carries besides, under a name that claims ``claimed``."""
    if actual in _ZIPS:
        return tuple(_office(source, limits))
    found: list[Trait] = []
    if actual.format_class in _CARRIERS:
        data = source.read(0, _MOST)
        found += _programs(data)
        if actual is not FileFormat.OLE:
            found += _archives(source, data, limits)
        found += _other_formats(source, data, actual)
        if actual in _IMAGES or actual is FileFormat.PDF:
            found += _text(data, actual)
    elif actual is FileFormat.PE:
        at = source.read(1, 1023).find(b"%PDF-")
        if at >= 0:
            found.append(_trait("second-format", "pdf", at + 1, b"%PDF-"))
    elif actual in (FileFormat.TEXT, FileFormat.HTML, FileFormat.XML, FileFormat.SCRIPT):
        head = source.read(0, limits.head * 4)
        found += _encoded(head)
        if head.startswith(b"ID;P"):
            found.append(_trait("sylk", "SYLK table", 0, head[:4]))
        if any(claim.format_class in _CARRIERS for claim in claimed):
            found += _code(head[: limits.head])
        elif actual in (FileFormat.HTML, FileFormat.XML) or FileFormat.TEXT in claimed[:1]:
            found += _active(head)
    elif actual is FileFormat.ISO:
        found += _leading_picture(source)
    return tuple(found)


def _trait(kind: str, detail: str, offset: int, data: bytes) -> Trait:
    proof = Proof(offset=offset, data=data[:16], meaning=detail)
    return Trait(kind=kind, detail=detail, proofs=(proof,))


def _programs(data: bytes) -> Iterator[Trait]:
    """Whole headers of programs behind the first byte."""
    for count, hit in enumerate(_MZ.finditer(data, 1)):
        if count > _MAX_CANDIDATES * 16:
            break
        at = hit.start()
        (start,) = struct.unpack_from("<I", data, at + 60) if at + 64 <= len(data) else (0,)
        if not 0x40 <= start <= 0x1000 or data[at + start : at + start + 4] != b"PE\0\0":
            continue
        machine = int.from_bytes(data[at + start + 4 : at + start + 6], "little")
        if machine in pe.MACHINES:
            yield _trait("embedded-program", f"pe, {pe.MACHINES[machine]}", at, data[at : at + 2])
            break
    elf = _ELF.search(data, 1)
    if elf is not None:
        yield _trait("embedded-program", "elf", elf.start(), elf[0])


def _archives(source: Source, data: bytes, limits: Limits) -> Iterator[Trait]:
    """Archives behind the first byte, each proved by its own header."""
    found = archive.directory(source, limits)
    if found is not None and found.names:
        yield _trait("second-format", "zip", found.offset, b"PK\x05\x06")
    hit = _RAR.search(data, 1)
    if hit is not None:
        yield _trait("second-format", "rar", hit.start(), hit[0])
    for hit in _few(_SEVENZIP, data):
        head = data[hit.start() : hit.start() + 32]
        if len(head) == 32 and zlib.crc32(head[12:]) == int.from_bytes(head[8:12], "little"):
            yield _trait("second-format", "7z", hit.start(), hit[0])
            break
    for hit in _few(_CAB, data):
        size = int.from_bytes(data[hit.start() + 8 : hit.start() + 12], "little")
        if 36 <= size <= source.size - hit.start():
            yield _trait("second-format", "cab", hit.start(), hit[0])
            break
    for hit in _few(_ARJ, data):
        size = int.from_bytes(data[hit.start() + 2 : hit.start() + 4], "little")
        end = hit.start() + 4 + size
        stated = int.from_bytes(data[end : end + 4], "little")
        if (
            30 <= size <= 2600
            and end + 4 <= len(data)
            and zlib.crc32(data[hit.start() + 4 : end]) == stated
        ):
            yield _trait("second-format", "arj", hit.start(), hit[0])
            break


def _few(pattern: re.Pattern[bytes], data: bytes) -> Iterator[re.Match[bytes]]:
    for count, hit in enumerate(pattern.finditer(data, 1)):
        if count >= _MAX_CANDIDATES:
            return
        yield hit


def _other_formats(source: Source, data: bytes, actual: FileFormat) -> Iterator[Trait]:
    """Formats whose header does not stand at the start of the file."""
    if data[0x8001:0x8006] == b"CD001":
        yield _trait("second-format", "iso", 0x8001, b"CD001")
    if data[128:132] == b"DICM":
        yield _trait("second-format", "dicom", 128, b"DICM")
    if actual is FileFormat.PDF:
        if not data.startswith(b"%PDF-"):
            yield from _before_pdf(data)
        return
    at = data[1:1024].find(b"%PDF-")
    if at >= 0:
        yield _trait("second-format", "pdf", at + 1, b"%PDF-")
    if source.size >= 512 and actual is not FileFormat.POSTSCRIPT:
        stated = re.match(rb"[ \0]*([0-7]{1,7})[ \0]", data[148:156])
        total = sum(data[:148]) + 256 + sum(data[156:512])
        if stated is not None and int(stated[1], 8) == total:
            yield _trait("second-format", "tar", 148, data[148:156])


_FRONTS = (
    (b"BM", "bmp"),
    (b"GIF8", "gif"),
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"ID3", "mp3"),
    (b"fLaC", "flac"),
    (b"RIFF", "riff"),
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf", "7z"),
    (b"PK\x03\x04", "zip"),
    (b"\0\0\1\0", "ico"),
    (b"%!PS", "postscript"),
    (b"{\\rt", "rtf"),
    (b"\x60\xea", "arj"),
    (b"MZ", "dos program"),
)


def _before_pdf(data: bytes) -> Iterator[Trait]:
    """What begins in front of a PDF header."""
    for magic, name in _FRONTS:
        if data.startswith(magic):
            yield _trait("second-format", name, 0, magic)
            return
    if data[4:8] == b"ftyp":
        yield _trait("second-format", "mp4", 4, b"ftyp")


def _leading_picture(source: Source) -> Iterator[Trait]:
    head = source.read(0, 8)
    for magic, name in _FRONTS:
        if name in ("png", "jpeg", "gif", "bmp", "mp3", "flac") and head.startswith(magic):
            yield _trait("second-format", name, 0, magic)


def _text(data: bytes, actual: FileFormat) -> Iterator[Trait]:
    """Text where the image should be, or script behind its end."""
    body = data[16:4096]
    # A real picture is not text in its first kilobytes; short files are all header.
    if actual in _IMAGES and len(body) >= _LEAST_TEXT and not body.translate(None, _PRINTABLE):
        yield _trait("text-behind-magic", "text follows the image's first bytes", 16, body)
        return
    if actual is FileFormat.PDF:
        if b" obj" not in data and not data.translate(None, _PRINTABLE + bytes(range(0x80, 0x100))):
            yield _trait(
                "text-behind-magic", "text follows the header, and no PDF object", 8, data[8:24]
            )
        return
    hit = _SERVER.search(data)
    if hit is not None and _is_text(data[hit.start() : hit.start() + 64]):
        yield _trait("appended-script", "markup or server code", hit.start(), hit[0])
        return
    tail = data[-_TAIL:]
    rest = len(tail.rstrip(_PRINTABLE))
    if len(tail) - rest >= _LEAST_TEXT:
        found = script.of_tokens(tail[rest:], "", ())
        level = f"{found.facts.language} script" if found is not None else "text"
        yield _trait(
            "appended-script",
            f"{level} behind the image",
            len(data) - len(tail) + rest,
            tail[rest:],
        )


def _is_text(data: bytes) -> bool:
    return not data.translate(None, _PRINTABLE + bytes(range(0x80, 0x100)))


def _encoded(data: bytes) -> Iterator[Trait]:
    """A program in base64 (MIME line ends allowed), proved by decoding its headers."""
    for count, hit in enumerate(_BASE64_PE.finditer(data)):
        if count >= 16:
            return
        text = re.sub(rb"[\r\n]", b"", data[hit.start() : hit.start() + 6000])
        text = text[: len(text) - len(text.lstrip(_BASE64))]
        try:
            decoded = base64.b64decode(text[: len(text) // 4 * 4])
        except binascii.Error:
            continue
        start = int.from_bytes(decoded[60:64], "little")
        if decoded[:2] == b"MZ" and decoded[start : start + 4] == b"PE\0\0":
            yield _trait("encoded-program", "pe in base64", hit.start(), hit[0])
            return


def _code(head: bytes) -> Iterator[Trait]:
    """Text under a document's or a medium's name that is code or markup."""
    reason = script.looks_like_code(head)
    if reason:
        yield Trait(kind="code", detail=reason)


_ACTIVE = re.compile(
    rb"<script[ \t\r\n>]|<hta:application|<job[ >]|<scriptlet|<registration[ \t\r\n>]|<implements:"
    rb"|<msxsl:script|<ms:script|<usingtask[ \t\r\n]|<target[ \t\r\n][^<>]{0,200}name="
    rb"|<exec[ \t\r\n]"
    rb"|<%@[ \t]?page|<%[=! \t\r\n]|<\?php",
    re.IGNORECASE,
)


def _active(head: bytes) -> Iterator[Trait]:
    """Elements of markup that run code in a browser, a script host or a server."""
    hit = _ACTIVE.search(script.plain(head[:65536]))
    if hit is not None:
        yield Trait(kind="active-markup", detail=hit[0][:24].decode("latin-1"))


def _office(source: Source, limits: Limits) -> Iterator[Trait]:
    """Parts of an Office document that hold code, or fetch it.

    Source: ECMA-376 part 2 ([Content_Types].xml, relationships); [MS-OVBA] for vbaProject.bin;
    ATT&CK T1221 for templates that are loaded from elsewhere.
    """
    found = archive.directory(source, limits)
    names = {name.lower(): name for name in found.names} if found is not None else {}
    for lower in names:
        if lower.endswith(b"vbaproject.bin") or b"/macrosheets/" in lower:
            yield Trait(kind="macros", detail=lower.decode("utf-8", "replace"))
            break
    else:
        types = archive.content(source, b"[content_types].xml", limits)
        if b"macroenabled" in types.lower():
            yield Trait(kind="macros", detail="a content type with macros enabled")
    for lower in names:
        if lower.endswith(b"settings.xml.rels"):
            links = archive.content(source, lower, limits)
            if b"attachedTemplate" in links and re.search(rb'TargetMode="External"', links):
                yield Trait(kind="external-template", detail=lower.decode("utf-8", "replace"))
