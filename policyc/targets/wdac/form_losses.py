"""What a native rule loses by the form App Control has for it."""

from __future__ import annotations

from functools import partial

from policyc.lowering.losses import loss
from policyc.model.facts import Collection
from policyc.model.identity import Sha256Flat
from policyc.model.ir import AllOf, Atom, AtPath, Effect, FromPackage, HasHash, PolicyIR, SignedBy
from policyc.model.loss import Drift, Loss
from policyc.model.path import PathPattern
from policyc.targets.wdac.choices import Choices
from policyc.targets.wdac.conditions import (
    PACKAGE_MANAGERS,
    any_file_of,
    crosses_folders,
    family_of,
    hash_of,
)
from policyc.targets.wdac.known import PE_COLLECTIONS, SCENARIOS, Known
from policyc.targets.wdac.model import USER
from policyc.targets.wdac.native import NativeRule
from policyc.targets.wdac.scope import enforced_collections, enforces_scripts

_TARGET = "wdac"


def form_losses(native: NativeRule, policy: PolicyIR, known: Known, choices: Choices) -> list[Loss]:
    """The losses of one native rule, but for the baseline's rule that they belong to."""
    rule = native.rule
    permit = rule.effect is Effect.PERMIT
    less, more = (Drift.NARROWS, Drift.WIDENS) if permit else (Drift.WIDENS, Drift.NARROWS)
    made = partial(loss, target=_TARGET, files=known.files[native.scenario], rule=rule)
    found = []
    on_path = any(isinstance(atom, AtPath) for atom in rule.match.atoms)
    if choices.protected and on_path:
        found.append(
            made(
                "L017",
                less,
                covers=(rule.match,),
                message="App Control ignores this path rule where users can write",
                remedy="set targets.wdac.runtime_path_protection: false if the path is guarded "
                "otherwise",
            )
        )
    if crosses_folders(rule.match):
        found.append(
            made(
                "L018",
                more,
                covers=(_beyond(rule.match),),
                message="App Control's * crosses folders, the baseline's does not",
                remedy="write ** or the folders by name, or accept L018 for wdac with a reason",
            )
        )
    if any(isinstance(atom, SignedBy) and atom.leaf is None for atom in rule.match.atoms):
        found.append(
            made(
                "L029",
                less,
                covers=(rule.match,),
                message="App Control ignores ECDSA signatures, which the issuer may also sign",
                remedy="know it, or name the signing certificate with signer: {leaf: …}",
            )
        )
    if native.signer is not None and native.signer.oem is not None:
        found.append(
            made(
                "L032",
                Drift.COSMETIC,
                covers=(rule.match,),
                message="that CertOemID is the program name of the signature is inferred",
                remedy="nothing, unless the policy is compared with Windows",
            )
        )
    if family_of(rule.match) is not None:
        found += _package_losses(native, policy, known)
    return found + _collection_losses(native, policy, known)


def _beyond(match: AllOf) -> AllOf:
    """The pattern with every ``*`` crossing folders, as App Control reads it."""
    found: set[Atom] = set()
    for atom in match.atoms:
        if isinstance(atom, AtPath):
            tokens = ("**" if piece == "*" else piece for piece in atom.pattern.tokens())
            found.add(AtPath(PathPattern("".join(tokens))))
        else:
            found.add(atom)
    return AllOf(frozenset(found))


def _package_losses(native: NativeRule, policy: PolicyIR, known: Known) -> list[Loss]:
    """A family names every version and state of a package; other packages need a rule too.

    Source: "Manage packaged apps with App Control".
    """
    permit = native.rule.effect is Effect.PERMIT
    packages = tuple(
        AllOf(frozenset({FromPackage(manager=manager)})) for manager in PACKAGE_MANAGERS
    )
    drifts = [Drift.WIDENS, Drift.NARROWS] if permit else [Drift.NARROWS]
    texts = {
        Drift.WIDENS: "a family is matched without case and whatever state the files are in",
        Drift.NARROWS: "with one rule on a package family, packaged apps run by such rules only"
        if permit
        else "a family is matched without case and whatever state the files are in",
    }
    return [
        loss(
            "L033",
            drift,
            target=_TARGET,
            covers=packages,
            files=known.files[USER],
            rule=native.rule,
            policy=policy,
            message=texts[drift],
            remedy="permit every packaged app by package: {manager: appx, name: FAMILY}, and "
            "accept L033 for wdac with a reason",
        )
        for drift in drifts
    ]


def _collection_losses(native: NativeRule, policy: PolicyIR, known: Known) -> list[Loss]:
    rule = native.rule
    drift = Drift.WIDENS if rule.effect is Effect.PERMIT else Drift.NARROWS
    made = partial(
        loss, "L003", drift, target=_TARGET, files=known.files[native.scenario], rule=rule
    )
    found = []
    in_user_mode = native.scenario == USER
    reached = any_file_of(rule.match) if enforces_scripts(policy) and in_user_mode else None
    if reached is not None:
        found.append(
            made(
                covers=(reached,),
                collections=frozenset({Collection.SCRIPT, Collection.INSTALLER}),
                message="a version without a name also matches scripts and installers, which "
                "have none and count as 0.0.0.0",
                remedy="name the product or its original filename, or give a lowest version",
            )
        )
    others = policy.governs.keys() & SCENARIOS[native.scenario] - rule.collections
    if _is_flat(rule.match):
        others -= PE_COLLECTIONS  # no image is named by the hash of all its bytes
    if others and hash_of(rule.match) is None:
        ungoverned = enforced_collections(policy) - policy.governs.keys()
        found.append(
            made(
                covers=(rule.match,),
                collections=frozenset(others) | ungoverned,
                message="App Control cannot limit a rule to programs or to libraries",
                remedy="leave out the rule's collections, or name the files by hash",
            )
        )
    if others and hash_of(rule.match) is not None and not _only_in(native, known):
        found.append(
            made(
                covers=(rule.match,),
                message="no inventory shows that the hash is of the rule's collections, and App "
                "Control cannot limit it to them",
                remedy="scan the file, or leave out the rule's collections",
            )
        )
    return found


def _is_flat(match: AllOf) -> bool:
    return any(
        isinstance(atom, HasHash) and isinstance(atom.digest, Sha256Flat) for atom in match.atoms
    )


def _only_in(native: NativeRule, known: Known) -> bool:
    """Whether the content is known, and only as what the rule is about."""
    found: frozenset[Collection] = frozenset()
    for atom in native.rule.match.atoms:
        if isinstance(atom, HasHash):
            found |= known.kinds(atom.digest)
    return bool(found) and found <= native.rule.collections
