"""The resource directory of a PE image: type, name, language, data.

Source: "The .rsrc Section" (Microsoft, PE Format).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from policyc.readers.source import Source

_SUBDIRECTORY = 0x80000000
_MAX_ENTRIES = 256


class ResourceTree:
    """The tree below the resource ``directory`` (RVA, size) of an image."""

    def __init__(
        self,
        source: Source,
        directory: tuple[int, int],
        file_offset: Callable[[int], int | None],
    ) -> None:
        self._source = source
        self._file_offset = file_offset
        self._base = file_offset(directory[0]) if directory[0] and directory[1] else None

    def data(self, kind: int, name: int | None, most: int) -> bytes | None:
        """The first ``most`` bytes of a resource in its first language, None if it is not there.

        ``kind`` is the type (RT_VERSION is 16); a ``name`` of None takes the first one.
        """
        if self._base is None:
            return None
        target = self._entry(0, kind)
        for wanted in (name, None):
            if target is None or not target & _SUBDIRECTORY:
                return None
            target = self._entry(target & ~_SUBDIRECTORY, wanted)
        if target is None or target & _SUBDIRECTORY:
            return None
        raw = self._source.read(self._base + target, 8)
        if len(raw) < 8:
            return None
        rva, size = struct.unpack("<II", raw)
        offset = self._file_offset(rva)
        return None if offset is None else self._source.read(offset, min(size, most))

    def _entry(self, place: int, wanted: int | None) -> int | None:
        offset = (self._base or 0) + place
        head = self._source.read(offset, 16)
        if len(head) < 16:
            return None
        named, numbered = struct.unpack_from("<HH", head, 12)
        table = self._source.read(offset + 16, 8 * min(named + numbered, _MAX_ENTRIES))
        for name, target in struct.iter_unpack("<II", table[: len(table) - len(table) % 8]):
            if wanted is None or name == wanted:
                return int(target)
        return None
