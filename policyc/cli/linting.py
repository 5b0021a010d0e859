"""``lint`` for policies of a platform."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import typer

from policyc.baseline.acceptance import covering_lint, unused_lint
from policyc.cli.compiling import load, read_inventories
from policyc.cli.console import Exit, fail
from policyc.cli.forms import asked_reports, report_of, write_reports, write_result
from policyc.cli.wdac import any_document
from policyc.model.waiver import accepted_text
from policyc.reports.policy_forms import policy_form
from policyc.reports.policy_sarif import PolicyFinding, of_diagnostic
from policyc.reports.safe import printable
from policyc.targets.applocker.lint import is_ours as is_applocker
from policyc.targets.applocker.lint import lint as lint_applocker
from policyc.targets.base import ArtifactError
from policyc.targets.fapolicyd.daemon import DaemonVersion
from policyc.targets.fapolicyd.files import is_ours
from policyc.targets.fapolicyd.lint import lint
from policyc.targets.fapolicyd.lint_context import EVERY_VERSION
from policyc.targets.lint_register import LintFinding
from policyc.targets.santa.lint import is_ours as is_santa
from policyc.targets.santa.lint import lint as lint_santa
from policyc.targets.wdac.lint import OS_NAMES, lint_document

_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LintRequest:
    """What ``lint`` was asked for: ``files`` are one baseline or none, or policies of a platform.

    ``reports`` are other forms as ``FORM=FILE``; ``day`` is what dates are compared with.
    ``baseline`` is the one that accepts results about policies.
    """

    files: list[Path]
    form: str = "text"
    output: Path | None = None
    reports: list[str] = field(default_factory=list)
    inventories: list[Path] = field(default_factory=list)
    day: dt.date | None = None
    profile: str | None = None
    min_os: str = "1903"
    daemons: list[str] = field(default_factory=list)
    baseline: Path | None = None


def lint_policies(request: LintRequest) -> None:
    """Print the findings; exits 1 for an error, 2 for what is no policy.

    What the baseline accepts is told apart, unless it is past its date on the day.
    """
    if request.min_os not in OS_NAMES:
        fail(f"--min-os is one of {', '.join(OS_NAMES)}")
    reports = asked_reports(request.reports)
    found, files = _found(request)
    found = [*_with_accepted(found, request)]
    accepted = sum(bool(item.accepted) for item in found)
    also = f", {accepted} accepted by the baseline" if accepted else ""
    report = report_of(
        "policyc lint",
        found,
        files=files,
        closing=f"{len(found) - accepted} findings in {files} policies{also}",
    )
    write_result(request.output, policy_form(report, request.form))
    write_reports(reports, lambda form: policy_form(report, form))
    if any(item.fails for item in found):
        raise typer.Exit(Exit.FINDINGS)


def _found(request: LintRequest) -> tuple[list[PolicyFinding], int]:
    """What is found in the policies, and how many there are."""
    paths = request.files
    texts = _texts(paths)
    ours = [path for path in paths if path.is_dir() or is_ours(path.as_posix())]
    found = _fapolicyd(texts, request.daemons, request.inventories) if texts else []
    profiles = [path for path in paths if path not in ours and is_santa(path.name)]
    found += _santa(profiles, request.inventories)
    rest = [path for path in paths if path not in ours and path not in profiles]
    applocker = {str(path): data for path in rest if is_applocker(data := _data(path))}
    found += _applocker(applocker)
    others = [path for path in rest if str(path) not in applocker]
    if others:
        found += _app_control(others, request.min_os)
    return found, len(texts) + len(profiles) + len(rest)


def _texts(paths: Sequence[Path]) -> dict[str, str]:
    """Fapolicyd's files among the paths, and those in the folders."""
    found: dict[str, str] = {}
    for path in paths:
        if path.is_dir():
            inside = [
                item
                for item in sorted(path.rglob("*"))
                if item.is_file() and is_ours(item.as_posix())
            ]
            if not inside:
                fail(f"{printable(str(path))}: no rules, trust file or fapolicyd.conf in it")
            found |= {str(item): _text(item) for item in inside}
        elif is_ours(path.as_posix()):
            found[str(path)] = _text(path)
    return found


def _text(path: Path) -> str:
    return _data(path).decode("utf-8", "surrogateescape")


def _data(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            fail(f"{printable(str(path))}: larger than {_MOST_BYTES >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        return fail(f"{printable(str(path))}: {error.strerror}")


def _fapolicyd(
    texts: Mapping[str, str], daemons: Sequence[str], inventories: list[Path]
) -> list[PolicyFinding]:
    try:
        versions = [DaemonVersion.parse(item) for item in daemons] or EVERY_VERSION
    except ValueError as error:
        fail(f"--daemon: {error}")
    inventory = read_inventories(inventories)
    files = () if inventory is None else inventory.files
    writable = frozenset(item.path for item in files if item.writable_by_users is True)
    return [
        _finding(item, item.place.file, item.place.line) for item in lint(texts, versions, writable)
    ]


def _finding(item: LintFinding[Any], path: str, line: int) -> PolicyFinding:
    return PolicyFinding(
        path=path,
        line=line,
        code=item.code,
        level=item.level,
        message=item.message,
        fix=item.fix,
    )


def _santa(paths: Sequence[Path], inventories: list[Path]) -> list[PolicyFinding]:
    found: list[PolicyFinding] = []
    inventory = read_inventories(inventories) if paths else None
    files = () if inventory is None else inventory.files
    for path in paths:
        try:
            own = lint_santa(str(path), _data(path), files)
        except ArtifactError as error:
            fail(printable(f"{error.place(str(path))}: {error.message}"))
        found += [_finding(item, str(path), item.place.line) for item in own]
    return found


def _applocker(files: Mapping[str, bytes]) -> list[PolicyFinding]:
    try:
        own = lint_applocker(files)
    except ArtifactError as error:
        fail(printable(f"{error.place(error.artifact)}: {error.message}"))
    return [_finding(item, item.place.file, item.place.line) for item in own]


def _app_control(paths: Sequence[Path], min_os: str) -> list[PolicyFinding]:
    return [
        _finding(item, str(path), item.place)
        for path in paths
        for item in lint_document(any_document(path), min_os)
    ]


def _with_accepted(found: list[PolicyFinding], request: LintRequest) -> Iterator[PolicyFinding]:
    """The findings, those that the baseline accepts with its reason, and what accepts nothing."""
    if request.baseline is None:
        yield from found
        return
    loaded, _ = load(request.baseline, None, None)
    items = tuple(item for item in loaded.accepted_lint if not item.expired(request.day))
    taken = [covering_lint(items, item.code, path=item.path) for item in found]
    for item, by in zip(found, taken, strict=True):
        yield item if by is None else replace(item, accepted=accepted_text(by))
    families = {item.code[0] for item in found}
    asked = tuple(item for item in items if item.path is not None and item.code[0] in families)
    for unused in unused_lint(asked, frozenset(item for item in taken if item)):
        yield of_diagnostic(unused, loaded.file)
