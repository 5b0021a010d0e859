"""YAML text to nodes with positions: every scalar stays text, nothing is guessed.

Built on PyYAML's events, which are several times faster than its composer and carry the
same marks. Anchors, aliases, merge keys, tags and duplicate keys are errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from policyc.baseline.collector import Collector
from policyc.model.diagnostic import Label
from policyc.model.span import Span

_MAX_DEPTH = 32
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text. ``plain`` is true when it was not quoted."""

    text: str
    span: Span
    plain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Keys and values in their order; keys are unique."""

    entries: tuple[tuple[Scalar, Node], ...]
    span: Span

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
        self._file = file
        self._collector = collector

    def document(self) -> Node | None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                node = self._node(next(self._events), 0)
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
        if kind is yaml.ScalarEvent and event.anchor is event.tag is None and depth <= _MAX_DEPTH:
            return Scalar(text=event.value, span=self._span(event, event), plain=not event.style)
        if depth > _MAX_DEPTH:
            self._refuse(f"more than {_MAX_DEPTH} levels", event, "flatten the file", code="B001")
            raise _StopError
        if kind is yaml.AliasEvent:
            self._refuse(f"the alias *{event.anchor}", event, "write the value out")
            return Scalar(text="", span=self._span(event, event))
        if event.anchor is not None:
            self._refuse(f"the anchor &{event.anchor}", event, "write the value out")
        if event.tag is not None:
            self._refuse(f"the tag {event.tag}", event, "leave the tag out")
        if kind is yaml.ScalarEvent:
            plain = not event.style
            return Scalar(text=event.value, span=self._span(event, event), plain=plain)
        if kind is yaml.SequenceStartEvent:
            return self._sequence(event, depth)
        return self._mapping(event, depth)

    def _sequence(self, start: Any, depth: int) -> Sequence:  # noqa: ANN401
        items = []
        while type(event := next(self._events)) is not yaml.SequenceEndEvent:
            items.append(self._node(event, depth + 1))
        return Sequence(items=tuple(items), span=self._span(start, event))

    def _mapping(self, start: Any, depth: int) -> Mapping:  # noqa: ANN401
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, Scalar] = {}
        while type(event := next(self._events)) is not yaml.MappingEndEvent:
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                self._collector.add(
                    "B004", "a key must be a text", key.span, remedy="use a plain word as the key"
                )
            elif key.plain and key.text == "<<":
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
        return Mapping(entries=tuple(entries), span=self._span(start, event))

    def _refuse(self, what: str, event: Any, remedy: str, code: str = "B003") -> None:  # noqa: ANN401
        self._collector.add(
            code, f"{what} is not allowed here", self._span(event, event), remedy=remedy
        )

    def _span(self, start: Any, end: Any) -> Span:  # noqa: ANN401
        return Span(
            file=self._file,
            line=start.start_mark.line + 1,
            column=start.start_mark.column + 1,
            end_line=end.end_mark.line + 1,
            end_column=end.end_mark.column + 1,
        )
