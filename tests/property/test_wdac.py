"""App Control: on awkward files, seen or unseen, it decides as the baseline or a loss says how."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyc.lowering.specialise import specialise
from policyc.model.decision import Verdict, decide
from policyc.model.facts import FileFacts, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR, Setting
from policyc.targets.wdac import TARGET
from policyc.verify.compare import Agreement, explaining, relate
from tests.property.windows import files, is_unknown, policies

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
OPTIONS: dict[str, list[Setting]] = {
    "runtime_path_protection": [True, False],
    "min_os": ["1903", "win11"],
    "publishers": ["certificate", "issuer"],
    "signer_sets": [(), (), ("windows", "whql")],
    "also_hash": [(), ("sha1",), ("page-sha1", "page-sha256", "sha1")],
}


def specialised(policy: PolicyIR, known: tuple[FileFacts, ...]) -> PolicyIR:
    return specialise(
        policy,
        tuple(facts for facts in known if TARGET.governs(facts)),
        target="wdac",
        platform=Platform.WINDOWS,
        collections=TARGET.capabilities.collections,
    ).policy


@SETTINGS
@given(
    policy=policies("wdac", OPTIONS),
    known=st.lists(files(), max_size=6).map(tuple),
    unseen=st.lists(files(), min_size=1, max_size=8).map(tuple),
)
def test_every_decision_is_the_baselines_or_a_loss_says_so(
    policy: PolicyIR, known: tuple[FileFacts, ...], unseen: tuple[FileFacts, ...]
) -> None:
    own = specialised(policy, known)
    lowered = TARGET.lower(own, Inventory(files=known))
    model = TARGET.parse(TARGET.emit(lowered.model))
    assert model == lowered.model
    for facts in (*known, *unseen):
        if not TARGET.governs(facts):
            assert TARGET.evaluate(model, facts).verdict is Verdict.NOT_GOVERNED
            continue
        wanted = decide(own, facts, platform=Platform.WINDOWS)
        got = TARGET.evaluate(model, facts)
        agreement = relate(wanted.verdict, got.verdict)
        if agreement in (Agreement.WIDER, Agreement.NARROWER):
            assert explaining(facts, agreement, lowered.losses), (wanted, got)
        if got.verdict is Verdict.UNDETERMINED:
            assert is_unknown(facts), (wanted, got)


@pytest.mark.slow
@SETTINGS
@given(policy=policies("wdac", OPTIONS), known=st.lists(files(), max_size=6))
def test_order_of_the_inventory_means_nothing(policy: PolicyIR, known: list[FileFacts]) -> None:
    own = specialised(policy, tuple(known))
    first = TARGET.lower(own, Inventory(files=tuple(known)))
    again = TARGET.lower(own, Inventory(files=tuple(reversed(known))))
    assert TARGET.emit(first.model) == TARGET.emit(again.model)
    assert first.losses == again.losses
    assert first.provenance == again.provenance
    rules = {rule.id for rule in policy.rules}
    assert {item.rule for item in first.losses if item.rule is not None} <= rules
    assert {source for sources in first.provenance.values() for source in sources} <= rules
