"""The laws of the shared passes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policyc.lowering.containment import Containers, contained, disjoint, rule_contained
from policyc.lowering.dead import dead_permits, known_dead_permits
from policyc.lowering.expand import expand
from policyc.lowering.specialise import specialise
from policyc.model.decision import applies, decide, holds
from policyc.model.facts import UNKNOWN, FileFacts
from policyc.model.identity import Digest
from policyc.model.ir import AllOf, PolicyIR, Rule
from policyc.targets import load_target, target_names
from tests.property.strategies import files, matches, policies, rules


@given(matches(), matches(), files())
def test_containment_is_sound(left: AllOf, right: AllOf, facts: FileFacts) -> None:
    if contained(left, right) and holds(left, facts) is True:
        assert holds(right, facts) is True


@given(matches(), st.lists(matches(), max_size=6))
def test_containers_are_found_by_index(match: AllOf, others: list[AllOf]) -> None:
    found = list(Containers((other, number) for number, other in enumerate(others)).of(match))
    assert found == [number for number, other in enumerate(others) if contained(match, other)]


@given(matches(), matches(), files())
def test_disjointness_is_sound(left: AllOf, right: AllOf, facts: FileFacts) -> None:
    if disjoint(left, right):
        assert not (holds(left, facts) is True and holds(right, facts) is True)


@given(rules(), rules(), files())
def test_rule_containment_is_sound(left: Rule, right: Rule, facts: FileFacts) -> None:
    if rule_contained(left, right) and applies(left, facts) is True:
        assert applies(right, facts) is True


@given(policies(), files())
def test_dropping_dead_permits_changes_no_decision(policy: PolicyIR, facts: FileFacts) -> None:
    from dataclasses import replace  # noqa: PLC0415

    kept = replace(policy, rules=policy.rules - dead_permits(policy))
    assert decide(kept, facts).verdict == decide(policy, facts).verdict


@given(policies(), st.lists(files(), max_size=4))
def test_known_dead_permits_decide_no_known_file(policy: PolicyIR, known: list[FileFacts]) -> None:
    from dataclasses import replace  # noqa: PLC0415

    kept = replace(policy, rules=policy.rules - known_dead_permits(policy, known))
    for facts in known:
        assert decide(kept, facts).verdict == decide(policy, facts).verdict


def _flat(facts: FileFacts) -> Digest | None:
    digest = facts.hashes.sha256
    return None if digest is UNKNOWN else digest


@given(rules(), st.lists(files(), max_size=4))
def test_expansion_covers_what_the_rule_matched(rule: Rule, known: list[FileFacts]) -> None:
    result = expand([rule], tuple(known), target="wdac", native=lambda _: False, digest_of=_flat)
    for facts in known:
        if applies(rule, facts) is True:
            assert any(applies(item.rule, facts) is True for item in result.rules)
    assert result.losses, "an expansion is never silent"
    assert all(item.source == rule for item in result.rules)


@given(policies(), st.sampled_from(target_names()), files())
def test_specialising_changes_only_what_a_loss_names(
    policy: PolicyIR, name: str, facts: FileFacts
) -> None:
    target = load_target(name)
    own = specialise(
        policy,
        (),
        target=name,
        platform=target.capabilities.platform,
        collections=target.capabilities.collections,
    )
    if not target.governs(facts) or facts.collection not in own.policy.governs:
        return
    before = decide(policy, facts, platform=target.capabilities.platform).verdict
    after = decide(own.policy, facts, platform=target.capabilities.platform).verdict
    if before != after:
        assert any(holds(cover, facts) is not False for loss in own.losses for cover in loss.covers)
