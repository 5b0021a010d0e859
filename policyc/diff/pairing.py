"""Which changed rule of one side is compared with which of the other, and how they relate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policyc.lowering.containment import Containers, disjoint, rule_contained
from policyc.model.change import Relation
from policyc.model.ir import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """An old rule, a new rule, or both."""

    old: Rule | None
    new: Rule | None


def partners(old: list[Rule], new: list[Rule]) -> list[Partner]:
    """Every rule once: by its name, else with one that contains it or is contained in it."""
    left, right = dict.fromkeys(old), dict.fromkeys(new)
    found = []
    names = _unique_names(old), _unique_names(new)
    for name, rule in names[0].items():
        other = names[1].get(name)
        if other is not None:
            found.append(_joined(rule, other, left, right))
    for rule, other in _containing(left, right):
        if rule in left and other in right:
            found.append(_joined(rule, other, left, right))
    for other, rule in _containing(right, left):
        if rule in left and other in right:
            found.append(_joined(rule, other, left, right))
    found += [Partner(old=rule, new=None) for rule in left]
    return found + [Partner(old=None, new=rule) for rule in right]


def _joined(old: Rule, new: Rule, left: dict[Rule, None], right: dict[Rule, None]) -> Partner:
    del left[old], right[new]
    return Partner(old=old, new=new)


def _unique_names(rules: Iterable[Rule]) -> dict[str, Rule]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.name:
            found.setdefault(rule.name, []).append(rule)
    return {name: own[0] for name, own in found.items() if len(own) == 1}


def _containing(inner: Iterable[Rule], outer: Iterable[Rule]) -> list[tuple[Rule, Rule]]:
    """Rules with a rule of the same effect that contains them."""
    containers = Containers((rule.match, rule) for rule in outer)
    return [
        (rule, other)
        for rule in inner
        for other in containers.of(rule.match)
        if rule.effect is other.effect and rule_contained(rule, other)
    ]


def relation(old: Rule | None, new: Rule | None) -> Relation:
    """How the files of the new rule relate to those of the old one."""
    if old is None or new is None:
        return Relation.ADDED if old is None else Relation.REMOVED
    wider, narrower = rule_contained(old, new), rule_contained(new, old)
    if wider:
        return Relation.EQUAL if narrower else Relation.WIDER
    if narrower:
        return Relation.NARROWER
    apart = disjoint(old.match, new.match) or not old.collections & new.collections
    if apart or not old.platforms & new.platforms:
        return Relation.DISJOINT
    return Relation.OVERLAPPING
