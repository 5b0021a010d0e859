"""What is wrong with a baseline that compiles: rules that decide nothing, dates that are past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from policyc.baseline.acceptance import BASELINE_LINT, covering_lint, unused_lint
from policyc.baseline.collector import Collector
from policyc.lowering.containment import rule_contained
from policyc.model.diagnostic import Diagnostic, Label, Level
from policyc.model.ir import AcceptedLoss, Effect, Rule
from policyc.model.span import Span
from policyc.model.waiver import AcceptedLint, Waiver, accepted_text

SOON = dt.timedelta(days=30)
"""How long before its date a rule is named as due."""


def lint_rules(
    written: Iterable[Rule], accepted: Iterable[AcceptedLint] = ()
) -> tuple[Diagnostic, ...]:
    """A warning for every rule that another one makes pointless, by position.

    What ``accepted`` accepts carries the reason; an entry about a rule that accepts nothing is
    B013.

    B014: a permit inside a forbid never allows. B015: a rule inside another of the same
    effect changes no decision. Containment is sound and not complete, so a rule that is not
    named may still be pointless. A rule that is written twice counts twice.
    """
    rules = sorted(written, key=lambda rule: (rule.origin, rule.id))
    collector = Collector()
    about_rules = [item for item in accepted if item.code in BASELINE_LINT]
    used: set[AcceptedLint] = set()

    def add(code: str, rule: Rule, other: Rule, message: str) -> None:
        found = covering_lint(about_rules, code, rule=rule.name)
        used.update(() if found is None else (found,))
        reason = "" if found is None else accepted_text(found)
        _add(collector, code, rule, other, message, reason)

    for rule in rules:
        dead = rule.effect is Effect.PERMIT
        forbid = _container(rule, rules, Effect.FORBID) if dead else None
        if forbid is not None:
            add("B014", rule, forbid, "can never allow: a forbid covers all of it")
            continue
        wider = _container(rule, rules, rule.effect)
        if wider is not None:
            add("B015", rule, wider, "changes no decision: another rule covers it")
    return (*collector.found, *unused_lint(about_rules, frozenset(used)))


def lint_dates(
    written: Iterable[Rule], accepted: Iterable[AcceptedLoss | Waiver | AcceptedLint], day: dt.date
) -> tuple[Diagnostic, ...]:
    """What is past its ``until`` on ``day`` (B025) or will be within 30 days (B026).

    The meaning never depends on a day: a rule that is past its date still counts.
    """
    collector = Collector()
    marked = {rule.origin: rule for rule in written if rule.until is not None}
    for _, rule in sorted(marked.items()):
        what = f"{rule.effect.value} {rule.name or rule.id}"
        _date(collector, what, rule.owner, rule.until, rule.origin, day)
    for item in sorted(accepted, key=lambda each: each.origin):
        what = f"accepting {item.code}"
        _date(collector, what, item.owner, item.until, item.origin, day)
    return tuple(collector.found)


def _date(
    collector: Collector, what: str, owner: str, until: dt.date | None, span: Span, day: dt.date
) -> None:
    if until is None or until - day > SOON:
        return
    late = until < day
    collector.add(
        "B025" if late else "B026",
        f"{what} {'was' if late else 'is'} meant until {until}",
        span,
        remedy=f"{f'ask {owner}: ' if owner else ''}decide anew, or remove it",
        level=Level.WARNING if late else Level.INFO,
    )


def _container(rule: Rule, rules: list[Rule], effect: Effect) -> Rule | None:
    """The first other rule of the effect that contains ``rule``; of two alike the first stays."""
    for other in rules:
        if other is rule or other.effect is not effect or not rule_contained(rule, other):
            continue
        alike = effect is rule.effect and rule_contained(other, rule)
        if not alike or (other.origin, other.id) < (rule.origin, rule.id):
            return other
    return None


def _add(
    collector: Collector, code: str, rule: Rule, other: Rule, message: str, accepted: str
) -> None:
    collector.add(
        code,
        f"{rule.effect.value} {rule.name or rule.id} {message}",
        rule.origin,
        remedy="remove it, or narrow the other rule",
        other=Label(span=other.origin, text=f"this {other.effect.value}"),
        level=Level.WARNING,
        accepted=accepted,
    )
