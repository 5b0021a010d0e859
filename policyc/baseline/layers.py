"""A baseline and its profiles put together: one PolicyIR for one group of machines."""

from __future__ import annotations

from policyc.baseline import read
from policyc.baseline.acceptance import Acceptance, check_accepted_rules, read_accept
from policyc.baseline.collector import Collector, did_you_mean
from policyc.baseline.entries import Entry, check_unique, read_entries
from policyc.baseline.groups import Groups
from policyc.baseline.includes import Library, Unit
from policyc.baseline.nodes import Node
from policyc.baseline.principals import read_principals, with_ids
from policyc.baseline.profiles import (
    Profile,
    Settings,
    dropped,
    over,
    read_profiles,
    read_settings,
)
from policyc.baseline.rules import Surroundings
from policyc.checks.waiving import waived
from policyc.model.facts import Collection
from policyc.model.inventory import Inventory
from policyc.model.ir import Mode, PolicyIR, Rule

DEFAULT_GOVERNS = (
    Collection.EXECUTABLE,
    Collection.LIBRARY,
    Collection.SCRIPT,
    Collection.INSTALLER,
)


class UnknownProfileError(Exception):
    """There is no such profile; the message says which there are."""


class Reading:
    """One pass over a baseline and all its profiles.

    Every profile is read, so that its errors are reported; only the one asked for reads
    inventories and is put together.
    """

    def __init__(self, main: Unit, library: Library, collector: Collector) -> None:
        self._main = main
        self._library = library
        self._collector = collector
        self._profiles = read_profiles(main.top.get("profiles"), collector)
        self._includes = {
            name: library.read_included(main.source, profile.own.get("include"))
            for name, profile in self._profiles.items()
        }
        self._accepted = read_accept(main.top.get("accept"), collector)
        self._accepted_by = {
            name: read_accept(profile.own.get("accept"), collector)
            for name, profile in self._profiles.items()
        }
        self._principals = read_principals(main.top.get("principals"), collector)
        self._of_unit: dict[str, tuple[Entry, ...]] = {}
        self._whole: dict[str, tuple[Entry, ...]] = {}
        units = library.units.values()
        self.groups = Groups((unit.top.get("groups") for unit in units), collector)

    def policy(self, profile: str | None) -> tuple[PolicyIR, tuple[Rule, ...]]:
        """The policy of a profile, or of the baseline alone, and its rules as written.

        Raises UnknownProfileError.
        """
        layers = self._layers(profile)
        accepted = self._acceptance(layers)
        base = self._base(layers, accepted)
        own = {name: self._own(name, layers, accepted) for name in self._profiles}
        check_unique(base, self._collector)
        for name in self._profiles:
            check_unique(self._entries(name, base, own), self._collector)
        names = {entry.name for entries in (base, *own.values()) for entry in entries}
        self._check_accepted(names - {""})
        entries = base if profile is None else self._entries(profile, base, own)
        settings = self._settings(layers)
        written = tuple(
            with_ids(rule, self._principals) for entry in entries for rule in entry.rules
        )
        policy = PolicyIR(
            name=read.text(self._main.top.get("name"), "name", self._collector) or "",
            governs=_governs(settings),
            # Of two rules that mean the same the set keeps the first, whatever the order of files.
            rules=frozenset(sorted(written, key=self._place)),
            accepted=accepted.losses,
            waivers=accepted.findings,
            targets=settings.targets,
            origin=self._main.top.span,
        )
        return policy, written

    def _place(self, rule: Rule) -> tuple[object, ...]:
        at = rule.origin
        return at.file != self._main.source.name, at

    def _layers(self, profile: str | None) -> tuple[str, ...]:
        if profile is None:
            return ()
        if profile not in self._profiles:
            known = did_you_mean(profile, self._profiles)
            remedy = known if self._profiles else "the baseline has no profiles"
            raise UnknownProfileError(f"there is no profile `{profile}`: {remedy}")
        return (*self._profiles[profile].chain, profile)

    def _base(self, layers: tuple[str, ...], accepted: Acceptance) -> tuple[Entry, ...]:
        """The rules of the baseline and of what it includes; fills in those of other files."""
        shared = self._library.reached([self._main.source.identity])
        wanted = self._library.reached(
            [
                self._main.source.identity,
                *(item for name in layers for item in self._includes[name]),
            ]
        )
        active = {unit.source.identity for unit in wanted}
        self._of_unit = {
            identity: self._read(unit, unit.top.get("rules"), accepted, active=identity in active)
            for identity, unit in self._library.units.items()
        }
        return tuple(entry for unit in shared for entry in self._of_unit[unit.source.identity])

    def _own(self, name: str, layers: tuple[str, ...], accepted: Acceptance) -> tuple[Entry, ...]:
        """What a profile adds: its rules, and those of the files only it includes."""
        base = {
            unit.source.identity for unit in self._library.reached([self._main.source.identity])
        }
        added = [
            entry
            for unit in self._library.reached(self._includes[name])
            if unit.source.identity not in base
            for entry in self._of_unit[unit.source.identity]
        ]
        node = self._profiles[name].own.get("rules")
        return (*added, *self._read(self._main, node, accepted, active=name in layers))

    def _entries(
        self, name: str, base: tuple[Entry, ...], own: dict[str, tuple[Entry, ...]]
    ) -> tuple[Entry, ...]:
        """The rules of a profile over those of what it extends."""
        known = self._whole.get(name)
        if known is not None:
            return known
        profile: Profile = self._profiles[name]
        below = self._entries(profile.chain[-1], base, own) if profile.chain else base
        kept = dropped(below, profile, self._collector)
        # Two profiles of a chain may include the same file.
        places = {entry.span for entry in kept}
        added = [entry for entry in own[name] if entry.span not in places]
        self._whole[name] = (*kept, *added)
        return self._whole[name]

    def _read(
        self, unit: Unit, node: Node | None, accepted: Acceptance, *, active: bool
    ) -> tuple[Entry, ...]:
        def load(name: str) -> Inventory:
            if not active:  # a profile that is not asked for reads no inventory
                return Inventory()
            return waived(unit.source.place.inventory(name), accepted.findings)

        levels = read.items(unit.top.get("levels"), "levels", self._collector)
        around = Surroundings(groups=self.groups, levels=levels, load=load)
        return read_entries(node, around, self._collector)

    def accepted(self, profile: str | None) -> Acceptance:
        """What the baseline accepts with a profile; raises UnknownProfileError."""
        return self._acceptance(self._layers(profile))

    def _acceptance(self, layers: tuple[str, ...]) -> Acceptance:
        """What the baseline and the layers over it accept."""
        parts = (self._accepted, *(self._accepted_by[name] for name in layers))
        return Acceptance(
            losses=tuple(item for part in parts for item in part.losses),
            findings=tuple(item for part in parts for item in part.findings),
            lint=tuple(item for part in parts for item in part.lint),
        )

    def _check_accepted(self, names: set[str]) -> None:
        for part in (self._accepted, *self._accepted_by.values()):
            check_accepted_rules((*part.losses, *part.lint), names, self._collector)

    def _settings(self, layers: tuple[str, ...]) -> Settings:
        settings = read_settings(self._main.top, self._collector)
        for name in layers:
            settings = over(settings, self._profiles[name].settings)
        return settings


def _governs(settings: Settings) -> dict[Collection, Mode]:
    mode = settings.mode or Mode.AUDIT
    found = sorted(settings.collections or DEFAULT_GOVERNS, key=lambda item: item.value)
    return {item: settings.modes.get(item, mode) for item in found}
