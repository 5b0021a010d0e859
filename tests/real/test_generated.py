"""Random baselines compiled for the real daemon: it decides as the baseline, or a loss says why."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policyc.compiler import TargetResult, compile_target
from policyc.lowering.specialise import specialise
from policyc.model.decision import Decision, Verdict
from policyc.model.diagnostic import Level
from policyc.model.facts import UNKNOWN, Collection, FileFacts
from policyc.model.identity import Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    Effect,
    HasHash,
    HasMasquerade,
    Mode,
    OfType,
    PolicyIR,
    Rule,
    TargetSettings,
)
from policyc.model.path import PathPattern
from policyc.targets import load_target
from policyc.verify import compare
from tests.real import namespace
from tests.real.world import (
    WATCHED,
    explained,
    is_program,
    loaded,
    policy_of,
    small_facts,
    small_world,
    staged,
)

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.xdist_group("real")]

BATCHES, BATCH = int(os.environ.get("POLICYC_REAL_BATCHES", "10")), 20
PATHS = ("opt/acme/**", "opt/acme/tmp/**", "usr/bin/tool", "opt/*/run", "home/**", "opt/acme/run")
SUBJECT = frozenset({"uid:1000", "gid:1000"})
"""Who the real programs run as."""
WHO = ("uid:1000", "gid:1000", "uid:4242", "user:root", "exe:/usr/bin/no-such-program", "staff")
TYPES = ("text/x-python", "text/x-shellscript", "application/x-sharedlib")


def atoms() -> st.SearchStrategy[Atom]:
    digests = [item.hashes.sha256 for item in small_facts()]
    return st.one_of(
        st.sampled_from([HasHash(item) for item in digests if isinstance(item, Sha256Flat)]),
        st.sampled_from([AtPath(PathPattern(f"{WATCHED}/{path}")) for path in PATHS]),
        st.sampled_from([OfType(item) for item in TYPES]),
        st.just(HasMasquerade(Level.ERROR)),
    )


def conditions() -> st.SearchStrategy[AllOf]:
    return st.frozensets(atoms(), min_size=1, max_size=2).map(AllOf)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    everything = frozenset(Collection)
    return Rule(
        effect=draw(st.sampled_from([Effect.PERMIT, Effect.PERMIT, Effect.FORBID])),
        match=draw(conditions()),
        unless=draw(
            st.one_of(st.just(frozenset()), conditions().map(lambda one: frozenset({one})))
        ),
        collections=draw(st.sampled_from([everything, frozenset({Collection.EXECUTABLE})])),
        principals=draw(
            st.sampled_from([frozenset[str]()] * 3 + [frozenset({who}) for who in WHO])
        ),
    )


GOVERNED = (Collection.EXECUTABLE, Collection.LIBRARY, Collection.SCRIPT)


def baselines() -> st.SearchStrategy[PolicyIR]:
    return st.frozensets(rules(), min_size=1, max_size=5).map(
        lambda chosen: PolicyIR(
            name="Test",
            governs=dict.fromkeys(GOVERNED, Mode.ENFORCE),
            rules=chosen,
            targets={"fapolicyd": TargetSettings(values={"version": "1.1"})},
        )
    )


def cases() -> list[dict[str, Any]]:
    return [
        {
            "id": str(number),
            "op": "exec" if is_program(facts) else "open",
            "argv": [facts.path],
            "target": facts.path,
            "uid": 1000,  # the harness takes the same number for the group
        }
        for number, facts in enumerate(small_facts())
    ]


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # a long repr
@given(st.lists(baselines(), min_size=BATCH, max_size=BATCH))
@settings(
    max_examples=BATCHES,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
def test_the_daemon_decides_as_the_baseline(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[PolicyIR]
) -> None:
    namespace.require_daemon()
    inventory = Inventory(files=small_facts())
    results = [compile_target(policy, inventory, "fapolicyd") for policy in chosen]
    assert [item.failure for item in results] == [None] * len(results)
    policies = [policy_of(str(at), result, cases()) for at, result in enumerate(results)]
    policies[0]["files"] = [staged(path, data) for path, data in small_world().items()]
    answers = namespace.run(tmp_path_factory.mktemp("real"), policies)
    for at, (policy, result) in enumerate(zip(chosen, results, strict=True)):
        own = [item for item in answers if item["policy"] == str(at)]
        assert own[0]["up"], own[0]["said"]
        assert len(own) == 1 + len(small_facts())
        _agrees(policy, result, policies[at], own[1:])
    assert {item["denied"] for item in answers if "denied" in item} == {True, False}


def _expected(result: TargetResult, facts: FileFacts) -> Verdict:
    target = load_target("fapolicyd")
    assert target.people is not None
    enforced = tuple(item for item in result.artifacts if item.enforced)
    return target.people.evaluate(target.parse(enforced), facts, SUBJECT).verdict


def _named_by_hash(policy: PolicyIR, facts: FileFacts) -> bool:
    """Whether a forbid names the content itself: such data cannot be read, either."""
    return any(
        rule.effect is Effect.FORBID and HasHash(facts.hashes.sha256) in rule.match.atoms
        for rule in policy.rules
        if isinstance(facts.hashes.sha256, Sha256Flat)
    )


def _agrees(
    policy: PolicyIR, result: TargetResult, raw: dict[str, Any], answers: list[dict[str, Any]]
) -> None:
    target = load_target("fapolicyd")
    real: dict[str, Verdict] = {}
    rules_loaded = loaded(raw)
    digests = {item.path: str(item.hashes.sha256) for item in small_facts()}
    for facts, answer in zip(small_facts(), answers, strict=True):
        assert not answer["timed_out"], answer
        assert not answer["died"], answer
        real[facts.path] = Verdict.DENY if answer["denied"] else Verdict.ALLOW
        for seen in answer["decisions"]:
            if seen["path"] == facts.path and facts.ftype is not UNKNOWN:
                assert seen["ftype"] == facts.ftype
            problem = explained(rules_loaded, seen, digests)
            assert problem is None, (problem, raw["rules"])
        if target.governs(facts):
            own = _expected(result, facts)
            assert own in (real[facts.path], Verdict.UNDETERMINED), (facts.path, raw["rules"])
        elif not _named_by_hash(policy, facts):
            assert real[facts.path] is Verdict.ALLOW, (facts.path, raw["rules"])
    specialised = specialise(
        policy,
        small_facts(),
        target="fapolicyd",
        platform=target.capabilities.platform,
        collections=target.capabilities.collections,
    )

    def decided(facts: FileFacts) -> Decision:
        return Decision(verdict=real[facts.path], reason="the daemon")

    report = compare(
        specialised.policy,
        [facts for facts in small_facts() if target.governs(facts)],
        decided,
        target="fapolicyd",
        platform=target.capabilities.platform,
        losses=result.losses,
        who=SUBJECT,
    )
    assert report.mismatches == (), raw["rules"]
