"""The import table of a PE image as one number, the imphash.

Source: "The .idata Section" of "PE Format" (Microsoft); the text that is hashed is that of
pefile's get_imphash: library without .dll, .sys or .ocx, a dot, the name or the name of the
ordinal, all lower case, joined by commas. pefile's ``ordlookup`` names the ordinals.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator

from policyc.readers.source import Source

_DESCRIPTOR = 20
_MAX_LIBRARIES = 1024
_MAX_IMPORTS = 0x10000
_MAX_NAME = 512
_STRIPPED = (".ocx", ".sys", ".dll")


def imphash(
    source: Source,
    directory: tuple[int, int],
    file_offset: Callable[[int], int | None],
    *,
    wide: bool,
) -> str | None:
    """The imphash in hexadecimal, None without an import that can be read."""
    if not directory[0]:
        return None
    names = list(_names(source, directory[0], file_offset, wide=wide))
    if not names:
        return None
    text = ",".join(names).encode("latin-1")
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def _names(
    source: Source, rva: int, file_offset: Callable[[int], int | None], *, wide: bool
) -> Iterator[str]:
    total = 0
    for index in range(_MAX_LIBRARIES):
        offset = file_offset(rva + index * _DESCRIPTOR)
        raw = b"" if offset is None else source.read(offset, _DESCRIPTOR)
        if len(raw) < _DESCRIPTOR or not any(raw):
            return
        lookup, _, _, name_rva, address = struct.unpack("<5I", raw)
        library = _text(source, file_offset(name_rva))
        if library is None:
            return
        stem = library.lower()
        for suffix in _STRIPPED:
            stem = stem.removesuffix(suffix) if library.lower().endswith(suffix) else stem
        for name in _functions(source, library, lookup or address, file_offset, wide=wide):
            total += 1
            if total > _MAX_IMPORTS:
                return
            yield f"{stem}.{name.lower()}"


def _functions(
    source: Source,
    library: str,
    table: int,
    file_offset: Callable[[int], int | None],
    *,
    wide: bool,
) -> Iterator[str]:
    layout = struct.Struct("<Q" if wide else "<I")
    by_ordinal = 1 << (63 if wide else 31)
    start = file_offset(table)
    if start is None:
        return
    for index in range(_MAX_IMPORTS):
        raw = source.read(start + index * layout.size, layout.size)
        if len(raw) < layout.size:
            return
        (value,) = layout.unpack(raw)
        if value == 0:
            return
        if value & by_ordinal:
            yield _ordinal(library, value & 0xFFFF)
            continue
        offset = file_offset(value & 0x7FFFFFFF)
        name = None if offset is None else _text(source, offset + 2)
        if name is None:
            return
        yield name


def _ordinal(library: str, number: int) -> str:
    import ordlookup  # noqa: PLC0415  (comes with pefile; few images need it)

    name = ordlookup.ordLookup(library.lower().encode("latin-1"), number, make_name=True)
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


def _text(source: Source, offset: int | None) -> str | None:
    if offset is None:
        return None
    raw = source.read(offset, _MAX_NAME)
    end = raw.find(b"\0")
    return raw[:end].decode("latin-1") if end > 0 else None
