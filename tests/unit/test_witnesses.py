"""Witnesses find what an inventory does not hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policyc.compiler import pipeline
from policyc.compiler.pipeline import compile_target
from policyc.model.decision import applies
from policyc.model.facts import Platform
from policyc.model.identity import Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Effect, HasHash, PolicyIR, Rule
from policyc.targets import default_targets, load_target
from policyc.targets.base import Lowered, Probe, Support, Target
from policyc.verify import reduced
from policyc.verify.synthetic import known
from policyc.verify.witness import policy_witnesses
from tests.conformance.probes import policy_for, rule_for

EMPTY = Inventory()
UNMAKEABLE = {
    # No file of the platform can have the fact.
    Platform.WINDOWS: {
        *(Probe.HASH_CDHASH, Probe.SIGNER_TEAM, Probe.SIGNER_SIGNING_ID, Probe.TYPE),
        Probe.SIGNER_PLATFORM_BINARY,
    },
    Platform.LINUX: {item for item in Probe if "signer" in item.value or "product" in item.value}
    | {Probe.HASH_AUTHENTICODE, Probe.HASH_PAGE, Probe.HASH_CDHASH},
    Platform.MACOS: {item for item in Probe if "product" in item.value}
    | {Probe.HASH_AUTHENTICODE, Probe.HASH_PAGE, Probe.TYPE},
}


@pytest.mark.parametrize("name", default_targets())
@pytest.mark.parametrize("probe", Probe)
def test_each_rule_has_a_witness_on_both_sides(name: str, probe: Probe) -> None:
    capabilities = load_target(name).capabilities
    rule = replace(rule_for(probe, capabilities.platform, Effect.PERMIT), principals=frozenset())
    policy = policy_for(capabilities, rule)
    made = list(policy_witnesses(policy, known(()), capabilities.platform))
    values = {applies(rule, facts) for facts in made}
    assert (True in values) is (probe not in UNMAKEABLE[capabilities.platform]), probe
    assert not made or False in values


def _hash_rule(number: int) -> Rule:
    digest = Sha256Flat(f"{number:064x}")
    return Rule(effect=Effect.PERMIT, match=AllOf(frozenset({HasHash(digest)})), name=str(number))


def _seeded(name: str, monkeypatch: pytest.MonkeyPatch, lower: Any) -> None:
    target = load_target(name)
    seeded: Target[Any] = replace(target, lower=lower)
    monkeypatch.setattr(pipeline, "load_target", lambda _: seeded)


@pytest.mark.parametrize("name", default_targets())
def test_a_rule_from_nowhere_is_found_without_any_file(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the parsed policy knows the rule, so only its own witnesses can meet it."""
    target = load_target(name)
    capabilities = target.capabilities
    extra = rule_for(Probe.HASH_SHA256, capabilities.platform, Effect.PERMIT)
    claim = capabilities.supports[Probe.HASH_SHA256]

    def lower(policy: PolicyIR, inventory: Inventory) -> Lowered[Any]:
        return target.lower(replace(policy, rules=policy.rules | {extra}), inventory)

    _seeded(name, monkeypatch, lower)
    result = compile_target(policy_for(capabilities), EMPTY, name)
    assert claim.permit is not Support.VACUOUS
    assert result.failure is not None
    assert result.report.total == 0
    assert result.witness_report.wider > 0


@pytest.mark.parametrize("name", default_targets())
def test_a_forgotten_rule_is_found_and_the_reproducer_is_small(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = load_target(name)
    victim = _hash_rule(7)

    def lower(policy: PolicyIR, inventory: Inventory) -> Lowered[Any]:
        return target.lower(replace(policy, rules=policy.rules - {victim}), inventory)

    _seeded(name, monkeypatch, lower)
    policy = policy_for(target.capabilities, *(_hash_rule(number) for number in range(3, 20)))
    result = compile_target(policy, EMPTY, name)
    assert result.failure is not None
    assert result.reproducer is not None
    assert result.reproducer.rules == {victim}


def test_reducing_keeps_what_is_needed() -> None:
    rules = [_hash_rule(number) for number in range(1, 40)]
    policy = policy_for(load_target("santa").capabilities, *rules)
    pair = frozenset({rules[3], rules[30]})
    assert reduced(policy, lambda smaller: pair <= smaller.rules).rules == pair
