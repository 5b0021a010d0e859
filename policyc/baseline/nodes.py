"""YAML text to nodes with positions: every scalar stays text, nothing is guessed.

Built on PyYAML's events, which are several times faster than its composer and carry the
same marks. Anchors, aliases, merge keys, tags and duplicate keys are errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml

from policyc.baseline.collector import Collector
from policyc.model.diagnostic import Label
from policyc.model.span import Span

_MAX_DEPTH = 32
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SCALAR, _SEQUENCE_END, _MAPPING_END = yaml.ScalarEvent, yaml.SequenceEndEvent, yaml.MappingEndEvent
"""Looked for in a million events, so not each time in the module."""


class _Placed:
    """Something with a place.

    A baseline has a million of these and few are asked where they stand, so a place is kept as
    PyYAML's two marks until then. Nodes do not change once they are made.
    """

    __slots__ = ("_end", "_file", "_start")

    _file: str
    _start: Any
    _end: Any

    @property
    def span(self) -> Span:
        """From the first character to behind the last one."""
        return _span(self._file, self._start, self._end)


class Scalar(_Placed):
    """A text. ``plain`` is true when it was not quoted."""

    __slots__ = ("plain", "text")

    def __init__(self, text: str, plain: bool, file: str, start: Any, end: Any) -> None:  # noqa: ANN401, FBT001
        self.text = text
        self.plain = plain
        self._file = file
        self._start = start
        self._end = end


class Sequence(_Placed):
    """A list."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Node, ...], file: str, start: Any, end: Any) -> None:  # noqa: ANN401
        self.items = items
        self._file = file
        self._start = start
        self._end = end


class Mapping(_Placed):
    """Keys and values in their order; keys are unique."""

    __slots__ = ("entries",)

    def __init__(self, entries: Entries, file: str, start: Any, end: Any) -> None:  # noqa: ANN401
        self.entries = entries
        self._file = file
        self._start = start
        self._end = end

    def values(self) -> dict[str, Node]:
        """The values by the texts of their keys, for who asks for many of them."""
        return {name.text: value for name, value in self.entries}

    def get(self, key: str) -> Node | None:
        """The value of ``key``, or None."""
        for name, value in self.entries:
            if name.text == key:
                return value
        return None

    def key(self, key: str) -> Scalar | None:
        """The node of the key itself, or None."""
        for name, _ in self.entries:
            if name.text == key:
                return name
        return None


Node: TypeAlias = Scalar | Sequence | Mapping
Entries: TypeAlias = tuple[tuple[Scalar, Node], ...]


class _StopError(Exception):
    """Reading cannot go on; the reason is in the collector."""


def compose(text: str, file: str, collector: Collector) -> Node | None:
    """The document of ``text``, or None with the reason in ``collector``."""
    try:
        return _Builder(text, file, collector).document()
    except _StopError:
        return None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        span = Span(file=file, line=line, column=column, end_line=line, end_column=column + 1)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        collector.add("B001", f"not YAML: {problem}", span, remedy="mend the syntax at this place")
        return None


class _Builder:
    def __init__(self, text: str, file: str, collector: Collector) -> None:
        # Without yaml.parse, whose generator asks twice for each of millions of events.
        self._events: Iterator[Any] = iter(_LOADER(text).get_event, None)
        self._next = self._events.__next__
        self._file = file
        self._collector = collector

    def document(self) -> Node | None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                node = self._node(self._next(), 0)
                self._only_one()
                return node
        span = Span(file=self._file, line=1, column=1, end_line=1, end_column=1)
        self._collector.add("B001", "the file is empty", span, remedy="start with `policyc: 1`")
        return None

    def _only_one(self) -> None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._refuse("a second document", event, "keep one baseline in a file")
                raise _StopError

    def _node(self, event: Any, depth: int) -> Node:  # noqa: ANN401
        kind = type(event)
        if kind is _SCALAR and event.anchor is None and event.tag is None and depth <= _MAX_DEPTH:
            start, end = event.start_mark, event.end_mark
            return Scalar(event.value, not event.style, self._file, start, end)
        if depth > _MAX_DEPTH:
            self._refuse(f"more than {_MAX_DEPTH} levels", event, "flatten the file", code="B001")
            raise _StopError
        if kind is yaml.AliasEvent:
            self._refuse(f"the alias *{event.anchor}", event, "write the value out")
            return Scalar("", True, self._file, event.start_mark, event.end_mark)
        if event.anchor is not None:
            self._refuse(f"the anchor &{event.anchor}", event, "write the value out")
        if event.tag is not None:
            self._refuse(f"the tag {event.tag}", event, "leave the tag out")
        start, end = event.start_mark, event.end_mark
        if kind is _SCALAR:
            return Scalar(event.value, not event.style, self._file, start, end)
        if kind is yaml.SequenceStartEvent:
            items, end = self._items(depth + 1)
            return Sequence(items, self._file, start, end)
        entries, end = self._entries(depth + 1)
        return Mapping(entries, self._file, start, end)

    def _items(self, depth: int) -> tuple[tuple[Node, ...], Any]:
        """The items of a list and the mark of its end."""
        items = []
        while type(event := self._next()) is not _SEQUENCE_END:
            items.append(self._node(event, depth))
        return tuple(items), event.end_mark

    def _entries(self, depth: int) -> tuple[Entries, Any]:
        """The entries of a mapping and the mark of its end."""
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, Scalar] = {}
        while type(event := self._next()) is not _MAPPING_END:
            key = self._node(event, depth)
            value = self._node(self._next(), depth)
            if not isinstance(key, Scalar):
                self._collector.add(
                    "B004", "a key must be a text", key.span, remedy="use a plain word as the key"
                )
            elif key.text == "<<" and key.plain:
                self._refuse("a merge key", event, "write the values out")
            elif key.text in seen:
                self._collector.add(
                    "B002",
                    f"the key `{key.text}` stands twice",
                    key.span,
                    remedy="keep one of them",
                    other=Label(span=seen[key.text].span, text="first here"),
                )
            else:
                seen[key.text] = key
                entries.append((key, value))
        return tuple(entries), event.end_mark

    def _refuse(self, what: str, event: Any, remedy: str, code: str = "B003") -> None:  # noqa: ANN401
        span = _span(self._file, event.start_mark, event.end_mark)
        self._collector.add(code, f"{what} is not allowed here", span, remedy=remedy)


def _span(file: str, start: Any, end: Any) -> Span:  # noqa: ANN401
    """PyYAML counts lines and columns from 0."""
    return Span(
        file=file,
        line=start.line + 1,
        column=start.column + 1,
        end_line=end.line + 1,
        end_column=end.column + 1,
    )
