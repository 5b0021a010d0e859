"""A base policy that is too large for how it is deployed, as a base and its supplementals."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from policyc.lowering.losses import loss
from policyc.model.ir import PolicyIR
from policyc.model.loss import Drift, Loss
from policyc.targets.wdac.build import build
from policyc.targets.wdac.frame import information, policy_id
from policyc.targets.wdac.model import (
    BASE,
    KERNEL,
    SUPPLEMENTAL,
    USER,
    FileRuleKind,
    Scenario,
    SignerGroup,
    SiPolicy,
)
from policyc.targets.wdac.options import SUPPLEMENTAL_OPTIONS, Option

MOST = 31
"""Supplementals beside a base: unpatched Windows loads 32 policies."""


def split(policy: SiPolicy, limit: int, source: PolicyIR) -> tuple[SiPolicy, tuple[Loss, ...]]:
    """The policy with as many supplementals as keep every binary within ``limit`` bytes.

    Allow rules and allowed signers of user mode move; what denies stays. The place of a
    rule follows from its id, so that a new rule moves few others. 0 is no limit.
    """
    if not limit or policy.policy_type != BASE or len(build(policy)) <= limit:
        return policy, ()
    movable = frozenset(_movable(policy))
    rest = _without(policy, movable)
    rest = replace(rest, options=_with_supplementals(rest.options))
    count = max(1, (len(build(policy)) - len(build(rest))) // limit)
    parts: tuple[SiPolicy, ...] = ()
    while count <= MOST:
        parts = tuple(_part(policy, movable, number, count, source.name) for number in range(count))
        if all(len(build(part)) <= limit for part in parts):
            break
        count += 1
    fits = count <= MOST and len(build(rest)) <= limit
    text = f"the base policy has {len(build(rest)):,} bytes, the limit is {limit:,}"
    found = replace(rest, supplementals=parts) if count <= MOST else policy
    if fits:
        return found, ()
    told = loss(
        "L058",
        Drift.COSMETIC,
        target="wdac",
        covers=(),
        files=(),
        policy=source,
        message=text if count <= MOST else f"{MOST} supplementals do not hold the rules",
        remedy="set targets.wdac.max_bytes to what the deployment takes",
    )
    return found, (told,)


def _with_supplementals(options: tuple[Option, ...]) -> tuple[Option, ...]:
    wanted = {*options, Option.SUPPLEMENTAL_POLICIES}
    return tuple(sorted(wanted, key=lambda item: item.value))


def _movable(policy: SiPolicy) -> set[str]:
    """What is about drivers, and Microsoft's roots, stays: the base alone lets Windows start."""
    kinds = {item.id: item.kind for item in policy.file_rules}
    roots = {item.id for item in policy.signers if item.well_known}
    found: set[str] = set()
    drivers: set[str] = set()
    for scenario in policy.scenarios:
        group = scenario.product
        if scenario.value == KERNEL:
            drivers |= {*group.rules, *(item.signer for item in group.allowed)}
        found |= {name for name in group.rules if kinds[name] is FileRuleKind.ALLOW}
        found |= {item.signer for item in group.allowed if not item.exceptions}
    return found - drivers - roots


def _bucket(name: str, count: int) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % count


def _part(
    policy: SiPolicy, movable: frozenset[str], number: int, count: int, name: str
) -> SiPolicy:
    own = frozenset(item for item in movable if _bucket(item, count) == number)
    guid = policy_id(f"{name}\x1fsupplemental {number + 1}")
    kept = _only(policy, own.__contains__)
    return replace(
        kept,
        scenarios=tuple(item for item in kept.scenarios if item.value == USER),
        policy_type=SUPPLEMENTAL,
        policy_id=guid,
        options=tuple(item for item in policy.options if item in SUPPLEMENTAL_OPTIONS),
        settings=information(guid, f"{policy.name}, supplemental {number + 1}"),
    )


def _without(policy: SiPolicy, movable: frozenset[str]) -> SiPolicy:
    return _only(policy, lambda name: name not in movable)


def _only(policy: SiPolicy, keep: Callable[[str], bool]) -> SiPolicy:
    """The policy with the kept references, and with what they need."""
    scenarios = tuple(
        replace(scenario, product=_group(scenario, keep)) for scenario in policy.scenarios
    )
    signers = {
        item.signer
        for scenario in scenarios
        for item in (*scenario.product.allowed, *scenario.product.denied)
    }
    kept = tuple(item for item in policy.signers if item.id in signers)
    rules = {name for scenario in scenarios for name in scenario.product.rules}
    rules |= {name for item in kept for name in item.file_attribs}
    rules |= {
        name
        for scenario in scenarios
        for item in (*scenario.product.allowed, *scenario.product.denied)
        for name in item.exceptions
    }
    ekus = {name for item in kept for name in item.ekus}
    return replace(
        policy,
        scenarios=scenarios,
        signers=kept,
        file_rules=tuple(item for item in policy.file_rules if item.id in rules),
        ekus=tuple(item for item in policy.ekus if item.id in ekus),
        ci_signers=tuple(name for name in policy.ci_signers if name in signers),
    )


def _group(scenario: Scenario, keep: Callable[[str], bool]) -> SignerGroup:
    group = scenario.product
    return SignerGroup(
        allowed=tuple(item for item in group.allowed if keep(item.signer)),
        denied=tuple(item for item in group.denied if keep(item.signer)),
        rules=tuple(name for name in group.rules if keep(name)),
    )
