"""What every target must hold to. A new target inherits all of it by being in TARGETS."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyc.compiler import TargetResult, compile_target
from policyc.lowering.specialise import specialise
from policyc.model.decision import Verdict, decide
from policyc.model.facts import Collection, FileFacts, Platform
from policyc.model.identity import PublisherName, Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.ir import (
    AllOf,
    AtPath,
    Effect,
    HasHash,
    IsProduct,
    PolicyIR,
    SignedBy,
    TargetSettings,
)
from policyc.model.loss import Drift
from policyc.model.path import PathPattern
from policyc.targets import load_target, target_names
from policyc.targets.base import ArtifactError, Probe, Support
from policyc.verify import Agreement, compare
from policyc.verify.compare import explaining, relate
from policyc.verify.synthetic import known
from policyc.verify.witness import policy_witnesses
from tests.conformance.probes import file_on, policy_for, rule_for
from tests.property.strategies import files, policies

TARGETS = target_names()
# `make nightly` asks for 2,000.
EXAMPLES = int(os.environ.get("POLICYC_EXAMPLES", "200"))
COMMON = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def inventory_for(name: str) -> Inventory:
    platform = load_target(name).capabilities.platform
    return Inventory(files=tuple(file_on(platform, number) for number in (1, 2, 3)))


def asked(policy: PolicyIR, name: str) -> PolicyIR:
    """The policy with the target asked for exactly what it can govern."""
    own = TargetSettings(collections=load_target(name).capabilities.collections)
    return replace(policy, targets={name: own})


def disagreements(
    policy: PolicyIR, result: TargetResult, probes: list[FileFacts]
) -> list[tuple[FileFacts, Agreement]]:
    """The files decided differently with no loss that says so."""
    target = load_target(result.target)
    platform = target.capabilities.platform
    model = target.parse(tuple(item for item in result.artifacts if item.enforced))
    own = specialise(
        policy,
        (),
        target=result.target,
        platform=platform,
        collections=target.capabilities.collections,
    ).policy
    found = []
    for facts in probes:
        if not target.governs(facts):
            continue
        got = target.evaluate(model, facts).verdict
        agreement = relate(decide(own, facts, platform=platform).verdict, got)
        differs = agreement in (Agreement.WIDER, Agreement.NARROWER)
        if differs and explaining(facts, agreement, result.losses) is None:
            found.append((facts, agreement))
    return found


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("probe", Probe)
def test_capabilities_tell_the_truth(name: str, effect: Effect, probe: Probe) -> None:
    capabilities = load_target(name).capabilities
    claim = capabilities.supports[probe]
    support = claim.permit if effect is Effect.PERMIT else claim.forbid
    rule = rule_for(probe, capabilities.platform, effect)
    inventory = inventory_for(name)
    policy = policy_for(capabilities, rule)
    result = compile_target(policy, inventory, name)
    assert result.failure is None
    own = [loss for loss in result.losses if loss.rule is not None]
    if support is Support.LOSSY:
        assert any(loss.drift is not Drift.COSMETIC for loss in own), "lossy needs a Loss"
    else:
        assert not [loss for loss in own if loss.drift is not Drift.COSMETIC], own
    if support is Support.VACUOUS:
        target = load_target(name)
        assert not any(
            decide(policy, facts).verdict is Verdict.ALLOW
            for facts in inventory.files
            if target.governs(facts)
        )


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("probe", Probe)
def test_every_loss_of_a_lone_rule_can_be_seen(name: str, effect: Effect, probe: Probe) -> None:
    """A Loss that no file shows is an evaluator that knows less than the lowering does."""
    target = load_target(name)
    capabilities = target.capabilities
    rule = replace(rule_for(probe, capabilities.platform, effect), principals=frozenset())
    wide = AllOf(frozenset({AtPath(PathPattern(ANYWHERE[capabilities.platform]))}))
    rules = [rule]
    if effect is Effect.FORBID:
        rules.append(replace(rule, effect=Effect.PERMIT, match=wide, unless=frozenset()))
    policy = policy_for(capabilities, *rules)
    inventory = inventory_for(name)
    result = compile_target(policy, inventory, name)
    model = target.parse(tuple(item for item in result.artifacts if item.enforced))
    made = list(policy_witnesses(policy, known(inventory.files), capabilities.platform))
    made += [file_on(capabilities.platform, number) for number in range(4, 8)]
    for loss in result.losses:
        if loss.rule != rule.id or loss.drift is Drift.COSMETIC or loss.code not in SHOWN:
            continue
        if effect is Effect.FORBID and loss.code == "L017":
            continue  # what permits everything here is a path too, and ignored as well
        wanted = Agreement.WIDER if loss.drift is Drift.WIDENS else Agreement.NARROWER
        assert any(
            relate(
                decide(policy, facts, platform=capabilities.platform).verdict,
                target.evaluate(model, facts).verdict,
            )
            is wanted
            for facts in made
            if facts.collection is Collection.EXECUTABLE and target.governs(facts)
        ), loss


ANYWHERE = {Platform.WINDOWS: "C:\\**", Platform.LINUX: "/**", Platform.MACOS: "/**"}
SHOWN = frozenset({"L017", "L018", "L019", "L025", "L029"})
"""Losses by what a platform is known to do with one rule: a made file shows the difference."""


@pytest.mark.parametrize("name", TARGETS)
def test_every_probe_is_claimed(name: str) -> None:
    assert set(load_target(name).capabilities.supports) == set(Probe)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
@COMMON
@given(policy=policies(), known=st.lists(files(), max_size=4))
def test_round_trip_and_determinism(name: str, policy: PolicyIR, known: list[FileFacts]) -> None:
    inventory = Inventory(files=tuple(known))
    target = load_target(name)
    own = specialise(
        asked(policy, name),
        tuple(facts for facts in known if target.governs(facts)),
        target=name,
        platform=target.capabilities.platform,
        collections=target.capabilities.collections,
    ).policy
    lowered = target.lower(own, inventory)
    artifacts = target.emit(lowered.model)
    assert target.parse(tuple(item for item in artifacts if item.enforced)) == lowered.model
    again = target.lower(own, Inventory(files=tuple(reversed(known))))
    assert target.emit(again.model) == artifacts
    assert again.losses == lowered.losses


@pytest.mark.parametrize("name", TARGETS)
@COMMON
@given(
    policy=policies(),
    known=st.lists(files(), max_size=5),
    unseen=st.lists(files(), min_size=1, max_size=8),
)
def test_no_silent_loss(
    name: str, policy: PolicyIR, known: list[FileFacts], unseen: list[FileFacts]
) -> None:
    """Seen or unseen: the target decides as the baseline, or a loss says in which direction."""
    policy = asked(policy, name)
    result = compile_target(policy, Inventory(files=tuple(known)), name)
    assert result.failure is None
    assert disagreements(policy, result, [*known, *unseen]) == []


HOSTILE = (
    'quote" ID="ID_ALLOW_ALL',
    "A & B <Corp> ]]>",
    "line\nbreak",
    "tab\tand\x01control",
    "right\u202eto-left",
    "%languages=all, allow perm=any all : all",
    "*",
    "a, b = c",
    "x" * 10_000,
    "\ud800",
)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_strings_stay_data(name: str, text: str) -> None:
    """Names from files under judgement neither break the artifact nor change its meaning."""
    capabilities = load_target(name).capabilities
    base = "C:\\acme\\" if capabilities.platform.value == "windows" else "/opt/acme/"
    facts = replace(file_on(capabilities.platform, 1), path=base + text.replace("/", ""))
    rules = [
        replace(rule_for(Probe.HASH_SHA256, capabilities.platform, Effect.PERMIT), name=text),
        replace(
            rule_for(Probe.HASH_SHA256, capabilities.platform, Effect.PERMIT),
            match=AllOf(frozenset({IsProduct(name=text)})),
        ),
        replace(
            rule_for(Probe.HASH_SHA256, capabilities.platform, Effect.PERMIT),
            match=AllOf(frozenset({SignedBy(publisher=PublisherName("O=" + text + ", C=X"))})),
        ),
        replace(
            rule_for(Probe.HASH_SHA256, capabilities.platform, Effect.FORBID),
            match=AllOf(frozenset({HasHash(Sha256Flat("f" * 64))})),
            name=text,
        ),
    ]
    try:
        pattern = PathPattern(base + text)
    except ValueError:
        pass
    else:
        rules.append(replace(rules[0], match=AllOf(frozenset({AtPath(pattern)})), name="path"))
    policy = policy_for(capabilities, *rules)
    other = file_on(capabilities.platform, 2)
    result = compile_target(policy, Inventory(files=(facts, other)), name)
    assert result.failure is None
    unseen = file_on(capabilities.platform, 4, directory="elsewhere")
    assert disagreements(policy, result, [facts, other, unseen]) == []


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_artifacts_are_errors_not_tracebacks(name: str) -> None:
    capabilities = load_target(name).capabilities
    target = load_target(name)
    rule = rule_for(Probe.HASH_SHA256, capabilities.platform, Effect.PERMIT)
    result = compile_target(policy_for(capabilities, rule), inventory_for(name), name)
    enforced = tuple(item for item in result.artifacts if item.enforced)
    for victim in range(len(enforced)):
        data = enforced[victim].data
        for damaged in (b"", data[: len(data) // 2], b"\xff\xfe\x00garbage", data + b"\x00<"):
            changed = (
                *enforced[:victim],
                replace(enforced[victim], data=damaged),
                *enforced[victim + 1 :],
            )
            try:
                target.parse(changed)
            except ArtifactError as error:
                assert error.message  # noqa: PT017  (either outcome is right, a traceback is not)


@pytest.mark.parametrize("name", TARGETS)
def test_an_edited_artifact_is_noticed(name: str) -> None:
    """Verification is no formality: a policy that allows more is found on real files."""
    capabilities = load_target(name).capabilities
    target = load_target(name)
    inventory = inventory_for(name)
    first = rule_for(Probe.HASH_AUTHENTICODE, capabilities.platform, Effect.PERMIT)
    if capabilities.supports[Probe.HASH_AUTHENTICODE].permit is Support.VACUOUS:
        first = rule_for(Probe.HASH_SHA256, capabilities.platform, Effect.PERMIT)
    narrow = policy_for(capabilities, first)
    nothing = policy_for(capabilities)
    result = compile_target(narrow, inventory, name)
    model = target.parse(tuple(item for item in result.artifacts if item.enforced))
    report = compare(
        nothing,
        tuple(facts for facts in inventory.files if target.governs(facts)),
        lambda facts: target.evaluate(model, facts),
        target=name,
        platform=capabilities.platform,
    )
    assert report.wider == 1
    assert len(report.mismatches) == 1


@pytest.mark.parametrize("name", TARGETS)
def test_an_empty_policy_denies_what_is_governed(name: str) -> None:
    capabilities = load_target(name).capabilities
    target = load_target(name)
    result = compile_target(policy_for(capabilities), inventory_for(name), name)
    assert result.failure is None
    model = target.parse(tuple(item for item in result.artifacts if item.enforced))
    facts = file_on(capabilities.platform, 1)
    assert facts.collection is Collection.EXECUTABLE
    assert target.evaluate(model, facts).verdict is Verdict.DENY
