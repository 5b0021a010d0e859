"""Every form of findings about places in policy files, by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from policyc.model.diagnostic import Level
from policyc.model.span import NOWHERE, Span
from policyc.reports.comment import LONGEST, ROOM, cut, section
from policyc.reports.escapes import markdown
from policyc.reports.json import dump
from policyc.reports.policy_sarif import PolicyFinding, policy_sarif
from policyc.reports.policy_tables import (
    policy_annotations,
    policy_csv,
    policy_gitlab,
    policy_junit,
    policy_text,
)
from policyc.reports.safe import printable

_NAMES = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "remark"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReport:
    """What a command found. ``title`` is the command; ``files`` is how many it looked at.

    ``closing`` is the last line of the text, safe to print.
    ``manuals`` maps every code that occurs to its manual page, whose first line is its title.
    """

    title: str
    findings: Sequence[PolicyFinding]
    manuals: Mapping[str, str]
    files: int
    closing: str = ""

    @property
    def accepted(self) -> int:
        """How many findings a baseline accepts."""
        return sum(bool(item.accepted) for item in self.findings)

    def count(self, level: Level) -> int:
        """How many findings of a level no baseline accepts."""
        return sum(item.level is level and not item.accepted for item in self.findings)


def policy_form(report: PolicyReport, form: str) -> str:
    """The report in a form; KeyError for one that does not exist."""
    found = report.findings
    match form:
        case "sarif":
            return policy_sarif(found, report.manuals)
        case "junit":
            return policy_junit(found, report.title)
        case "markdown":
            return _markdown(report)
        case "json":
            return _json(report)
        case "csv":
            return policy_csv(found).rstrip("\r\n")
        case "text":
            return "\n".join(text for text in (policy_text(found), report.closing) if text)
    return {"annotations": policy_annotations, "gitlab": policy_gitlab}[form](found)


def _json(report: PolicyReport) -> str:
    """Everything, as docs/lint.schema.json describes it."""
    value = {
        "version": 1,
        "findings": [
            {
                "code": item.code,
                "level": item.level.value,
                "file": printable(item.path),
                "line": item.line,
                "column": item.column,
                "message": printable(item.message),
                "fix": printable(item.fix),
                "related": [_place(span) for span in item.related if span != NOWHERE],
                "accepted": printable(item.accepted),
            }
            for item in report.findings
        ],
        "summary": {
            "files": report.files,
            **{level.value: report.count(level) for level in Level},
            "accepted": report.accepted,
        },
    }
    return dump(value)


def _place(span: Span) -> dict[str, object]:
    return {"file": printable(span.file), "line": span.line, "column": span.column}


def _markdown(report: PolicyReport) -> str:
    """A comment: the counts, then what no baseline accepts in parts that open."""
    counts = [
        f"{count:,} {_NAMES[level]}{'' if count == 1 else 's'}"
        for level in Level
        if (count := report.count(level))
    ]
    if report.accepted:
        counts.append(f"{report.accepted:,} accepted")
    head = f"**{markdown(report.title)}**: {', '.join(counts) or 'nothing found'}."
    if any(item.fails for item in report.findings):
        head += " — stopped"
    lines = [head]
    left = ROOM
    for level in Level:
        own = [item for item in report.findings if item.level is level and not item.accepted]
        if own:
            part, used = section(f"{_NAMES[level].capitalize()}s", len(own), _rows(own), left)
            left -= used
            lines += part
    return "\n".join(lines)


def _rows(findings: Sequence[PolicyFinding]) -> Iterator[str]:
    for item in findings:
        place = f"{item.path}:{item.line}" if item.line else item.path
        fix = f"  \n  Fix: {cut(item.fix, 2 * LONGEST)}" if item.fix else ""
        yield f"- {item.code} {cut(place)}: {cut(item.message, 3 * LONGEST)}{fix}"
