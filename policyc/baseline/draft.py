"""A proposal as the text of a baseline and as a report that a person can sign."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from policyc.baseline.cover import Proposal, Proposed
from policyc.baseline.propose import RuleLevel, match_for
from policyc.model.facts import UNKNOWN, FileFacts, PackageState
from policyc.model.ir import FromPackage, IsProduct, SignedBy
from policyc.model.loss import Loss
from policyc.model.signatures import SignatureGrade

BY_HASH = "by-hash.parquet"
_LISTED = 200
_ALSO = {
    RuleLevel.FILE_PUBLISHER: "other files that this signer calls so",
    RuleLevel.PRODUCT: "all files of the product by this signer, later versions too",
    RuleLevel.PACKAGE: "all unchanged files of the package, later versions too",
    RuleLevel.LEAF_CERTIFICATE: "everything signed with this certificate",
    RuleLevel.PUBLISHER: "everything this publisher signs",
}
_UPDATE = "stays valid after an update"


def baseline_text(
    name: str,
    proposal: Proposal,
    targets: Mapping[str, Iterable[str]],
    accepted: Iterable[Loss] = (),
) -> str:
    """The YAML. Every text from a file is a quoted JSON text, which YAML reads the same.

    ``accepted`` is what a target does whatever a baseline says.
    """
    lines = [
        "# yaml-language-server: $schema=policyc.schema.json",
        "# Proposed by policyc init from an inventory. Read the report beside it before use.",
        "policyc: 1",
        f"name: {_quoted(name)}",
        "mode: audit                       # report first; enforce when the reports are clean",
        "targets:",
        *(f"  {target}: {{collections: [{', '.join(own)}]}}" for target, own in targets.items()),
        *([f"include: [{proposal.start}]"] if proposal.start else []),
        *(["rules:"] if proposal.rules or proposal.by_hash or not proposal.start else []),
    ]
    for identifier, item in identified(proposal.rules):
        lines += [
            f"  - id: {identifier}",
            f"    permit: {_condition(item)}",
            f"    platforms: [{', '.join(sorted(where.value for where in item.platforms))}]",
            f"    note: {_quoted(why(item))}",
        ]
    if proposal.by_hash:
        lines += ["  - id: by-hash", f"    permit: {{from: {BY_HASH}, levels: [hash]}}"]
    reasons: dict[tuple[str, str], list[str]] = {}
    for loss in accepted:
        reasons.setdefault((loss.target, loss.code), []).append(loss.message)
    if reasons:
        lines.append("accept:")
    for (target, code), messages in sorted(reasons.items()):
        reason = _quoted("whatever a baseline says: " + "; ".join(sorted(messages)))
        lines.append(f"  - {{loss: {code}, target: {target}, reason: {reason}}}")
    return "\n".join(lines) + "\n"


def identified(rules: Iterable[Proposed]) -> list[tuple[str, Proposed]]:
    """Each rule with a name made of its own words, unique in the baseline."""
    seen: Counter[str] = Counter()
    found = []
    for item in rules:
        words = " ".join(_words(item)).lower()
        stem = re.sub(r"[^a-z0-9]+", "-", words).strip("-")[:60].strip("-") or item.level.value
        seen[stem] += 1
        found.append((stem if seen[stem] == 1 else f"{stem}-{seen[stem]}", item))
    return found


def _words(item: Proposed) -> list[str]:
    found = []
    for atom in sorted(item.match.atoms, key=lambda each: type(each).__name__):
        if isinstance(atom, IsProduct):
            found += [word for word in (atom.name, atom.original_filename) if word]
        elif isinstance(atom, FromPackage):
            found.append(f"{atom.manager} {atom.name}")
        elif isinstance(atom, SignedBy) and len(item.match.atoms) == 1:
            found.append(str(atom.signing_id or atom.team or atom.publisher or atom.leaf))
    return found


def _condition(item: Proposed) -> str:
    parts = []
    for atom in sorted(item.match.atoms, key=lambda each: type(each).__name__, reverse=True):
        values: list[tuple[str, object]] = []
        if isinstance(atom, SignedBy):
            kind = "signer"
            values = [(name, getattr(atom, name)) for name in SignedBy.__slots__]
        elif isinstance(atom, IsProduct):
            kind = "product"
            version = None if atom.version.is_any else atom.version
            values = [("name", atom.name), ("original_filename", atom.original_filename)]
            values.append(("version", version))
        elif isinstance(atom, FromPackage):
            kind = "package"
            values = [("manager", atom.manager), ("name", atom.name)]
        else:
            raise TypeError(f"{type(atom).__name__} is not proposed")
        inner = ", ".join(
            f"{name}: {_quoted(str(value))}" for name, value in values if value is not None
        )
        parts.append(f"{kind}: {{{inner}}}")
    return "{" + ", ".join(parts) + "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)


def why(item: Proposed) -> str:
    """Why the rule was chosen: its files, what it would also allow, and its cost."""
    count = len(item.files)
    return (
        f"{count} file{'' if count == 1 else 's'}; also allows {_ALSO[item.level]}; {_UPDATE}; "
        f"cost {item.cost:g}, by hash {3 * count:g}"
    )


def report_text(name: str, proposal: Proposal, *, seen: int, asked: int) -> str:
    """Markdown: what is covered how, what each rule allows, and what is left out."""
    groups: dict[str, list[str]] = {}
    for number in proposal.by_hash:
        facts = proposal.files[number]
        groups.setdefault(_why_hash(facts), []).append(facts.path)
    total = len(proposal.files)
    ruled = total - len(proposal.by_hash)
    lines = [
        f"# {_cell(name)}: proposed baseline",
        "",
        (
            f"{seen:,} files were seen, {asked:,} of them are decided by a target. "
            f"{total:,} are permitted: {ruled:,} by {len(proposal.rules):,} rules, "
            f"{len(proposal.by_hash):,} by hash. {asked - total - proposal.started:,} are left out."
        ),
        *_started(proposal),
        "",
        "| | files |",
        "|---|---|",
        *(f"| {label} | {count:,} |" for label, count in _signing(proposal.files)),
        "",
        "## Rules",
        "",
        "| rule | level | files | also allows | cost |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {identifier} | {item.level.value} | {len(item.files):,} | {_ALSO[item.level]} | "
        f"{item.cost:g} |"
        for identifier, item in identified(proposal.rules)
    ]
    lines += ["", "## By hash", "", "| why | files |", "|---|---|"]
    lines += [f"| {_cell(reason)} | {len(paths):,} |" for reason, paths in sorted(groups.items())]
    lines += ["", "## Left out"]
    for reason, found in proposal.left_out.items():
        lines += ["", f"{reason}: {len(found):,} files", ""]
        lines += [f"* `{_cell(facts.path)}`" for facts in found[:_LISTED]]
        if len(found) > _LISTED:
            lines.append(f"* … and {len(found) - _LISTED:,} more")
    return "\n".join(lines) + "\n"


def _started(proposal: Proposal) -> list[str]:
    if not proposal.start:
        return []
    return [
        "",
        (
            f"{proposal.started:,} more are permitted by {proposal.start}, which also permits what "
            f"is not here: `policyc explain {proposal.start}` shows it."
        ),
    ]


def _signing(files: Iterable[FileFacts]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for facts in files:
        if facts.signatures is UNKNOWN:
            counts["signature not known"] += 1
        elif any(item.grade is SignatureGrade.PRODUCTION for item in facts.signatures):
            counts["signed"] += 1
        elif facts.signatures:
            counts["signed, but not so that a rule can rely on it"] += 1
        else:
            counts["unsigned"] += 1
        if facts.package is not UNKNOWN and facts.package is not None:
            counts[f"of a package, {facts.package.state.value}"] += 1
    return sorted(counts.items())


def _why_hash(facts: FileFacts) -> str:
    package = facts.package
    if package is not UNKNOWN and package is not None:
        if package.state is PackageState.VERIFIED:
            return f"unchanged file of a {package.manager} package: no target can name packages"
        return f"file of a {package.manager} package that nobody compared"
    if facts.signatures is UNKNOWN or not facts.signatures:
        return "unsigned"
    if not any(item.grade is SignatureGrade.PRODUCTION for item in facts.signatures):
        return "its signature does not hold or names nobody"
    if match_for(facts, [RuleLevel.FILE_PUBLISHER]) is None:
        return "signed, without product, original filename and version, or a signing ID"
    return "signed, but a rule by its names would allow a file that is left out, or widen"


def _cell(text: str) -> str:
    """Text that Markdown takes for nothing else."""
    plain = "".join(char if char.isprintable() else "?" for char in text)
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", plain)
