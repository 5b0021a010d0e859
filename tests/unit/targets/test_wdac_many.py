"""Exceptions, several policies, supplementals, old Windows and a binary beside the XML."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policyc.model.artifact import Artifact
from policyc.model.decision import Verdict
from policyc.model.facts import PackageRef, PeKind
from policyc.targets.base import ArtifactError
from policyc.targets.wdac import TARGET
from policyc.targets.wdac.build import build
from policyc.targets.wdac.evaluate import evaluate, evaluate_all
from policyc.targets.wdac.model import SUPPLEMENTAL, SiPolicy
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.paths import is_simple
from policyc.targets.wdac.write import write_xml
from tests.unit.targets.test_wdac_artifacts import ALLOWED, GUID, SIGNER, one_rule, policy
from tests.unit.targets.windows_cases import OTHER, PROGRAM, read

OWN = "{99999999-2222-3333-4444-555555555555}"
NAMED = '<Allow ID="ID_X_A" FileName="tool.exe"/>'
EXCEPTED = (
    '<AllowedSigners><AllowedSigner SignerId="ID_SIGNER_A">'
    '<ExceptDenyRule DenyRuleID="ID_DENY_E"/></AllowedSigner></AllowedSigners>'
)


def si_policy(document: str) -> SiPolicy:
    model: SiPolicy = read("wdac", document)
    return model


def supplemental(document: str) -> SiPolicy:
    found = si_policy(document)
    return replace(found, policy_type=SUPPLEMENTAL, policy_id=OWN, options=())


@pytest.mark.parametrize(
    ("name", "verdict"), [("tool.exe", Verdict.DENY), ("another.exe", Verdict.ALLOW)]
)
def test_an_exception_takes_the_signer_away(name: str, verdict: Verdict) -> None:
    rule = f'<Deny ID="ID_DENY_E" FileName="{name}"/>'
    document = policy(rule, signers=SIGNER.format(""), allowed=EXCEPTED)
    assert evaluate(si_policy(document), PROGRAM).verdict is verdict


def test_bases_intersect() -> None:
    allows, denies = si_policy(one_rule(NAMED)), si_policy(policy())
    assert evaluate_all((allows,), PROGRAM).verdict is Verdict.ALLOW
    assert evaluate_all((allows, denies), PROGRAM).verdict is Verdict.DENY


def test_a_supplemental_adds_to_a_base_that_lets_it() -> None:
    base = si_policy(policy())
    more = supplemental(one_rule(NAMED))
    assert more.base_policy_id == GUID
    assert evaluate_all((base, more), PROGRAM).verdict is Verdict.DENY
    open_base = replace(base, options=(*base.options, Option.SUPPLEMENTAL_POLICIES))
    assert evaluate_all((open_base, more), PROGRAM).verdict is Verdict.ALLOW
    foreign = replace(more, base_policy_id=OWN)
    assert evaluate_all((open_base, foreign), PROGRAM).verdict is Verdict.DENY


def test_what_a_supplemental_denies_is_ignored() -> None:
    base = si_policy(policy(NAMED, '<FileRuleRef RuleID="ID_X_A"/>'))
    base = replace(base, options=(*base.options, Option.SUPPLEMENTAL_POLICIES))
    more = supplemental(one_rule('<Deny ID="ID_X_A" FileName="tool.exe"/>'))
    assert evaluate_all((base, more), PROGRAM).verdict is Verdict.ALLOW


def test_a_well_known_root_needs_the_root_itself() -> None:
    root = '<Signer ID="ID_SIGNER_A"><CertRoot Type="Wellknown" Value="06"/></Signer>'
    document = policy(signers=root, allowed=ALLOWED.format("ID_SIGNER_A"))
    assert evaluate(si_policy(document), PROGRAM).verdict is Verdict.DENY


def test_a_rule_on_a_package_family_leaves_packages_to_such_rules() -> None:
    family = '<Allow ID="ID_F_A" PackageFamilyName="Acme_1"/>'
    refs = '<FileRuleRef RuleID="ID_X_A"/><FileRuleRef RuleID="ID_F_A"/>'
    model = si_policy(policy(NAMED + family, refs))
    packaged = replace(PROGRAM, package=PackageRef(manager="msix", name="other_2", version="1"))
    assert evaluate(model, PROGRAM).verdict is Verdict.ALLOW
    assert evaluate(model, packaged).verdict is Verdict.DENY
    own = replace(packaged, package=PackageRef(manager="msix", name="acme_1", version="1"))
    assert evaluate(model, own).reason == "ID_F_A"


@pytest.mark.parametrize(
    ("pattern", "simple"),
    [("*\\a.exe", True), ("C:\\a\\*", True), ("C:\\*\\a.exe", False), ("*\\a*", False)],
)
def test_old_windows_takes_one_wildcard_at_an_end(pattern: str, *, simple: bool) -> None:
    assert is_simple(pattern) is simple


def test_several_wildcards_match_on_windows_11_only() -> None:
    model = si_policy(one_rule('<Allow ID="ID_X_A" FilePath="*\\*.exe"/>'))
    facts = replace(OTHER, path="C:\\a\\b.exe")
    assert evaluate_all((model,), facts).verdict is Verdict.ALLOW
    assert evaluate_all((model,), facts, many_wildcards=False).verdict is Verdict.DENY


def test_required_whql_blocks_drivers_without_it() -> None:
    document = policy(NAMED, '<FileRuleRef RuleID="ID_X_A"/>', options=("Required:WHQL",))
    model = si_policy(document.replace('Value="12"', 'Value="131"'))
    assert PROGRAM.pe is not None
    driver = replace(PROGRAM, pe=replace(PROGRAM.pe, kind=PeKind.DRIVER))
    assert evaluate(model, driver).reason == "Required:WHQL"


def artifacts(text: SiPolicy, binary: SiPolicy) -> tuple[Artifact, ...]:
    return (
        Artifact(name="policy.xml", data=write_xml(text), media_type="application/xml"),
        Artifact(name="x.cip", data=build(binary), media_type="application/octet-stream"),
    )


def test_the_binary_beside_the_xml_has_the_word() -> None:
    allows = si_policy(one_rule(NAMED.replace("ID_X_A", "ID_X_A")))
    denies = si_policy(policy())
    assert TARGET.evaluate(TARGET.parse(artifacts(allows, allows)), PROGRAM).verdict is (
        Verdict.ALLOW
    )
    got = TARGET.evaluate(TARGET.parse(artifacts(allows, denies)), PROGRAM)
    assert got.verdict is Verdict.DENY
    assert "binary" in got.reason


def test_a_binary_of_another_policy_is_refused() -> None:
    first = si_policy(policy())
    other = replace(first, policy_id=OWN, base_policy_id=OWN)
    with pytest.raises(ArtifactError, match="not of an XML"):
        TARGET.parse(artifacts(first, other))
