"""An inventory as a baseline sees it that accepts some findings."""

from __future__ import annotations

from dataclasses import replace

from policyc.checks.registry import check_file, marks
from policyc.model.facts import UNKNOWN, FileFacts
from policyc.model.inventory import Inventory
from policyc.model.waiver import Waiver, first_covering


def waived(inventory: Inventory, waivers: tuple[Waiver, ...]) -> Inventory:
    """The same files, each with the level of its worst finding that no waiver accepts.

    So ``forbid: {masquerade: error}`` and rules from an inventory leave an accepted file alone.
    """
    if not waivers:
        return inventory
    return replace(inventory, files=tuple(waived_file(item, waivers) for item in inventory.files))


def waived_file(facts: FileFacts, waivers: tuple[Waiver, ...]) -> FileFacts:
    """One file as ``waived`` makes it; unchanged where it has no finding."""
    if facts.masquerade is UNKNOWN or facts.masquerade is None:
        return facts
    left = [item for item in check_file(facts) if first_covering(item, waivers) is None]
    level = min((item.level for item in left), key=lambda each: each.rank, default=None)
    return replace(facts, masquerade=None if level is None else level.value, findings=marks(left))
