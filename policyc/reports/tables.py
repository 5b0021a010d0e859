"""Findings for pipelines and spreadsheets: annotations, CSV, JUnit XML, GitLab and Markdown."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence

from policyc.model.diagnostic import Finding, Level
from policyc.reports.comment import LONGEST, cut, table_markdown
from policyc.reports.escapes import SEVERITIES, attribute, cell
from policyc.reports.json import dump
from policyc.reports.policy_sarif import PolicyFinding
from policyc.reports.policy_tables import policy_annotations
from policyc.reports.safe import printable


def findings_csv(findings: Sequence[Finding]) -> str:
    """RFC 4180 with a header; a cell that a spreadsheet would compute gets an apostrophe."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    header = ("level", "code", "path", "message", "claimed", "actual", "sha256", "techniques")
    writer.writerow((*header, "offset", "bytes", "accepted"))
    for item in findings:
        first = item.proofs[0] if item.proofs else None
        cells = (
            item.level.value,
            item.code,
            item.path,
            item.message,
            " ".join(item.claimed),
            item.actual,
            item.sha256 or "",
            " ".join(item.techniques),
            "" if first is None else str(first.offset),
            "" if first is None else first.data.hex(),
            item.accepted,
        )
        writer.writerow([cell(item_cell) for item_cell in cells])
    return stream.getvalue()


def findings_annotations(findings: Sequence[Finding]) -> str:
    """GitHub workflow commands, no more than GitHub shows; accepted findings are left out."""
    return policy_annotations(
        [
            PolicyFinding(
                path=item.path,
                code=item.code,
                level=item.level,
                line=0,
                message=item.message,
                accepted=item.accepted,
            )
            for item in findings
        ]
    )


def findings_junit(findings: Sequence[Finding]) -> str:
    """JUnit XML: one test case a finding; errors and warnings fail, accepted ones are skipped."""
    accepted = sum(bool(item.accepted) for item in findings)
    failed = sum(item.level is not Level.INFO and not item.accepted for item in findings)
    counts = f'tests="{len(findings)}" failures="{failed}" errors="0" skipped="{accepted}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="policyc check" {counts}>',
    ]
    for item in findings:
        name = f'classname="{item.code}" name="{attribute(item.path)}"'
        inner = ""
        if item.accepted:
            inner = f'<skipped message="{attribute(item.accepted)}"/>'
        elif item.level is not Level.INFO:
            failure = f'type="{item.level.value}" message="{attribute(item.message)}"'
            inner = f"<failure {failure}/>"
        lines.append(f"  <testcase {name}>{inner}</testcase>" if inner else f"  <testcase {name}/>")
    return "\n".join([*lines, "</testsuite>"])


def findings_gitlab(findings: Sequence[Finding]) -> str:
    """GitLab's code quality report; accepted findings are left out."""
    values = [
        {
            "description": printable(item.message),
            "check_name": item.code,
            "fingerprint": _fingerprint(item),
            "severity": SEVERITIES[item.level],
            "location": {"path": printable(item.path), "lines": {"begin": 1}},
        }
        for item in findings
        if not item.accepted
    ]
    return dump(values)


def _fingerprint(item: Finding) -> str:
    offset = item.proofs[0].offset if item.proofs else 0
    text = f"{item.code}|{item.sha256}|{item.path}|{offset}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def findings_markdown(findings: Sequence[Finding]) -> str:
    """A Markdown table without accepted findings, everything from a file in it escaped.

    It fits into a comment and tells if there is more.
    """
    rows = (
        f"| {item.level.value} | {item.code} | {cut(item.path, 2 * LONGEST)} "
        f"| {cut(item.message, 2 * LONGEST)} | {(item.sha256 or '')[:16]} |"
        for item in findings
        if not item.accepted
    )
    return table_markdown(("level", "code", "file", "finding", "sha256"), rows)
