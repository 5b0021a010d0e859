"""Replace rules a target cannot express by rules over the files the inventory knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from policyc.lowering.losses import loss
from policyc.model.facts import FileFacts
from policyc.model.identity import AuthenticodeSha256, Digest, Sha256Flat
from policyc.model.ir import (
    AllOf,
    AtPath,
    Effect,
    FromPackage,
    HasHash,
    HasMasquerade,
    IsTrusted,
    Rule,
    RuleId,
    SignedBy,
)
from policyc.model.known_files import file_index
from policyc.model.loss import Drift, Loss

_PLACE = (AtPath, FromPackage, IsTrusted, HasMasquerade)
"""Conditions that depend on where a file is or came from, not on its content alone."""

DigestOf: TypeAlias = Callable[[FileFacts], Digest | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A rule a target can express, with the baseline rule it stands for."""

    rule: Rule
    source: Rule

    @property
    def source_id(self) -> RuleId:
        """The baseline rule's id."""
        return self.source.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What became of a policy's rules, sorted by derived rule id, then source id."""

    rules: tuple[Derived, ...]
    losses: tuple[Loss, ...]


def expand(
    rules: Iterable[Rule],
    files: tuple[FileFacts, ...],
    *,
    target: str,
    native: Callable[[Rule], bool],
    digest_of: DigestOf,
) -> Expansion:
    """Keep what ``native`` accepts; name the inventory's matches of the rest by hash.

    ``files`` are those the target would be asked about; ``digest_of`` gives the hash the
    target names a file by, or None. Every expansion is a Loss: a permit no longer covers
    unseen files (L010, L011), a forbid no longer forbids them (L012). A file the target
    cannot name is a Loss of its own (L014).
    """
    derived: list[Derived] = []
    losses: list[Loss] = []
    for rule in sorted(rules, key=lambda item: item.id.value):
        if native(rule):
            derived.append(Derived(rule=rule, source=rule))
            continue
        found, missed = _by_hash(rule, files, digest_of)
        derived.extend(Derived(rule=item, source=rule) for item in found)
        losses.extend(_expansion_losses(rule, files, target, found))
        losses.extend(_resigned(rule, files, target, found))
        if missed:
            losses.append(_unnamed(rule, files, target, missed))
    derived.sort(key=lambda item: (item.rule.id.value, item.source_id.value))
    return Expansion(rules=tuple(derived), losses=tuple(losses))


def by_digest(rule: Rule, digest: Digest) -> Rule:
    """The rule that does to one content what ``rule`` does to the files it matches."""
    return replace(rule, match=AllOf(frozenset({HasHash(digest)})), unless=frozenset())


def _by_hash(
    rule: Rule, files: tuple[FileFacts, ...], digest_of: DigestOf
) -> tuple[list[Rule], list[FileFacts]]:
    digests: set[Digest] = set()
    missed = []
    for facts in file_index(files).satisfying(rule):
        digest = digest_of(facts)
        if digest is None:
            missed.append(facts)
        else:
            digests.add(digest)
    ordered = sorted(digests, key=lambda item: (type(item).__name__, item.value))
    return [by_digest(rule, digest) for digest in ordered], missed


def _depends_on_place(rule: Rule) -> bool:
    branches = (rule.match, *rule.unless)
    return any(isinstance(atom, _PLACE) for branch in branches for atom in branch.atoms)


def _expansion_losses(
    rule: Rule, files: tuple[FileFacts, ...], target: str, found: list[Rule]
) -> list[Loss]:
    what = f"{len(found)} hash rule{'' if len(found) == 1 else 's'}"
    if rule.effect is Effect.FORBID:
        widened = loss(
            "L012",
            Drift.WIDENS,
            target=target,
            covers=(rule.match,),
            files=files,
            rule=rule,
            message=f"{target} cannot express this forbid; it became {what}",
            remedy=f"accept L012 for {target} with a reason, or forbid by hash or signer",
        )
        return [widened, *_elsewhere(rule, files, target, found)]
    narrowed = loss(
        "L010",
        Drift.NARROWS,
        target=target,
        covers=(rule.match,),
        files=files,
        rule=rule,
        message=f"{target} cannot express this permit; it became {what}",
        remedy="compile again after each update, or permit by a condition the target knows "
        f"(policyc targets {target})",
    )
    return [narrowed, *_elsewhere(rule, files, target, found)]


def _elsewhere(
    rule: Rule, files: tuple[FileFacts, ...], target: str, found: list[Rule]
) -> list[Loss]:
    """A rule about a place became one about bytes: it holds for them everywhere."""
    if not found or not _depends_on_place(rule):
        return []
    permit = rule.effect is Effect.PERMIT
    verb = "permits" if permit else "forbids"
    return [
        loss(
            "L011",
            Drift.WIDENS if permit else Drift.NARROWS,
            target=target,
            covers=tuple(item.match for item in found),
            files=files,
            rule=rule,
            message=f"{target} {verb} these bytes wherever they are, not only where the baseline "
            "says",
            remedy=f"accept L011 for {target} with a reason, or {rule.effect.value} by hash or "
            "signer",
        )
    ]


def _resigned(
    rule: Rule, files: tuple[FileFacts, ...], target: str, found: list[Rule]
) -> list[Loss]:
    """A rule about the whole file became one about the image: it holds under any signature."""
    by_image = tuple(item.match for item in found if _names_image(item.match))
    if not by_image or not _depends_on_signature(rule):
        return []
    permit = rule.effect is Effect.PERMIT
    verb = "permits" if permit else "forbids"
    return [
        loss(
            "L013",
            Drift.WIDENS if permit else Drift.NARROWS,
            target=target,
            covers=by_image,
            files=files,
            rule=rule,
            message=f"{target} {verb} these programs under any signature or none, as their "
            "Authenticode hash leaves the signature out",
            remedy=f"accept L013 for {target} with a reason, or name the signer as the target "
            f"can (policyc targets {target})",
        )
    ]


def _depends_on_signature(rule: Rule) -> bool:
    """Whether a condition is about bytes that the Authenticode hash leaves out."""
    return any(
        isinstance(atom, SignedBy)
        or (isinstance(atom, HasHash) and isinstance(atom.digest, Sha256Flat))
        for branch in (rule.match, *rule.unless)
        for atom in branch.atoms
    )


def _names_image(match: AllOf) -> bool:
    return any(
        isinstance(atom, HasHash) and isinstance(atom.digest, AuthenticodeSha256)
        for atom in match.atoms
    )


def _unnamed(
    rule: Rule, files: tuple[FileFacts, ...], target: str, missed: list[FileFacts]
) -> Loss:
    drift = Drift.NARROWS if rule.effect is Effect.PERMIT else Drift.WIDENS
    return loss(
        "L014",
        drift,
        target=target,
        covers=(rule.match,),
        files=files,
        rule=rule,
        message=f"{len(missed)} matching files have no hash that {target} can use, the first is "
        f"{min(facts.path for facts in missed)!r}",
        remedy="scan the files themselves, so that the inventory holds their hashes",
    )
