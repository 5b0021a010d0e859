"""XML property lists with the line and column of every value.

The values are those of plistlib. Entities are refused, as are keys that a dictionary has twice:
which of the two counts depends on the reader.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from xml.parsers import expat

from policyc.targets.base import ArtifactError

Step: TypeAlias = str | int
MOST_DEPTH = 64
MOST_VALUES = 1_000_000
_LONGEST_NUMBER = 32
_HEADERS = (b"<?xml ", b"\xef\xbb\xbf<?xml ", b"\xfe\xff", b"\xff\xfe")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")


@dataclass(frozen=True, slots=True)
class Plist:
    """A property list. ``places`` has the line and column, from 1, of what stands at each path."""

    value: Any
    places: dict[tuple[Step, ...], tuple[int, int]]
    declared: bool
    """Whether its XML declaration comes first, without which some tools refuse it."""

    def place(self, *path: Step) -> tuple[int, int]:
        """Where the value stands, or the nearest one around it; (0, 0) for nowhere."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return (0, 0)


def read_plist(data: bytes) -> Plist:
    """Read an XML property list; raises ArtifactError with the line."""
    text = data.lstrip()  # Apple's reader takes blanks in front, expat does not
    before = data[: len(data) - len(text)].count(b"\n")
    reader = _Reader(before)
    try:
        reader.parser.Parse(text, True)
    except expat.ExpatError as error:
        message = f"not a property list: {expat.ErrorString(error.code)}"
        raise _at(message, error.lineno + before, error.offset + 1) from error
    except (ValueError, LookupError) as error:
        raise reader.error(f"a malformed property list: {error}") from error
    finally:
        reader.forget()
    if not reader.finished:
        raise reader.error("not a property list: it holds no value")
    return Plist(reader.root, reader.places, data.startswith(_HEADERS))


def _at(message: str, line: int, column: int) -> ArtifactError:
    return ArtifactError(message, line=line, column=column)


@dataclass(slots=True)
class _Open:
    """A dictionary or array that is being read; ``key`` is the dictionary's last one."""

    value: Any
    path: tuple[Step, ...]
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    before: int = 0
    """Lines before the document."""
    parser: Any = field(default_factory=expat.ParserCreate)
    places: dict[tuple[Step, ...], tuple[int, int]] = field(default_factory=dict)
    root: Any = None
    finished: bool = False
    _open: list[_Open] = field(default_factory=list)
    _text: list[str] | None = None
    _path: tuple[Step, ...] = ()
    _depth: int = 0

    def __post_init__(self) -> None:
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.EntityDeclHandler = self._entity
        self.parser.buffer_text = True

    def forget(self) -> None:
        """Part from the parser: each knows the other, and the values would wait for a collector."""
        self.parser.StartElementHandler = self.parser.EndElementHandler = None
        self.parser.CharacterDataHandler = self.parser.EntityDeclHandler = None

    def error(self, message: str) -> ArtifactError:
        """An error at the place the parser is at."""
        return _at(message, *self._here())

    def _here(self) -> tuple[int, int]:
        line = int(self.parser.CurrentLineNumber) + self.before
        return line, int(self.parser.CurrentColumnNumber) + 1

    def _entity(self, *_: object) -> None:
        raise self.error("a property list declares no entities")

    def _start(self, tag: str, _: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH or len(self.places) > MOST_VALUES:
            raise self.error("a property list of more values than a policy has")
        if tag == "plist":
            if self._depth > 1:
                raise self.error("plist stands inside")
            return
        if tag not in _TAGS or self._text is not None:
            raise self.error(f"{tag} has no place here")
        if tag == "key":
            if not self._open or not isinstance(self._open[-1].value, dict):
                raise self.error("a key outside of a dictionary")
            if self._open[-1].key is not None:
                raise self.error(f"the key {self._open[-1].key!r} has no value")
            self._text = []
            return
        path = self._place()
        if tag in ("dict", "array"):
            self._open.append(_Open({} if tag == "dict" else [], path))
        else:
            self._text, self._path = [], path

    def _place(self) -> tuple[Step, ...]:
        """The path of the value that begins here."""
        here = self._here()
        if not self._open:
            if self.finished:
                raise self.error("a second value")
            self.places[()] = here
            return ()
        around = self._open[-1]
        if isinstance(around.value, list):
            step: Step = len(around.value)
        elif around.key is None:
            raise self.error("a value without a key")
        else:
            step = around.key
        path = (*around.path, step)
        self.places[path] = here
        return path

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)
        elif text.strip():
            raise self.error("text outside of a value")

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag == "plist":
            return
        if tag == "key":
            own, key = self._open[-1], self._taken()
            if key in own.value:
                raise self.error(f"the key {key!r} is there twice")
            own.key = key
        elif tag in ("dict", "array"):
            if self._open[-1].key is not None:
                raise self.error(f"the key {self._open[-1].key!r} has no value")
            self._done(self._open.pop().value)
        else:
            self._done(_TAGS[tag](self._taken()))

    def _taken(self) -> str:
        text, self._text = "".join(self._text or ()), None
        return text

    def _done(self, value: Any) -> None:  # noqa: ANN401
        if not self._open:
            self.root, self.finished = value, True
            return
        around = self._open[-1]
        if isinstance(around.value, list):
            around.value.append(value)
        else:
            around.value[around.key] = value
            around.key = None


def _number(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number too long")
    stripped = text.strip()
    return int(stripped, 16) if stripped.lower().startswith("0x") else int(stripped)


def _real(text: str) -> float:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number too long")
    return float(text)


def _date(text: str) -> dt.datetime:
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is no date")
    return dt.datetime(*map(int, found.groups()))  # type: ignore[arg-type]  # noqa: DTZ001


def _data(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


_TAGS: dict[str, Any] = {
    "dict": None,
    "array": None,
    "key": None,
    "string": str,
    "integer": _number,
    "real": _real,
    "true": lambda _: True,
    "false": lambda _: False,
    "date": _date,
    "data": _data,
}
