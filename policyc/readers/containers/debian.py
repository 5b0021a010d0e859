"""Debian packages: the files as dpkg installs them, and the maintainer scripts.

Source: deb(5). A package is an ar archive whose ``data.tar`` holds the installed files and
whose ``control.tar`` the scripts, here under ``DEBIAN/`` as in dpkg-deb -R.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyc.model.inventory import SkipReason
from policyc.readers.containers.member import ContainerError
from policyc.readers.limits import Limits
from policyc.readers.source import Source

_HEADER = 60
_MAGIC = 8


def parts(source: Source, limits: Limits) -> Iterator[tuple[str, int, int]]:
    """(prefix, offset, size) of the two tar files; raises ContainerError."""
    position = _MAGIC
    for _ in range(limits.max_blobs):
        head = source.read(position, _HEADER)
        if len(head) < _HEADER:
            return
        digits = head[48:58].strip()
        if head[58:60] != b"`\n" or not digits.isdigit():
            raise ContainerError(SkipReason.MALFORMED, "an ar header is broken")
        name, size = head[:16].rstrip(b" /"), int(digits)
        position += _HEADER
        if position + size > source.size:
            raise ContainerError(SkipReason.MALFORMED, "an ar member is cut off")
        if name.startswith(b"data.tar"):
            yield "", position, size
        elif name.startswith(b"control.tar"):
            yield "DEBIAN/", position, size
        position += size + size % 2
