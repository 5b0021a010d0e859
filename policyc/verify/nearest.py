"""The rule that nearly decided otherwise, and what it failed on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from policyc.model.decision import Tri, Verdict, atom_holds, holds
from policyc.model.facts import UNKNOWN, FileFacts, Platform
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    CdHash,
    PageHash,
    Sha256Flat,
)
from policyc.model.ir import (
    Atom,
    AtPath,
    Effect,
    FromPackage,
    HasAnyHash,
    HasHash,
    HasMasquerade,
    IsProduct,
    IsTrusted,
    OfType,
    PolicyIR,
    Rule,
    SignedBy,
)
from policyc.model.version import VersionRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A rule that does not apply: how many of its conditions hold, and what fails.

    Each failure is one line for people, not yet safe to print.
    """

    rule: Rule
    held: int
    failed: tuple[str, ...]


def nearest_miss(
    policy: PolicyIR, facts: FileFacts, verdict: Verdict, platform: Platform | None = None
) -> Miss | None:
    """The rule that comes nearest to deciding otherwise, or None if none comes near.

    For an allowed file a forbid, else a permit. Nearest: the fewest conditions that fail, then
    the most that hold, then the id. A rule of which no condition holds is not near.
    """
    wanted = Effect.FORBID if verdict is Verdict.ALLOW else Effect.PERMIT
    best: tuple[tuple[int, int, str], Miss] | None = None
    for rule in policy.ordered():
        if rule.effect is not wanted or (platform is not None and platform not in rule.platforms):
            continue
        found = _miss(rule, facts)
        if found.failed and found.held:
            order = (len(found.failed), -found.held, rule.id.value)
            if best is None or order < best[0]:
                best = (order, found)
    return None if best is None else best[1]


def _miss(rule: Rule, facts: FileFacts) -> Miss:
    held, failed = 0, []
    for atom in sorted(rule.match.atoms, key=lambda item: type(item).__name__):
        for part in parts_of(atom):
            if atom_holds(part, facts) is True:
                # A version by itself is no likeness: most files have one in most ranges.
                held += part != IsProduct(version=getattr(part, "version", VersionRange()))
            else:
                failed.append(failure(part, facts))
    for branch in rule.unless:
        if holds(branch, facts) is not False:
            text = " and ".join(sorted(condition_text(atom) for atom in branch.atoms))
            failed.append(f"its exception {text}")
    if facts.collection not in rule.collections:
        own = "no collection" if facts.collection is None else facts.collection.value
        names = ", ".join(sorted(item.value for item in rule.collections))
        failed.append(f"collection {own}, needs {names}")
    if rule.principals:
        failed.append(f"who runs it, needs {', '.join(sorted(rule.principals))}")
    return Miss(rule=rule, held=held, failed=tuple(failed))


def parts_of(atom: Atom) -> Iterator[Atom]:
    """An atom cut into conditions of one word each; all of them together are not weaker."""
    if isinstance(atom, SignedBy):
        named = [name for name in SignedBy.__slots__ if getattr(atom, name) is not None]
        yield from (SignedBy(**{name: getattr(atom, name)}) for name in named)
        if len(named) != 1:
            yield atom
    elif isinstance(atom, IsProduct):
        if atom.name is not None:
            yield IsProduct(name=atom.name)
        if atom.original_filename is not None:
            yield IsProduct(original_filename=atom.original_filename)
        if not atom.version.is_any or (atom.name, atom.original_filename) == (None, None):
            yield replace(atom, name=None, original_filename=None)
    else:
        yield atom


_DIGESTS = {
    Sha256Flat: "sha256",
    AuthenticodeSha256: "authenticode_sha256",
    AuthenticodeSha1: "authenticode_sha1",
    PageHash: "page",
    CdHash: "cdhash",
}
"""Kinds of digests as a baseline names them."""


def failure(atom: Atom, facts: FileFacts) -> str:
    """What the file has and what the condition needs."""
    unknown: Tri = atom_holds(atom, facts)
    own = "not known" if unknown is None else own_value(atom, facts)
    kind, _, wanted = condition_text(atom).partition(" ")
    return f"{kind} {own}, needs {wanted}"


def condition_text(atom: Atom) -> str:
    """A condition as the language names it, kind first."""
    match atom:
        case HasHash():
            return f"{_DIGESTS[type(atom.digest)]} {atom.digest}"
        case HasAnyHash():
            return f"{_DIGESTS[atom.kind]} one of {len(atom.digests):,}"
        case SignedBy():
            named = [
                f"{name} {getattr(atom, name)}"
                for name in SignedBy.__slots__
                if getattr(atom, name) is not None
            ]
            return "signer " + (", ".join(named) or "of any name")
        case IsProduct():
            words = [word for word in (atom.name, atom.original_filename) if word is not None]
            if atom.version != VersionRange() or not words:
                words.append(f"version {atom.version}")
            return "product " + ", ".join(words)
        case AtPath():
            return f"path {atom.pattern}"
        case FromPackage():
            return f"package {atom.manager}:{atom.name or '*'}"
        case OfType():
            return f"type {atom.ftype}"
        case IsTrusted():
            return "trust true"
        case HasMasquerade():
            return " ".join(("masquerade", atom.level.value, *atom.codes))
        case _:
            assert_never(atom)


def own_value(atom: Atom, facts: FileFacts) -> str:
    """The file's own value where the condition looks."""
    match atom:
        case HasHash() | HasAnyHash():
            return "of another content"
        case SignedBy():
            return _own_signer(atom, facts)
        case IsProduct():
            info = facts.version_info
            if info is UNKNOWN or info is None:
                return "none"
            if atom.name is not None:
                return info.product_name or "without a name"
            if atom.original_filename is not None:
                return info.original_filename or "without an original filename"
            return f"version {info.file_version or 'none'}"
        case AtPath():
            return facts.path
        case FromPackage():
            package = facts.package
            if package is UNKNOWN or package is None:
                return "none"
            return f"{package.manager}:{package.name} ({package.state.value})"
        case OfType():
            return "none" if facts.ftype is UNKNOWN else str(facts.ftype or "none")
        case IsTrusted():
            return "not known" if facts.trusted is UNKNOWN else str(facts.trusted).lower()
        case HasMasquerade():
            if facts.masquerade is UNKNOWN or facts.findings is UNKNOWN:
                return "none" if facts.masquerade is UNKNOWN else str(facts.masquerade or "none")
            return ", ".join(f"{item.level} {item.code}" for item in facts.findings) or "none"
        case _:
            assert_never(atom)


def _own_signer(atom: SignedBy, facts: FileFacts) -> str:
    if facts.signatures is UNKNOWN or not facts.signatures:
        return "none"
    found = []
    for signature in facts.signatures:
        leaf = signature.leaf
        values = {
            "leaf": None if leaf is None else leaf.sha256,
            "publisher": signature.publisher,
            "common_name": None if leaf is None else leaf.common_name,
            "team": signature.team,
            "signing_id": signature.signing_id,
        }
        named = [str(values[name]) for name in values if getattr(atom, name) is not None]
        if not named:
            named = [str(signature.publisher or signature.team or "nobody")]
        found.append(f"{', '.join(named)} ({signature.grade.value})")
    return " and ".join(dict.fromkeys(found))
