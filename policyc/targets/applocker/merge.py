"""Several policies as one: Group Policy objects, and ``Set-AppLockerPolicy -Merge``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from policyc.targets.applocker.model import (
    AppLockerPolicy,
    AppRule,
    CollectionType,
    EnforcementMode,
    Extensions,
    RuleCollection,
)

_UNSET = EnforcementMode.NOT_CONFIGURED


def merge_objects(policies: Sequence[AppLockerPolicy]) -> AppLockerPolicy:
    """What applies where several Group Policy objects do, the closest one last.

    Rules are united; the last object that configures a mode gives it ("Understand AppLocker
    rules and enforcement setting inheritance in Group Policy"). That the last object also gives
    a rule whose id an earlier one uses follows from the registry form, in which the id is the
    key; nothing documents it.
    """
    return AppLockerPolicy(
        collections=tuple(
            _united(found) for kind in CollectionType if (found := _of(policies, kind))
        )
    )


def merge_into(
    target: AppLockerPolicy,
    added: AppLockerPolicy,
    modes: Mapping[CollectionType, EnforcementMode],
) -> AppLockerPolicy:
    """What ``Set-AppLockerPolicy -Merge`` leaves: united rules, those of ``target`` first.

    Where the two differ in a mode the documents contradict each other (the cmdlet's page keeps
    the target's, "Working with AppLocker rules" takes the stricter), so ``modes`` must say it;
    raises ValueError where it does not.
    """
    collections = []
    for kind in CollectionType:
        found = _of((added, target), kind)
        if not found:
            continue
        merged = _united(found)
        if len({item.mode for item in found}) > 1:
            if kind not in modes:
                raise ValueError(f"{kind.value}: the policies differ in the mode; say which")
            merged = replace(merged, mode=modes[kind])
        collections.append(merged)
    return AppLockerPolicy(collections=tuple(collections))


def _of(policies: Sequence[AppLockerPolicy], kind: CollectionType) -> list[RuleCollection]:
    return [item for policy in policies for item in policy.collections if item.type is kind]


def _united(found: list[RuleCollection]) -> RuleCollection:
    rules: dict[str, AppRule] = {}
    mode = _UNSET
    extensions: Extensions | None = None
    for own in found:
        rules |= {rule.id.lower(): rule for rule in own.rules}
        mode = own.mode if own.mode is not _UNSET else mode
        extensions = _later(extensions, own.extensions)
    ordered = tuple(rules[key] for key in sorted(rules))
    return RuleCollection(type=found[0].type, mode=mode, rules=ordered, extensions=extensions)


def _later(first: Extensions | None, last: Extensions | None) -> Extensions | None:
    if first is None or last is None:
        return last or first
    return Extensions(
        services=last.services or first.services,
        system_apps=last.system_apps or first.system_apps,
    )
