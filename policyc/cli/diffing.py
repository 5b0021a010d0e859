"""``diff``: what a change to a policy lets in and shuts out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import typer

from policyc.cli.compiling import chosen_targets
from policyc.cli.console import Exit, fail, keep_everything, note, show
from policyc.cli.forms import asked_reports, write_reports, write_result
from policyc.diff import Machine, Side, SideError, compare_sides, open_side
from policyc.diff.codes import CODES
from policyc.inventory import InventoryError, read_inventory
from policyc.model.change import Comparison, Turn
from policyc.model.inventory import HostInfo, Inventory
from policyc.reports.changes import changes_csv, changes_json, changes_text
from policyc.reports.changes_findings import changes_findings
from policyc.reports.changes_markdown import changes_markdown
from policyc.reports.policy_sarif import policy_sarif
from policyc.reports.policy_tables import policy_annotations, policy_gitlab, policy_junit
from policyc.reports.safe import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffRequest:
    """What ``diff`` was asked for; ``fail_on`` is never, widen, narrow or any.

    ``reports`` are other forms as ``FORM=FILE``.
    """

    old: str
    new: str
    inventories: list[Path] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    profile: str | None = None
    form: str = "text"
    fail_on: str = "never"
    output: Path | None = None
    reports: list[str] = field(default_factory=list)


def run_diff(request: DiffRequest) -> None:
    """Print the comparison; exits 1 or 3 for what ``fail_on`` asks for."""
    keep_everything()
    reports = asked_reports(request.reports)
    names = chosen_targets(request.targets) if request.targets else ()
    machines = _machines(request.inventories)
    given = _together(machines)
    wanted = names[0] if len(names) == 1 else None
    old, new = (_side(text, request, given, wanted) for text in (request.old, request.new))
    keep_everything(machines, old, new)
    try:
        found = compare_sides(old, new, names, machines)
    except SideError as error:
        fail(printable(str(error)))
    for text in found.notes:
        note(f"policyc: {printable(text)}")
    failing = frozenset(turn for turn in Turn if _counts(turn, request.fail_on))
    code = _exit(found, failing)

    def text_of(form: str) -> str:
        return _text(found, form, failing, fails=code is not Exit.OK)

    write_result(request.output, text_of(request.form))
    write_reports(reports, text_of)
    if code is not Exit.OK:
        raise typer.Exit(code)


def _machines(paths: list[Path]) -> list[Machine]:
    """The inventories, each by its own name or its file's; exits 2 for what is none."""
    found: list[Machine] = []
    for path in paths:
        try:
            inventory = read_inventory(path)
        except (InventoryError, OSError) as error:
            fail(str(error))
        name = inventory.host.name or path.stem
        if any(item.name == name for item in found):
            name = str(path)
        found.append(Machine(name=name, inventory=inventory))
    return found


def _together(machines: list[Machine]) -> Inventory | None:
    """What ``from: inventory`` means."""
    if len(machines) < 2:
        return machines[0].inventory if machines else None
    files = sorted(
        (item for machine in machines for item in machine.inventory.files),
        key=lambda item: item.path,
    )
    return Inventory(host=HostInfo(), files=tuple(files))


def _side(text: str, request: DiffRequest, given: Inventory | None, target: str | None) -> Side:
    try:
        side = open_side(text, given, profile=request.profile, target=target, folder=Path.cwd())
    except SideError as error:
        if error.loaded is not None:
            show(error.loaded.diagnostics, error.loaded.sources)
        return fail(printable(str(error)))
    if side.loaded is not None and text == request.new:
        show(side.loaded.diagnostics, side.loaded.sources)
    return side


def _counts(turn: Turn, fail_on: str) -> bool:
    """Whether a turn is one that the pipeline should stop for."""
    match fail_on:
        case "widen":
            return turn.widens
        case "narrow":
            return turn.narrows
        case _:
            return fail_on == "any"


def _exit(found: Comparison, failing: frozenset[Turn]) -> Exit:
    """1 for what is known to happen, 3 if it is only not known to be harmless."""
    stops = found.turns & failing
    if not stops:
        return Exit.OK
    return Exit.UNDETERMINED if stops == {Turn.UNKNOWN} else Exit.FINDINGS


def _text(found: Comparison, form: str, failing: frozenset[Turn], *, fails: bool) -> str:
    match form:
        case "json":
            return changes_json(found)
        case "csv":
            return changes_csv(found).rstrip("\r\n")
        case "markdown":
            return changes_markdown(found, failing=failing, fails=fails)
        case "sarif":
            return policy_sarif(changes_findings(found, failing), CODES)
        case "annotations":
            return policy_annotations(changes_findings(found, failing))
        case "junit":
            return policy_junit(changes_findings(found, failing), "policyc diff")
        case "gitlab":
            return policy_gitlab(changes_findings(found, failing))
        case _:
            return changes_text(found)
