"""The defects of public policies, counted: numbers found independently over the same files."""

from __future__ import annotations

from collections import Counter

import pytest

from policyc.targets.wdac.lint import RULES, lint_policy
from policyc.targets.wdac.read import read_xml
from tests.requires import require_shared

pytestmark = pytest.mark.oracle
POLICIES_WITH = {
    "W003": 21,  # a signer that nothing refers to
    "W004": 8,  # a file rule that nothing refers to
    "W005": 10,  # the same reference twice
    "W006": 17,  # a signer listed more than once
    "W010": 15,  # a deny with a minimum only
    "W011": 3,  # a deny with a maximum only
    "W012": 7,  # 65355
    "W013": 2,  # a TBS hash of impossible length
    "W014": 3,  # several wildcards
    "W020": 35,  # no PolicyInfo Id
    "W021": 27,  # no PolicyInfo Name
    "W022": 32,  # scenario 12 without UMCI
    "W023": 6,  # a supplemental with base options
    "W024": 1,  # a deny in a supplemental
    "W030": 6,  # neither unsigned nor to be updated
}


def test_the_defects_of_public_policies() -> None:
    counts: Counter[str] = Counter()
    for path in sorted(require_shared("wdac/policies").glob("*.xml")):
        policy = read_xml(path.read_bytes()).policy
        counts.update({item.code for item in lint_policy(policy)})
    assert {code: counts[code] for code in POLICIES_WITH} == POLICIES_WITH
    assert (counts["W001"], counts["W002"]) == (0, 0)


def test_every_rule_has_a_manual_and_a_fix() -> None:
    lint_policy(read_xml(next(require_shared("wdac/policies").glob("*.xml")).read_bytes()).policy)
    assert all(rule.title and rule.fix for rule in RULES.values())
    assert len({rule.title for rule in RULES.values()}) == len(RULES)
