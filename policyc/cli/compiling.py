"""``compile`` and ``verify``."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from policyc.baseline import LoadedBaseline, UnknownProfileError, load_baseline
from policyc.baseline.acceptance import unused_acceptances
from policyc.baseline.lint import lint_dates, lint_rules
from policyc.cli.console import Exit, fail, keep_everything, note, out, show
from policyc.compiler import (
    BundleState,
    TargetResult,
    bundle_state,
    compile_policy,
    stale_reasons,
    verify_artifacts,
    verify_witnesses,
    write_bundle,
)
from policyc.compiler.account import difference_line, report_value, result_value
from policyc.inventory import InventoryError, read_inventory
from policyc.inventory.schema import to_row
from policyc.model.artifact import COMPANIONS, PROVENANCE, Artifact
from policyc.model.diagnostic import Level
from policyc.model.inventory import HostInfo, Inventory
from policyc.model.ir import AcceptedLoss, PolicyIR, canonical
from policyc.model.lists import written_out
from policyc.model.loss import Loss
from policyc.model.waiver import AcceptedLint, Waiver
from policyc.reports.json import dump
from policyc.reports.safe import printable
from policyc.reports.text import loss_diagnostics, table
from policyc.targets import default_targets, target_names
from policyc.targets.base import ArtifactError
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
            return candidate
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
    try:
        loaded = load_baseline(path, inventory, profile=profile)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except UnknownProfileError as error:
        fail(f"{path}: {printable(str(error))}")
    show(loaded.diagnostics, loaded.sources)
    if loaded.compact is None:
        count = len(loaded.diagnostics)
        fail(f"{path} has {count} problem{'' if count == 1 else 's'}; nothing was written")
    return loaded, loaded.compact


def run_lint(
    baseline: Path | None, inventories: list[Path], *, profile: str | None, day: dt.date | None
) -> None:
    """Show what makes a baseline longer than its meaning, and what is due on ``day``.

    Exits 1 if something decides nothing or is past its date.
    """
    loaded, policy = load(baseline, read_inventories(inventories), profile)
    valid = [item for item in loaded.accepted_lint if not item.expired(day)]
    pointless = lint_rules(loaded.written, valid)
    dated_entries: tuple[AcceptedLoss | Waiver | AcceptedLint, ...] = (
        *policy.accepted,
        *policy.waivers,
        *loaded.accepted_lint,
    )
    due = () if day is None else lint_dates(loaded.written, dated_entries, day)
    show((*pointless, *loaded.remarks, *due), loaded.sources)
    overdue = [item for item in due if item.level is not Level.INFO]
    dated = "" if day is None else f", {len(overdue):,} past their date on {day}"
    unused = f", {len(loaded.remarks):,} unused groups" if loaded.remarks else ""
    out(f"{len(policy.rules):,} rules, {len(pointless):,} that decide nothing{unused}{dated}")
    if pointless or loaded.remarks or overdue:
        raise typer.Exit(Exit.FINDINGS)


def chosen_targets(names: list[str]) -> tuple[str, ...]:
    """The targets asked for, or all that are not experimental; exits 2 for an unknown one."""
    known = target_names()
    for name in names:
        if name not in known:
            fail(f"there is no target `{name}`; possible: {', '.join(known)}")
    return tuple(dict.fromkeys(names)) or default_targets()


def run_compile(
    baseline: Path | None,
    inventories: list[Path],
    targets: list[str],
    output: Path,
    *,
    check_only: bool,
    form: str = "text",
    profile: str | None = None,
) -> None:
    """Compile, verify, and write or compare."""
    keep_everything()
    names = chosen_targets(targets)
    inventory = read_inventories(inventories)
    loaded, policy = load_compact(baseline, inventory, profile)
    results = compile_policy(policy, inventory or Inventory(), names)
    keep_everything(inventory, loaded, results)
    for result in results:
        told = [(item, _reason(item, result)) for item in result.losses]
        show(tuple(loss_diagnostics(told)), loaded.sources)
    used = frozenset(item for result in results for item in result.accepted)
    asked = tuple(item for item in policy.accepted if item.target in names)
    unused = unused_acceptances(policy, used | (frozenset(policy.accepted) - frozenset(asked)))
    show(unused, loaded.sources)
    if form == "json":
        out(dump({"targets": [result_value(item) for item in results]}))
    else:
        out(_result_table(results))
        for result in results:
            _list_differences(result.target, result.report.differences)
    tell = note if form == "json" else out
    failed = [result for result in results if result.failure is not None]
    if failed:
        _report_failures(failed)
    if check_only:
        _check_only(results, output, tell)
        return
    try:
        written = write_bundle(results, output)
    except OSError as error:
        fail(f"{output}: {error.strerror}")
    tell(f"{len(written)} of {len(results)} targets written to {output}{os.sep}")
    if any(result.refused for result in results):
        raise typer.Exit(Exit.FINDINGS)


def _reason(loss: Loss, result: TargetResult) -> str | None:
    for item in sorted(result.accepted, key=lambda each: each.origin):
        if item.code == loss.code and item.rule in (None, loss.rule_name):
            return item.reason
    return None


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


def run_verify(
    paths: list[Path],
    baseline: Path | None,
    inventories: list[Path],
    target: str | None,
    *,
    form: str = "text",
    profile: str | None = None,
) -> None:
    """Compare artifacts with the baseline; exits 1 on a difference no loss explains."""
    keep_everything()
    if target is not None:
        chosen_targets([target])
    given = read_inventories(inventories)
    if given is None:
        note(
            "policyc: no inventory (-i FILE): only made files are decided, and what was expanded "
            "over one counts as unexplained"
        )
    inventory = given or Inventory()
    _, policy = load_compact(baseline, inventory, profile)
    keep_everything(inventory, policy)
    bad = False
    values: list[dict[str, Any]] = []
    rows: list[tuple[str, ...]] = [
        (
            "target",
            "agree",
            "narrower",
            "wider",
            "unknown",
            "unexplained",
            "witnesses",
            "of them wrong",
        )
    ]
    for name, artifacts in _collect(paths, target):
        try:
            report = verify_artifacts(policy, inventory, name, artifacts)
            made = verify_witnesses(policy, inventory, name, artifacts)
        except ArtifactError as error:
            where = f"{error.place(error.artifact)}: " if error.artifact else ""
            fail(f"{name}: {printable(where + error.message)}")
        bad = bad or bool(report.mismatches or made.mismatches)
        counts = (report.agree, report.narrower, report.wider, report.unknown)
        shown = (*counts, len(report.mismatches), made.total, len(made.mismatches))
        rows.append((name, *(f"{count:,}" for count in shown)))
        own = {"inventory": report_value(report), "witnesses": report_value(made)}
        values.append({"target": name, **own})
        if form == "text":
            _list_differences(name, (*report.differences, *made.mismatches))
    if form == "json":
        out(dump({"targets": values}))
    else:
        out(table(rows, right=frozenset({1, 2, 3, 4, 5, 6, 7})))
    if bad:
        raise typer.Exit(Exit.FINDINGS)


def _list_differences(target: str, differences: tuple[Difference, ...]) -> None:
    """Each difference with its loss and where that comes from; unexplained ones first."""
    ordered = sorted(differences, key=lambda item: item.loss is not None)
    for item in ordered[:_LISTED]:
        note(f"{target}: {printable(difference_line(item))}")
    if len(ordered) > _LISTED:
        note(f"{target}: … and {len(ordered) - _LISTED:,} more; --format json has them all")


def _collect(paths: list[Path], target: str | None) -> list[tuple[str, tuple[Artifact, ...]]]:
    """Artifacts by target: whole folders by their names, single files by ``target``."""
    found: list[tuple[str, tuple[Artifact, ...]]] = []
    single: list[Artifact] = []
    known = target_names()
    for path in paths:
        if path.is_dir():
            inner = [path / name for name in known if (path / name).is_dir()]
            for folder in inner or [path]:
                name = target or folder.resolve().name
                if name not in known:
                    fail(f"{folder}: which target is this? Say so with -t")
                found.append((name, _folder(folder)))
        elif path.is_file():
            single.append(_artifact(path, path.name))
        else:
            fail(f"{printable(str(path))}: no such file or folder")
    if single:
        if target is None:
            fail(f"{single[0].name}: which target is this? Say so with -t")
        found.append((target, tuple(single)))
    return found


def _folder(folder: Path) -> tuple[Artifact, ...]:
    """The policy's own files: what only people read stands aside."""
    names = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != PROVENANCE
    }
    return tuple(
        _artifact(path, name) for name, path in names.items() if not name.startswith(COMPANIONS)
    )


def _artifact(path: Path, name: str) -> Artifact:
    return Artifact(name=name, data=path.read_bytes(), media_type="application/octet-stream")
