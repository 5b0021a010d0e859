"""Several policies as one: equal rules once, ids told apart, the first policy's identity kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from policyc.targets.wdac.lint_boot import allows_all
from policyc.targets.wdac.model import (
    Eku,
    FileRule,
    Scenario,
    Signer,
    SignerGroup,
    SignerRef,
    SiPolicy,
)
from policyc.targets.wdac.references import duplicate_ids, wrong_references


class MergeError(Exception):
    """Policies whose merger would not mean what they mean; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The policy, and from which inputs (by number, from 0) each of its ids comes."""

    policy: SiPolicy
    provenance: Mapping[str, tuple[int, ...]]


@dataclass(slots=True)
class _Pool:
    """What has been taken in so far: by content, so that equal things become one."""

    by_content: dict[object, str] = field(default_factory=dict)
    items: dict[str, Eku | FileRule | Signer] = field(default_factory=dict)
    sources: dict[str, set[int]] = field(default_factory=dict)

    def take(self, item: Eku | FileRule | Signer, source: int) -> str:
        """The id under which the item stands in the merged policy."""
        content = _content(item)
        name = self.by_content.get(content)
        if name is None:
            name = item.id
            if name in self.items:
                digest = hashlib.sha256(repr(content).encode("utf-8", "backslashreplace"))
                name = f"{item.id}_M{digest.hexdigest()[:16].upper()}"
            self.by_content[content] = name
            self.items[name] = replace(item, id=name)
        self.sources.setdefault(name, set()).add(source)
        return name


def _content(item: Eku | FileRule | Signer) -> object:
    """Everything that decides; not ids and names for people."""
    if isinstance(item, Signer):
        return replace(item, id="", name=None)
    return replace(item, id="", friendly_name=None)


def merge(policies: Sequence[SiPolicy]) -> Merged:
    """Merge into the first policy: its ids, version, kind, options and settings stay.

    Raises MergeError where a policy allows everything (the allow list would be lost), where
    kinds or options differ (each policy's rules count under its own options), and for policies
    with parts that are not merged.
    """
    first = policies[0]
    for number, policy in enumerate(policies):
        _check(policy, number, first)
    pool = _Pool()
    groups: dict[int, SignerGroup] = {}
    lists: dict[str, dict[str, None]] = {}
    for number, policy in enumerate(policies):
        names = _take(pool, policy, number)
        for scenario in policy.scenarios:
            own = _renamed(scenario.product, names)
            groups[scenario.value] = _joined(groups.get(scenario.value, SignerGroup()), own)
        for key in ("update_signers", "ci_signers", "supplemental_signers"):
            into = lists.setdefault(key, {})
            into.update(dict.fromkeys(names[item] for item in getattr(policy, key)))
    items = pool.items.values()
    policy = replace(
        first,
        ekus=tuple(item for item in items if isinstance(item, Eku)),
        file_rules=tuple(item for item in items if isinstance(item, FileRule)),
        signers=tuple(item for item in items if isinstance(item, Signer)),
        scenarios=_scenarios(policies, groups),
        update_signers=tuple(lists["update_signers"]),
        ci_signers=tuple(lists["ci_signers"]),
        supplemental_signers=tuple(lists["supplemental_signers"]),
    )
    provenance = {name: tuple(sorted(found)) for name, found in sorted(pool.sources.items())}
    return Merged(policy=policy, provenance=provenance)


def _check(policy: SiPolicy, number: int, first: SiPolicy) -> None:
    what = f"policy {number + 1}"
    if duplicate_ids(policy) or any(True for _ in wrong_references(policy)):
        raise MergeError(f"{what} has ids that are not unique, or references that lead nowhere")
    for scenario in policy.scenarios:
        if allows_all(policy, scenario.value):
            raise MergeError(f"{what} allows every file in scenario {scenario.value}")
        others = (scenario.artifact, scenario.app_id_tags, scenario.inherited)
        tests = [item for item in (scenario.test, scenario.test_signing) if item != SignerGroup()]
        if any(others) or any(tests):
            raise MergeError(f"{what} has scenarios with parts that are not merged")
    if policy.artifact_rules or policy.macros or policy.app_settings or policy.extra_options:
        raise MergeError(f"{what} has parts that are not merged")
    if policy.policy_type != first.policy_type:
        raise MergeError(f"{what} is of another kind than the first")
    if set(policy.options) != set(first.options):
        names = sorted(item.value for item in set(policy.options) ^ set(first.options))
        raise MergeError(f"{what} and the first differ in options: {', '.join(names)}")


def _take(pool: _Pool, policy: SiPolicy, number: int) -> dict[str, str]:
    """Take everything of a policy in; its ids → the merged policy's."""
    names = {item.id: pool.take(item, number) for item in policy.ekus}
    names |= {item.id: pool.take(item, number) for item in policy.file_rules}
    for signer in policy.signers:
        renamed = replace(
            signer,
            ekus=tuple(names[item] for item in signer.ekus),
            except_ekus=tuple(names[item] for item in signer.except_ekus),
            file_attribs=tuple(names[item] for item in signer.file_attribs),
        )
        names[signer.id] = pool.take(renamed, number)
    return names


def _renamed(group: SignerGroup, names: Mapping[str, str]) -> SignerGroup:
    def references(items: tuple[SignerRef, ...]) -> tuple[SignerRef, ...]:
        return tuple(
            SignerRef(
                signer=names[item.signer],
                exceptions=tuple(names[name] for name in item.exceptions),
            )
            for item in items
        )

    return SignerGroup(
        allowed=references(group.allowed),
        denied=references(group.denied),
        rules=tuple(names[item] for item in group.rules),
    )


def _joined(first: SignerGroup, second: SignerGroup) -> SignerGroup:
    """Each reference once. A signer with other exceptions stays beside: either may allow."""
    return SignerGroup(
        allowed=tuple(dict.fromkeys((*first.allowed, *second.allowed))),
        denied=tuple(dict.fromkeys((*first.denied, *second.denied))),
        rules=tuple(dict.fromkeys((*first.rules, *second.rules))),
    )


def _scenarios(
    policies: Sequence[SiPolicy], groups: Mapping[int, SignerGroup]
) -> tuple[Scenario, ...]:
    """The scenarios of all policies, each in the form in which it came first."""
    found: dict[int, Scenario] = {}
    for policy in policies:
        for scenario in policy.scenarios:
            known = found.setdefault(scenario.value, scenario)
            if known.minimum_hash != scenario.minimum_hash:
                raise MergeError(f"scenario {scenario.value} has two hash minimums")
    return tuple(replace(item, product=groups[value]) for value, item in found.items())
