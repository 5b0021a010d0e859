"""Policies as baselines: what they say is kept, what a baseline cannot say is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policyc.baseline import parse_baseline
from policyc.baseline.dump import dump_baseline
from policyc.cli.app import app
from policyc.model.artifact import Artifact
from policyc.model.decision import Verdict, decide
from policyc.model.facts import Collection, FileFacts, Platform
from policyc.model.identity import Oid
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Effect, IsProduct, PolicyIR
from policyc.model.version import VersionRange
from policyc.targets.base import ArtifactError
from policyc.targets.lifted import Lifted
from policyc.targets.wdac import TARGET
from policyc.targets.wdac.build import build
from policyc.targets.wdac.conditions import encoded_eku
from policyc.targets.wdac.lift import lift, lift_artifact
from policyc.targets.wdac.lift_rules import decoded_eku
from policyc.targets.wdac.model import BASE
from policyc.targets.wdac.read import read_xml
from tests.conformance.probes import CHAIN
from tests.requires import require_shared
from tests.unit.targets.test_wdac_artifacts import policy as document
from tests.unit.targets.test_wdac_levels import DRIVER
from tests.unit.targets.windows_cases import (
    OTHER,
    PROGRAM,
    SCRIPT,
    SIGNED_SCRIPT,
    compiled,
    forbid,
    permit,
)

RUN = CliRunner()


def one_rule(element: str) -> str:
    name = element.partition('ID="')[2].partition('"')[0]
    return document(element, f'<FileRuleRef RuleID="{name}"/>')


TOOL = IsProduct(original_filename="tool.exe")


def lifted(text: str) -> Lifted:
    return lift(read_xml(text.encode()).policy)


def again(policy: PolicyIR) -> PolicyIR:
    """What reading the written baseline gives."""
    loaded = parse_baseline(dump_baseline(policy, ["a\nremark"]), "x.yaml", lambda _: Inventory())
    assert loaded.policy is not None, loaded.diagnostics
    return loaded.policy


def test_a_compiled_baseline_comes_back() -> None:
    rules = [permit(CHAIN, TOOL), forbid(IsProduct(name="Bad", version=VersionRange.parse("<=2")))]
    rules.append(permit(CHAIN, unless=frozenset({AllOf(frozenset({TOOL}))})))
    done = compiled("wdac", *rules, signer_sets=("windows",))
    found = lift(done.model)
    assert not found.lost
    assert {(item.effect, item.match, item.unless) for item in found.policy.rules} == {
        (item.effect, item.match, item.unless) for item in rules
    }
    values = found.policy.targets["wdac"].values
    assert values["signer_sets"] == ("windows",)
    assert values["policy_id"] == done.model.policy_id
    assert again(found.policy) == found.policy
    other = compiled("wdac", *found.policy.rules, title="Other", **values)  # type: ignore[arg-type]
    assert other.model.policy_id == done.model.policy_id
    assert {item.id for item in other.model.signers} == {item.id for item in done.model.signers}


def wanted(found: Lifted, facts: FileFacts) -> Verdict:
    return decide(found.policy, facts, platform=Platform.WINDOWS).verdict


@pytest.mark.parametrize(
    ("attributes", "versions"),
    [
        ('MinimumFileVersion="2.0.0.0"', ("<=2", ">2")),
        ('MaximumFileVersion="2.0.0.0"', (">=2", "<2")),
        ('MinimumFileVersion="1.0.0.0" MaximumFileVersion="2.0.0.0"', (">=1, <=2", ">2")),
    ],
)
def test_a_deny_with_one_bound_means_the_opposite(
    attributes: str, versions: tuple[str, str]
) -> None:
    found = lifted(one_rule(f'<Deny ID="ID_DENY_A" FileName="tool.exe" {attributes}/>'))
    (rule,) = (item for item in found.policy.rules if item.effect is Effect.FORBID)
    assert rule.match == AllOf(frozenset({replace(TOOL, version=VersionRange.parse(versions[0]))}))


def test_everything_is_everything() -> None:
    found = lifted(one_rule('<Allow ID="ID_ALLOW_A" FileName="*"/>'))
    assert AllOf(frozenset()) in {item.match for item in found.policy.rules}
    assert "everything: true" in dump_baseline(found.policy)
    assert again(found.policy).rules == found.policy.rules
    for facts in (PROGRAM, SCRIPT):
        assert wanted(found, facts) is not Verdict.DENY


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ('<Allow ID="ID_ALLOW_A" FilePath="*\\\\x.exe"/>', "path"),
        ('<Allow ID="ID_ALLOW_A" FilePath="C:\\\\a?\\\\x.exe"/>', "?"),
        ('<Allow ID="ID_ALLOW_A" FileName="x" AppIDs="a.exe"/>', "AppIDs"),
        ('<Allow ID="ID_ALLOW_A" Hash="ABCD"/>', "hash"),
        ('<Allow ID="ID_ALLOW_A" PackageFamilyName="x" PackageVersion="1.0.0.0"/>', "package"),
    ],
)
def test_what_no_baseline_says_is_told_with_its_line(rule: str, what: str) -> None:
    found = lifted(one_rule(rule.replace("\\\\", "\\")))
    (note,) = (item for item in found.lost if "ID_ALLOW_A" in item.message)
    assert what in note.message
    assert note.line > 1


@pytest.mark.parametrize("name", ["MicrosoftDocs__WDAC-Toolkit__b924471__DefaultWindows_Enforced"])
def test_microsofts_own_policy_becomes_a_signer_set(name: str) -> None:
    data = require_shared(f"wdac/policies/{name}.xml").read_bytes()
    found = lift_artifact(Artifact(name="x.xml", data=data, media_type=""))
    assert found.policy.targets["wdac"].values["signer_sets"] == ("windows",)
    assert not found.policy.rules
    assert Collection.DRIVER in found.policy.governs


def test_ekus_go_there_and_back() -> None:
    for oid in ("1.3.6.1.4.1.311.10.3.6", "2.999.3", "0.9.2342"):
        assert decoded_eku(encoded_eku(Oid(oid))) == Oid(oid)


def test_the_command(tmp_path: Path) -> None:
    done = compiled("wdac", permit(TOOL))
    source, target = tmp_path / "p.xml", tmp_path / "b.yaml"
    source.write_bytes(done.document)
    result = RUN.invoke(app, ["import", str(source), "-o", str(target)])
    assert result.exit_code == 0, result.output
    assert (
        RUN.invoke(app, ["compile", str(target), "-t", "wdac", "-o", str(tmp_path)]).exit_code == 0
    )
    binary = tmp_path / "p.cip"
    binary.write_bytes(build(done.model))
    assert RUN.invoke(app, ["import", str(binary)]).exit_code == 0
    source.write_text(document(options=("Required:WHQL",)))
    lost = RUN.invoke(app, ["import", str(source), "-o", str(target)])
    assert lost.exit_code == 1
    assert "lost: the option Required:WHQL" in lost.output
    assert "# lost: the option Required:WHQL" in target.read_text()


@pytest.mark.parametrize("data", [b"", b"<a/>", b"<SiPolicy", b"\x07\x00\x00\x00", b"MZ" * 40])
def test_what_is_no_policy(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.xml"
    path.write_bytes(data)
    result = RUN.invoke(app, ["import", str(path)])
    assert result.exit_code == 2
    assert str(path) in result.output
    with pytest.raises(ArtifactError):
        lift_artifact(Artifact(name="x", data=data, media_type=""))


FILES = (PROGRAM, OTHER, DRIVER, SCRIPT, SIGNED_SCRIPT, replace(PROGRAM, signatures=()))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["policies", "binaries"])
def test_public_policies(kind: str) -> None:
    """Each is lifted or refused, written, and read back the same; without losses it decides so."""
    count = kept = 0
    for path in sorted(require_shared(f"wdac/{kind}").iterdir()):
        if path.suffix == ".json":
            continue
        artifact = Artifact(name=path.name, data=path.read_bytes(), media_type="")
        try:
            found = lift_artifact(artifact)
        except ArtifactError:
            continue
        count += 1
        assert again(found.policy) == replace(found.policy, name=again(found.policy).name)
        if found.lost:
            continue
        kept += 1
        model = TARGET.parse((artifact,))
        for facts in FILES:
            got = TARGET.evaluate(model, facts).verdict
            if got is Verdict.UNDETERMINED or model.policy_type != BASE:
                continue
            assert (got is Verdict.DENY) == (wanted(found, facts) is Verdict.DENY), path.name
    assert count >= 40
    assert kept >= (10 if kind == "policies" else 0)
