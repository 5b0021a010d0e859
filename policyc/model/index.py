"""Finding the few entries that can concern a value, instead of trying every one.

An index only leaves out what cannot match: whoever asks tries what it gives. So a wrong
answer of an index is a missing candidate and nothing else, which the properties test.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeAlias, TypeVar

A = TypeVar("A")
F = TypeVar("F")
R = TypeVar("R")
T = TypeVar("T")

Facet: TypeAlias = Callable[[F], Iterable[Hashable] | None]
"""The values a thing has of one kind; None means that they are not known."""


class Index(Generic[F, T]):
    """Entries by what a thing must have to match them, in the order they were added."""

    def __init__(self, facets: Mapping[str, Facet[F]]) -> None:
        self._facets = facets
        self._entries: list[T] = []
        self._always: list[int] = []
        self._tables: dict[str, dict[Hashable, list[int]]] = {}
        self._members: dict[str, list[int]] = {}

    def add(self, entry: T, facet: str | None, values: Iterable[Hashable] = ()) -> None:
        """Add an entry that needs one of ``values``; one with no facet is always found."""
        number = len(self._entries)
        self._entries.append(entry)
        if facet is None:
            self._always.append(number)
            return
        table = self._tables.setdefault(facet, {})
        for value in values:
            table.setdefault(value, []).append(number)
        self._members.setdefault(facet, []).append(number)

    def find(self, thing: F) -> list[T]:
        """Every entry that may match, once, in the order of adding."""
        found: list[int] = []
        for name, table in self._tables.items():
            values = self._facets[name](thing)
            if values is None:
                found += self._members[name]
                continue
            for value in values:
                if value in table:
                    found += table[value]
        if not found:
            return [self._entries[number] for number in self._always]
        return [self._entries[number] for number in sorted({*found, *self._always})]


def once_per_object(size: int) -> Callable[[Callable[[A], R]], Callable[[A], R]]:
    """Keep the results for the last ``size`` arguments, told apart by identity.

    For what is built once from a whole policy or inventory, which must not change and would
    take too long to hash. The kept arguments stay alive.
    """

    def wrap(build: Callable[[A], R]) -> Callable[[A], R]:
        kept: OrderedDict[int, tuple[A, R]] = OrderedDict()

        def get(argument: A) -> R:
            known = kept.get(id(argument))
            if known is not None:
                kept.move_to_end(id(argument))
                return known[1]
            result = build(argument)
            kept[id(argument)] = (argument, result)
            if len(kept) > size:
                kept.popitem(last=False)
            return result

        return get

    return wrap
