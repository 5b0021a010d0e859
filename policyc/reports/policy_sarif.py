"""Findings about policies as SARIF 2.1.0 (OASIS), each at its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policyc.model.diagnostic import Level
from policyc.reports.safe import printable
from policyc.reports.sarif import LEVELS, fingerprint, log_of, uri_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFinding:
    """Something wrong in a policy file; ``line`` is 0 where it has none, as in a binary."""

    path: str
    code: str
    level: Level
    line: int
    message: str
    fix: str


def policy_sarif(findings: Sequence[PolicyFinding], manuals: Mapping[str, str]) -> str:
    """One SARIF log; ``manuals`` maps every code that occurs to its manual page."""
    codes = sorted({item.code for item in findings})
    run = {
        "tool": {
            "driver": {"name": "policyc", "rules": [_rule(code, manuals[code]) for code in codes]}
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, codes.index(item.code)) for item in findings],
    }
    return log_of(run)


def _rule(code: str, manual: str) -> dict[str, Any]:
    title = manual.partition("\n")[0]
    return {
        "id": code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": manual},
    }


def _result(finding: PolicyFinding, rule: int) -> dict[str, Any]:
    uri = uri_of(finding.path)
    location: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    location["region"] = {"startLine": max(1, finding.line)}
    identity = f"{finding.code}|{uri}|{finding.message}"
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": LEVELS[finding.level],
        "message": {"text": f"{printable(finding.message)}. Fix: {printable(finding.fix)}."},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": fingerprint(identity),
    }
