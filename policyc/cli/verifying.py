"""``verify``."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import typer

from policyc.cli.compiling import (
    chosen_targets,
    list_differences,
    load_compact,
    read_inventories,
)
from policyc.cli.console import Exit, fail, keep_everything, note, out
from policyc.cli.forms import asked_reports, report_of, write_reports
from policyc.compiler import verify_artifacts, verify_witnesses
from policyc.compiler.account import report_value
from policyc.compiler.findings import difference_findings
from policyc.model.artifact import COMPANIONS, PROVENANCE, Artifact
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR
from policyc.reports.json import dump
from policyc.reports.policy_forms import PolicyReport, policy_form
from policyc.reports.policy_sarif import PolicyFinding
from policyc.reports.safe import printable
from policyc.reports.text import table
from policyc.targets import target_names
from policyc.targets.base import ArtifactError
from policyc.verify import Report

_HEAD = (
    "target",
    "agree",
    "narrower",
    "wider",
    "unknown",
    "unexplained",
    "witnesses",
    "of them wrong",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRequest:
    """What ``verify`` was asked for; ``reports`` are other forms as ``FORM=FILE``."""

    paths: list[Path]
    baseline: Path | None = None
    inventories: list[Path] = field(default_factory=list)
    target: str | None = None
    profile: str | None = None
    form: str = "text"
    reports: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Verified:
    """One target: the inventory's files, and the made ones."""

    target: str
    report: Report
    made: Report

    @property
    def row(self) -> tuple[str, ...]:
        own = self.report
        counts = (own.agree, own.narrower, own.wider, own.unknown, len(own.mismatches))
        shown = (*counts, self.made.total, len(self.made.mismatches))
        return (self.target, *(f"{count:,}" for count in shown))

    def findings(self, policy: PolicyIR) -> list[PolicyFinding]:
        listed = (*self.report.differences, *self.made.mismatches)
        return difference_findings(self.target, listed, policy)


def run_verify(request: VerifyRequest) -> None:
    """Compare artifacts with the baseline; exits 1 on a difference no loss explains."""
    keep_everything()
    reports = asked_reports(request.reports)
    if request.target is not None:
        chosen_targets([request.target])
    given = read_inventories(request.inventories)
    if given is None:
        note(
            "policyc: no inventory (-i FILE): only made files are decided, and what was expanded "
            "over one counts as unexplained"
        )
    inventory = given or Inventory()
    loaded, policy = load_compact(request.baseline, inventory, request.profile)
    keep_everything(inventory, policy)
    verified = [
        _verified(policy, inventory, name, artifacts)
        for name, artifacts in _collect(request.paths, request.target)
    ]
    if request.form == "text":
        for item in verified:
            listed = (*item.report.differences, *item.made.mismatches)
            list_differences(item.target, listed)

    @cache
    def report() -> PolicyReport:
        found = [one for item in verified for one in item.findings(policy)]
        return report_of("policyc verify", found, files=len(loaded.sources))

    def make(form: str) -> str:
        match form:
            case "text":
                return table(
                    [_HEAD, *(item.row for item in verified)], right=frozenset(range(1, 8))
                )
            case "json":
                return dump({"targets": [_value(item) for item in verified]})
            case _:
                return policy_form(report(), form)

    out(make(request.form))
    write_reports(reports, make)
    if any(item.report.mismatches or item.made.mismatches for item in verified):
        raise typer.Exit(Exit.FINDINGS)


def _verified(
    policy: PolicyIR, inventory: Inventory, name: str, artifacts: tuple[Artifact, ...]
) -> _Verified:
    try:
        report = verify_artifacts(policy, inventory, name, artifacts)
        made = verify_witnesses(policy, inventory, name, artifacts)
    except ArtifactError as error:
        where = f"{error.place(error.artifact)}: " if error.artifact else ""
        fail(f"{name}: {printable(where + error.message)}")
    return _Verified(name, report, made)


def _value(item: _Verified) -> dict[str, Any]:
    return {
        "target": item.target,
        "inventory": report_value(item.report),
        "witnesses": report_value(item.made),
    }


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
