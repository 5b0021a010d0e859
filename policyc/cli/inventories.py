"""``check``."""

from __future__ import annotations

import datetime as dt
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import typer

from policyc.baseline.acceptance import unused_waivers
from policyc.checks import CHECKS, check_file
from policyc.checks.icons import IconsError, read_icons, use_icons
from policyc.cli.compiling import load
from policyc.cli.console import Exit, Progress, fail, note, show, style_for
from policyc.cli.forms import asked_reports, write_reports, write_result
from policyc.cli.options import Format
from policyc.cli.scanning import INVENTORY_SUFFIXES, check_paths, own_extensions, with_magika
from policyc.inventory import InventoryError, read_inventory
from policyc.inventory.scan import scan
from policyc.inventory.schema import from_row
from policyc.inventory.worker import ScanOptions
from policyc.model.diagnostic import Finding, Level
from policyc.model.facts import FileFacts
from policyc.model.inventory import Inventory, Skipped
from policyc.model.waiver import Waiver, accepted_text, first_covering
from policyc.readers.claims import Extension, claimed_by
from policyc.readers.opinion import file_says
from policyc.reports.html import findings_html
from policyc.reports.json import findings_json
from policyc.reports.sarif import findings_sarif
from policyc.reports.tables import (
    findings_annotations,
    findings_csv,
    findings_gitlab,
    findings_junit,
    findings_markdown,
)
from policyc.reports.text import Style, finding_text


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What ``check`` was asked for. ``on`` is the day on which waivers are looked at.

    ``reports`` are other forms as ``FORM=FILE``.
    """

    paths: list[Path]
    form: str = "text"
    fail_on: str = "error"
    jobs: int = 0
    output: Path | None = None
    reports: list[str] = field(default_factory=list)
    baseline: Path | None = None
    profile: str | None = None
    on: dt.date | None = None
    extensions: Path | None = None
    icons: Path | None = None
    second_opinion: bool = False
    magika: bool = False
    exit_zero: bool = False


@dataclass(kw_only=True)
class _Checked:
    findings: list[Finding]
    files: int = 0
    skipped: int = 0

    @property
    def open(self) -> list[Finding]:
        """The findings that no baseline accepts."""
        return [item for item in self.findings if not item.accepted]


def run_check(request: CheckRequest) -> None:
    """Check the paths and exit by the worst finding that is not accepted."""
    check_paths(request.paths)
    reports = asked_reports(request.reports, Format)
    if request.output is not None and not request.output.absolute().parent.is_dir():
        fail(f"{request.output.parent}: no such folder to write to")
    extensions = own_extensions(request.extensions)
    _use_icons(request.icons)
    waivers, sources = _waivers(request.baseline, request.profile)
    checked = _check(request, extensions)
    if request.second_opinion:
        checked.findings = list(_with_opinions(checked.findings))
    used = frozenset(
        waiver for item in checked.findings if (waiver := first_covering(item, waivers)) is not None
    )
    _report_waivers(waivers, used, request.on, sources)
    checked.findings = [_accepted(item, waivers, request.on) for item in checked.findings]
    checked.findings.sort(key=lambda item: (item.level.rank, item.path, item.code))
    if checked.skipped:
        note(f"{checked.skipped:,} paths could not be read; `policyc scan` records why")
    style = style_for(sys.stdout) if request.output is None else Style(colour=False)
    write_result(request.output, _text(checked, request.form, style))
    write_reports(reports, lambda form: _text(checked, form, Style(colour=False)))
    worst = min((item.level.rank for item in checked.open), default=99)
    limit = {"error": 0, "warning": 1, "never": -1}[request.fail_on]
    if worst <= limit and not request.exit_zero:
        raise typer.Exit(Exit.FINDINGS)


def _check(request: CheckRequest, extensions: tuple[Extension, ...]) -> _Checked:
    checked = _Checked(findings=[])
    progress = Progress("checked")
    try:
        for item in _items(request, extensions, progress):
            if isinstance(item, Skipped):
                checked.skipped += 1
                continue
            checked.files += 1
            checked.findings += check_file(item)
    except KeyboardInterrupt:
        progress.done()
        fail("interrupted", Exit.FINDINGS)
    except InventoryError as error:
        progress.done()
        fail(str(error))
    progress.done()
    return checked


def _use_icons(path: Path | None) -> None:
    if path is None:
        return
    try:
        use_icons(read_icons(path))
    except IconsError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{path}: {error.strerror}")


def _waivers(
    baseline: Path | None, profile: str | None
) -> tuple[tuple[Waiver, ...], Mapping[str, str]]:
    """The findings that a baseline accepts, and its texts; exits 2 if it has an error."""
    if baseline is None:
        return (), {}
    # `from: inventory` says nothing about what is accepted, so an empty one will do.
    loaded, policy = load(baseline, Inventory(), profile)
    return policy.waivers, loaded.sources


def _report_waivers(
    waivers: tuple[Waiver, ...],
    used: frozenset[Waiver],
    on: dt.date | None,
    sources: Mapping[str, str],
) -> None:
    """Say which acceptances meet nothing here, and which have ended."""
    show(unused_waivers(waivers, used), sources)
    for waiver in waivers:
        if waiver.expired(on):
            note(f"policyc: {waiver.origin}: {waiver.code} was accepted until {waiver.until}")


def _accepted(finding: Finding, waivers: tuple[Waiver, ...], on: dt.date | None) -> Finding:
    waiver = first_covering(finding, tuple(item for item in waivers if not item.expired(on)))
    if waiver is None:
        return finding
    return replace(finding, accepted=accepted_text(waiver))


def _with_opinions(findings: list[Finding]) -> Iterator[Finding]:
    """The findings with what file(1) says, for files that are there."""
    paths = sorted({item.path for item in findings if Path(item.path).is_file()})
    said = file_says(paths)
    for item in findings:
        opinion = said.get(item.path)
        yield item if opinion is None else replace(item, opinions=(opinion,))


def _items(
    request: CheckRequest, extensions: tuple[Extension, ...], progress: Progress
) -> Iterator[FileFacts | Skipped]:
    trees = []
    for path in request.paths:
        if path.is_file() and path.suffix in INVENTORY_SUFFIXES:
            inventory = read_inventory(path)
            for facts in inventory.files:
                yield facts if not extensions else _reclaimed(facts)
            yield from inventory.skipped
        else:
            trees.append(path)
    if trees:
        options = ScanOptions(
            jobs=request.jobs,
            extensions=extensions,
            magika=with_magika(wanted=request.magika),
        )
        shown = lambda summary: progress(summary.files, summary.size)  # noqa: E731
        for row in scan(trees, options, shown):
            yield from_row(msgspec.json.decode(row))


def _reclaimed(facts: FileFacts) -> FileFacts:
    """What the name claims by the table with the user's own rows."""
    return replace(facts, claimed=claimed_by(facts.extension))


_FORMS: dict[str, Callable[[list[Finding]], str]] = {
    "annotations": findings_annotations,
    "csv": lambda found: findings_csv(found).rstrip("\r\n"),
    "junit": findings_junit,
    "gitlab": findings_gitlab,
    "markdown": findings_markdown,
}


def _text(checked: _Checked, form: str, style: Style) -> str:
    manuals = {item.code: (item.name, inspect.cleandoc(item.manual)) for item in CHECKS.values()}
    found = checked.findings
    match form:
        case "sarif" | "github":
            return findings_sarif(found, manuals, github=form == "github")
        case "html":
            return findings_html(found, manuals, files=checked.files, skipped=checked.skipped)
        case "json":
            return findings_json(found, files=checked.files, skipped=checked.skipped)
        case "text":
            return _plain_text(checked, style)
        case _:
            return _FORMS[form](found)


def _plain_text(checked: _Checked, style: Style) -> str:
    parts = [
        f"{count} {level.value}{'s' if count != 1 and level is not Level.INFO else ''}"
        for level in Level
        for count in (sum(item.level is level for item in checked.open),)
    ]
    accepted = len(checked.findings) - len(checked.open)
    if accepted:
        parts.append(f"{accepted} accepted")
    shown = [finding_text(item, style) + "\n" for item in checked.open]
    return "\n".join([*shown, f"{', '.join(parts)} in {checked.files:,} files"])
