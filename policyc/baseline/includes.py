"""``include``: every file that belongs to a baseline, each read once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policyc.baseline import read
from policyc.baseline.collector import Collector
from policyc.baseline.nodes import Mapping, Node, compose
from policyc.baseline.sources import MAX_BYTES, Source, SourceError
from policyc.model.span import Span

MAX_FILES = 100
MAX_DEPTH = 16

TOP = (
    "policyc",
    "name",
    "include",
    "mode",
    "governs",
    "levels",
    "targets",
    "groups",
    "principals",
    "rules",
    "profiles",
    "accept",
)
"""The keys of a baseline."""

INCLUDED = ("policyc", "name", "include", "levels", "groups", "rules")
"""The keys of a file that another one includes: what is decided, not where and how strictly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One file of a baseline, composed. ``includes`` are the identities of what it includes."""

    source: Source
    top: Mapping
    includes: tuple[str, ...]


class Library:
    """The files read so far, by identity. The meaning is a set, so each file counts once."""

    def __init__(self, collector: Collector) -> None:
        self.units: dict[str, Unit] = {}
        self.sources: dict[str, str] = {}
        self._collector = collector
        self._chain: list[Source] = []
        self._size = 0

    def read_main(self, source: Source) -> Unit | None:
        """The baseline itself, with everything it includes."""
        return self._read(source, TOP)

    def read_included(self, place: Source, node: Node | None) -> tuple[str, ...]:
        """What an ``include`` list names in ``place``: the identities that could be read."""
        found = []
        for item in read.items(node, "include", self._collector):
            name = read.text(item, "include", self._collector)
            unit = None if name is None else self._include(place, name, item.span)
            if unit is not None:
                found.append(unit)
        return tuple(dict.fromkeys(found))

    def reached(self, start: Iterable[str]) -> tuple[Unit, ...]:
        """Everything that ``start`` includes, directly or not, and itself; in reading order."""
        seen: set[str] = set()
        waiting = list(start)
        while waiting:
            identity = waiting.pop()
            unit = self.units.get(identity)
            if unit is not None and identity not in seen:
                seen.add(identity)
                waiting.extend(unit.includes)
        return tuple(unit for identity, unit in self.units.items() if identity in seen)

    def _include(self, place: Source, name: str, span: Span) -> str | None:
        try:
            source = place.place.include(name)
        except SourceError as error:
            line = "" if error.line == 1 else f", line {error.line}"
            self._collector.add("B020", error.message + line, span, remedy=error.remedy)
            return None
        if source.identity in {item.identity for item in self._chain}:
            chain = [*(item.name for item in self._chain), source.name]
            message = f"{source.name} includes itself: {' → '.join(chain)}"
            self._collector.add("B021", message, span, remedy="remove one of these includes")
            return None
        if source.identity in self.units:
            return source.identity
        self._size += len(source.text)
        deep = len(self._chain) >= MAX_DEPTH
        if deep or len(self.units) >= MAX_FILES or self._size > MAX_BYTES:
            message = (
                f"a baseline is at most {MAX_FILES} files, {MAX_DEPTH} inside each other, "
                f"{MAX_BYTES >> 20} MiB in all"
            )
            self._collector.add("B020", message, span, remedy="put some of them together")
            return None
        return None if self._read(source, INCLUDED) is None else source.identity

    def _read(self, source: Source, keys: tuple[str, ...]) -> Unit | None:
        self.sources[source.name] = source.text
        root = compose(source.text, source.name, self._collector)
        top = read.mapping(root, "a baseline", TOP, self._collector)
        if top is None:
            return None
        self._check_keys(top, keys)
        self._check_version(top)
        self._chain.append(source)
        # The place in reading order is the including file's, so it goes in before the others.
        unit = Unit(source=source, top=top, includes=())
        self.units[source.identity] = unit
        includes = self.read_included(source, top.get("include"))
        self._chain.pop()
        unit = Unit(source=source, top=top, includes=includes)
        self.units[source.identity] = unit
        return unit

    def _check_keys(self, top: Mapping, keys: tuple[str, ...]) -> None:
        for key, _ in top.entries:
            if key.text in TOP and key.text not in keys:
                self._collector.add(
                    "B022",
                    f"an included file cannot have `{key.text}`",
                    key.span,
                    remedy="write it into the baseline that includes this file",
                )
        if all(top.get(key) is None for key in ("rules", "include", "groups")):
            self._collector.add(
                "B006",
                "a baseline without rules denies everything",
                top.span,
                remedy="add `rules:` or `include:`",
            )

    def _check_version(self, top: Mapping) -> None:
        node = top.get("policyc")
        version = read.text(node, "policyc", self._collector)
        if version != "1":
            span = top.span if node is None else node.span
            self._collector.add(
                "B006" if version is None else "B008",
                "the language version is missing or unknown",
                span,
                remedy="begin the file with `policyc: 1`",
            )
        if top.get("name") is None:
            message = "a baseline needs a name"
            self._collector.add("B006", message, top.span, remedy="add `name: …`")
