"""Text where no text should be, and programs written as text."""

from __future__ import annotations

import base64
import binascii
import re

from policyc.model.diagnostic import Proof
from policyc.model.facts import Trait
from policyc.model.formats import FileFormat
from policyc.readers import magic, pe, tokens
from policyc.readers.limits import Limits
from policyc.readers.source import MemorySource, Source

_HEADS = {
    FileFormat.JPEG: 12,
    FileFormat.PNG: 8,
    FileFormat.GIF: 6,
    FileFormat.BMP: 2,
    FileFormat.MP3: 4,
    FileFormat.TIFF: 4,
}
_ENDS = {
    FileFormat.PNG: (b"IEND\xae\x42\x60\x82", 8),
    FileFormat.JPEG: (b"\xff\xd9", 2),
    FileFormat.GIF: (b"\0\x3b", 2),
}
_TAIL = 256 * 1024
_LEAST = 16
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/\r\n]{128,}={0,2}")
_BASE64_STARTS = (b"TVqQ", b"TVpQ", b"TVoA", b"TVro", b"TVpB", b"TVqA", b"TVo")
_SERVED = re.compile(
    rb"<\?php[ \t\r\n]|<script[ >\t]|<%@[ \t]*(?:page|import)|<hta:app", re.IGNORECASE
)
_SMUGGLES = re.compile(
    rb"new\s{1,8}blob\b|mssaveoropenblob|mssaveblob|createobjecturl|\bdownload\s{0,8}=|atob\s{0,8}\(",
    re.IGNORECASE,
)
_PAYLOADS = {
    b"MZ": "PE",
    b"PK\x03\x04": "ZIP",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7-Zip",
    b"\x7fELF": "ELF",
    b"\xd0\xcf\x11\xe0": "OLE",
    b"L\0\0\0\x01\x14\x02\0": "LNK",
}
_RUNS = re.compile(rb"[A-Za-z0-9+/]{64,}")
_MAX_RUNS = 64
_ENCODED_STARTS = (
    *(b"TV" + bytes([letter]) for letter in b"ghijklmnopqrstuv"),
    *(base64.b64encode(start)[: len(start) * 4 // 3] for start in _PAYLOADS if len(start) > 2),
)
"""What the payloads' first bytes look like in base64, as far as they decide it."""


def code(head: bytes, *, certain: bool = True) -> tuple[Trait, ...]:
    """A ``code`` trait for the language that a text has the most signs of.

    ``certain`` says that the content cannot be a text by its name; otherwise prose with
    code in it has none.
    """
    body = tokens.plain(head)
    signs = tokens.strongest(body) if certain else tokens.beginning(body)
    if signs is None:
        return ()
    detail = f"{signs.count} {signs.language}"
    exact = head[signs.offset : signs.offset + len(signs.evidence)] == signs.evidence
    proof = Proof(offset=signs.offset, data=signs.evidence, meaning=f"sign of {signs.language}")
    return (Trait(kind="code", detail=detail, proofs=(proof,) if exact else ()),)


def behind_magic(head: bytes, actual: FileFormat) -> tuple[Trait, ...]:
    """``text-behind-magic``: a medium's first bytes and then nothing but text."""
    start = _HEADS.get(actual)
    body = b"" if start is None else head[start : start + 4096]
    if start is None or len(body) < _LEAST or not _readable(body):
        return ()
    proof = Proof(offset=start, data=body[:32], meaning="text where the structure should be")
    return (Trait(kind="text-behind-magic", proofs=(proof,)),)


def trailing(data: bytes, actual: FileFormat) -> tuple[Trait, ...]:
    """``trailing-code``: script text behind the end of a picture, or in it if it is served."""
    served = _served(data)
    if served is not None:
        return (served,)
    mark = _ENDS.get(actual)
    at = -1 if mark is None else data.rfind(mark[0], max(0, len(data) - _TAIL))
    if mark is None or at < 0:
        return ()
    begin = at + mark[1]
    tail = data[begin : begin + 65536].strip(b"\0")
    if len(tail) < _LEAST or not _readable(tail):
        return ()
    proof = Proof(offset=begin, data=data[begin : begin + 32], meaning="text behind the end")
    signs = tokens.strongest(tokens.plain(tail))
    detail = "text" if signs is None else signs.language
    return (Trait(kind="trailing-code", detail=detail, proofs=(proof,)),)


def _served(data: bytes) -> Trait | None:
    """Server or browser code in a picture, with text around it."""
    for match in _SERVED.finditer(data):
        if _readable(data[match.start() : match.start() + 48]):
            proof = Proof(offset=match.start(), data=match[0], meaning="start of active code")
            return Trait(kind="active-code", detail="code that a server runs", proofs=(proof,))
    return None


def _readable(body: bytes) -> bool:
    plain = tokens.plain(body)
    return (
        bool(plain)
        and magic.is_text(body)
        and sum(32 <= c < 127 for c in plain) * 10 >= len(plain) * 7
    )


def encoded(head: bytes, limits: Limits) -> tuple[Trait, ...]:
    """``encoded-program``: base64 text that decodes to a PE image."""
    for start in _BASE64_STARTS:
        at = head.find(start)
        match = _BASE64_LINE.match(head, at) if at >= 0 else None
        if match is None:
            continue
        content = _decoded(match[0].translate(None, b"\r\n"))
        if content[:2] == b"MZ" and pe.header(MemorySource(content.ljust(4096, b"\0")), limits):
            proof = Proof(offset=at, data=head[at : at + 48], meaning="base64 of a PE image")
            return (Trait(kind="encoded-program", detail="base64 of PE", proofs=(proof,)),)
    return ()


def smuggling(source: Source, head: bytes) -> tuple[Trait, ...]:
    """``smuggling``: markup that assembles a file in the browser from base64 text."""
    data = source.read(0, 4 << 20) if source.size > len(head) else head
    # A few literals cost less than one pattern over a page without any of them.
    lower = data.lower()
    if not any(word in lower for word in (b"blob", b"atob", b"createobjecturl", b"download")):
        return ()
    if not any(start in data for start in _ENCODED_STARTS):
        return ()
    way = _SMUGGLES.search(data)
    if way is None:
        return ()
    for index, match in enumerate(_RUNS.finditer(data)):
        if index >= _MAX_RUNS:
            break
        content = _decoded(match[0][:64])
        for start, name in _PAYLOADS.items():
            if content.startswith(start):
                proofs = (
                    Proof(offset=way.start(), data=way[0], meaning="saves a file"),
                    Proof(offset=match.start(), data=match[0][:48], meaning=f"base64 of {name}"),
                )
                return (Trait(kind="smuggling", detail=name, proofs=proofs),)
    return ()


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text[: len(text) - len(text) % 4])
    except binascii.Error:
        return b""
