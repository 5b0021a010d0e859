"""`masquerade:` conditions: a level, or codes and the least level they count from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policyc.baseline import parse_baseline
from policyc.checks import check_file
from policyc.checks.registry import judged
from policyc.inventory.schema import from_row, to_row
from policyc.model.decision import Verdict, decide
from policyc.model.diagnostic import Level
from policyc.model.facts import UNKNOWN, FileFacts, FindingMark, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import HasMasquerade, PolicyIR
from tests.conformance.probes import file_on

HEAD = "policyc: 1\nname: Masquerade\nrules:\n  - permit: {path: /opt/**}\n"
ERROR = FindingMark(code="M003", level="error")
WARNING = FindingMark(code="M010", level="warning")


def _policy(condition: str) -> PolicyIR:
    text = f"{HEAD}  - forbid: {{masquerade: {condition}}}\n"
    policy = parse_baseline(text, "policyc.yaml", lambda _: Inventory()).policy
    assert policy is not None
    return policy


def _file(*marks: FindingMark) -> FileFacts:
    worst = min((mark.level for mark in marks), key=["error", "warning"].index, default=None)
    return replace(file_on(Platform.LINUX, 1), masquerade=worst, findings=marks)


@pytest.mark.parametrize(
    ("condition", "marks", "denied"),
    [
        ("error", (ERROR,), True),
        ("error", (WARNING,), False),
        ("{level: warning}", (WARNING,), True),
        ("{codes: [M003]}", (ERROR,), True),
        ("{codes: M003}", (WARNING,), False),
        ("{codes: [M003, M010]}", (WARNING,), True),
        ("{codes: [M010], level: error}", (ERROR, WARNING), False),
        ("{codes: [M010], level: warning}", (ERROR, WARNING), True),
        ("{codes: [M003]}", (), False),
    ],
)
def test_a_condition_names_findings(
    condition: str, marks: tuple[FindingMark, ...], *, denied: bool
) -> None:
    verdict = decide(_policy(condition), _file(*marks)).verdict
    assert verdict is (Verdict.DENY if denied else Verdict.ALLOW)


def test_an_older_inventory_knows_no_codes_and_nothing_is_guessed() -> None:
    row = to_row(_file(ERROR))
    assert row["findings"] == [{"code": "M003", "level": "error"}]
    del row["findings"]
    facts = from_row(row)
    assert isinstance(facts, FileFacts)
    assert facts.findings is UNKNOWN
    assert decide(_policy("{codes: [M003]}"), facts).verdict is Verdict.UNDETERMINED
    assert decide(_policy("error"), facts).verdict is Verdict.DENY
    assert from_row(to_row(facts)) == facts


def test_a_scan_keeps_every_finding() -> None:
    facts = judged(replace(file_on(Platform.WINDOWS, 1), path="C:\\a\\invoice.pdf.exe"))
    assert facts.findings is not UNKNOWN
    assert {mark.code for mark in facts.findings} == {item.code for item in check_file(facts)}
    assert facts.findings
    assert from_row(to_row(facts)) == facts


def test_codes_have_one_order() -> None:
    one, other = (_policy(f"{{codes: {codes}}}") for codes in ("[M003, M010]", "[M010, M003]"))
    assert one.rules == other.rules
    assert [rule.id for rule in one.ordered()] == [rule.id for rule in other.ordered()]
    assert HasMasquerade(Level.ERROR) == HasMasquerade(Level.ERROR, ())
