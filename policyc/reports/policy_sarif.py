"""Findings about policies as SARIF 2.1.0 (OASIS), each at its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policyc.model.diagnostic import Level
from policyc.model.span import NOWHERE, Span
from policyc.reports.safe import printable
from policyc.reports.sarif import GITHUB_RESULTS, LEVELS, fingerprint, log_of, uri_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFinding:
    """Something to say about a place in a policy file.

    ``line`` is 0 where it has none, as in a binary; ``column`` 0 is the whole line. ``related``
    are other places it speaks of. ``identity`` stays the same when lines move; without it the
    message does for one.
    """

    path: str
    code: str
    level: Level
    line: int
    message: str
    fix: str = ""
    column: int = 0
    related: tuple[Span, ...] = ()
    identity: str = ""

    @property
    def text(self) -> str:
        """The message with the next step, safe to print."""
        fix = f". Fix: {printable(self.fix)}." if self.fix else ""
        return printable(self.message) + fix

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.code}|{uri_of(self.path)}|{self.identity or self.message}"


def policy_sarif(findings: Sequence[PolicyFinding], manuals: Mapping[str, str]) -> str:
    """One SARIF log; ``manuals`` maps every code that occurs to its manual page.

    It keeps to the 25,000 results that GitHub takes of a run, and tells what it left out.
    """
    kept = findings[:GITHUB_RESULTS]
    codes = sorted({item.code for item in kept})
    run = {
        "tool": {
            "driver": {"name": "policyc", "rules": [_rule(code, manuals[code]) for code in codes]}
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, codes.index(item.code)) for item in kept],
        "properties": {"omittedResults": len(findings) - len(kept)},
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
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": LEVELS[finding.level],
        "message": {"text": finding.text},
        "locations": [_location(finding.path, finding.line, finding.column)],
        "partialFingerprints": fingerprint(finding.key),
    }
    related = [item for item in finding.related if item != NOWHERE]
    if related:
        result["relatedLocations"] = [
            _location(item.file, item.line, item.column) for item in related
        ]
    return result


def _location(path: str, line: int, column: int) -> dict[str, Any]:
    region = {"startLine": max(1, line)}
    if column:
        region["startColumn"] = column
    return {"physicalLocation": {"artifactLocation": {"uri": uri_of(path)}, "region": region}}
