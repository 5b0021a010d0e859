"""Random baselines compiled for the real daemon: it decides as the baseline, or a loss says why."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policyc.compiler import TargetResult, compile_target
from policyc.lowering.specialise import specialise
from policyc.model.decision import Decision, Verdict, decide
from policyc.model.diagnostic import Level
from policyc.model.facts import UNKNOWN, Collection, FileFacts, Platform
from policyc.model.identity import AuthenticodeSha256, CdHash, Sha256Flat, TeamId
from policyc.model.inventory import Inventory
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    Effect,
    FromPackage,
    HasAnyHash,
    HasHash,
    HasMasquerade,
    IsProduct,
    IsTrusted,
    Mode,
    OfType,
    PolicyIR,
    Rule,
    Setting,
    SignedBy,
    TargetSettings,
)
from policyc.model.path import PathPattern
from policyc.targets import load_target
from policyc.targets.fapolicyd.capabilities import may_be_code
from policyc.verify import compare
from tests.real import namespace
from tests.real.world import (
    COMM,
    EXE,
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
PATHS = (
    "opt/acme/**",
    "opt/acme/tmp/**",
    "usr/bin/tool",
    "opt/*/run",
    "home/**",
    "opt/acme/run",
    "opt/acme/tool one",
    "opt/acme/per%cent",
    "opt/**/*.py",
    "**",
)
SUBJECT = frozenset({"uid:1000", "gid:1000", f"exe:{EXE}", f"comm:{COMM}"})
"""Who the real programs run as, and what starts them."""
WHO = (
    *sorted(SUBJECT),
    "uid:4242",
    "user:root",
    "group:root",
    "exe:/usr/bin/no-such-program",
    "comm:no-such-program",
    "staff",
)
TYPES = (
    "text/x-python",
    "text/x-shellscript",
    "application/x-sharedlib",
    "application/x-executable",
    "application/java-archive",
    "application/x-bytecode.python",
    "application/pdf",
)
GOVERNED = (Collection.EXECUTABLE, Collection.LIBRARY, Collection.SCRIPT)


def atoms() -> st.SearchStrategy[Atom]:
    digests = [item.hashes.sha256 for item in small_facts()]
    return st.one_of(
        st.sampled_from([HasHash(item) for item in digests if isinstance(item, Sha256Flat)]),
        st.frozensets(
            st.sampled_from([item.value for item in digests if isinstance(item, Sha256Flat)]),
            min_size=2,
            max_size=5,
        ).map(lambda chosen: HasAnyHash(Sha256Flat, chosen)),
        st.sampled_from([AtPath(PathPattern(f"{WATCHED}/{path}")) for path in PATHS]),
        st.sampled_from([OfType(item) for item in TYPES]),
        st.sampled_from([HasMasquerade(level) for level in Level]),
        st.sampled_from([HasMasquerade(Level.INFO, codes=(code,)) for code in ("M003", "M010")]),
        st.sampled_from(
            [FromPackage(manager="dpkg", name=name) for name in ("acme", "other", None)]
        ),
        st.just(IsTrusted()),
        st.sampled_from(
            [
                SignedBy(team=TeamId("BJ4HAAB9B3")),
                IsProduct(name="7-Zip"),
                HasHash(CdHash("ab" * 20)),
                HasHash(AuthenticodeSha256("ab" * 32)),
            ]
        ),
    )


def conditions(least: int = 1) -> st.SearchStrategy[AllOf]:
    return st.frozensets(atoms(), min_size=least, max_size=2).map(AllOf)


EVERYWHERE = frozenset(Platform)
COLLECTIONS = (frozenset(Collection), *(frozenset({item}) for item in GOVERNED))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    return Rule(
        effect=draw(st.sampled_from([Effect.PERMIT, Effect.PERMIT, Effect.FORBID])),
        match=draw(conditions(draw(st.sampled_from([0, 1, 1, 1])))),
        unless=draw(
            st.one_of(st.just(frozenset[AllOf]()), st.frozensets(conditions(), max_size=2))
        ),
        collections=draw(st.sampled_from([COLLECTIONS[0], *COLLECTIONS])),
        platforms=draw(st.sampled_from([EVERYWHERE] * 4 + [frozenset({Platform.WINDOWS})])),
        principals=draw(
            st.one_of(
                st.just(frozenset[str]()),
                st.just(frozenset[str]()),
                st.frozensets(st.sampled_from(WHO), max_size=3),
            )
        ),
    )


@st.composite
def baselines(draw: st.DrawFn) -> PolicyIR:
    governed = draw(st.sampled_from([GOVERNED] * 3 + [GOVERNED[:1], GOVERNED[:2], GOVERNED[2:]]))
    values: dict[str, Setting] = {
        "version": draw(st.sampled_from(["1.1", "1.1", "1.3", "1.4"])),
        "packages": draw(st.sampled_from(["listed", "listed", "listed", "rpm"])),
    }
    return PolicyIR(
        name="Test",
        governs={
            item: draw(st.sampled_from([Mode.ENFORCE] * 5 + [Mode.AUDIT])) for item in governed
        },
        rules=draw(st.frozensets(rules(), min_size=1, max_size=6)),
        targets={"fapolicyd": TargetSettings(values=values)},
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
    for policy, result in zip(chosen, results, strict=True):
        assert result.failure is None, (result.failure, policy)
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


def _claimed(policy: PolicyIR, facts: FileFacts) -> bool:
    """What is governed, and code that is not but is permitted: it must not be denied."""
    if load_target("fapolicyd").governs(facts):
        return True
    return may_be_code(facts) and (
        decide(policy, facts, platform=Platform.LINUX, principals=SUBJECT).verdict is Verdict.ALLOW
    )


def _named_by_hash(policy: PolicyIR, facts: FileFacts) -> bool:
    """Whether a forbid names the content itself: such data cannot be read, either."""
    return any(
        rule.effect is Effect.FORBID
        and any(_names(atom, facts.hashes.sha256) for atom in rule.match.atoms)
        for rule in policy.rules
        if isinstance(facts.hashes.sha256, Sha256Flat)
    )


def _names(atom: Atom, digest: Sha256Flat) -> bool:
    if isinstance(atom, HasAnyHash):
        return digest.value in atom.digests
    return isinstance(atom, HasHash) and atom.digest == digest


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
                assert seen["ftype"] == (facts.ftype or "?")
            problem = explained(rules_loaded, seen, digests)
            assert problem is None, (problem, raw["rules"])
        if target.governs(facts):
            own = _expected(result, facts)
            assert own in (real[facts.path], Verdict.UNDETERMINED), (facts.path, raw["rules"])
        elif not may_be_code(facts) and not _named_by_hash(policy, facts):
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
        [facts for facts in small_facts() if _claimed(specialised.policy, facts)],
        decided,
        target="fapolicyd",
        platform=target.capabilities.platform,
        losses=result.losses,
        who=SUBJECT,
    )
    assert report.mismatches == (), raw["rules"]
