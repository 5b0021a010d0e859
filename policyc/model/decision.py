"""``decide``: the definition of the policy language. Everything else is compared with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from policyc.model.diagnostic import Level
from policyc.model.enumeration import Enumeration
from policyc.model.facts import UNKNOWN, Fact, FileFacts, PackageState, Platform, VersionInfo
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    Digest,
    PageHash,
    Sha256Flat,
)
from policyc.model.ir import (
    AllOf,
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
    RuleId,
    SignedBy,
)
from policyc.model.signatures import Signature, SignatureGrade
from policyc.model.version import LOWEST

Tri: TypeAlias = Literal[True, False] | None
"""Kleene's three values; None means that a fact is not known."""


class Verdict(Enumeration):
    """The outcome for one file."""

    ALLOW = "allow"
    DENY = "deny"
    UNDETERMINED = "undetermined"
    NOT_GOVERNED = "not-governed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict, the rules responsible (sorted), and the facts that were missing (sorted).

    A target's evaluator fills ``reason`` with the native rule or default that decided.
    """

    verdict: Verdict
    because: tuple[RuleId, ...] = ()
    missing: tuple[str, ...] = ()
    reason: str = ""


def decide(
    policy: PolicyIR,
    facts: FileFacts,
    *,
    platform: Platform | None = None,
    principals: frozenset[str] = frozenset(),
) -> Decision:
    """What ``policy`` says about ``facts`` for somebody who is all of ``principals``.

    Any forbid true: DENY. Else any forbid unknown and some permit not false: UNDETERMINED.
    Else any permit true: ALLOW. Else any permit unknown: UNDETERMINED. Else DENY.
    With ``platform``, only the rules for that platform count.
    """
    return decide_by(policy.rules, policy, facts, platform=platform, principals=principals)


def decide_by(
    rules: Iterable[Rule],
    policy: PolicyIR,
    facts: FileFacts,
    *,
    platform: Platform | None,
    principals: frozenset[str] = frozenset(),
) -> Decision:
    """As ``decide``, by those of its rules that may apply to the file."""
    collection = facts.collection
    if collection is None or collection not in policy.governs:
        return Decision(verdict=Verdict.NOT_GOVERNED)
    truth: dict[tuple[Effect, Tri], list[RuleId]] = {}
    missing: set[str] = set()
    for rule in rules:
        if platform is not None and platform not in rule.platforms:
            continue
        if rule.principals and not rule.principals & principals:
            continue
        value = applies(rule, facts)
        if value is False:
            continue
        if value is None:
            missing |= missing_facts(rule, facts)
        truth.setdefault((rule.effect, value), []).append(rule.id)
    return _combine(truth, tuple(sorted(missing)))


def _combine(truth: dict[tuple[Effect, Tri], list[RuleId]], missing: tuple[str, ...]) -> Decision:
    forbid_true = truth.get((Effect.FORBID, True), [])
    forbid_unknown = truth.get((Effect.FORBID, None), [])
    permit_true = truth.get((Effect.PERMIT, True), [])
    permit_unknown = truth.get((Effect.PERMIT, None), [])
    if forbid_true:
        return Decision(verdict=Verdict.DENY, because=tuple(sorted(forbid_true)))
    if forbid_unknown and (permit_true or permit_unknown):
        because = tuple(sorted(forbid_unknown))
        return Decision(verdict=Verdict.UNDETERMINED, because=because, missing=missing)
    if permit_true:
        return Decision(verdict=Verdict.ALLOW, because=tuple(sorted(permit_true)))
    if permit_unknown:
        because = tuple(sorted(permit_unknown))
        return Decision(verdict=Verdict.UNDETERMINED, because=because, missing=missing)
    return Decision(verdict=Verdict.DENY)


def applies(rule: Rule, facts: FileFacts) -> Tri:
    """Whether ``rule`` applies: its collection, its match and none of its exceptions."""
    if facts.collection not in rule.collections:
        return False
    value = holds(rule.match, facts)
    for branch in rule.unless:
        value = _and(value, _not(holds(branch, facts)))
    return value


def holds(match: AllOf, facts: FileFacts) -> Tri:
    """Kleene conjunction of the atoms."""
    value: Tri = True
    for atom in match.atoms:
        value = _and(value, atom_holds(atom, facts))
        if value is False:
            return False
    return value


def atom_holds(atom: Atom, facts: FileFacts) -> Tri:
    """Whether one atom holds for ``facts``."""
    match atom:
        case HasHash():
            return _has_hash(atom.digest, facts)
        case HasAnyHash():
            return _has_any_hash(atom, facts)
        case SignedBy():
            return _signed_by(atom, facts)
        case IsProduct():
            return _is_product(atom, facts)
        case AtPath():
            return atom.pattern.matches(facts.path)
        case FromPackage():
            return _from_package(atom, facts)
        case OfType():
            return None if facts.ftype is UNKNOWN else facts.ftype == atom.ftype
        case IsTrusted():
            return None if facts.trusted is UNKNOWN else facts.trusted
        case HasMasquerade():
            return _has_masquerade(atom, facts)
        case _:
            assert_never(atom)


def _has_masquerade(atom: HasMasquerade, facts: FileFacts) -> Tri:
    if facts.masquerade is UNKNOWN:
        return None
    worst = facts.masquerade
    if worst is None or Level(worst).rank > atom.level.rank:
        return False
    if not atom.codes:
        return True
    if facts.findings is UNKNOWN:
        return None
    return any(
        item.code in atom.codes and Level(item.level).rank <= atom.level.rank
        for item in facts.findings
    )


def _has_hash(digest: Digest, facts: FileFacts) -> Tri:
    own = digests_of(type(digest), facts)
    return True if digest in own else None if UNKNOWN in own else False


def _has_any_hash(atom: HasAnyHash, facts: FileFacts) -> Tri:
    own = digests_of(atom.kind, facts)
    if any(isinstance(item, atom.kind) and item.value in atom.digests for item in own):
        return True
    return None if UNKNOWN in own else False


def digests_of(kind: type[Digest], facts: FileFacts) -> tuple[Fact[Digest | None], ...]:
    """What a file has of one kind of digest; UNKNOWN stands for one that nobody computed."""
    hashes = facts.hashes
    if kind is Sha256Flat:
        return (hashes.sha256,)
    if kind is AuthenticodeSha256:
        return (hashes.authenticode_sha256,)
    if kind is AuthenticodeSha1:
        return (hashes.authenticode_sha1,)
    if kind is PageHash:
        return (hashes.page_sha256, hashes.page_sha1)
    return tuple(piece.cdhash for piece in (facts.macho.slices if facts.macho else ()))


def _signed_by(atom: SignedBy, facts: FileFacts) -> Tri:
    if facts.signatures is UNKNOWN:
        return None
    return any(signature_satisfies(atom, signature) for signature in facts.signatures)


def signature_satisfies(atom: SignedBy, signature: Signature) -> bool:
    """Whether one signature satisfies every condition of ``atom``."""
    grades = {SignatureGrade.PRODUCTION}
    if not atom.apple:
        grades.add(SignatureGrade.DEVELOPMENT)
    leaf = signature.leaf
    return (
        signature.grade in grades
        and (atom.leaf is None or (leaf is not None and leaf.sha256 == atom.leaf))
        and (atom.issuer is None or any(cert.tbs == atom.issuer for cert in signature.chain))
        and (atom.publisher is None or signature.publisher == atom.publisher)
        and (
            atom.common_name is None or (leaf is not None and leaf.common_name == atom.common_name)
        )
        and (atom.team is None or signature.team == atom.team)
        and (atom.signing_id is None or signature.signing_id == atom.signing_id)
        and (atom.eku is None or (leaf is not None and atom.eku in leaf.ekus))
        and (atom.program is None or signature.program == atom.program)
        and (atom.platform_binary is None or signature.platform_binary)
    )


def _from_package(atom: FromPackage, facts: FileFacts) -> Tri:
    """A file that is no longer what the package delivered does not come from it."""
    package = facts.package
    if package is UNKNOWN:
        return None
    if package is None or package.manager != atom.manager:
        return False
    if atom.name not in (None, package.name) or package.state is PackageState.MODIFIED:
        return False
    return True if package.state is PackageState.VERIFIED else None


def _is_product(atom: IsProduct, facts: FileFacts) -> Tri:
    if facts.version_info is UNKNOWN:
        return None
    if facts.pe is None:
        return False
    info = facts.version_info or VersionInfo()
    return all(_same_text(*pair) for pair in zip(atom.names, info.names, strict=True)) and (
        atom.version.is_any or (info.file_version or LOWEST) in atom.version
    )


def _same_text(wanted: str | None, own: str | None) -> bool:
    return wanted is None or (own is not None and own.upper() == wanted.upper())


def missing_facts(rule: Rule, facts: FileFacts) -> frozenset[str]:
    """The names of the unknown facts that keep ``rule`` from being decided."""
    names = set()
    for atoms in (rule.match.atoms, *(branch.atoms for branch in rule.unless)):
        names |= {_fact_name(atom) for atom in atoms if atom_holds(atom, facts) is None}
    return frozenset(names)


def _fact_name(atom: Atom) -> str:
    match atom:
        case HasHash() | HasAnyHash():
            return "hashes"
        case SignedBy():
            return "signatures"
        case IsProduct():
            return "version_info"
        case AtPath():
            return "path"
        case FromPackage():
            return "package"
        case OfType():
            return "ftype"
        case IsTrusted():
            return "trusted"
        case HasMasquerade():
            return "masquerade"
        case _:
            assert_never(atom)


def _not(value: Tri) -> Tri:
    return None if value is None else not value


def _and(left: Tri, right: Tri) -> Tri:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True
