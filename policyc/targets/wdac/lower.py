"""Baseline rules to a base policy: deny wins and default deny are App Control's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from policyc.lowering.authenticode import by_authenticode, by_flat_hash
from policyc.lowering.expand import expand
from policyc.lowering.losses import loss
from policyc.lowering.principals import for_everybody
from policyc.model.decision import signature_satisfies
from policyc.model.facts import UNKNOWN, Certificate, Collection, FileFacts, Inventory
from policyc.model.identity import CertSha256, Digest, Sha256Flat
from policyc.model.ir import (
    AllOf,
    AtPath,
    Effect,
    HasHash,
    IsProduct,
    PolicyIR,
    Rule,
    RuleId,
    SignedBy,
)
from policyc.model.known_files import file_index
from policyc.model.loss import Drift, Loss
from policyc.targets.base import Lowered
from policyc.targets.wdac.assemble import assemble
from policyc.targets.wdac.capabilities import CAPABILITIES, governs
from policyc.targets.wdac.conditions import (
    any_file_of,
    hash_of,
    path_of,
    product_of,
    publisher_condition,
    signer_of,
)
from policyc.targets.wdac.model import SiPolicy
from policyc.targets.wdac.native import NativeRule
from policyc.targets.wdac.scope import enforces_scripts, scope_losses

_TARGET = "wdac"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the inventory tells: files App Control is asked about, contents, certificates.

    ``kinds`` are the collections of the contents, by every digest.
    """

    files: tuple[FileFacts, ...]
    by_flat: dict[Sha256Flat, list[FileFacts]]
    leaves: dict[CertSha256, Certificate]
    kinds: dict[object, set[Collection]]


def lower(policy: PolicyIR, inventory: Inventory) -> Lowered[SiPolicy]:
    """Lower a policy that is specialised to App Control."""
    known = _known(inventory)
    losses = scope_losses(policy, known.files)
    natives: list[NativeRule] = []
    for source in policy.ordered():
        rule = for_everybody(source, known.files, losses, target=_TARGET)
        if rule is not None:
            own: list[Loss] = []
            natives += _natives(rule, source.id, known, own)
            losses += [replace(item, rule=source.id) for item in own]
    protected = bool(CAPABILITIES.setting(policy, "runtime_path_protection"))
    for native in natives:
        own = _form_losses(native.rule, policy, known, protected=protected)
        losses += [replace(item, rule=native.source) for item in own]
    model, provenance = assemble(policy, natives, protected=protected)
    return Lowered(model=model, provenance=provenance, losses=tuple(dict.fromkeys(losses)))


def _known(inventory: Inventory) -> _Known:
    leaves: dict[CertSha256, Certificate] = {}
    kinds: dict[object, set[Collection]] = {}
    for facts in inventory.files:
        if facts.collection is not None and governs(facts):
            for name in facts.hashes.__slots__:
                kinds.setdefault(getattr(facts.hashes, name), set()).add(facts.collection)
        if facts.signatures is not UNKNOWN:
            for signature in facts.signatures:
                if signature.leaf is not None:
                    leaves[signature.leaf.sha256] = signature.leaf
    files = tuple(facts for facts in inventory.files if governs(facts))
    return _Known(files=files, by_flat=by_flat_hash(inventory.files), leaves=leaves, kinds=kinds)


def _natives(rule: Rule, source: RuleId, known: _Known, losses: list[Loss]) -> list[NativeRule]:
    signer = None if rule.unless else publisher_condition(rule.match)
    rules = [rule]
    if signer is not None:
        rules = _by_leaf(rule, signer, known, losses)
    found: list[NativeRule] = []
    for item in rules:
        expansion = expand(
            [item],
            known.files,
            target=_TARGET,
            native=lambda each: _is_native(each, known),
            digest_of=_digest,
        )
        losses += expansion.losses
        for derived in expansion.rules:
            for named in by_authenticode(
                derived.rule, known.files, known.by_flat, losses, target=_TARGET
            ):
                terms = signer_of(named.match, known.leaves)
                found.append(NativeRule(rule=named, source=source, signer=terms))
    return found


def _is_native(rule: Rule, known: _Known) -> bool:
    if rule.unless:
        return False
    forms = (hash_of(rule.match), product_of(rule.match), path_of(rule.match))
    return any(form is not None for form in forms) or (
        signer_of(rule.match, known.leaves) is not None
    )


def _digest(facts: FileFacts) -> Digest | None:
    digest = facts.hashes.sha256 if facts.pe is None else facts.hashes.authenticode_sha256
    return None if digest is UNKNOWN else digest


def _by_leaf(rule: Rule, signer: SignedBy, known: _Known, losses: list[Loss]) -> list[Rule]:
    """Stand in the signing certificates seen for a publisher's name."""
    leaves: set[CertSha256] = set()
    for facts in file_index(known.files).satisfying(rule):
        if facts.signatures is UNKNOWN:
            continue
        leaves |= {
            signature.leaf.sha256
            for signature in facts.signatures
            if signature.leaf is not None and signature_satisfies(signer, signature)
        }
    losses.append(
        loss(
            "L016",
            Drift.NARROWS if rule.effect is Effect.PERMIT else Drift.WIDENS,
            target=_TARGET,
            covers=(rule.match,),
            files=known.files,
            rule=rule,
            message="App Control matches a signer's common name and issuer, not O, L, S and C; "
            f"{len(leaves)} certificates of the inventory stand in",
            remedy="use signer: {issuer: …, common_name: …}, which outlive certificates",
        )
    )
    products = frozenset(atom for atom in rule.match.atoms if isinstance(atom, IsProduct))
    return [replace(rule, match=AllOf(products | {SignedBy(leaf=leaf)})) for leaf in sorted(leaves)]


def _form_losses(rule: Rule, policy: PolicyIR, known: _Known, *, protected: bool) -> list[Loss]:
    permit = rule.effect is Effect.PERMIT
    found = []
    drift = Drift.NARROWS if permit else Drift.WIDENS
    common = {"target": _TARGET, "covers": (rule.match,), "files": known.files, "rule": rule}
    if protected and any(isinstance(atom, AtPath) for atom in rule.match.atoms):
        found.append(
            loss(
                "L017",
                drift,
                message="App Control ignores this path rule where users can write",
                remedy="set targets.wdac.runtime_path_protection: false if the path is guarded "
                "otherwise",
                **common,  # type: ignore[arg-type]
            )
        )
    if any(isinstance(atom, SignedBy) and atom.leaf is None for atom in rule.match.atoms):
        found.append(
            loss(
                "L029",
                drift,
                message="App Control ignores ECDSA signatures, which the issuer may also sign",
                remedy="know it, or name the signing certificate with signer: {leaf: …}",
                **common,  # type: ignore[arg-type]
            )
        )
    reached = any_file_of(rule.match) if enforces_scripts(policy) else None
    if reached is not None:
        found.append(
            loss(
                "L003",
                Drift.WIDENS if permit else Drift.NARROWS,
                collections=frozenset({Collection.SCRIPT, Collection.INSTALLER}),
                message="a version without a name also matches scripts and installers, which "
                "have none and count as 0.0.0.0",
                remedy="name the product or its original filename, or give a lowest version",
                **{**common, "covers": (reached,)},  # type: ignore[arg-type]
            )
        )
    others = frozenset(policy.governs) - rule.collections
    if others and hash_of(rule.match) is None:
        found.append(
            loss(
                "L003",
                Drift.WIDENS if permit else Drift.NARROWS,
                collections=others | _ungoverned(policy),
                message="App Control cannot limit a rule to programs or to libraries",
                remedy="leave out the rule's collections, or name the files by hash",
                **common,  # type: ignore[arg-type]
            )
        )
    if others and hash_of(rule.match) is not None and not _only_in_collections(rule, known):
        found.append(
            loss(
                "L003",
                Drift.WIDENS if permit else Drift.NARROWS,
                message="no inventory shows that the hash is of the rule's collections, and App "
                "Control cannot limit it to them",
                remedy="scan the file, or leave out the rule's collections",
                **common,  # type: ignore[arg-type]
            )
        )
    return found


def _ungoverned(policy: PolicyIR) -> frozenset[Collection]:
    return CAPABILITIES.collections - frozenset(policy.governs)


def _only_in_collections(rule: Rule, known: _Known) -> bool:
    """Whether the content is known, and only as what the rule is about."""
    named = [atom.digest for atom in rule.match.atoms if isinstance(atom, HasHash)]
    found = set().union(*(known.kinds.get(digest, set()) for digest in named))
    return bool(found) and found <= rule.collections
