"""``lint`` for a baseline."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import typer

from policyc.baseline import LoadedBaseline
from policyc.baseline.lint import lint_dates, lint_rules
from policyc.cli.compiling import find_baseline, opened, problems, read_inventories
from policyc.cli.console import Exit, fail, show
from policyc.cli.forms import asked_reports, report_of, write_reports, write_result
from policyc.cli.linting import LintRequest
from policyc.model.diagnostic import Diagnostic, Level
from policyc.model.ir import AcceptedLoss, PolicyIR
from policyc.model.waiver import AcceptedLint, Waiver
from policyc.reports.policy_forms import policy_form
from policyc.reports.policy_sarif import PolicyFinding, of_diagnostic


def lint_baseline(request: LintRequest) -> None:
    """Tell what makes a baseline longer than its meaning, and what is due on a day.

    Exits 1 if something decides nothing or is past its date, 2 if the baseline has an error.
    """
    reports = asked_reports(request.reports)
    path = find_baseline(request.files[0] if request.files else None)
    loaded = opened(path, read_inventories(request.inventories), request.profile)
    policy = loaded.policy
    if policy is None:
        _tell(request, reports, loaded, loaded.diagnostics, (), problems(loaded, path))
        fail(problems(loaded, path))
    valid = [item for item in loaded.accepted_lint if not item.expired(request.day)]
    pointless = lint_rules(loaded.written, valid)
    due = _due(loaded, policy, request.day)
    results = (*pointless, *loaded.remarks, *due)
    overdue = sum(item.level is not Level.INFO for item in due)
    dated = "" if request.day is None else f", {overdue:,} past their date on {request.day}"
    unused = f", {len(loaded.remarks):,} unused groups" if loaded.remarks else ""
    idle = sum(not item.accepted for item in pointless)
    rules = len(policy.rules)
    closing = f"{rules:,} rules, {idle:,} that decide nothing{unused}{dated}"
    found = _tell(request, reports, loaded, loaded.diagnostics, results, closing)
    if any(item.fails for item in found):
        raise typer.Exit(Exit.FINDINGS)


def _due(loaded: LoadedBaseline, policy: PolicyIR, day: dt.date | None) -> tuple[Diagnostic, ...]:
    if day is None:
        return ()
    dated: tuple[AcceptedLoss | Waiver | AcceptedLint, ...] = (
        *policy.accepted,
        *policy.waivers,
        *loaded.accepted_lint,
    )
    return lint_dates(loaded.written, dated, day)


def _tell(
    request: LintRequest,
    reports: list[tuple[str, Path]],
    loaded: LoadedBaseline,
    diagnostics: tuple[Diagnostic, ...],
    results: tuple[Diagnostic, ...],
    closing: str,
) -> list[PolicyFinding]:
    """Print and write all forms; ``results`` stop a pipeline unless they are remarks."""
    found = [of_diagnostic(item, loaded.file) for item in diagnostics]
    found += [
        of_diagnostic(item, loaded.file, stops=item.level is not Level.INFO) for item in results
    ]
    report = report_of("policyc lint", found, files=len(loaded.sources) or 1, closing=closing)
    if request.form == "text" and request.output is None:
        show(tuple(item for item in (*diagnostics, *results) if not item.accepted), loaded.sources)
        if loaded.compact is not None:
            write_result(None, closing)
    else:
        write_result(request.output, policy_form(report, request.form))
    write_reports(reports, lambda form: policy_form(report, form))
    return found
