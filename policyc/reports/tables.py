"""Findings for pipelines and spreadsheets: CSV, JUnit XML, GitLab and Markdown."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Sequence

from policyc.model.diagnostic import Finding, Level
from policyc.reports.safe import printable

_GITLAB = {Level.ERROR: "critical", Level.WARNING: "major", Level.INFO: "info"}
_XML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


def findings_csv(findings: Sequence[Finding]) -> str:
    """RFC 4180 with a header; a cell that a spreadsheet would compute gets an apostrophe."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    header = ("level", "code", "path", "message", "claimed", "actual", "sha256", "techniques")
    writer.writerow((*header, "offset", "bytes"))
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
        )
        writer.writerow([_cell(cell) for cell in cells])
    return stream.getvalue()


def _cell(text: str) -> str:
    shown = printable(text)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown


def findings_junit(findings: Sequence[Finding]) -> str:
    """JUnit XML: one test case a finding; errors and warnings are failures."""
    failed = sum(item.level is not Level.INFO for item in findings)
    head = f'<testsuite name="policyc check" tests="{len(findings)}" failures="{failed}">'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', head]
    for item in findings:
        name = f'classname="{item.code}" name="{_attribute(item.path)}"'
        if item.level is Level.INFO:
            lines.append(f"  <testcase {name}/>")
            continue
        failure = f'type="{item.level.value}" message="{_attribute(item.message)}"'
        lines.append(f"  <testcase {name}><failure {failure}/></testcase>")
    return "\n".join([*lines, "</testsuite>"])


def _attribute(text: str) -> str:
    return "".join(_XML.get(char, char) for char in printable(text))


def findings_gitlab(findings: Sequence[Finding]) -> str:
    """GitLab's code quality report."""
    values = [
        {
            "description": printable(item.message),
            "check_name": item.code,
            "fingerprint": _fingerprint(item),
            "severity": _GITLAB[item.level],
            "location": {"path": printable(item.path), "lines": {"begin": 1}},
        }
        for item in findings
    ]
    return json.dumps(values, indent=1, ensure_ascii=True)


def _fingerprint(item: Finding) -> str:
    offset = item.proofs[0].offset if item.proofs else 0
    text = f"{item.code}|{item.sha256}|{item.path}|{offset}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def findings_markdown(findings: Sequence[Finding]) -> str:
    """A Markdown table, with everything from a file in it escaped."""
    lines = ["| level | code | file | finding | sha256 |", "|---|---|---|---|---|"]
    lines += [
        f"| {item.level.value} | {item.code} | {_plain(item.path)} | {_plain(item.message)} "
        f"| {(item.sha256 or '')[:16]} |"
        for item in findings
    ]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text with every character that Markdown or HTML reads as markup written as an entity."""
    return re.sub(r"[^\w ./,:=-]|_|://", lambda hit: _entities(hit[0]), printable(text))


def _entities(text: str) -> str:
    return "".join(f"&#{ord(char)};" for char in text)
