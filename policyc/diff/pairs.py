"""Which target of one side is compared with which of the other."""

from __future__ import annotations

from dataclasses import dataclass

from policyc.diff.sides import Side, SideError, View, anywhere
from policyc.model.decision import Decision, Verdict
from policyc.model.facts import Collection, FileFacts
from policyc.targets import default_targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two views of the same files, as a rule of the same target."""

    old: View
    new: View

    @property
    def label(self) -> str:
        """The target, or both."""
        if self.old.target == self.new.target:
            return self.new.target
        return f"{self.old.target} → {self.new.target}"

    @property
    def crossing(self) -> bool:
        """Whether the two are different targets."""
        return self.old.target != self.new.target

    @property
    def same_rules(self) -> bool:
        """Whether the names of deciding rules mean the same on both sides."""
        if self.old.native is None and self.new.native is None:
            return True
        if self.old.native is not None and self.new.native is not None:
            recorded = bool(self.old.native.provenance), bool(self.new.native.provenance)
            return not self.crossing and recorded[0] == recorded[1]
        native = self.old.native or self.new.native
        return native is not None and bool(native.provenance)

    @property
    def identical(self) -> bool:
        """Whether both are the same native policy, value by value."""
        old, new = self.old.native, self.new.native
        return not self.crossing and old is not None and new is not None and old.model == new.model

    @property
    def governed(self) -> frozenset[Collection]:
        """The collections that one of the two governs."""
        return frozenset(self.old.modes) | frozenset(self.new.modes)

    def asks(self, facts: FileFacts) -> bool:
        """Whether one of the two engines is asked about a file."""
        return self.old.asks(facts) or self.new.asks(facts)

    def decide(
        self, facts: FileFacts, principals: frozenset[str] = frozenset()
    ) -> tuple[Decision, Decision]:
        """Both decisions."""
        return (
            _decision(self.old, facts, principals),
            _decision(self.new, facts, principals),
        )


def _decision(view: View, facts: FileFacts, principals: frozenset[str]) -> Decision:
    """What a view says; a file that its engine is not asked about is not governed."""
    if not view.asks(facts):
        return Decision(verdict=Verdict.NOT_GOVERNED, reason="not asked")
    return view.decide(facts, principals)


def pairs_of(old: Side, new: Side, targets: tuple[str, ...]) -> tuple[Pair, ...]:
    """The pairs to compare; raises SideError if the sides have no target in common.

    Two baselines are compared for every target, all others for the targets that both sides
    have. Two native policies of different targets are compared with each other.
    """
    if old.loaded is not None and new.loaded is not None:
        names = targets or default_targets()
    else:
        names = tuple(new.natives or old.natives)
        if targets:
            names = tuple(item for item in names if item in targets)
    found = []
    for name in names:
        before, after = old.view(name), new.view(name)
        if before is not None and after is not None:
            found.append(Pair(old=before, new=after))
    if not found and len(old.natives) == len(new.natives) == 1:
        before, after = old.view(*old.natives), new.view(*new.natives)
        if before is not None and after is not None:
            found.append(_across(before, after))
    if not found:
        mine, theirs = ", ".join(old.natives) or "none", ", ".join(new.natives) or "none"
        message = f"no target is on both sides: {old.name} has {mine}, {new.name} has {theirs}"
        raise SideError(message)
    return tuple(found)


def _across(old: View, new: View) -> Pair:
    """Two targets; those of different platforms are compared by what their rules say."""
    if old.platform is new.platform:
        return Pair(old=old, new=new)
    before, after = anywhere(old), anywhere(new)
    if before is None or after is None:
        message = f"{old.target} and {new.target} are for different platforms, and one of them"
        raise SideError(f"{message} cannot be compared by rules")
    return Pair(old=before, new=after)
