"""Finding the few entries that can concern a value, instead of trying every one.

An index only leaves out what cannot match: whoever asks tries what it gives. So a wrong
answer of an index is a missing candidate and nothing else, which the properties test.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeAlias, TypeVar

A = TypeVar("A")
F = TypeVar("F")
R = TypeVar("R")
T = TypeVar("T")

REMEMBERED = 4096
"""Answers that are kept for things that are alike; more would not be met again often enough."""

Facet: TypeAlias = Callable[[F], Iterable[Hashable] | None]
"""The values a thing has of one kind; None means that they are not known."""


class _Part(NamedTuple, Generic[F]):
    """The entries of one facet: numbers by single values, by lists of them, and all of them."""

    facet: Facet[F]
    table: dict[Hashable, tuple[int, ...]]
    lists: list[tuple[int, frozenset[Hashable]]]
    members: list[int]


class Index(Generic[F, T]):
    """Entries by what a thing must have to match them, in the order they were added."""

    def __init__(self, facets: Mapping[str, Facet[F]]) -> None:
        self._facets = facets
        self._entries: list[T] = []
        self._always: list[int] = []
        self._parts: dict[str, _Part[F]] = {}
        self._uncertain: set[int] = set()
        self._settled: dict[tuple[int, ...], tuple[int, ...] | None] = {}

    def add(
        self, entry: T, facet: str | None, values: Iterable[Hashable] = (), *, certain: bool = False
    ) -> None:
        """Add an entry that needs one of ``values``; one with no facet is always found.

        Many values of few entries are best a frozenset, which is kept as it is.
        ``certain`` says that having one of the values is all it takes.
        """
        number = len(self._entries)
        self._entries.append(entry)
        if not certain:
            self._uncertain.add(number)
        if facet is None:
            self._always.append(number)
            return
        if facet not in self._parts:
            self._parts[facet] = _Part(self._facets[facet], {}, [], [])
        _, table, lists, members = self._parts[facet]
        members.append(number)
        if isinstance(values, frozenset):
            lists.append((number, values))
            return
        # One tuple for all values: there may be thousands.
        added: dict[Hashable, tuple[int, ...]] = dict.fromkeys(values, (number,))
        for value in table.keys() & added.keys():
            added[value] = (*table[value], number)
        table.update(added)

    def find(self, thing: F) -> list[T]:
        """Every entry that may match, once, in the order of adding."""
        found = self._find(thing)
        return [self._entries[number] for number in sorted({*found, *self._always})]

    def certain(self, thing: F) -> tuple[int, ...] | None:
        """The numbers of exactly the entries that match, or None if finding does not settle it.

        Things with the same numbers need to be decided only once.
        """
        # As ``_find``; this is asked for every file of an inventory, twice.
        key: tuple[int, ...] = ()
        for facet, table, lists, _ in self._parts.values():
            values = facet(thing)
            if values is None:
                return None
            for value in values:
                if value in table:
                    key += table[value]
                for number, own in lists:
                    if value in own:
                        key += (number,)
        if key in self._settled:
            return self._settled[key]
        numbers = sorted({*key, *self._always})
        settled = tuple(numbers) if self._uncertain.isdisjoint(numbers) else None
        if len(self._settled) < REMEMBERED:
            self._settled[key] = settled
        return settled

    def _find(self, thing: F) -> list[int]:
        """The numbers of the entries that one of their values is found for, some more than once."""
        found: list[int] = []
        for facet, table, lists, members in self._parts.values():
            values = facet(thing)
            if values is None:
                found += members
                continue
            for value in values:
                if value in table:
                    found += table[value]
                for number, own in lists:
                    if value in own:
                        found.append(number)
        return found


def once_per_object(size: int) -> Callable[[Callable[[A], R]], Callable[[A], R]]:
    """Keep the results for the last ``size`` arguments, told apart by identity.

    For what is built once from a whole policy or inventory, which must not change and would
    take too long to hash. The kept arguments stay alive.
    """

    def wrap(build: Callable[[A], R]) -> Callable[[A], R]:
        kept: OrderedDict[int, tuple[A, R]] = OrderedDict()
        last: list[tuple[A, R]] = []

        def get(argument: A) -> R:
            if last and last[0][0] is argument:
                return last[0][1]
            known = kept.pop(id(argument), None) or (argument, build(argument))
            kept[id(argument)] = known
            if len(kept) > size:
                kept.popitem(last=False)
            last[:] = (known,)
            return known[1]

        return get

    return wrap
