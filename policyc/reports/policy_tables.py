"""Findings about places in policy files: text, annotations, JUnit, GitLab and CSV."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence

from policyc.model.diagnostic import Level
from policyc.reports.escapes import SEVERITIES, attribute, cell, command, command_property
from policyc.reports.json import dump
from policyc.reports.policy_sarif import PolicyFinding, told_apart
from policyc.reports.safe import printable

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}
ANNOTATIONS = 10
"""Annotations of one level that GitHub shows of a step; more are cut off without a word."""


def policy_annotations(findings: Sequence[PolicyFinding]) -> str:
    """GitHub workflow commands; beyond what GitHub shows of a level one line tells how many.

    Accepted findings are left out.
    """
    lines = []
    for level, name in _COMMANDS.items():
        own = [item for item in findings if item.level is level and not item.accepted]
        most = ANNOTATIONS if len(own) <= ANNOTATIONS else ANNOTATIONS - 1
        for item in own[:most]:
            column = f",col={item.column}" if item.column else ""
            place = f"file={command_property(item.path)},line={max(1, item.line)}{column}"
            lines.append(f"::{name} {place},title={item.code}::{command(item.text)}")
        if len(own) > most:
            lines.append(f"::{name}::and {len(own) - most:,} more like these")
    return "\n".join(lines)


def policy_junit(findings: Sequence[PolicyFinding], suite: str) -> str:
    """JUnit XML: one test case a finding; it fails if a pipeline stops for it.

    An accepted one is skipped.
    """
    failed = sum(item.fails for item in findings)
    accepted = sum(bool(item.accepted) for item in findings)
    counts = f'tests="{len(findings)}" failures="{failed}" errors="0" skipped="{accepted}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="{attribute(suite)}" {counts}>',
    ]
    for item in findings:
        place = f"{item.path}:{item.line}:{item.column} {item.message}"
        name = f'classname="{item.code}" name="{attribute(place)}"'
        if item.accepted:
            skipped = f'<skipped message="{attribute(item.accepted)}"/>'
            lines.append(f"  <testcase {name}>{skipped}</testcase>")
        elif item.fails:
            failure = f'<failure type="{item.code}" message="{attribute(item.text)}"/>'
            lines.append(f"  <testcase {name}>{failure}</testcase>")
        else:
            lines.append(f"  <testcase {name}/>")
    return "\n".join([*lines, "</testsuite>"])


def policy_gitlab(findings: Sequence[PolicyFinding]) -> str:
    """GitLab's code quality report; accepted findings are left out."""
    return dump(
        [
            {
                "description": item.text,
                "check_name": item.code,
                "fingerprint": hashlib.sha256(item.key.encode("utf-8", "replace")).hexdigest(),
                "severity": SEVERITIES[item.level],
                "location": {
                    "path": printable(item.path),
                    "lines": {"begin": max(1, item.line)},
                },
            }
            for item in told_apart(findings)
            if not item.accepted
        ]
    )


def policy_csv(findings: Sequence[PolicyFinding]) -> str:
    """A line for every finding, accepted ones with the reason."""
    header = ("level", "code", "file", "line", "column", "message", "fix", "accepted")
    rows = [
        (
            item.level.value,
            item.code,
            item.path,
            str(item.line or ""),
            str(item.column or ""),
            item.message,
            item.fix,
            item.accepted,
        )
        for item in findings
    ]
    return table_csv(header, rows)


def policy_text(findings: Sequence[PolicyFinding]) -> str:
    """Two lines for each finding that is not accepted: what it is and where, and the next step."""
    lines = []
    for item in findings:
        if item.accepted:
            continue
        place = f"{item.path}:{item.line}" if item.line else item.path
        lines.append(printable(f"{place}: {item.level.value}[{item.code}]: {item.message}"))
        if item.fix:
            lines.append(f"  = help: {printable(item.fix)}")
    return "\n".join(lines)


def table_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """RFC 4180 with a header; no cell that a spreadsheet would compute."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(header)
    writer.writerows([cell(text) for text in row] for row in rows)
    return stream.getvalue()
