"""Where something stands in a source file."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """A range in a text file; lines and columns count from 1, ``end_column`` is exclusive.

    In order of file and place. A tuple, because every rule has one and there are many.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Span(file="<none>", line=1, column=1, end_line=1, end_column=1)
"""Stands for values that were built in code, not read from a file."""
