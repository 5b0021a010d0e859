"""Which formats a file name promises, and what its extension does.

The table ``extensions.tsv`` beside this file names its sources. An extension that is not in
it claims nothing. Users add rows of their own in the same form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from policyc.model.formats import FileFormat

COLUMNS = (
    "extension",
    "class",
    "platform",
    "handler",
    "hidden",
    "lure",
    "formats",
    "lists",
    "sources",
)
CLASSES = ("", "runs", "opens", "code", "macros", "listed")
_SHIPPED = Path(__file__).with_name("extensions.tsv")
_MAX_BYTES = 1 << 20


class ExtensionsError(Exception):
    """A table of extensions that cannot be used; the text has file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One row of the table.

    ``runs`` says that a double click starts it, ``opens`` that it is shown as a drive or a
    notebook, ``lure`` that people take it for harmless, ``hidden`` that Explorer never shows it.
    """

    name: str
    kind: str = ""
    platform: str = ""
    handler: str = ""
    hidden: bool = False
    lure: bool = False
    formats: tuple[FileFormat, ...] = ()
    lists: tuple[str, ...] = ()
    sources: str = ""

    @property
    def acts(self) -> bool:
        """Whether it starts something, or shows what does, by itself."""
        return self.kind in {"runs", "opens"}


def read_extensions(path: Path) -> tuple[Extension, ...]:
    """The rows of a table; raises ExtensionsError with the line, OSError if it cannot be read."""
    if path.stat().st_size > _MAX_BYTES:
        raise ExtensionsError(f"{path}: larger than 1 MiB")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ExtensionsError(f"{path}: not UTF-8") from error
    numbered = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not numbered:
        raise ExtensionsError(f"{path}: no header; it begins with: {' '.join(COLUMNS)} (tabs)")
    number, first = numbered[0]
    header = first.split("\t")
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or "extension" not in header:
        what = (
            f"no column is named {unknown[0]!r}" if unknown else "the column extension is missing"
        )
        raise ExtensionsError(f"{path}:{number}: {what}; possible: {', '.join(COLUMNS)}")
    return tuple(_rows(path, header, numbered[1:]))


def _rows(path: Path, header: list[str], lines: list[tuple[int, str]]) -> Iterator[Extension]:
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) > len(header):
            raise ExtensionsError(f"{path}:{number}: {len(cells)} cells, {len(header)} columns")
        try:
            yield _row(dict(zip(header, cells, strict=False)))
        except ValueError as error:
            raise ExtensionsError(f"{path}:{number}: {error}") from error


def _row(cells: dict[str, str]) -> Extension:
    name = cells["extension"].lower().removeprefix(".")
    if not name or any(char in name for char in "./\\ "):
        raise ValueError(f"{name!r} is no extension")
    kind = cells.get("class", "")
    if kind not in CLASSES:
        raise ValueError(f"{kind!r} is no class; possible: {', '.join(CLASSES[1:])}")
    return Extension(
        name=name,
        kind=kind,
        platform=cells.get("platform", ""),
        handler=cells.get("handler", ""),
        hidden=_flag(cells.get("hidden", "")),
        lure=_flag(cells.get("lure", "")),
        formats=tuple(FileFormat(word) for word in cells.get("formats", "").split()),
        lists=tuple(cells.get("lists", "").split()),
        sources=cells.get("sources", ""),
    )


def _flag(text: str) -> bool:
    if text not in ("", "yes"):
        raise ValueError(f"{text!r} is neither yes nor empty")
    return bool(text)


_TABLE: dict[str, Extension] = {item.name: item for item in read_extensions(_SHIPPED)}


def use_extensions(rows: Iterable[Extension]) -> None:
    """Add rows to the table of this process, or replace those of the same name."""
    _TABLE.update((item.name, item) for item in rows)
    known_as.cache_clear()
    usual_extensions.cache_clear()


def extension_row(name: str) -> Extension | None:
    """The row of an extension (no dot, lower case), None if it is not in the table."""
    return _TABLE.get(name)


def claimed_by(extension: str) -> tuple[FileFormat, ...]:
    """The formats that ``extension`` (no dot, lower case) promises; empty if none."""
    row = _TABLE.get(extension)
    return () if row is None else row.formats


@cache
def known_as(kind: Literal["acts", "lure", "hidden"]) -> frozenset[str]:
    """The extensions that act when opened, that people trust, or that Explorer hides."""
    return frozenset(row.name for row in _TABLE.values() if getattr(row, kind))


@cache
def usual_extensions(actual: FileFormat) -> tuple[str, ...]:
    """The extensions under which a format is usual, sorted."""
    return tuple(sorted(row.name for row in _TABLE.values() if actual in row.formats))
