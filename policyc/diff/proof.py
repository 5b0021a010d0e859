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
from itertools import islice

from policyc.lowering.containment import Containers, contained, disjoint
from policyc.lowering.specialise import EXISTING, on_platform
from policyc.model.facts import Collection, Platform
from policyc.model.ir import Effect, HasHash, PolicyIR, Rule
from policyc.verify.native import is_placeholder

Reach = frozenset[tuple[Platform | None, Collection]]
"""The kinds of files that are looked at, by platform and collection."""

_MOST = 2_000
"""Rules of the other effect that one rule is held against, one by one."""


class Proof:
    """All rules of both sides, to look up those that contain one."""

    def __init__(self, old: PolicyIR, new: PolicyIR, reach: Reach) -> None:
        self._rules = tuple(_by_effect(policy) for policy in (old, new))
        self._containers: dict[tuple[bool, Effect], Containers[Rule]] = {}
        self._reach = reach

    def harmless(self, rule: Rule, *, in_new: bool) -> bool:
        """Whether a rule that only one side has is proved to decide nothing."""
        if self._covered(rule, rule.effect, in_new=not in_new):
            return True
        if rule.effect is Effect.PERMIT:
            return self._covered(rule, Effect.FORBID, in_new=in_new)
        permits = self._rules[not in_new][Effect.PERMIT]
        return len(permits) <= _MOST and not any(_meet(rule, item) for item in permits)

    def opposite(self, rule: Rule, *, in_new: bool) -> list[Rule]:
        """Rules of the other effect that it may meet, of both sides; not more than is useful."""
        effect = Effect.FORBID if rule.effect is Effect.PERMIT else Effect.PERMIT
        own = (self._rules[not in_new][effect], self._rules[in_new][effect])
        return [item for rules in own for item in islice(rules, _MOST) if _meet(rule, item)]

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
            rules: Iterable[Rule] = self._rules[in_new][effect]
            self._containers[key] = Containers((item.match, item) for item in rules)
        return self._containers[key]


def _by_effect(policy: PolicyIR) -> dict[Effect, list[Rule]]:
    ordered = policy.ordered()
    return {effect: [rule for rule in ordered if rule.effect is effect] for effect in Effect}


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
