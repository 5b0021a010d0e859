"""Windows Installer packages: whether one carries a signature.

Source: [MS-CFB] for the directory entries, "Digital Signatures and Windows Installer". The
signature of a package is computed over its streams in an order of its own and is not
verified, so a signed package has UNKNOWN signatures.
"""

from __future__ import annotations

from policyc.model.facts import UNKNOWN
from policyc.model.formats import FileFormat
from policyc.readers.limits import Limits
from policyc.readers.reader import Reader, Reading
from policyc.readers.source import Source

_STREAM = "\x05DigitalSignature".encode("utf-16-le")
_STEP = 1 << 20


def _read(source: Source, _path: str, _limits: Limits) -> Reading:
    """Look for the stream's name; directory entries are aligned and never split a step."""
    for offset in range(0, source.size, _STEP):
        if _STREAM in source.read(offset, _STEP + len(_STREAM)):
            return Reading(signatures=UNKNOWN)
    return Reading()


READER = Reader(format=FileFormat.MSI, read=_read)
