"""``explain``, ``targets`` and ``schema``."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import typer

from policyc import resources
from policyc.baseline import json_schema
from policyc.baseline.sources import BUILTIN, SourceError, builtin
from policyc.checks import check_file
from policyc.cli.compiling import chosen_targets, load, nearest_baseline, read_inventories
from policyc.cli.console import Exit, fail, out, style_for
from policyc.cli.decisions import decisions_text
from policyc.cli.manual import page_of
from policyc.cli.options import SchemaName
from policyc.inventory.scan import scan_one
from policyc.inventory.worker import ScanOptions
from policyc.model.decision import Verdict
from policyc.model.diagnostic import Finding
from policyc.model.facts import UNKNOWN, FileFacts
from policyc.model.formats import FileFormat
from policyc.model.inventory import Inventory, Skipped
from policyc.readers.claims import extension_row
from policyc.readers.crosscheck import cross_check
from policyc.readers.opinion import file_says
from policyc.reports.safe import printable
from policyc.reports.text import finding_text, table
from policyc.targets import load_target, target_names
from policyc.targets.base import Support

_WITNESSES = {
    FileFormat.PE: "LIEF and pefile read",
    FileFormat.ELF: "pyelftools reads",
    FileFormat.MACHO: "LIEF and macholib read",
}
_CODE = re.compile(r"[A-Z][0-9]{3}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{8,64}", re.ASCII)


def run_explain(
    what: str,
    baseline: Path | None,
    inventories: list[Path],
    targets: list[str],
    seen_as: str | None,
    profile: str | None = None,
) -> None:
    """Explain a code, or the decision about a file."""
    if _CODE.fullmatch(what.upper()) and not Path(what).exists():
        page = page_of(what.upper())
        out(page if page is not None else fail(f"there is no code {what.upper()}"))
        return
    if what.startswith(BUILTIN):
        out(_builtin(what))
        return
    if what.startswith(".") and not Path(what).exists():
        out(_extension(what[1:].lower()))
        return
    inventory = read_inventories(inventories)
    facts = _facts(what, inventory, seen_as)
    style = style_for(sys.stdout)
    out(_identity(facts))
    if Path(what).is_file() and facts.actual.runs_natively:
        out(_second_opinion(Path(what), facts))
    findings = check_file(facts)
    if findings and Path(what).is_file():
        for opinion in file_says([what]).values():
            out(f"  second opinion: {opinion.tool} says {printable(opinion.says)}")
    for finding in findings:
        out("\n" + finding_text(finding, style))
        for line in _commands(what, finding):
            out(line)
    names = chosen_targets(targets)
    if nearest_baseline(baseline) is None:
        out("\nno baseline is in reach, so nothing decides about it; name one with -b")
        return
    _, policy = load(baseline, inventory or Inventory(), profile)
    verdict, text = decisions_text(policy, inventory or Inventory(), facts, names)
    out("\n" + text)
    if verdict.verdict is Verdict.UNDETERMINED:
        raise typer.Exit(Exit.UNDETERMINED)


def _commands(what: str, finding: Finding) -> list[str]:
    """Commands that show the proving bytes with a standard tool."""
    if not finding.proofs or not Path(what).is_file():
        return []
    plain = what.isascii() and what.isprintable()
    # A name that deceives is not printed into something that people paste.
    name = shlex.quote(what) if plain else '"$FILE"'
    return [
        f"   = check: xxd -s {proof.offset} -l {len(proof.data)} -- {name}"
        for proof in finding.proofs
    ]


def _builtin(name: str) -> str:
    """The text of a set that ships with policyc; exits 2 if there is none of that name."""
    try:
        return builtin(name).text.rstrip()
    except SourceError as error:
        return fail(printable(f"{error.message}; {error.remedy}"))


def _extension(name: str) -> str:
    row = extension_row(name)
    if row is None:
        return fail(f"the table of extensions has no .{printable(name)}: it claims nothing")
    says = {
        "runs": "a double click starts it",
        "opens": "it opens as a drive or a notebook",
        "code": "it is code for the program that runs it",
        "macros": "it may hold macros",
        "listed": "it stands on block lists",
        "": "it starts nothing by itself",
    }
    lines = [f".{row.name}: {says[row.kind]}"]
    facts = (
        ("platform", row.platform),
        ("run by", row.handler),
        ("usual formats", ", ".join(item.value for item in row.formats)),
        ("blocked by", ", ".join(row.lists)),
        ("Explorer", "never shows the extension" if row.hidden else ""),
        ("people", "take it for harmless" if row.lure else ""),
    )
    return "\n".join([*lines, *(f"  {what}: {text}" for what, text in facts if text)])


def _facts(what: str, inventory: Inventory | None, seen_as: str | None) -> FileFacts:
    if inventory is not None:
        for facts in inventory.files:
            digest = facts.hashes.sha256
            own = "" if digest is None or digest is UNKNOWN else digest.value
            named = _SHA256.fullmatch(what.lower()) and own.startswith(what.lower())
            if facts.path == what or named:
                return facts
    path = Path(what)
    if not path.is_file():
        fail(f"{printable(what)}: no such file, and no inventory given knows it")
    item = scan_one(path, ScanOptions(prefix=seen_as))
    if isinstance(item, Skipped):
        fail(f"{printable(what)}: {item.reason.value} {item.detail}")
    return item


def _identity(facts: FileFacts) -> str:
    collection = "none" if facts.collection is None else facts.collection.value
    lines = [
        printable(facts.path),
        f"  format {facts.actual.value}  collection {collection}",
    ]
    for name in ("sha256", "authenticode_sha256"):
        digest = getattr(facts.hashes, name)
        if digest is not None and digest is not UNKNOWN:
            lines.append(f"  {name} {digest}")
    if facts.signatures is UNKNOWN:
        lines.append("  signatures unknown")
    else:
        for signature in facts.signatures:
            who = signature.team or signature.publisher or "nobody"
            lines.append(
                f"  signed by {printable(str(who))} ({signature.kind.value}, "
                f"{signature.grade.value})"
            )
    lines += [f"  icon {item.detail}" for item in facts.traits if item.kind == "icon"]
    slices = facts.macho.slices if facts.macho else ()
    for piece in slices:
        lines.append(f"  cdhash {piece.cdhash or 'none'} ({piece.arch})")
        if piece.identifier:
            prefix = piece.team or ("platform" if piece.platform_binary else "no team")
            lines.append(f"  identifier {printable(piece.identifier)}, {prefix} ({piece.arch})")
        if piece.leaf is not None:
            lines.append(f"  signing certificate {piece.leaf} ({piece.arch})")
    if facts.macho is not None and facts.macho.mixed:
        lines.append("  slices are not signed alike: to Santa the signature is invalid")
    return "\n".join(lines)


def _second_opinion(path: Path, facts: FileFacts) -> str:
    """What independent libraries read from the same file; they decide nothing."""
    found = cross_check(path, facts)
    if not found:
        return f"  second opinion: {_WITNESSES[facts.actual]} the same"
    return "\n".join(
        f"  second opinion: {item.tool} reads {item.fact} {printable(item.theirs)}, not "
        f"{printable(item.ours)}"
        for item in found
    )


def run_targets(name: str | None) -> None:
    """The capability matrix, or one target in full."""
    if name is not None:
        chosen_targets([name])
        out(_target_page(name))
        return
    names = target_names()
    capabilities = [load_target(item).capabilities for item in names]
    rows = [("permit / forbid", *names)]
    probes = list(dict.fromkeys(probe for item in capabilities for probe in item.supports))
    for probe in probes:
        cells = []
        for item in capabilities:
            support = item.supports.get(probe)
            cells.append("" if support is None else _cell(support.permit, support.forbid))
        rows.append((probe.value, *cells))
    out(table(rows))
    out("\nexact: says the same   lossy: with a typed loss   -: no such file on this platform")


def _cell(permit: Support, forbid: Support) -> str:
    words = {Support.EXACT: "exact", Support.LOSSY: "lossy", Support.VACUOUS: "-"}
    if permit is forbid:
        return words[permit]
    return f"{words[permit]} / {words[forbid]}"


def _target_page(name: str) -> str:
    own = load_target(name).capabilities
    collections = ", ".join(sorted(item.value for item in own.collections))
    lines = [own.title, f"platform: {own.platform.value}", f"can govern: {collections}", ""]
    rows = [("condition", "permit", "forbid", "")]
    rows += [
        (probe.value, item.permit.value, item.forbid.value, item.note)
        for probe, item in own.supports.items()
    ]
    lines.append(table(rows))
    if own.settings:
        lines += ["", "settings:"]
        lines += [f"  {item.name} (default {item.default}): {item.doc}" for item in own.settings]
    return "\n".join(lines)


def run_schema(what: str) -> None:
    """Print the JSON Schema of a baseline, or of what a command prints."""
    if what == SchemaName.BASELINE:
        out(json.dumps(json_schema(), indent=2, ensure_ascii=False))
        return
    path = resources.root("docs") / f"{what}.schema.json"
    out(path.read_text(encoding="utf-8").rstrip("\n"))
