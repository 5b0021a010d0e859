"""The rule that nearly decided otherwise is named with what it failed on."""

from __future__ import annotations

from dataclasses import replace

from policyc.model.decision import Verdict
from policyc.model.facts import UNKNOWN, Collection, Platform
from policyc.model.identity import Sha256Flat, TeamId
from policyc.model.ir import AllOf, Effect, HasHash, IsProduct, Rule, SignedBy
from policyc.model.version import VersionRange
from policyc.targets import load_target
from policyc.verify.nearest import nearest_miss
from tests.conformance.probes import PUBLISHER, TEAM, file_on, policy_for

WDAC = load_target("wdac").capabilities
PROGRAM = file_on(Platform.WINDOWS, 1)


def permit(*atoms: object, **more: object) -> Rule:
    return Rule(effect=Effect.PERMIT, match=AllOf(frozenset(atoms)), **more)  # type: ignore[arg-type]


def test_the_version_that_missed_is_told() -> None:
    version = VersionRange.parse("<1.0")
    near = permit(PUBLISHER, IsProduct(name="Acme Tool", version=version), name="near")
    far = permit(HasHash(Sha256Flat("a" * 64)), name="far")
    miss = nearest_miss(policy_for(WDAC, near, far), PROGRAM, Verdict.DENY)
    assert miss is not None
    assert miss.rule == near
    assert miss.failed == ("product version 1.0.0.0, needs version <=0.65535.65535.65535",)


def test_a_rule_with_nothing_in_common_is_not_near() -> None:
    far = permit(HasHash(Sha256Flat("a" * 64)))
    assert nearest_miss(policy_for(WDAC, far), PROGRAM, Verdict.DENY) is None
    loose = permit(SignedBy(team=TeamId("AAAAAAAAAA")), IsProduct(version=VersionRange.parse(">0")))
    assert nearest_miss(policy_for(WDAC, loose), PROGRAM, Verdict.DENY) is None


def test_for_an_allowed_file_the_nearest_forbid() -> None:
    forbid = Rule(effect=Effect.FORBID, match=AllOf(frozenset({PUBLISHER, IsProduct(name="X")})))
    policy = policy_for(WDAC, permit(PUBLISHER), forbid)
    miss = nearest_miss(policy, PROGRAM, Verdict.ALLOW)
    assert miss is not None
    assert miss.rule == forbid
    assert miss.failed == ("product Acme Tool, needs X",)


def test_collections_exceptions_and_unknown_facts_are_told() -> None:
    other = permit(PUBLISHER, collections=frozenset({Collection.DRIVER}))
    miss = nearest_miss(policy_for(WDAC, other), PROGRAM, Verdict.DENY)
    assert miss is not None
    assert miss.failed == ("collection executable, needs driver",)
    lifted = permit(PUBLISHER, unless=frozenset({AllOf(frozenset({IsProduct(name="Acme Tool")}))}))
    miss = nearest_miss(policy_for(WDAC, lifted), PROGRAM, Verdict.DENY)
    assert miss is not None
    assert miss.failed == ("its exception product Acme Tool",)
    blind = replace(PROGRAM, version_info=UNKNOWN)
    named = permit(PUBLISHER, IsProduct(name="Acme Tool"))
    miss = nearest_miss(policy_for(WDAC, named), blind, Verdict.UNDETERMINED)
    assert miss is not None
    assert miss.failed == ("product not known, needs Acme Tool",)


def test_signers_tell_who_signed() -> None:
    program = file_on(Platform.MACOS, 2)
    rule = permit(SignedBy(team=TEAM, publisher=program.signatures[0].publisher))  # type: ignore[index]
    miss = nearest_miss(policy_for(load_target("santa").capabilities, rule), program, Verdict.DENY)
    assert miss is not None
    assert f"signer ZZZZZ12345 (production), needs team {TEAM}" in miss.failed
