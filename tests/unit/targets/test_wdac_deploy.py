"""The deployment folder: the policy itself, and texts that speak of exactly it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path

from lxml import etree
from typer.testing import CliRunner

from policyc.cli.app import app
from policyc.model.decision import Verdict
from policyc.model.diagnostic import Level
from policyc.model.version import HIGHEST, FileVersion
from policyc.targets.wdac import TARGET
from policyc.targets.wdac.build import build
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.deploy import INTUNE_LIMIT, deployment
from policyc.targets.wdac.lint import lint_policy
from policyc.targets.wdac.lint_boot import allows_all
from policyc.targets.wdac.model import KERNEL, USER, FileRule, FileRuleKind, SiPolicy
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.restore import restore
from policyc.targets.wdac.twins import next_version
from tests.requires import require_shared
from tests.unit.targets.test_wdac_artifacts import GUID, policy
from tests.unit.targets.test_wdac_levels import DRIVER
from tests.unit.targets.windows_cases import OTHER, PROGRAM, SCRIPT

MODEL = read_xml(policy().encode()).policy
TWINS = (f"rollback/{GUID}.cip", f"audit/{GUID}.cip")


def test_the_folder(tmp_path: Path) -> None:
    source = tmp_path / "x.cip"
    source.write_bytes(build(MODEL))
    result = CliRunner().invoke(app, ["wdac", "deploy", str(source), "-o", str(tmp_path / "d")])
    assert result.exit_code == 0, result.output
    names = {item.name for item in (tmp_path / "d").iterdir()}
    texts = {f"{GUID}.cip", "install.ps1", "RUNBOOK.md", "syncml.xml"}
    assert names == texts | {item.partition("/")[0] for item in TWINS}
    data = (tmp_path / "d" / f"{GUID}.cip").read_bytes()
    message = etree.fromstring((tmp_path / "d" / "syncml.xml").read_bytes())
    (held,) = [item.text for item in message.iter() if item.tag.endswith("}Data")]
    assert base64.b64decode(held) == data == source.read_bytes()
    digest = hashlib.sha256(data).hexdigest().upper()
    for name in ("install.ps1", "RUNBOOK.md"):
        assert digest in (tmp_path / "d" / name).read_text()


def test_the_old_format_is_copied_into_place() -> None:
    legacy = replace(
        MODEL,
        policy_id=None,
        base_policy_id=None,
        policy_type=None,
        policy_type_id="{A244370E-44C9-4C06-B551-F6016E563076}",
    )
    made = {item.name: item.data for item in deployment(build(legacy))}
    assert set(made) - {"rollback/SiPolicy.p7b", "audit/SiPolicy.p7b"} == {
        "SiPolicy.p7b",
        "install.ps1",
        "RUNBOOK.md",
    }
    assert b"CiTool" not in made["install.ps1"]


def test_a_policy_too_big_for_intune_says_so() -> None:
    rules = tuple(
        FileRule(kind=FileRuleKind.ALLOW, id=f"ID_ALLOW_A{number}", hash=f"{number:064x}")
        for number in range(INTUNE_LIMIT // 100)
    )
    made = {item.name: item.data for item in deployment(build(replace(MODEL, file_rules=rules)))}
    assert "syncml.xml" not in made
    assert b"too big" in made["RUNBOOK.md"]


def enforced() -> SiPolicy:
    options = tuple(item for item in MODEL.options if item is not Option.AUDIT_MODE)
    return replace(MODEL, options=options)


def twin(model: SiPolicy, folder: str) -> SiPolicy:
    made = {item.name: item.data for item in deployment(build(model))}
    return restore(decode(made[f"{folder}/{GUID}.cip"]))


def test_the_way_back_allows_everything_under_the_same_id() -> None:
    back = twin(enforced(), "rollback")
    assert (back.own_id, back.version) == (MODEL.own_id, next_version(MODEL.version))
    for facts in (PROGRAM, OTHER, DRIVER, SCRIPT):
        assert TARGET.evaluate(back, facts).verdict is not Verdict.DENY
    assert not [item for item in lint_policy(back) if item.level is Level.ERROR]
    assert all(allows_all(back, value) for value in (KERNEL, USER))


def test_the_audit_twin_has_the_same_rules() -> None:
    back = twin(enforced(), "audit")
    same = replace(back, version=MODEL.version, options=())
    again = restore(decode(build(enforced())))
    assert same == replace(again, options=())
    assert set(back.options) - set(enforced().options) == {Option.AUDIT_MODE}
    reporting = replace(MODEL, options=back.options)
    assert f"audit/{GUID}.cip" not in {item.name for item in deployment(build(reporting))}


def test_a_supplemental_has_no_twins() -> None:
    other = "{11111111-1111-1111-1111-111111111111}"
    part = replace(MODEL, policy_type="Supplemental Policy", policy_id=other, options=())
    names = {item.name for item in deployment(build(part))}
    assert not any("/" in name for name in names)


def test_the_highest_version_has_no_next() -> None:
    assert next_version(HIGHEST) == HIGHEST
    assert str(next_version(FileVersion.parse("1.0.0.65535"))) == "1.0.1.0"


def test_applockers_half_of_the_managed_installer(tmp_path: Path) -> None:
    options = (*MODEL.options, Option.MANAGED_INSTALLER)
    source = tmp_path / "x.cip"
    source.write_bytes(build(replace(MODEL, options=options)))
    words = ["wdac", "deploy", str(source), "-o", str(tmp_path / "d")]
    bare = CliRunner().invoke(app, words)
    assert bare.exit_code == 0, bare.output
    assert "--managed-installer" in (tmp_path / "d" / "RUNBOOK.md").read_text()
    both = [*words, "--managed-installer", "intune", "--managed-installer", "configmgr"]
    assert CliRunner().invoke(app, both).exit_code == 0
    root = etree.fromstring((tmp_path / "d" / "managed-installer.xml").read_bytes())
    collections = {item.get("Type"): item for item in root}
    assert set(collections) == {"Dll", "Exe", "ManagedInstaller"}
    assert len(collections["ManagedInstaller"]) == 3
    schema = require_shared("wdac/xsd/AppIdPolicy-hotcakex.xsd")
    etree.XMLSchema(etree.parse(str(schema))).assertValid(root)
    assert CliRunner().invoke(app, [*words, "--managed-installer", "x"]).exit_code == 2
