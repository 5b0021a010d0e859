"""AppLocker policies as baselines: they decide as before, or a note says what is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyc.baseline import parse_baseline
from policyc.baseline.dump import dump_baseline
from policyc.model.artifact import Artifact
from policyc.model.decision import Verdict, decide
from policyc.model.facts import FileFacts, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR
from policyc.targets.applocker import TARGET
from policyc.targets.applocker.lift import lift, lift_artifact
from policyc.targets.base import ArtifactError
from policyc.verify.compare import Agreement, relate
from tests.property.test_applocker import OPTIONS, SETTINGS, specialised
from tests.property.windows import files, policies
from tests.requires import require_shared


@pytest.mark.slow
@SETTINGS
@given(
    policy=policies("applocker", OPTIONS),
    known=st.lists(files(), max_size=6).map(tuple),
    unseen=st.lists(files(), min_size=1, max_size=8).map(tuple),
)
def test_a_compiled_policy_lifts_to_one_that_decides_the_same(
    policy: PolicyIR, known: tuple[FileFacts, ...], unseen: tuple[FileFacts, ...]
) -> None:
    own = specialised(policy, known)
    model = TARGET.lower(own, Inventory(files=known)).model
    found = lift(model)
    again = parse_baseline(dump_baseline(found.policy), "x.yaml", lambda _: Inventory())
    assert again.policy is not None, again.diagnostics
    for facts in (*known, *unseen):
        if not TARGET.governs(facts) or found.lost:
            continue
        wanted = TARGET.evaluate(model, facts)
        for lifted in (found.policy, again.policy):
            if facts.collection not in lifted.governs:
                assert wanted.verdict in (Verdict.NOT_GOVERNED, Verdict.ALLOW)
                continue
            got = decide(lifted, facts, platform=Platform.WINDOWS)
            agreement = relate(wanted.verdict, got.verdict)
            assert agreement in (Agreement.AGREE, Agreement.UNKNOWN), (facts, wanted, got)


def test_every_public_policy_that_parses_lifts_and_reads_back() -> None:
    lifted = kept = 0
    for path in sorted(require_shared("applocker/policies").glob("*.xml")):
        try:
            found = lift_artifact(Artifact(name=path.name, data=path.read_bytes(), media_type=""))
        except ArtifactError:
            continue
        again = parse_baseline(dump_baseline(found.policy), path.name, lambda _: Inventory())
        if found.policy.rules:
            assert again.policy is not None, (path.name, again.diagnostics[:3])
            assert {rule.id for rule in again.policy.rules} == {
                rule.id for rule in found.policy.rules
            }
        lifted += 1
        kept += not found.lost
    assert lifted >= 25
    assert kept >= 3


@pytest.mark.parametrize("number", [0, 1])
def test_a_registry_policy_lifts(number: int) -> None:
    path = sorted(require_shared("applocker/gpo-backup").rglob("registry.pol"))[number]
    found = lift_artifact(Artifact(name=path.name, data=path.read_bytes(), media_type=""))
    assert len(found.policy.rules) > 15
    assert len(found.policy.governs) == 5
