"""Publishers as a baseline names them, by what App Control can match: certificates."""

from __future__ import annotations

from dataclasses import replace

from policyc.lowering.losses import loss
from policyc.model.decision import signature_satisfies
from policyc.model.facts import UNKNOWN, FileFacts
from policyc.model.ir import AllOf, Effect, IsProduct, Rule, SignedBy
from policyc.model.known_files import file_index
from policyc.model.loss import Drift, Loss
from policyc.model.signatures import Signature
from policyc.targets.wdac.known import Known

_TARGET = "wdac"


def stand_ins(
    rule: Rule, signer: SignedBy, known: Known, scenario: int, losses: list[Loss]
) -> list[Rule]:
    """The signing certificates seen stand in for a publisher's name."""
    files = known.files[scenario]
    leaves = {item.leaf.sha256 for item in _seen(rule, signer, files) if item.leaf is not None}
    losses.append(
        loss(
            "L016",
            _less(rule),
            target=_TARGET,
            covers=(rule.match,),
            files=files,
            rule=rule,
            message="App Control matches a signer's common name and issuer, not O, L, S and C; "
            f"{len(leaves)} certificates of the inventory stand in",
            remedy="use signer: {issuer: …, common_name: …}, which outlive certificates, or "
            "targets.wdac.publishers: issuer",
        )
    )
    return [_signed(rule, SignedBy(leaf=leaf, program=signer.program)) for leaf in sorted(leaves)]


def by_issuer(
    rule: Rule, signer: SignedBy, known: Known, scenario: int, losses: list[Loss]
) -> list[Rule]:
    """ConfigCI's level Publisher: the highest certificate in the file, and the signer's CN.

    It outlives the certificate; another organisation of the same common name matches too.
    """
    files = known.files[scenario]
    pairs = {
        (item.chain[-1].tbs, item.leaf.common_name)
        for item in _seen(rule, signer, files)
        if item.leaf is not None and item.leaf.common_name
    }
    found = [
        _signed(
            rule,
            SignedBy(issuer=root, common_name=name, eku=signer.eku, program=signer.program),
        )
        for root, name in sorted(pairs)
    ]
    permit = rule.effect is Effect.PERMIT
    drifts: dict[Drift, tuple[AllOf, ...]] = {_less(rule): (rule.match,)}
    if found:
        drifts[Drift.WIDENS if permit else Drift.NARROWS] = tuple(item.match for item in found)
    for drift, covers in drifts.items():
        losses.append(
            loss(
                "L016",
                drift,
                target=_TARGET,
                covers=covers,
                files=files,
                rule=rule,
                message=f"{len(found)} pairs of issuer and common name stand in for the publisher",
                remedy="name the signers with signer: {issuer: …, common_name: …}, or accept "
                "L016 for wdac with a reason",
            )
        )
    return found


def _seen(rule: Rule, signer: SignedBy, files: tuple[FileFacts, ...]) -> list[Signature]:
    """The signatures that make the rule's files the publisher's."""
    return [
        signature
        for facts in file_index(files).satisfying(rule)
        if facts.signatures is not UNKNOWN
        for signature in facts.signatures
        if signature_satisfies(signer, signature)
    ]


def _less(rule: Rule) -> Drift:
    return Drift.NARROWS if rule.effect is Effect.PERMIT else Drift.WIDENS


def _signed(rule: Rule, signer: SignedBy) -> Rule:
    products = frozenset(atom for atom in rule.match.atoms if isinstance(atom, IsProduct))
    return replace(rule, match=AllOf(products | {signer}))
