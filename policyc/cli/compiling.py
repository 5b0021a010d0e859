"""``compile`` and ``verify``."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import typer

from policyc.baseline import LoadedBaseline, UnknownProfileError, load_baseline
from policyc.baseline.acceptance import unused_acceptances
from policyc.cli.console import Exit, fail, keep_everything, note, out, show
from policyc.cli.forms import asked_reports, report_of, write_reports
from policyc.compiler import (
    BundleState,
    TargetResult,
    bundle_state,
    compile_policy,
    stale_reasons,
    write_bundle,
)
from policyc.compiler.account import difference_line, result_value
from policyc.compiler.findings import accepted_reason, result_findings, stale_findings
from policyc.inventory import InventoryError, read_inventory
from policyc.inventory.schema import to_row
from policyc.model.diagnostic import Diagnostic
from policyc.model.inventory import HostInfo, Inventory
from policyc.model.ir import PolicyIR, canonical
from policyc.model.lists import written_out
from policyc.reports.json import dump
from policyc.reports.policy_forms import PolicyReport, policy_form
from policyc.reports.policy_sarif import of_diagnostic
from policyc.reports.safe import printable
from policyc.reports.text import loss_diagnostics, table
from policyc.targets import default_targets, target_names
from policyc.verify import Difference

_LISTED = 50
"""Differences that are listed as text for a target."""


def find_baseline(given: Path | None) -> Path:
    """The baseline to use; exits 2 if there is none."""
    found = nearest_baseline(given)
    return found or fail("no baseline: name one, or run where a policyc.yaml is in reach")


def nearest_baseline(given: Path | None) -> Path | None:
    """The baseline given, the one from the environment, or the nearest upwards; else None."""
    if given is not None:
        return given
    named = os.environ.get("POLICYC_BASELINE")
    if named:
        return Path(named)
    here = Path.cwd()
    for folder in (here, *here.parents):
        candidate = folder / "policyc.yaml"
        if candidate.is_file():
            return Path(candidate.name) if folder == here else candidate
        if (folder / ".git").exists():
            break
    return None


def read_inventories(paths: list[Path]) -> Inventory | None:
    """All inventories as one, or None if there is none."""
    if not paths:
        return None
    try:
        parts = [read_inventory(path) for path in paths]
    except (InventoryError, OSError) as error:
        fail(str(error))
    if len(parts) == 1:
        return parts[0]
    files = sorted((item for part in parts for item in part.files), key=lambda item: item.path)
    skipped = tuple(item for part in parts for item in part.skipped)
    return Inventory(host=HostInfo(), files=tuple(files), skipped=skipped)


def opened(path: Path, inventory: Inventory | None, profile: str | None = None) -> LoadedBaseline:
    """The baseline with its diagnostics; exits 2 for no file or an unknown profile."""
    try:
        return load_baseline(path, inventory, profile=profile)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except UnknownProfileError as error:
        fail(f"{path}: {printable(str(error))}")


def load(
    given: Path | None, inventory: Inventory | None, profile: str | None = None
) -> tuple[LoadedBaseline, PolicyIR]:
    """Read the baseline and show its diagnostics; exits 2 on an error or an unknown profile."""
    loaded, compact = load_compact(given, inventory, profile)
    return loaded, written_out(compact)


def load_compact(
    given: Path | None, inventory: Inventory | None, profile: str | None = None
) -> tuple[LoadedBaseline, PolicyIR]:
    """As ``load``, with the hashes of an inventory as one rule."""
    path = find_baseline(given)
    loaded = opened(path, inventory, profile)
    show(loaded.diagnostics, loaded.sources)
    if loaded.compact is None:
        fail(problems(loaded, path))
    return loaded, loaded.compact


def problems(loaded: LoadedBaseline, path: Path) -> str:
    """The last line about a baseline that has errors."""
    count = len(loaded.diagnostics)
    return f"{path} has {count} problem{'' if count == 1 else 's'}; nothing was written"


def chosen_targets(names: list[str]) -> tuple[str, ...]:
    """The targets asked for, or all that are not experimental; exits 2 for an unknown one."""
    known = target_names()
    for name in names:
        if name not in known:
            fail(f"there is no target `{name}`; possible: {', '.join(known)}")
    return tuple(dict.fromkeys(names)) or default_targets()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileRequest:
    """What ``compile`` was asked for; ``reports`` are other forms as ``FORM=FILE``."""

    baseline: Path | None
    output: Path
    inventories: list[Path] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    profile: str | None = None
    form: str = "text"
    reports: list[str] = field(default_factory=list)
    check_only: bool = False


def run_compile(request: CompileRequest) -> None:
    """Compile, verify, and write or compare."""
    keep_everything()
    reports = asked_reports(request.reports)
    names = chosen_targets(request.targets)
    inventory = read_inventories(request.inventories)
    loaded, policy = load_compact(request.baseline, inventory, request.profile)
    results = compile_policy(policy, inventory or Inventory(), names)
    keep_everything(inventory, loaded, results)
    for result in results:
        told = [(item, accepted_reason(item, result)) for item in result.losses]
        show(tuple(loss_diagnostics(told)), loaded.sources)
    used = frozenset(item for result in results for item in result.accepted)
    asked = tuple(item for item in policy.accepted if item.target in names)
    unused = unused_acceptances(policy, used | (frozenset(policy.accepted) - frozenset(asked)))
    show(unused, loaded.sources)
    make = _forms(request, loaded, results, unused)
    out(make(request.form))
    if request.form == "text":
        for result in results:
            list_differences(result.target, result.report.differences)
    write_reports(reports, make)
    tell = out if request.form == "text" else note
    failed = [result for result in results if result.failure is not None]
    if failed:
        _report_failures(failed)
    if request.check_only:
        _check_only(results, request.output, tell)
        return
    try:
        written = write_bundle(results, request.output)
    except OSError as error:
        fail(f"{request.output}: {error.strerror}")
    tell(f"{len(written)} of {len(results)} targets written to {request.output}{os.sep}")
    if any(result.refused for result in results):
        raise typer.Exit(Exit.FINDINGS)


def _forms(
    request: CompileRequest,
    loaded: LoadedBaseline,
    results: tuple[TargetResult, ...],
    unused: tuple[Diagnostic, ...],
) -> Callable[[str], str]:
    """What gives the text of a form."""

    @cache
    def report() -> PolicyReport:
        found = [of_diagnostic(item, loaded.file) for item in (*loaded.diagnostics, *unused)]
        found += result_findings(results, loaded.file)
        if request.check_only:
            found += stale_findings(results, request.output, loaded.file)
        return report_of("policyc compile", found, files=len(loaded.sources))

    def make(form: str) -> str:
        match form:
            case "text":
                return _result_table(results)
            case "json":
                return dump({"targets": [result_value(item) for item in results]})
            case _:
                return policy_form(report(), form)

    return make


def _result_table(results: tuple[TargetResult, ...]) -> str:
    rows: list[tuple[str, ...]] = [
        ("target", "rules", "agree", "narrower", "wider", "unknown", "witnesses", "")
    ]
    for result in results:
        report = result.report
        made = result.witness_report.total
        counts = (report.agree, report.narrower, report.wider, report.unknown, made)
        if result.failure is not None:
            verdict = "failed verification"
        elif result.refused:
            losses = len(result.refused)
            verdict = f"refused: {losses} loss{'' if losses == 1 else 'es'}"
        else:
            verdict = "verified, witnesses for the first rules" if result.truncated else "verified"
        shown = (f"{count:,}" for count in counts)
        rows.append((result.target, f"{result.rules:,}", *shown, verdict))
    return table(rows, right=frozenset({1, 2, 3, 4, 5, 6}))


def _report_failures(failed: list[TargetResult]) -> None:
    """Nothing is written; the reproducer holds what is needed to see the fault again."""
    for result in failed:
        note(f"policyc: {result.target}: {printable(result.failure or '')}")
        text = json.dumps(
            {
                "target": result.target,
                "failure": result.failure,
                "mismatches": [
                    {
                        "file": to_row(item.facts),
                        "baseline": item.baseline.verdict.value,
                        "target": item.target.verdict.value,
                        "reason": item.target.reason,
                        "rules": [rule.value for rule in item.baseline.because],
                    }
                    for item in (*result.report.mismatches, *result.witness_report.mismatches)[:20]
                ],
                "reduced_to": [
                    {"name": rule.name, "rule": canonical(rule)}
                    for rule in (result.reproducer.ordered() if result.reproducer else ())
                ],
                "artifacts": {
                    item.name: item.data.decode("utf-8", "backslashreplace")
                    for item in result.artifacts
                },
            },
            indent=1,
            sort_keys=True,
        )
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = Path(f"policyc-reproducer-{result.target}-{digest}.json")
        path.write_text(text + "\n", encoding="utf-8")
        note(f"policyc: this is a defect of policyc; please report it with {path}")
    raise typer.Exit(Exit.INTERNAL)


def _check_only(
    results: tuple[TargetResult, ...], output: Path, tell: Callable[[str], None]
) -> None:
    stale = False
    for result in results:
        if result.refused:
            stale = True
            continue
        state, _ = bundle_state(result, output)
        if state is not BundleState.CURRENT:
            stale = True
            note(printable(f"{output / result.target} is {state.value}"))
            for reason in stale_reasons(result, output):
                note(f"  {printable(reason)}")
    if stale:
        note("policyc: run `policyc compile` and commit the result")
        raise typer.Exit(Exit.FINDINGS)
    tell(f"{output}{os.sep} is current")


def list_differences(target: str, differences: tuple[Difference, ...]) -> None:
    """Each difference with its loss and where that comes from; unexplained ones first."""
    ordered = sorted(differences, key=lambda item: item.loss is not None)
    for item in ordered[:_LISTED]:
        note(f"{target}: {printable(difference_line(item))}")
    if len(ordered) > _LISTED:
        note(f"{target}: … and {len(ordered) - _LISTED:,} more; --format json has them all")
