"""The icon that a program is shown with, as a 64-bit difference hash.

Sources: "Icons" and "GRPICONDIR" (Microsoft), BITMAPINFOHEADER, PNG (W3C, third edition). The
hash: flattened on white, averaged to 9 x 8 grey values, one bit for each pair of neighbours
in a row, set where the left one is brighter. Two icons look alike at a distance of at most 6.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise

from policyc.readers.resource_tree import ResourceTree

_RT_ICON, _RT_GROUP_ICON = 3, 14
_MAX_DATA = 1 << 19
_MAX_SIDE = 256
_WANTED_SIDE = 64
"""The largest image up to this side is hashed: larger ones cost more and say the same."""

_COLUMNS, _ROWS = 9, 8
_PNG = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

Grey = list[list[int]]
"""Rows of grey values, 0 to 255, top row first."""


def icon_hash(tree: ResourceTree) -> str | None:
    """The hash of the first icon of an image as 16 hex digits; None without a readable one."""
    group = tree.data(_RT_GROUP_ICON, None, 6 + 14 * 64)
    if group is None or len(group) < 6:
        return None
    entries = [
        struct.unpack_from("<BBBBHHIH", group, at)
        for at in range(6, min(len(group), 6 + 14 * struct.unpack_from("<H", group, 4)[0]) - 13, 14)
    ]
    ranked = sorted(entries, key=_preference, reverse=True)
    for entry in ranked[:2]:
        data = tree.data(_RT_ICON, entry[7], _MAX_DATA)
        grey = None if data is None else decode(data)
        if grey is not None:
            return difference_hash(grey)
    return None


def _preference(entry: tuple[int, ...]) -> tuple[int, int]:
    side = entry[0] or _MAX_SIDE
    return (side if side <= _WANTED_SIDE else -side, entry[5])


def distance(one: str, other: str) -> int:
    """In how many of the 64 bits two hashes differ; ValueError for anything else."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def difference_hash(grey: Grey) -> str:
    """The hash of an image of any size."""
    small = _shrunk(grey)
    bits = 0
    for row in small:
        for left, right in pairwise(row):
            bits = bits << 1 | (left > right)
    return f"{bits:016x}"


def _shrunk(grey: Grey) -> Grey:
    height, width = len(grey), len(grey[0])
    rows = []
    for at in range(_ROWS):
        band = grey[
            at * height // _ROWS : max((at + 1) * height // _ROWS, at * height // _ROWS + 1)
        ]
        row = []
        for column in range(_COLUMNS):
            start = column * width // _COLUMNS
            stop = max((column + 1) * width // _COLUMNS, start + 1)
            cells = [value for line in band for value in line[start:stop]]
            row.append(sum(cells) // len(cells))
        rows.append(row)
    return rows


def decode(data: bytes) -> Grey | None:
    """An icon image, DIB or PNG, flattened on white; None if it is not one or not readable."""
    try:
        return _png(data) if data.startswith(_PNG) else _dib(data)
    except (struct.error, IndexError, zlib.error, ValueError):
        return None


def _on_white(red: int, green: int, blue: int, alpha: int) -> int:
    grey = (299 * red + 587 * green + 114 * blue) // 1000
    return (grey * alpha + 255 * (255 - alpha)) // 255


def _dib(data: bytes) -> Grey | None:
    size, width, doubled, _, depth, packed = struct.unpack_from("<IiiHHI", data)
    height = doubled // 2
    if size < 40 or packed or not 0 < width <= _MAX_SIDE or not 0 < height <= _MAX_SIDE:
        return None
    if depth not in (1, 4, 8, 24, 32):
        return None
    colours = struct.unpack_from("<I", data, 32)[0] or (1 << depth if depth <= 8 else 0)
    palette = [tuple(data[size + 4 * n : size + 4 * n + 3]) for n in range(min(colours, 256))]
    start = size + 4 * colours
    stride = (width * depth + 31) // 32 * 4
    mask_start, mask_stride = start + stride * height, (width + 31) // 32 * 4
    opaque = depth == 32 and any(data[start + 3 : mask_start : 4])
    rows = []
    for y in reversed(range(height)):
        line = data[start + y * stride : start + (y + 1) * stride]
        mask = data[mask_start + y * mask_stride : mask_start + (y + 1) * mask_stride]
        row = []
        for x in range(width):
            blue, green, red = _pixel(line, x, depth, palette)
            alpha = line[4 * x + 3] if opaque else 255 * (not _bit(mask, x))
            row.append(_on_white(red, green, blue, alpha))
        rows.append(row)
    return rows


def _bit(mask: bytes, x: int) -> bool:
    return x // 8 < len(mask) and bool(mask[x // 8] >> (7 - x % 8) & 1)


def _pixel(
    line: bytes, x: int, depth: int, palette: Sequence[tuple[int, ...]]
) -> tuple[int, int, int]:
    if depth >= 24:
        at = x * depth // 8
        return line[at], line[at + 1], line[at + 2]
    per = 8 // depth
    index = line[x // per] >> (8 - depth * (x % per + 1)) & ((1 << depth) - 1)
    blue, green, red = palette[index]
    return blue, green, red


def _png(data: bytes) -> Grey | None:
    width, height, depth, kind, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    if depth != 8 or kind not in _CHANNELS or interlaced:
        return None
    if not 0 < width <= _MAX_SIDE or not 0 < height <= _MAX_SIDE:
        return None
    palette, clear, packed = b"", b"", b""
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if name == b"IDAT":
            packed += body
        elif name == b"PLTE":
            palette = body
        elif name == b"tRNS" and kind == 3:
            clear = body
        at += 12 + length
    step = _CHANNELS[kind]
    lines = _unfiltered(packed, width * step, height, step)
    return [
        [_png_pixel(line[x * step : x * step + step], kind, palette, clear) for x in range(width)]
        for line in lines
    ]


def _unfiltered(packed: bytes, stride: int, height: int, step: int) -> list[bytearray]:
    raw = zlib.decompressobj().decompress(packed, (stride + 1) * height)
    if len(raw) < (stride + 1) * height:
        raise ValueError("the image data end early")
    lines: list[bytearray] = []
    above = bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        line = bytearray(raw[start + 1 : start + 1 + stride])
        kind = raw[start]
        for x in range(stride):
            left = line[x - step] if x >= step else 0
            corner = above[x - step] if x >= step else 0
            line[x] = line[x] + _predicted(kind, left, above[x], corner) & 0xFF
        lines.append(line)
        above = line
    return lines


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 0:
        return 0
    if kind == 1:
        return left
    if kind == 2:
        return up
    if kind == 3:
        return (left + up) // 2
    if kind != 4:
        raise ValueError("an unknown filter")
    guess = left + up - corner
    # Paeth's order for ties is left, up, corner, which min keeps.
    return min((left, up, corner), key=lambda value: abs(guess - value))


def _png_pixel(cell: bytearray, kind: int, palette: bytes, clear: bytes) -> int:
    if kind == 3:
        index = cell[0]
        red, green, blue = palette[3 * index : 3 * index + 3]
        return _on_white(red, green, blue, clear[index] if index < len(clear) else 255)
    if kind in (0, 4):
        return _on_white(cell[0], cell[0], cell[0], cell[1] if kind == 4 else 255)
    return _on_white(cell[0], cell[1], cell[2], cell[3] if kind == 6 else 255)
