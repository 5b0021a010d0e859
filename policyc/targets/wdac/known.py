"""What an inventory tells the lowering: files by scenario, contents, certificates, publishers."""

from __future__ import annotations

from dataclasses import dataclass

from policyc.lowering.authenticode import by_flat_hash
from policyc.model.facts import UNKNOWN, Collection, FileFacts
from policyc.model.identity import CertSha256, Digest, Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.signatures import Certificate
from policyc.targets.wdac.capabilities import governs
from policyc.targets.wdac.model import KERNEL, USER

PE_COLLECTIONS = frozenset({Collection.EXECUTABLE, Collection.LIBRARY, Collection.DRIVER})
SCENARIOS: dict[int, frozenset[Collection]] = {
    USER: frozenset(Collection) - {Collection.DRIVER},
    KERNEL: frozenset({Collection.DRIVER}),
}
"""The collections that each signing scenario decides about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """``files`` are those App Control is asked about, ``by_digest`` the same by every digest.

    ``by_flat`` holds all files of the inventory.
    """

    files: dict[int, tuple[FileFacts, ...]]
    by_digest: dict[Digest, list[FileFacts]]
    by_flat: dict[Sha256Flat, list[FileFacts]]
    leaves: dict[CertSha256, Certificate]

    def kinds(self, digest: Digest) -> frozenset[Collection]:
        """The collections of the content; empty if no inventory holds it."""
        found = (facts.collection for facts in self.by_digest.get(digest, ()))
        return frozenset(item for item in found if item is not None)


def know(inventory: Inventory) -> Known:
    """Index an inventory once."""
    by_digest: dict[Digest, list[FileFacts]] = {}
    leaves: dict[CertSha256, Certificate] = {}
    asked = [facts for facts in inventory.files if governs(facts)]
    for facts in inventory.files:
        if facts.signatures is not UNKNOWN:
            for signature in facts.signatures:
                if signature.leaf is not None:
                    leaves[signature.leaf.sha256] = signature.leaf
    for facts in asked:
        for name in facts.hashes.__slots__:
            digest = getattr(facts.hashes, name)
            if digest is not None and digest is not UNKNOWN:
                by_digest.setdefault(digest, []).append(facts)
    return Known(
        files={
            value: tuple(facts for facts in asked if facts.collection in collections)
            for value, collections in SCENARIOS.items()
        },
        by_digest=by_digest,
        by_flat=by_flat_hash(inventory.files),
        leaves=leaves,
    )
