"""Built-in signer sets: they are Microsoft's, and what they allow is decided or told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policyc.model.decision import Verdict
from policyc.model.diagnostic import Level
from policyc.model.facts import Collection, FileFacts
from policyc.model.identity import DistinguishedName, Oid, TbsHash
from policyc.model.ir import HasHash, SignedBy
from policyc.model.loss import Drift
from policyc.model.signatures import Certificate
from policyc.targets.wdac.lint import lint_policy
from policyc.targets.wdac.model import KERNEL, USER, SiPolicy
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.roots import ROOTS
from tests.conformance.probes import LEAF
from tests.requires import require_shared
from tests.unit.targets.test_wdac_levels import DRIVER, EVERYTHING
from tests.unit.targets.windows_cases import PROGRAM, compiled, forbid, permit, signed

TEMPLATES = {
    "windows": "MicrosoftDocs__WDAC-Toolkit__b924471__DefaultWindows_Enforced.xml",
    "microsoft": "MicrosoftDocs__WDAC-Toolkit__b924471__AllowMicrosoft.xml",
}
WINDOWS = Oid("1.3.6.1.4.1.311.10.3.6")
SYSTEM = replace(LEAF, ekus=(WINDOWS,))


def named(common_name: str, tbs: str = "9" * 64) -> Certificate:
    name = DistinguishedName(attributes=(("CN", common_name),))
    return replace(LEAF, subject=name, issuer=name, tbs=TbsHash(tbs))


ROOT = named("Microsoft Root Certificate Authority 2010", ROOTS[6].tbs or "")
BELOW = replace(named("Microsoft Windows Production PCA 2011"), issuer=ROOT.subject)
ELSEWHERE = named("Some other authority")


def signers(policy: SiPolicy, value: int) -> set[tuple[object, ...]]:
    ekus = {item.id: item.value.lower() for item in policy.ekus}
    by_id = {item.id: item for item in policy.signers}
    return {
        (item.root.lower(), item.well_known, frozenset(ekus[eku] for eku in item.ekus))
        for scenario in policy.scenarios
        if scenario.value == value
        for item in (by_id[reference.signer] for reference in scenario.product.allowed)
    }


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_set_is_microsofts_own(name: str) -> None:
    data = require_shared(f"wdac/policies/{TEMPLATES[name]}").read_bytes()
    template = read_xml(data).policy
    own: SiPolicy = compiled("wdac", governs=EVERYTHING, signer_sets=(name,)).model
    for value in (KERNEL, USER):
        assert signers(own, value) == signers(template, value)
    template_ci = {item.root for item in template.signers if item.id in template.ci_signers}
    assert {item.root for item in own.signers if item.id in own.ci_signers} == template_ci


@pytest.mark.parametrize("name", ["windows", "microsoft"])
def test_an_enforced_policy_with_a_set_starts(name: str) -> None:
    done = compiled("wdac", governs=EVERYTHING, signer_sets=(name,))
    codes = {item.code for item in done.result.losses}
    assert codes == {"L053"}
    assert not [item for item in lint_policy(done.model) if item.level is Level.ERROR]


def test_without_a_set_it_is_told() -> None:
    done = compiled("wdac", governs=EVERYTHING)
    assert {item.code for item in done.result.losses} == {"L051", "L052"}
    by_signer = compiled("wdac", permit(SignedBy(issuer=ROOT.tbs)), governs=EVERYTHING)
    assert not {item.code for item in by_signer.result.losses} & {"L051", "L052"}


def chained(facts: FileFacts, *chain: Certificate) -> FileFacts:
    return replace(facts, signatures=signed(SYSTEM, *chain))


@pytest.mark.parametrize("facts", [PROGRAM, DRIVER])
def test_what_a_root_decides(facts: FileFacts) -> None:
    done = compiled("wdac", governs=EVERYTHING, signer_sets=("windows",))
    whole = chained(facts, BELOW, ROOT)
    assert done.got(whole).verdict is Verdict.ALLOW
    assert done.told(whole, "L053", Drift.WIDENS)
    assert done.got(chained(facts, BELOW)).verdict is Verdict.UNDETERMINED
    assert done.got(chained(facts, ELSEWHERE)).verdict is Verdict.DENY
    assert done.got(replace(facts, signatures=())).verdict is Verdict.DENY


def test_a_root_without_a_public_hash_is_known_by_name_only() -> None:
    done = compiled("wdac", signer_sets=("windows",))
    media = named("Microsoft Digital Media Authority 2005")
    for chain in ((media,), (replace(ELSEWHERE, issuer=media.subject),)):
        assert done.got(chained(PROGRAM, *chain)).verdict is Verdict.UNDETERMINED


def test_a_set_adds_nothing_to_drivers_that_are_not_governed() -> None:
    done = compiled("wdac", signer_sets=("windows",))
    kernel = next(item for item in done.model.scenarios if item.value == KERNEL)
    assert kernel.product.allowed == ()
    assert Collection.DRIVER not in next(
        item.collections for item in done.result.losses if item.code == "L053"
    )


def test_the_store_and_whql_are_parts() -> None:
    done = compiled("wdac", governs=EVERYTHING, signer_sets=("store", "whql"))
    assert len(signers(done.model, KERNEL)) == 4
    assert len(signers(done.model, USER)) == 6
    assert "L051" in {item.code for item in done.result.losses}


def test_a_forbid_wins_over_a_set() -> None:
    digest = PROGRAM.hashes.authenticode_sha256
    done = compiled("wdac", forbid(HasHash(digest)), signer_sets=("windows",))  # type: ignore[arg-type]
    assert done.got(chained(PROGRAM, BELOW, ROOT)).verdict is Verdict.DENY
