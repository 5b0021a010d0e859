"""What is wrong with a baseline that compiles: rules that decide nothing."""

from __future__ import annotations

from policyc.baseline.collector import Collector
from policyc.lowering.containment import rule_contained
from policyc.model.diagnostic import Diagnostic, Label, Level
from policyc.model.ir import Effect, PolicyIR, Rule


def lint_policy(policy: PolicyIR) -> tuple[Diagnostic, ...]:
    """A warning for every rule that another one makes pointless, by position.

    B014: a permit inside a forbid never allows. B015: a rule inside another of the same
    effect changes no decision. Containment is sound and not complete, so a rule that is not
    named may still be pointless.
    """
    rules = sorted(policy.ordered(), key=lambda rule: (rule.origin, rule.id))
    collector = Collector()
    for rule in rules:
        dead = rule.effect is Effect.PERMIT
        forbid = _container(rule, rules, Effect.FORBID) if dead else None
        if forbid is not None:
            _add(collector, "B014", rule, forbid, "can never allow: a forbid covers all of it")
            continue
        wider = _container(rule, rules, rule.effect)
        if wider is not None:
            _add(collector, "B015", rule, wider, "changes no decision: another rule covers it")
    return tuple(collector.found)


def _container(rule: Rule, rules: list[Rule], effect: Effect) -> Rule | None:
    """The first other rule of the effect that contains ``rule``; of two alike the first stays."""
    for other in rules:
        if other is rule or other.effect is not effect or not rule_contained(rule, other):
            continue
        alike = effect is rule.effect and rule_contained(other, rule)
        if not alike or (other.origin, other.id) < (rule.origin, rule.id):
            return other
    return None


def _add(collector: Collector, code: str, rule: Rule, other: Rule, message: str) -> None:
    collector.add(
        code,
        f"{rule.effect.value} {rule.name or rule.id} {message}",
        rule.origin,
        remedy="remove it, or narrow the other rule",
        other=Label(span=other.origin, text=f"this {other.effect.value}"),
        level=Level.WARNING,
    )
