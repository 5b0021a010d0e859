"""Which format a file is, decided by structure.

A few bytes at the start are never enough for something that runs: PE needs e_lfanew, the
signature, a known machine and a known optional header; ``CAFEBABE`` is a Java class or a
universal binary by what follows; ``#!`` needs a path. Sources: the formats' own
specifications and the collisions that libmagic, Tika and others had to handle.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from policyc.model.diagnostic import Proof
from policyc.model.formats import FileFormat
from policyc.readers import archive, elf, macho, media, pe, script, tokens
from policyc.readers.limits import Limits
from policyc.readers.source import MemorySource, Source

Recognition = tuple[FileFormat, tuple[Proof, ...]]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_CLSID_TAIL = bytes.fromhex("0000000000C000000000000046")
_MSI_KINDS = {0x84: "package", 0x86: "patch", 0x82: "transform"}
_PDF_SEARCH = 1024
_TAR_CHECKSUM = re.compile(rb"[ \0]*([0-7]{1,7})[ \0]")
_HTML = re.compile(
    rb"(?:<!--[^>]{0,4096}-->\s*)?<(?:!doctype[ \t\r\n]+html|html|head|body|script|title|iframe)\b",
    re.IGNORECASE,
)
_XML = re.compile(rb"<(?:\?xml[ \t\r\n]|svg[ \t\r\n>]|!DOCTYPE[ \t\r\n]+svg)")

_PREFIXES: tuple[tuple[bytes, FileFormat, str], ...] = (
    (bytes.fromhex("4c0000000114020000000000c000000000000046"), FileFormat.LNK, "shell link"),
    (
        bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"),
        FileFormat.ONENOTE,
        "OneNote section",
    ),
    (b"ITSF", FileFormat.CHM, "compiled HTML help"),
    (b"\0asm\x01\0\0\0", FileFormat.WASM, "WebAssembly 1"),
    (b"7z\xbc\xaf\x27\x1c", FileFormat.SEVENZIP, "7-Zip signature"),
    (b"Rar!\x1a\x07\0", FileFormat.RAR, "RAR 4 signature"),
    (b"Rar!\x1a\x07\x01\0", FileFormat.RAR, "RAR 5 signature"),
    (b"MSCF\0\0\0\0", FileFormat.CAB, "cabinet signature"),
    (b"\x1f\x8b\x08", FileFormat.GZIP, "gzip, deflate"),
    (b"\xfd7zXZ\0", FileFormat.XZ, "xz signature"),
    (b"\x28\xb5\x2f\xfd", FileFormat.ZSTD, "Zstandard frame"),
    (b"!<arch>\ndebian-binary", FileFormat.DEB, "Debian package"),
    (b"!<arch>\n", FileFormat.AR, "ar signature"),
    (b"!<thin>\n", FileFormat.AR, "thin ar signature"),
    (b"\xed\xab\xee\xdb", FileFormat.RPM, "RPM lead"),
    (b"xar!", FileFormat.XAR, "xar signature"),
    (b"conectix", FileFormat.VHD, "VHD footer copy"),
    (b"vhdxfile", FileFormat.VHD, "VHDX signature"),
    (b"%PDF-", FileFormat.PDF, "PDF header"),
    (b"{\\rt", FileFormat.RTF, "RTF group"),
    (b"%!PS", FileFormat.POSTSCRIPT, "PostScript header"),
    (b"\xc5\xd0\xd3\xc6", FileFormat.POSTSCRIPT, "DOS EPS header"),
    (b"\xff\xd8\xff", FileFormat.JPEG, "JPEG SOI"),
    (b"\x89PNG\r\n\x1a\n", FileFormat.PNG, "PNG signature"),
    (b"GIF87a", FileFormat.GIF, "GIF signature"),
    (b"GIF89a", FileFormat.GIF, "GIF signature"),
    (b"OggS\0", FileFormat.OGG, "Ogg page"),
    (b"fLaC", FileFormat.FLAC, "FLAC marker"),
    (b"ID3", FileFormat.MP3, "ID3 tag"),
    (b"\x1a\x45\xdf\xa3", FileFormat.MATROSKA, "EBML header"),
    (b"SQLite format 3\0", FileFormat.SQLITE, "SQLite header"),
    (b"II*\0", FileFormat.TIFF, "TIFF, little-endian"),
    (b"MM\0*", FileFormat.TIFF, "TIFF, big-endian"),
)


_BY_FIRST_BYTE = {
    first: tuple(item for item in _PREFIXES if item[0][0] == first)
    for first in {item[0][0] for item in _PREFIXES}
}


def recognise(data: bytes | Source, limits: Limits = Limits()) -> Recognition:  # noqa: B008
    """Decide the format of a file and give the bytes that prove it.

    SCRIPT is only returned for a shebang: whether another text is a script depends on its
    name too. EMPTY is a file of no bytes, UNKNOWN one that nothing explains.
    """
    source = MemorySource(data) if isinstance(data, bytes) else data
    if source.size == 0:
        return FileFormat.EMPTY, ()
    head = source.read(0, limits.head)
    for test in _TESTS:
        found = test(source, head, limits)
        if found is not None:
            return found
    return FileFormat.UNKNOWN, ()


def _proof(fmt: FileFormat, data: bytes, meaning: str, offset: int = 0) -> Recognition:
    return fmt, (Proof(offset=offset, data=data, meaning=meaning),)


def _executable(source: Source, head: bytes, limits: Limits) -> Recognition | None:
    if head[:2] == b"MZ":
        image = pe.header(source, limits)
        return None if image is None else (FileFormat.PE, pe.proofs(image))
    if head[:4] == b"\x7fELF" and elf.header(source) is not None:
        return _proof(FileFormat.ELF, head[:4], "ELF magic")
    if head[:4] in macho.MAGICS and macho.recognised(source, limits):
        return _proof(FileFormat.MACHO, head[:4], "Mach-O magic")
    if head[:4] == b"\xca\xfe\xba\xbe" and len(head) >= 10:
        minor, major, pool = struct.unpack_from(">HHH", head, 4)
        # Java SE 1.0.2 is major 45; a constant pool is never empty.
        if 45 <= major <= 120 and pool >= 1 and (minor < 0x100 or minor == 0xFFFF):
            return _proof(FileFormat.JAVA_CLASS, head[:8], f"class file, major {major}")
    if re.match(rb"dex\n0[0-9]{2}\0", head):
        return _proof(FileFormat.DEX, head[:8], "dex magic")
    return None


def _shebang(_source: Source, head: bytes, _limits: Limits) -> Recognition | None:
    found = script.of_shebang(head[:512])
    return None if found is None else _proof(FileFormat.SCRIPT, found.evidence, found.meaning)


def _prefix(_source: Source, head: bytes, _limits: Limits) -> Recognition | None:
    for magic, fmt, meaning in _BY_FIRST_BYTE.get(head[0], ()):
        if head.startswith(magic):
            return _proof(fmt, magic, meaning)
    return None


def _ole(source: Source, head: bytes, _limits: Limits) -> Recognition | None:
    if not head.startswith(_OLE) or len(head) < 76:
        return None
    (shift,) = struct.unpack_from("<H", head, 30)
    (sector,) = struct.unpack_from("<I", head, 48)
    if 7 <= shift <= 16 and sector < 0xFFFFFFF0:
        offset = (sector + 1 << shift) + 80
        clsid = source.read(offset, 16)
        # {000C1084-0000-0000-C000-000000000046} and its two sisters.
        if clsid[1:3] == b"\x10\x0c" and clsid[3:] == _OLE_CLSID_TAIL and clsid[0] in _MSI_KINDS:
            meaning = f"root storage CLSID of an installer {_MSI_KINDS[clsid[0]]}"
            proof = Proof(offset=offset, data=clsid, meaning=meaning)
            return FileFormat.MSI, (Proof(offset=0, data=_OLE, meaning="compound file"), proof)
    return _proof(FileFormat.OLE, _OLE, "compound file")


def _zip(source: Source, head: bytes, limits: Limits) -> Recognition | None:
    if head[:4] not in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        return None
    fmt = archive.classify(source, limits)
    return None if fmt is None else _proof(fmt, head[:4], "ZIP record")


def _pyc(_source: Source, head: bytes, _limits: Limits) -> Recognition | None:
    if len(head) < 20 or head[2:4] != b"\r\n":
        return None
    (magic,) = struct.unpack_from("<H", head)
    # The header has 8 bytes, since 3.3 12 and since PEP 552 (3.7) 16; a code object follows.
    if 3392 <= magic <= 3999:
        start = 16
    elif 3190 <= magic < 3392:
        start = 12
    elif 3000 <= magic < 3190 or 50428 <= magic <= 62211:
        start = 8
    else:
        return None
    if head[start] not in (0x63, 0xE3):
        return None
    return _proof(FileFormat.PYC, head[:4], f"Python byte code, magic {magic}")


def tar_checksum(head: bytes) -> bytes | None:
    """The checksum field of a tar header, None if it is not the header's checksum."""
    if len(head) < 512:
        return None
    stated = _TAR_CHECKSUM.match(head, 148, 156)
    if stated is None:
        return None
    actual = sum(head[:148]) + 8 * 0x20 + sum(head[156:512])
    return head[148:156] if int(stated[1], 8) == actual and head[0] else None


def _tar(_source: Source, head: bytes, _limits: Limits) -> Recognition | None:
    field = tar_checksum(head)
    if field is None:
        return None
    return _proof(FileFormat.TAR, field, "tar header checksum", offset=148)


def _bzip2(_source: Source, head: bytes, _limits: Limits) -> Recognition | None:
    if re.match(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", head):
        return _proof(FileFormat.BZIP2, head[:10], "bzip2 block")
    return None


def _disk_image(source: Source, _head: bytes, _limits: Limits) -> Recognition | None:
    if source.read(0x8001, 5) in (b"CD001", b"BEA01"):
        return _proof(FileFormat.ISO, source.read(0x8001, 5), "volume descriptor", 0x8001)
    if source.size >= 1024 and source.read(source.size - 512, 8) == b"conectix":
        return _proof(FileFormat.VHD, b"conectix", "VHD footer", source.size - 512)
    return None


def _media(source: Source, head: bytes, _limits: Limits) -> Recognition | None:
    found = media.recognise(head, source.size)
    return None if found is None else _proof(found.format, found.data, found.meaning)


def _text(_source: Source, head: bytes, _limits: Limits) -> Recognition | None:
    pdf = head[:_PDF_SEARCH].find(b"%PDF-")
    if pdf >= 0:
        return _proof(FileFormat.PDF, b"%PDF-", "PDF header", pdf)
    if not is_text(head):
        return None
    body = tokens.plain(head[:8192]).lstrip()
    if _XML.match(body):
        return FileFormat.XML, ()
    if _HTML.match(body):
        return FileFormat.HTML, ()
    return FileFormat.TEXT, ()


_CONTROLS = bytes(sorted(set(range(0x20)) - {0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1A, 0x1B}))


def is_text(head: bytes) -> bool:
    """Whether ``head`` reads as text: UTF-16 with a byte order mark, or no control bytes.

    Bytes above 0x7F are text in some code page.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        order = "utf-16-le" if head[0] == 0xFF else "utf-16-be"
        even = head[2 : len(head) - len(head) % 2]
        text = even.decode(order, "replace")
        return bool(text) and text.count("\0") == 0 and text.count("\ufffd") * 50 <= len(text)
    if head.translate(None, _CONTROLS) != head:
        return False
    high = len(head.translate(None, bytes(range(0x80))))
    return high * 10 <= len(head) * 3 or _utf8(head)


def _utf8(head: bytes) -> bool:
    try:
        head[: max(1, len(head) - 3)].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 7
    return True


_TESTS: tuple[Callable[[Source, bytes, Limits], Recognition | None], ...] = (
    _executable,
    _shebang,
    _prefix,
    _ole,
    _zip,
    _bzip2,
    _pyc,
    _media,
    _tar,
    _disk_image,
    _text,
)
