"""Flat hashes of PE files as the Authenticode hashes that Windows names them by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policyc.lowering.expand import by_digest
from policyc.lowering.losses import loss
from policyc.model.facts import Collection, FileFacts
from policyc.model.identity import AuthenticodeSha256, Sha256Flat
from policyc.model.ir import Effect, HasHash, Rule
from policyc.model.loss import Drift, Loss


def by_flat_hash(files: Iterable[FileFacts]) -> dict[Sha256Flat, list[FileFacts]]:
    """The files of an inventory by their flat hash."""
    table: dict[Sha256Flat, list[FileFacts]] = {}
    for facts in files:
        if isinstance(facts.hashes.sha256, Sha256Flat):
            table.setdefault(facts.hashes.sha256, []).append(facts)
    return table


def by_authenticode(
    rule: Rule,
    files: tuple[FileFacts, ...],
    known: Mapping[Sha256Flat, list[FileFacts]],
    losses: list[Loss],
    *,
    target: str,
) -> list[Rule]:
    """The rules that stand for a rule by flat hash; any other rule stands for itself.

    The flat hash stays for content that is no PE file. For PE content it is translated
    through the inventory: the Authenticode hash reaches further (L013), and what no
    inventory holds, or holds without that hash, cannot be translated (L014).
    """
    flat = _flat(rule)
    if flat is None:
        return [rule]
    permit = rule.effect is Effect.PERMIT
    contents = known.get(flat, [])
    images = [facts for facts in contents if facts.pe is not None]
    digests = {
        facts.hashes.authenticode_sha256
        for facts in images
        if isinstance(facts.hashes.authenticode_sha256, AuthenticodeSha256)
    }
    of_images = rule.collections & {Collection.EXECUTABLE, Collection.LIBRARY, Collection.DRIVER}
    if (not contents and of_images) or (images and not digests):
        losses.append(
            loss(
                "L014",
                Drift.NARROWS if permit else Drift.WIDENS,
                target=target,
                covers=(rule.match,),
                files=files,
                rule=rule,
                message=f"if this is a PE file, {target} needs its Authenticode hash, and no "
                "inventory holds it",
                remedy="scan the file, or write hash: {authenticode_sha256: …}",
            )
        )
    found = [] if contents and len(images) == len(contents) else [rule]
    for digest in sorted(digests):
        own = by_digest(rule, digest)
        found.append(own)
        losses.append(
            loss(
                "L013",
                Drift.WIDENS if permit else Drift.NARROWS,
                target=target,
                covers=(own.match,),
                files=files,
                rule=rule,
                message=f"{target} names this PE file by its Authenticode hash",
                remedy=f"write hash: {{authenticode_sha256: {digest}}}, or accept L013 for "
                f"{target} with a reason",
            )
        )
    return found


def _flat(rule: Rule) -> Sha256Flat | None:
    for atom in rule.match.atoms:
        if isinstance(atom, HasHash) and isinstance(atom.digest, Sha256Flat):
            return atom.digest
    return None
