"""Rules that decide nothing are named, and only those."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from policyc.baseline import parse_baseline
from policyc.baseline.lint import lint_rules
from policyc.inventory import InventoryError
from policyc.model.decision import decide
from policyc.model.facts import FileFacts
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR
from policyc.model.span import Span
from tests.property.strategies import files, policies

HEAD = "policyc: 1\nname: Lint\nrules:\n"


def _none(name: str) -> Inventory:
    raise InventoryError(name)


def _found(rules: str) -> list[tuple[str, int]]:
    policy = parse_baseline(HEAD + rules, "policyc.yaml", _none).policy
    assert policy is not None
    return [
        (item.code, item.span.line) for item in lint_rules(policy.rules) if item.span is not None
    ]


def test_a_dead_permit_and_a_covered_rule() -> None:
    rules = (
        "  - permit: {path: /opt/acme/bin/**}\n"
        "  - permit: {path: /opt/**}\n"
        "  - forbid: {path: /opt/bad/**}\n"
        "  - permit: {path: /opt/bad/tool}\n"
    )
    assert _found(rules) == [("B015", 4), ("B014", 7)]


def test_rules_that_all_decide_are_not_named() -> None:
    assert _found("  - permit: {path: /opt/**}\n  - forbid: {path: /opt/tmp/**}\n") == []


@given(policies(), files())
def test_removing_what_is_named_changes_no_decision(policy: PolicyIR, facts: FileFacts) -> None:
    placed = {
        Span(file="b", line=at, column=1, end_line=at, end_column=2): rule
        for at, rule in enumerate(policy.ordered(), 1)
    }
    own = replace(
        policy, rules=frozenset(replace(rule, origin=span) for span, rule in placed.items())
    )
    pointless = {placed[item.span] for item in lint_rules(own.rules) if item.span is not None}
    kept = replace(policy, rules=policy.rules - pointless)
    assert decide(kept, facts).verdict == decide(policy, facts).verdict
