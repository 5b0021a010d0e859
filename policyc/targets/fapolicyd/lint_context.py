"""What the lint rules look at: the files of ``/etc/fapolicyd``, loaded as each version would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from policyc.targets.fapolicyd.accounts import Accounts
from policyc.targets.fapolicyd.daemon import (
    DaemonVersion,
    Field,
    Loaded,
    LoadedRule,
    RefusedError,
    load,
    merge,
)
from policyc.targets.lint_register import Place, Register

EVERY_VERSION = tuple(map(DaemonVersion.parse, ("1.1.7", "1.3.2", "1.4.5", "1.5.0", "2.0.1")))
"""The releases that distributions ship, and the first that fails closed."""

Found: TypeAlias = Iterator[tuple[Place, str]]


@dataclass(frozen=True)
class Context:
    """Texts by name, in three parts, and the versions to look with."""

    rules: Mapping[str, str]
    trust: Mapping[str, str]
    conf: Mapping[str, str]
    versions: Sequence[DaemonVersion] = EVERY_VERSION
    writable: frozenset[str] = frozenset()

    @cached_property
    def _merged(self) -> dict[DaemonVersion, tuple[str, tuple[tuple[str, int], ...]]]:
        found = {}
        for version in self.versions:
            merged = merge(self.rules, version)
            found[version] = (merged.text, merged.origin)
        return found

    @cached_property
    def accounts(self) -> Accounts:
        """Users and groups that the rules name; which of them a machine has is not known."""
        return Accounts()

    @cached_property
    def loads(self) -> dict[DaemonVersion, Loaded | RefusedError]:
        """What each version holds, or why it does not start."""
        found: dict[DaemonVersion, Loaded | RefusedError] = {}
        for version in self.versions if self.rules else ():
            try:
                found[version] = load(self._merged[version][0], version, self.accounts.names)
            except RefusedError as error:
                found[version] = error
        return found

    @cached_property
    def loaded(self) -> tuple[Loaded, ...]:
        """What the versions hold that load the rules."""
        return tuple(item for item in self.loads.values() if isinstance(item, Loaded))

    def place(self, version: DaemonVersion, line: int) -> Place:
        """Where a line of the compiled rules comes from."""
        origin = self._merged[version][1]
        if not 0 < line <= len(origin):
            return Place(min(self.rules, default="rules.d"))
        return Place(*origin[line - 1])

    def across(self, look: Callable[[Loaded], Iterator[tuple[int, str]]]) -> Found:
        """What ``look`` finds in each version, told once with the versions it holds for."""
        seen: dict[tuple[Place, str], list[DaemonVersion]] = {}
        for loaded in self.loaded:
            for line, text in look(loaded):
                seen.setdefault((self.place(loaded.version, line), text), []).append(loaded.version)
        yield from self.told(seen)

    def told(self, seen: Mapping[tuple[Place, str], Sequence[DaemonVersion]]) -> Found:
        """Each finding with its versions, which are left out where it holds for all."""
        for (place, text), versions in seen.items():
            every = len(set(versions)) == len(self.versions)
            named = ", ".join(map(str, versions))
            yield place, text if every else f"{text} ({named})"


HASHES = frozenset({"sha256hash", "filehash"})
"""Object fields that compare digests."""

MACROS = frozenset({"execdirs", "systemdirs", "untrusted"})
"""Words that stand for folders in dir= and exe=."""

REGISTER: Register[Context, Place] = Register()
"""The rules of fapolicyd, by code."""


def fields(rule: LoadedRule) -> Iterator[Field]:
    """All conditions of a rule."""
    yield from rule.subject
    yield from rule.object


def texts(item: Field) -> frozenset[str]:
    """The texts of a field; none for numbers."""
    value = item.value
    return frozenset(map(str, value)) if isinstance(value, frozenset) else frozenset()


def is_everything(side: Sequence[Field]) -> bool:
    """Whether a side of a rule holds for everything."""
    return all(item.name in ("all", "mode") for item in side)
