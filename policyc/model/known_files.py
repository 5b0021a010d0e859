"""The files of an inventory by what conditions ask of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeAlias

from policyc.model.decision import applies, holds
from policyc.model.facets import FACETS, facets_of, folded_path
from policyc.model.facts import FileFacts
from policyc.model.index import once_per_object
from policyc.model.ir import AllOf, Rule

Files: TypeAlias = tuple[FileFacts, ...]
Asked: TypeAlias = Callable[[FileFacts], bool]


class FileIndex:
    """Files that conditions are tried on. Tables are made when they are first asked for."""

    def __init__(self, files: Sequence[FileFacts]) -> None:
        self._files = files
        self._tables: dict[str, tuple[dict[Hashable, list[int]], list[int]]] = {}
        self._paths: tuple[list[str], list[int]] | None = None

    def possible(self, match: AllOf) -> list[FileFacts]:
        """A superset of the files for which ``match`` is not false, in their order."""
        best: Sequence[int] | None = None
        for atom in match.atoms:
            for facet, value in facets_of(atom):
                found = self._by(facet, value)
                if best is None or len(found) < len(best):
                    best = found
        if best is None:
            return list(self._files)
        return [self._files[number] for number in sorted(best)]

    def satisfying(self, rule: Rule) -> list[FileFacts]:
        """The files a rule applies to, in their order."""
        return [facts for facts in self.possible(rule.match) if applies(rule, facts) is True]

    def covered(self, covers: Iterable[AllOf]) -> list[FileFacts]:
        """The files for which one of ``covers`` is not false, each once."""
        found: dict[int, FileFacts] = {}
        for cover in covers:
            for facts in self.possible(cover):
                if id(facts) not in found and holds(cover, facts) is not False:
                    found[id(facts)] = facts
        return list(found.values())

    def _by(self, facet: str, value: Hashable) -> Sequence[int]:
        if facet == "folder":
            return self._below(str(value))
        if facet not in self._tables:
            self._tables[facet] = self._table(facet)
        table, unknown = self._tables[facet]
        found = table.get(value, [])
        return [*found, *unknown] if unknown else found

    def _table(self, facet: str) -> tuple[dict[Hashable, list[int]], list[int]]:
        table: dict[Hashable, list[int]] = {}
        unknown: list[int] = []
        get = FACETS[facet]
        for number, facts in enumerate(self._files):
            values = get(facts)
            if values is None:
                unknown.append(number)
                continue
            for value in set(values):
                table.setdefault(value, []).append(number)
        return table, unknown

    def _below(self, folder: str) -> Sequence[int]:
        if self._paths is None:
            keyed = sorted(
                (key, number)
                for number, facts in enumerate(self._files)
                if (key := folded_path(facts.path)) is not None
            )
            self._paths = [key for key, _ in keyed], [number for _, number in keyed]
        keys, numbers = self._paths
        low = bisect_left(keys, folder)
        # The next text that does not begin with the folder: its separator is one further.
        high = bisect_left(keys, folder[:-1] + chr(ord(folder[-1]) + 1))
        return numbers[low:high]


@once_per_object(8)
def file_index(files: tuple[FileFacts, ...]) -> FileIndex:
    """The index of a tuple of files, made once for each tuple."""
    return FileIndex(files)


@once_per_object(4)
def _by_engine(files: Files) -> dict[Asked, Files]:
    """What ``governed`` gave for a tuple of files."""
    del files
    return {}


def governed(files: Files, asked: Asked) -> Files:
    """The files for which ``asked`` is true, in their order; the same tuple every time."""
    known = _by_engine(files)
    if asked not in known:
        known[asked] = tuple(filter(asked, files))
    return known[asked]
