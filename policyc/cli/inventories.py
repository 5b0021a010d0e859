"""``check``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import typer

from policyc.checks import CHECKS, check_file
from policyc.cli.console import Exit, Progress, fail, note, out, style_for
from policyc.cli.scanning import INVENTORY_SUFFIXES, check_paths
from policyc.inventory import InventoryError, ScanOptions, read_inventory, scan
from policyc.inventory.schema import from_row
from policyc.model.diagnostic import Finding, Level
from policyc.model.facts import FileFacts, Skipped
from policyc.reports.json import findings_json
from policyc.reports.sarif import findings_sarif
from policyc.reports.tables import (
    findings_csv,
    findings_gitlab,
    findings_junit,
    findings_markdown,
)
from policyc.reports.text import finding_text


def run_check(paths: list[Path], form: str, fail_on: str, jobs: int, *, exit_zero: bool) -> None:
    """Check ``paths`` and exit by the worst finding."""
    findings: list[Finding] = []
    files = skipped = 0
    check_paths(paths)
    progress = Progress("checked")
    try:
        for item in _items(paths, jobs, progress):
            if isinstance(item, Skipped):
                skipped += 1
                continue
            files += 1
            findings += check_file(item)
    except KeyboardInterrupt:
        progress.done()
        fail("interrupted", Exit.FINDINGS)
    except InventoryError as error:
        progress.done()
        fail(str(error))
    progress.done()
    findings.sort(key=lambda item: (item.level.rank, item.path, item.code))
    if form in _FORMS:
        out(_FORMS[form](findings))
    elif form == "json":
        out(findings_json(findings, files=files, skipped=skipped))
    else:
        _print_text(findings, files, skipped)
    worst = min((item.level.rank for item in findings), default=99)
    limit = {"error": 0, "warning": 1, "never": -1}[fail_on]
    if worst <= limit and not exit_zero:
        raise typer.Exit(Exit.FINDINGS)


def _sarif(findings: list[Finding], *, github: bool = False) -> str:
    manuals = {item.code: (item.name, inspect.cleandoc(item.manual)) for item in CHECKS.values()}
    return findings_sarif(findings, manuals, github=github)


_FORMS: dict[str, Callable[[list[Finding]], str]] = {
    "sarif": _sarif,
    "github": partial(_sarif, github=True),
    "csv": findings_csv,
    "junit": findings_junit,
    "gitlab": findings_gitlab,
    "markdown": findings_markdown,
}


def _items(paths: list[Path], jobs: int, progress: Progress) -> Iterator[FileFacts | Skipped]:
    trees = []
    for path in paths:
        if path.is_file() and path.suffix in INVENTORY_SUFFIXES:
            inventory = read_inventory(path)
            yield from inventory.files
            yield from inventory.skipped
        else:
            trees.append(path)
    if trees:
        options = ScanOptions(jobs=jobs)
        shown = lambda summary: progress(summary.files, summary.size)  # noqa: E731
        for row in scan(trees, options, shown):
            yield from_row(msgspec.json.decode(row))


def _print_text(findings: list[Finding], files: int, skipped: int) -> None:
    style = style_for(sys.stdout)
    for finding in findings:
        out(finding_text(finding, style) + "\n")
    counts = {level: sum(item.level is level for item in findings) for level in Level}
    parts = [
        f"{count} {level.value}{'s' if count != 1 and level is not Level.INFO else ''}"
        for level, count in counts.items()
    ]
    out(f"{', '.join(parts)} in {files:,} files")
    if skipped:
        note(f"{skipped:,} paths could not be read; `policyc scan` records why")
