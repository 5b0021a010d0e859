"""Proofs that a changed rule decides nothing.

If every rule that only one side has is harmless in one of these ways, both sides decide every
file alike whose facts are known:

* a rule of the same effect on the other side contains it;
* a rule that no file can satisfy on the platforms that are looked at;
* a permit that a forbid of its own side contains;
* a forbid that no permit of the other side can meet.

For let a file be allowed by the new side and not by the old: then a new permit holds and no new
forbid does. If an old forbid holds, it is gone, and being harmless would be contained in a new
forbid or meet no new permit. If none does, no old permit holds, so the permit is new, and being
harmless would be contained in an old permit or in a new forbid. The other way round the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

from policyc.lowering.containment import Containers, contained, disjoint
from policyc.lowering.specialise import EXISTING, on_platform
from policyc.model.facts import Collection, Platform
from policyc.model.ir import Effect, HasHash, PolicyIR, Rule, by_id
from policyc.verify.native import is_placeholder

Reach = frozenset[tuple[Platform | None, Collection]]
"""The kinds of files that are looked at, by platform and collection."""

_MOST = 2_000
"""Rules of the other effect that one rule is held against, one by one."""


class Proof:
    """The rules of both sides, to look up those that contain one of the changed ones.

    ``near`` are those of each side that may (``may_concern``).
    """

    def __init__(
        self,
        old: PolicyIR,
        new: PolicyIR,
        near: tuple[Iterable[Rule], Iterable[Rule]],
        reach: Reach,
    ) -> None:
        self._policies = old, new
        self._near = near
        self._rules: dict[tuple[bool, Effect], list[Rule]] = {}
        self._containers: dict[tuple[bool, Effect], Containers[Rule]] = {}
        self._firsts: dict[tuple[bool, Effect], list[Rule]] = {}
        self._reach = reach

    def harmless(self, rule: Rule, *, in_new: bool) -> bool:
        """Whether a rule that only one side has is proved to decide nothing."""
        if self._covered(rule, rule.effect, in_new=not in_new):
            return True
        if rule.effect is Effect.PERMIT:
            return self._covered(rule, Effect.FORBID, in_new=in_new)
        permits = self._of(Effect.PERMIT, in_new=not in_new)
        return len(permits) <= _MOST and not any(_meet(rule, item) for item in permits)

    def opposite(self, rule: Rule, *, in_new: bool) -> list[Rule]:
        """Rules of the other effect that it may meet, of both sides; not more than is useful."""
        effect = Effect.FORBID if rule.effect is Effect.PERMIT else Effect.PERMIT
        own = (self._first(effect, in_new=not in_new), self._first(effect, in_new=in_new))
        return [item for rules in own for item in rules if _meet(rule, item)]

    def _first(self, effect: Effect, *, in_new: bool) -> list[Rule]:
        """The first rules of one side and effect, by id."""
        key = (in_new, effect)
        if key not in self._firsts:
            self._firsts[key] = nsmallest(_MOST, self._of(effect, in_new=in_new), key=by_id)
        return self._firsts[key]

    def _of(self, effect: Effect, *, in_new: bool) -> list[Rule]:
        """All rules of one side and effect, in no order: no proof depends on it."""
        key = (in_new, effect)
        if key not in self._rules:
            own = self._policies[in_new].rules
            self._rules[key] = [rule for rule in own if rule.effect is effect]
        return self._rules[key]

    def _covered(self, rule: Rule, effect: Effect, *, in_new: bool) -> bool:
        """Whether rules of one side and effect contain it, each kind of file at a time."""
        needed = self._needed(rule)
        for other in self._index(effect, in_new=in_new).of(rule.match):
            if _wide_enough(rule, other):
                needed -= {
                    (platform, collection)
                    for platform, collection in needed
                    if collection in other.collections
                    and (platform is None or platform in other.platforms)
                }
            if not needed:
                break
        return not needed

    def _needed(self, rule: Rule) -> set[tuple[Platform | None, Collection]]:
        """The kinds of files that a rule can hold for."""
        if disjoint(rule.match, rule.match) or any(
            isinstance(atom, HasHash) and is_placeholder(atom.digest.value)
            for atom in rule.match.atoms
        ):
            return set()
        if any(contained(rule.match, branch) for branch in rule.unless):
            return set()
        return {
            (platform, collection)
            for platform, collection in self._reach
            if collection in rule.collections and _possible(rule, platform, collection)
        }

    def _index(self, effect: Effect, *, in_new: bool) -> Containers[Rule]:
        key = (in_new, effect)
        if key not in self._containers:
            rules = [rule for rule in self._near[in_new] if rule.effect is effect]
            self._containers[key] = Containers((item.match, item) for item in rules)
        return self._containers[key]


def digests_of(rules: Iterable[Rule]) -> set[str]:
    """Every digest that the rules name, of whatever kind."""
    return {
        atom.digest.value
        for rule in rules
        for branch in (rule.match, *rule.unless)
        for atom in branch.atoms
        if isinstance(atom, HasHash)
    }


def may_concern(rules: Iterable[Rule], digests: set[str]) -> list[Rule]:
    """The rules without those that are only for files of other digests.

    A rule that names other digests, and none of these, neither contains a rule for one of these
    nor one that names no digest. In long lists of hashes nearly all are so.
    """
    found = []
    for rule in rules:
        others = False
        for atom in rule.match.atoms:
            if isinstance(atom, HasHash):
                others = atom.digest.value not in digests
                if not others:
                    break
        if not others or rule.unless:
            found.append(rule)
    return found


def _possible(rule: Rule, platform: Platform | None, collection: Collection) -> bool:
    """Whether a platform has files of the collection that the rule may hold for."""
    if platform is None:
        return True
    return collection in EXISTING[platform] and on_platform(rule, platform) is not None


def _wide_enough(rule: Rule, other: Rule) -> bool:
    """Whether neither who runs it nor an exception keeps ``other`` from holding too."""
    everybody = not other.principals
    if not everybody and not (rule.principals and rule.principals <= other.principals):
        return False
    return all(
        disjoint(branch, rule.match) or any(contained(branch, own) for own in rule.unless)
        for branch in other.unless
    )


def _meet(one: Rule, other: Rule) -> bool:
    """Whether some file may be in both."""
    return bool(one.collections & other.collections and one.platforms & other.platforms) and not (
        disjoint(one.match, other.match)
    )
