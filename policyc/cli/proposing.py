"""``init``: a baseline from files or inventories."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from policyc.baseline import json_schema
from policyc.baseline.cover import BREADTH, DEFAULT_LEVELS, Proposal
from policyc.baseline.draft import BY_HASH, baseline_text, identified, report_text, why
from policyc.baseline.propose import RuleLevel
from policyc.cli.compiling import chosen_targets, read_inventories
from policyc.cli.console import Exit, fail, note, out
from policyc.cli.scanning import INVENTORY_SUFFIXES, ScanRequest, run_scan
from policyc.compiler.proposing import asked_files, governed, propose_for
from policyc.inventory.table import write_inventory
from policyc.model.inventory import Inventory
from policyc.reports.safe import printable


def run_init(
    request: ScanRequest,
    folder: Path,
    targets: list[str],
    levels: list[str],
    *,
    explain: bool,
) -> None:
    """Scan what is no inventory yet, propose, and write baseline, inventories and report."""
    names = chosen_targets(targets)
    chosen = _levels(levels)
    if folder.exists() and any(folder.iterdir()):
        fail(f"{folder} is not empty; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    inventory = _inventory(request, folder)
    proposal, widening = propose_for(inventory, names, chosen)
    title = request.name or folder.resolve().name
    asked = len(asked_files(inventory, names))
    used = {name: [item.value for item in governed(name)] for name in names}
    hashed = Inventory(
        host=inventory.host, files=tuple(proposal.files[at] for at in proposal.by_hash)
    )
    if hashed.files:
        write_inventory(hashed, folder / BY_HASH)
    accepted = [loss for loss in widening if loss.rule is None]
    text = baseline_text(title, proposal, used, accepted)
    (folder / "policyc.yaml").write_text(text, encoding="utf-8")
    schema = json.dumps(json_schema(), indent=1, ensure_ascii=True) + "\n"
    (folder / "policyc.schema.json").write_text(schema, encoding="utf-8")
    report = report_text(title, proposal, seen=len(inventory.files), asked=asked)
    (folder / "report.md").write_text(report, encoding="utf-8")
    _tell(proposal, asked, explain=explain)
    out(f"written to {folder}: policyc.yaml, its inventories, report.md")
    out(f"next: policyc compile {folder}/policyc.yaml -i {folder}/inventory.parquet -o out")
    for loss in widening:
        told = "accepted" if loss in accepted else "would have to allow more"
        note(f"policyc: {loss.target}: {told}: {printable(loss.message)}")
    if len(accepted) != len(widening):
        raise typer.Exit(Exit.FINDINGS)


def _levels(names: list[str]) -> tuple[RuleLevel, ...]:
    known = [item.value for item in BREADTH]
    for name in names:
        if name not in known:
            fail(f"nothing is proposed at the level `{name}`; possible: {', '.join(known)}")
    return tuple(RuleLevel(name) for name in names) or DEFAULT_LEVELS


def _inventory(request: ScanRequest, folder: Path) -> Inventory:
    """The inventories named, or a new scan of the paths."""
    kept = [path for path in request.paths if path.suffix in INVENTORY_SUFFIXES]
    if kept and len(kept) != len(request.paths):
        fail("either inventories or paths to scan, not both")
    if not kept:
        run_scan(request)
        kept = [request.output]
    inventory = read_inventories(kept)
    if inventory is None:
        fail("nothing to read: name files, trees or inventories")
    if kept != [request.output]:
        write_inventory(inventory, folder / "inventory.parquet")
    return inventory


def _tell(proposal: Proposal, asked: int, *, explain: bool) -> None:
    if explain:
        for identifier, item in identified(proposal.rules):
            out(f"{identifier} ({item.level.value}): {printable(why(item))}")
    ruled = len(proposal.files) - len(proposal.by_hash)
    left = asked - len(proposal.files) - proposal.started
    if proposal.start:
        out(f"starts from {proposal.start}, which permits {proposal.started:,} files")
    out(
        f"{asked:,} files are decided by a target: {ruled:,} by {len(proposal.rules):,} rules, "
        f"{len(proposal.by_hash):,} by hash, {left:,} left out"
    )
    for reason, found in proposal.left_out.items():
        note(f"left out, {reason}: {len(found):,} files, the first is {printable(found[0].path)}")
