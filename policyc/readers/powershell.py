"""The signature block of a PowerShell file: who signed it and whether the text still matches.

Source: about_Signing (PowerShell documentation) for the block; that the digest is over the
text before the line end in front of the block, as UTF-16LE with its byte order mark, is what
osslsigncode (script.c) computes and Windows accepts. Without a byte order mark Windows
PowerShell reads the file in the ANSI code page and PowerShell 7 as UTF-8: a digest of either
reading counts.
"""

from __future__ import annotations

import base64
import binascii
import re

from policyc.model.facts import UNKNOWN, Fact
from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.readers import authenticode, cms
from policyc.readers.limits import Limits
from policyc.readers.source import Source

_MAX_TEXT = 16 << 20
_BEGIN = re.compile(r"(?:\r\n|\n|\A)(?:# |<!-- )SIG # Begin signature block(?: -->)?\r?\n")
_END = re.compile(r"(?:# |<!-- )SIG # End signature block")
_FRAME = re.compile(r"^(?:# |<!-- )|(?: -->)?\r?$", re.MULTILINE)


def signatures(source: Source, limits: Limits) -> Fact[tuple[Signature, ...]]:
    """The signatures of the file; UNKNOWN for one that is too large to look at."""
    if source.size > _MAX_TEXT:
        return UNKNOWN
    data = source.read(0, source.size)
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    order = "utf-16-be" if data.startswith(b"\xfe\xff") else "utf-16-le"
    text = data.decode(order, "surrogatepass") if wide and len(data) % 2 == 0 else None
    text = data.decode("latin-1") if text is None else text
    begin = _last(text)
    if begin is None:
        return ()
    end = _END.search(text, begin.end())
    if end is None:
        return (_invalid("the signature block has no end"),)
    encoded = _FRAME.sub("", text[begin.end() : end.start()])
    try:
        blob = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return (_invalid("the signature block is no base64"),)
    if len(blob) > limits.max_cms:
        return (_invalid(f"a signature of {len(blob)} bytes"),)
    if text[end.end() :].strip() not in ("", "-->"):
        return (_invalid("there is text behind the signature block"),)
    covered = _readings(text[: begin.start()], wide=wide, order=order)

    def digests(algorithm: str) -> tuple[bytes, ...]:
        return tuple(cms.digest(algorithm, item) for item in covered)

    return authenticode.of_blob(blob, digests, limits)


def _last(text: str) -> re.Match[str] | None:
    found = None
    for found in _BEGIN.finditer(text):  # noqa: B007  (the last one counts)
        pass
    return found


def _readings(text: str, *, wide: bool, order: str) -> tuple[bytes, ...]:
    """The text as UTF-16LE in every reading that Windows may give it."""
    if wide:
        return (text.encode(order, "surrogatepass"),)
    raw = text.encode("latin-1")
    return tuple(
        raw.decode(codec, "replace").encode("utf-16-le", "surrogatepass")
        for codec in ("utf-8", "cp1252")
    )


def _invalid(detail: str) -> Signature:
    return Signature(kind=SignatureKind.AUTHENTICODE, grade=SignatureGrade.INVALID, detail=detail)
