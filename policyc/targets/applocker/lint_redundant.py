"""Rules about rules that change nothing (A3xx)."""

from __future__ import annotations

from collections.abc import Iterator

from policyc.model.diagnostic import Level
from policyc.targets.applocker.covering import covers, disjoint, rule_covers
from policyc.targets.applocker.lint_context import REGISTER, Context, Found, shown
from policyc.targets.applocker.model import (
    EVERYONE,
    Action,
    AppRule,
    HashCondition,
    RuleCollection,
)
from policyc.targets.lint_register import Place

_MOST = 2_000
"""Rules of a collection that are compared with each other: that takes the square of it."""


def _pairs(context: Context) -> Iterator[tuple[RuleCollection, AppRule, AppRule, Place]]:
    """Pairs of different rules of a collection; hash rules hold little and come second only."""
    for item in context.reading.placed:
        own = item.collection
        wide = [rule for rule in own.rules if not isinstance(rule.condition, HashCondition)]
        if len(own.rules) > _MOST:
            continue
        for rule, line in zip(own.rules, item.lines, strict=True):
            for other in wide:
                if other is not rule and other.sid in (rule.sid, EVERYONE):
                    yield own, other, rule, context.at(line)


@REGISTER.rule("A301", Level.INFO, "leave the rule out")
def covered(context: Context) -> Found:
    """A rule that another one with the same action covers.

    Why: it changes nothing, and hides that it does when the other is looked at. Up to 2,000 rules
    of a collection are compared. Evidence: the same logic as RedundancyCheck of AaronLockerV2.
    """
    told = set()
    for own, wide, rule, place in _pairs(context):
        if wide.action is not rule.action or rule.id in told or not rule_covers(wide, rule):
            continue
        mutual = wide.sid == rule.sid and rule_covers(rule, wide)
        if not mutual or own.rules.index(wide) < own.rules.index(rule):
            told.add(rule.id)
            yield place, f"{shown(rule)} is covered by {shown(wide)}"


@REGISTER.rule("A302", Level.WARNING, "leave the allow out, or except it from the deny")
def shadowed(context: Context) -> Found:
    """An allow that a deny covers, so that it never allows anything.

    Evidence: "Understanding AppLocker allow and deny actions on rules" (a deny wins).
    """
    told = set()
    for _, wide, rule, place in _pairs(context):
        pair = (wide.action, rule.action)
        if pair != (Action.DENY, Action.ALLOW) or rule.id in told or not rule_covers(wide, rule):
            continue
        told.add(rule.id)
        yield place, f"{shown(rule)} is denied by {shown(wide)}"


@REGISTER.rule("A303", Level.WARNING, "leave the exception out, or the rule")
def idle_exception(context: Context) -> Found:
    """An exception that takes nothing out of its rule, or everything.

    Evidence: "Understanding AppLocker rule exceptions" (an exception is about its own rule only).
    """
    for _, rule, place in context.rules:
        idle = sum(disjoint(item, rule.condition) for item in rule.exceptions)
        if idle:
            yield place, f"{shown(rule)}: {idle} exceptions are about nothing that it allows"
        if any(covers(item, rule.condition) for item in rule.exceptions):
            yield place, f"{shown(rule)}: an exception takes out everything"
