"""Findings about policies as SARIF 2.1.0 (OASIS), each at its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from policyc.model.diagnostic import Diagnostic, Level
from policyc.model.span import NOWHERE, Span
from policyc.reports.safe import printable
from policyc.reports.sarif import (
    GITHUB_RESULTS,
    LEVELS,
    driver,
    fingerprint,
    log_of,
    suppressions,
    uri_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFinding:
    """Something to say about a place in a policy file.

    ``line`` is 0 where it has none, as in a binary; ``column`` 0 is the whole line. ``related``
    are other places it speaks of. ``identity`` stays the same when lines move; without it the
    message does for one. ``accepted`` is the reason for which a baseline accepts it. ``stops`` is
    for what makes the command fail and is no error.
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
    accepted: str = ""
    stops: bool = False

    @property
    def fails(self) -> bool:
        """Whether a pipeline is to stop for it."""
        return not self.accepted and (self.stops or self.level is Level.ERROR)

    @property
    def text(self) -> str:
        """The message with the next step, safe to print."""
        fix = f". Fix: {printable(self.fix)}." if self.fix else ""
        return printable(self.message) + fix

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.code}|{uri_of(self.path)}|{self.identity or self.message}"


def of_diagnostic(
    item: Diagnostic, path: str, *, about: str = "", stops: bool = False
) -> PolicyFinding:
    """A diagnostic as a finding: at its own place, or without one at the beginning of ``path``.

    ``about`` is the target that it is about.
    """
    span = item.span
    concerned = f" ({item.notes[0]})" if item.notes else ""
    message = f"{about}: {item.message}" if about else item.message
    return PolicyFinding(
        path=path if span is None else span.file,
        line=0 if span is None else span.line,
        column=0 if span is None else span.column,
        code=item.code,
        level=item.level,
        message=message + concerned,
        identity=message,
        fix=item.remedy,
        related=tuple(label.span for label in item.labels[1:]),
        accepted=item.accepted,
        stops=stops,
    )


def told_apart(findings: Iterable[PolicyFinding]) -> list[PolicyFinding]:
    """The findings in their order, no two with the same key."""
    seen: dict[str, int] = {}
    found = []
    for item in findings:
        number = seen[item.key] = seen.get(item.key, 0) + 1
        own = item.identity or item.message
        found.append(item if number == 1 else replace(item, identity=f"{own}|{number}"))
    return found


def policy_sarif(findings: Sequence[PolicyFinding], manuals: Mapping[str, str]) -> str:
    """One SARIF log; ``manuals`` maps every code that occurs to its manual page.

    It keeps to the 25,000 results that GitHub takes of a run, and tells what it left out.
    """
    kept = told_apart(findings[:GITHUB_RESULTS])
    codes = sorted({item.code for item in kept})
    run = {
        "tool": {"driver": driver(rules=[_rule(code, manuals[code]) for code in codes])},
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
        **suppressions(finding.accepted),
    }
    places = [(item.file, item.line, item.column) for item in finding.related if item != NOWHERE]
    if places:
        # Each once, as the schema asks.
        result["relatedLocations"] = [_location(*place) for place in dict.fromkeys(places)]
    return result


def _location(path: str, line: int, column: int) -> dict[str, Any]:
    region = {"startLine": max(1, line)}
    if column:
        region["startColumn"] = column
    return {"physicalLocation": {"artifactLocation": {"uri": uri_of(path)}, "region": region}}
