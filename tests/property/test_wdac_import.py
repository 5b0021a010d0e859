"""A compiled policy imported again is a baseline that decides as the policy does, or says not."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyc.baseline import parse_baseline
from policyc.baseline.dump import dump_baseline
from policyc.lowering.specialise import specialise
from policyc.model.decision import Verdict, decide
from policyc.model.facts import UNKNOWN, FileFacts, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR, Setting
from policyc.targets.wdac import TARGET
from policyc.targets.wdac.lift import lift
from policyc.verify.compare import Agreement, relate
from tests.property.windows import files, policies

OPTIONS: dict[str, list[Setting]] = {
    "runtime_path_protection": [False],
    "min_os": ["1903", "win11"],
    "publishers": ["certificate", "issuer"],
}
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ignored(facts: FileFacts) -> bool:
    """What the notes on every import say: Windows ignores some signatures."""
    signatures = () if facts.signatures is UNKNOWN else facts.signatures
    return any(item.leaf is not None and item.leaf.key == "ec" for item in signatures)


@pytest.mark.slow
@SETTINGS
@given(
    policy=policies("wdac", OPTIONS),
    known=st.lists(files(), max_size=5).map(tuple),
    unseen=st.lists(files(), min_size=1, max_size=6).map(tuple),
)
def test_import_of_a_compile(
    policy: PolicyIR, known: tuple[FileFacts, ...], unseen: tuple[FileFacts, ...]
) -> None:
    own = specialise(
        policy,
        tuple(facts for facts in known if TARGET.governs(facts)),
        target="wdac",
        platform=Platform.WINDOWS,
        collections=TARGET.capabilities.collections,
    ).policy
    model = TARGET.lower(own, Inventory(files=known)).model
    found = lift(model)
    text = dump_baseline(found.policy)
    loaded = parse_baseline(text, "x.yaml", lambda _: Inventory())
    assert loaded.policy is not None, loaded.diagnostics
    assert loaded.policy == found.policy
    if found.lost:
        return
    for facts in (*known, *unseen):
        if not TARGET.governs(facts) or ignored(facts):
            continue
        got = TARGET.evaluate(model, facts).verdict
        wanted = decide(loaded.policy, facts, platform=Platform.WINDOWS).verdict
        agreement = relate(wanted, got)
        assert agreement in (Agreement.AGREE, Agreement.UNKNOWN), (wanted, got)
        if got is Verdict.NOT_GOVERNED:
            assert wanted is not Verdict.DENY
