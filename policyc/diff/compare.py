"""Two sides to one comparison: which views meet, files, rules, settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policyc.diff.files import compare_files
from policyc.diff.pairs import pairs_of
from policyc.diff.rules import compare_rules, incomparable
from policyc.diff.settings import compare_settings
from policyc.diff.sides import Side
from policyc.model.change import Comparison
from policyc.model.inventory import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An inventory with the name that tells it from the others."""

    name: str
    inventory: Inventory


def compare_sides(
    old: Side, new: Side, targets: tuple[str, ...], machines: Sequence[Machine] = ()
) -> Comparison:
    """Everything that ``new`` decides otherwise than ``old``; raises SideError.

    ``targets`` are those asked for. With inventories every file of them is decided by both;
    rules and settings are compared with them and without.
    """
    pairs = pairs_of(old, new, targets)
    found = compare_files(old, new, pairs, [(item.name, item.inventory) for item in machines])
    rules = compare_rules(pairs, found.concerned)
    return Comparison(
        old=old.name,
        new=new.name,
        targets=tuple(pair.label for pair in pairs),
        groups=found.groups,
        rules=rules.changes,
        settings=(*compare_settings(old, new, pairs), *incomparable(pairs)),
        unchanged=found.unchanged,
        unchanged_rules=rules.unchanged,
        with_inventory=bool(machines),
        notes=rules.notes,
        place=new.place,
    )
