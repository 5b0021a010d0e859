"""The database inside a Windows Installer file: tables, properties and installed files.

Source: [MS-CFB] through olefile; the coding of stream names, ``_StringPool`` and the tables'
column-major layout as wine's dlls/msi (string.c, table.c) and msitools' libmsi read them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from policyc.readers.limits import Limits
from policyc.readers.reader import MalformedError, one_line
from policyc.readers.source import Source, SourceFile

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
_TABLE_MARK = "\u4840"
_LONG_REFERENCES = 0x80000000
_STRING = 0x0800
_MAX_ROWS = 200_000
_MAX_COLUMNS = 64
_MAX_TABLES = 1024
_SCHEMA = (("Table", 0x2F00), ("Number", 0x1502), ("Name", 0x2F00), ("Type", 0x1502))

Row = dict[str, "str | int | None"]


def decode_name(name: str) -> str:
    """A stream's name as it was before the coding of two characters in one."""
    pieces = []
    for char in name:
        code = ord(char)
        if 0x3800 <= code < 0x4800:
            code -= 0x3800
            pieces.append(_ALPHABET[code & 0x3F] + _ALPHABET[code >> 6 & 0x3F])
        elif 0x4800 <= code < 0x4840:
            pieces.append(_ALPHABET[code - 0x4800])
        else:
            pieces.append(char)
    return "".join(pieces)


class Database:
    """An open installer file; every method raises MalformedError."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._limits = limits
        self._ole: Any = open_ole(source)
        names = [entry[-1] for entry in self._ole.listdir() if len(entry) == 1]
        self.streams = {decode_name(name): name for name in names}
        self._strings, self._wide = self._string_pool()
        self._columns = self._layouts()

    def read(self, name: str, limit: int) -> bytes:
        """The content of a stream by its decoded name."""
        raw = self.streams.get(name)
        if raw is None:
            raise MalformedError(f"no stream {name!r}")
        return read_stream(self._ole, [raw], limit)

    def rows(self, table: str) -> Iterator[Row]:
        """The rows of a table, none if there is no such table."""
        layout = self._columns.get(table)
        if layout is None or _TABLE_MARK + table not in self.streams:
            return
        yield from self._rows(self.read(_TABLE_MARK + table, self._limits.max_table * 4), layout)

    def _rows(self, data: bytes, layout: list[tuple[str, int]]) -> Iterator[Row]:
        widths = [self._width(kind) for _, kind in layout]
        count = len(data) // max(1, sum(widths))
        starts = [count * sum(widths[:index]) for index in range(len(widths))]
        for row in range(min(count, _MAX_ROWS)):
            values: Row = {}
            for (name, kind), width, start in zip(layout, widths, starts, strict=True):
                at = start + row * width
                number = int.from_bytes(data[at : at + width], "little")
                if kind & _STRING:
                    values[name] = self._strings.get(number)
                elif number == 0:
                    values[name] = None
                else:
                    values[name] = number - (1 << (8 * width - 1))
            yield values

    def _width(self, kind: int) -> int:
        if kind & _STRING:
            return 3 if self._wide else 2
        return 4 if kind & 0xFF == 4 else 2

    def _string_pool(self) -> tuple[dict[int, str], bool]:
        limit = self._limits.max_table * 4
        pool = self.read(_TABLE_MARK + "_StringPool", limit)
        data = self.read(_TABLE_MARK + "_StringData", limit)
        if len(pool) < 4:
            raise MalformedError("_StringPool is cut off")
        (head,) = struct.unpack_from("<I", pool)
        codec = _codec(head & 0x7FFFFFFF)
        strings: dict[int, str] = {}
        index, position, high = 1, 0, 0
        for length, references in struct.iter_unpack("<HH", pool[4 : len(pool) - len(pool) % 4]):
            if length == 0 and references != 0:
                # The next entry's length has this one's references as its upper half.
                high = references
                continue
            size = length | high << 16
            high = 0
            strings[index] = data[position : position + size].decode(codec, "replace")
            position += size
            index += 1
        return strings, bool(head & _LONG_REFERENCES)

    def _layouts(self) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, dict[int, tuple[str, int]]] = {}
        if _TABLE_MARK + "_Columns" not in self.streams:
            return {}
        data = self.read(_TABLE_MARK + "_Columns", self._limits.max_table)
        for row in self._rows(data, list(_SCHEMA)):
            table, number, name, kind = (row[key] for key, _ in _SCHEMA)
            if not (isinstance(table, str) and isinstance(name, str)):
                continue
            if isinstance(number, int) and isinstance(kind, int) and len(found) <= _MAX_TABLES:
                found.setdefault(table, {})[number] = (name, kind & 0xFFFF)
        return {
            table: [columns[number] for number in sorted(columns)][:_MAX_COLUMNS]
            for table, columns in found.items()
        }


def _codec(page: int) -> str:
    """The Python codec of a Windows code page; 0 is neutral, which is ASCII in practice."""
    names = {0: "cp1252", 65001: "utf-8", 932: "cp932", 936: "gbk", 949: "cp949", 950: "big5"}
    if page in names:
        return names[page]
    return f"cp{page}" if 1250 <= page <= 1258 or page in (437, 850, 852, 866, 874) else "cp1252"


BROKEN = (
    OSError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    struct.error,
    RecursionError,
    AssertionError,
)
"""What olefile raises on hostile files."""


def open_ole(source: Source) -> Any:  # noqa: ANN401
    """An olefile object; raises MalformedError."""
    import olefile  # noqa: PLC0415  (only for compound files)

    try:
        return olefile.OleFileIO(SourceFile(source))
    except BROKEN as error:
        raise MalformedError(f"compound file: {one_line(error, 120)}") from error


def read_stream(ole: Any, path: list[str], limit: int) -> bytes:  # noqa: ANN401
    """Up to ``limit`` bytes of a stream; raises MalformedError."""
    try:
        with ole.openstream(path) as stream:
            data: bytes = stream.read(limit)
    except BROKEN as error:
        raise MalformedError(f"stream {path[-1]!r}: {one_line(error, 120)}") from error
    return data
