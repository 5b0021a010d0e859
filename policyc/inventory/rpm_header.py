"""The files that an rpm header lists.

Source: rpmtag.h (tag numbers), "RPM V4 package format", section Header: two big-endian
counts, the index of (tag, type, offset, count), then the data.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_NAME, _VERSION, _RELEASE = 1000, 1001, 1002
_DIGESTS, _FLAGS, _DIR_INDEXES, _BASE_NAMES, _DIR_NAMES = 1035, 1037, 1116, 1117, 1118
_ALGORITHM = 5011
_INT32, _STRING, _STRING_ARRAY, _I18N = 4, 6, 8, 9
_ALGORITHMS = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512"}
_GHOST = 1 << 6
_MAX_COUNT = 1_000_000
_MAX_ENTRIES = 4096


def installed_files(header: bytes) -> Iterator[tuple[str, str, str, str]]:
    """(package, version-release, path, ``algorithm:digest`` or "") for every file.

    Ghost files are left out: the package does not deliver them. Raises ValueError for a
    header that is not one.
    """
    tags = _tags(header)
    name = _first(tags, _NAME)
    version = _first(tags, _VERSION)
    release = _first(tags, _RELEASE)
    bases = tags.get(_BASE_NAMES, [])
    folders = tags.get(_DIR_NAMES, [])
    indexes = tags.get(_DIR_INDEXES, [])
    digests = tags.get(_DIGESTS, [])
    flags = tags.get(_FLAGS, [])
    algorithm = _ALGORITHMS.get(int((tags.get(_ALGORITHM) or [1])[0]), "")
    for number, (base, index) in enumerate(zip(bases, indexes, strict=False)):
        if not int(index) < len(folders):
            raise ValueError("an rpm header names a directory that it does not list")
        if number < len(flags) and int(flags[number]) & _GHOST:
            continue
        digest = str(digests[number]) if number < len(digests) else ""
        stated = f"{algorithm}:{digest}" if digest and algorithm else ""
        yield str(name), f"{version}-{release}", f"{folders[int(index)]}{base}", stated


def _first(tags: dict[int, list[str | int]], tag: int) -> str:
    values = tags.get(tag)
    return str(values[0]) if values else ""


def _tags(header: bytes) -> dict[int, list[str | int]]:
    if len(header) < 8:
        raise ValueError("an rpm header is cut off")
    count, size = struct.unpack_from(">II", header)
    start = 8 + 16 * count
    if count > _MAX_ENTRIES or start + size > len(header):
        raise ValueError("an rpm header does not fit its sizes")
    data = header[start : start + size]
    found: dict[int, list[str | int]] = {}
    for index in range(count):
        tag, kind, offset, items = struct.unpack_from(">IIII", header, 8 + 16 * index)
        if items > _MAX_COUNT or offset > size:
            raise ValueError("an rpm header entry does not fit")
        if kind == _INT32 and offset + 4 * items <= size:
            found[tag] = list(struct.unpack_from(f">{items}I", data, offset))
        elif kind in (_STRING, _STRING_ARRAY, _I18N):
            found[tag] = list(_strings(data, offset, items))
    return found


def _strings(data: bytes, offset: int, count: int) -> Iterator[str]:
    for _ in range(count):
        end = data.find(b"\0", offset)
        if end < 0:
            raise ValueError("an rpm header string has no end")
        yield data[offset:end].decode("utf-8", "surrogateescape")
        offset = end + 1
