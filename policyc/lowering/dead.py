"""Permits that can never decide anything, because a forbid covers all they name."""

from __future__ import annotations

from collections.abc import Iterable

from policyc.lowering.containment import Containers, rule_contained
from policyc.model.decider import Decider
from policyc.model.decision import Verdict
from policyc.model.facts import FileFacts
from policyc.model.ir import Effect, HasHash, PolicyIR, Rule
from policyc.model.known_files import FileIndex


def dead_permits(policy: PolicyIR) -> frozenset[Rule]:
    """The permits that a single forbid contains. Dropping them changes no decision."""
    forbids = [rule for rule in policy.ordered() if rule.effect is Effect.FORBID]
    containers = Containers((forbid.match, forbid) for forbid in forbids)
    return frozenset(
        rule
        for rule in policy.rules
        if rule.effect is Effect.PERMIT
        and any(rule_contained(rule, forbid) for forbid in containers.of(rule.match))
    )


def known_dead_permits(policy: PolicyIR, files: Iterable[FileFacts]) -> frozenset[Rule]:
    """Permits by hash whose every known file is forbidden anyway.

    A hash names one content; when the inventory holds it and the baseline denies it at every
    known place, a target whose specific rules win must not be given the permit.
    """
    permits = {
        rule
        for rule in policy.rules
        if rule.effect is Effect.PERMIT
        and any(isinstance(atom, HasHash) for atom in rule.match.atoms)
    }
    denied: set[Rule] = set()
    needed: set[Rule] = set()
    index, decider = FileIndex(tuple(files)), Decider(policy)
    for rule in permits:
        for facts in index.satisfying(rule):
            verdict = decider.decide(facts).verdict
            (denied if verdict is Verdict.DENY else needed).add(rule)
    return frozenset(denied - needed)
