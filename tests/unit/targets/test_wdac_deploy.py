"""The deployment folder: the policy itself, and texts that speak of exactly it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path

from lxml import etree
from typer.testing import CliRunner

from policyc.cli.app import app
from policyc.targets.wdac.build import build
from policyc.targets.wdac.deploy import INTUNE_LIMIT, deployment
from policyc.targets.wdac.model import FileRule, FileRuleKind
from policyc.targets.wdac.read import read_xml
from tests.unit.targets.test_wdac_artifacts import GUID, policy

MODEL = read_xml(policy().encode()).policy


def test_the_folder(tmp_path: Path) -> None:
    source = tmp_path / "x.cip"
    source.write_bytes(build(MODEL))
    result = CliRunner().invoke(app, ["wdac", "deploy", str(source), "-o", str(tmp_path / "d")])
    assert result.exit_code == 0, result.output
    names = {item.name for item in (tmp_path / "d").iterdir()}
    assert names == {f"{GUID}.cip", "install.ps1", "RUNBOOK.md", "syncml.xml"}
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
    assert set(made) == {"SiPolicy.p7b", "install.ps1", "RUNBOOK.md"}
    assert b"CiTool" not in made["install.ps1"]


def test_a_policy_too_big_for_intune_says_so() -> None:
    rules = tuple(
        FileRule(kind=FileRuleKind.ALLOW, id=f"ID_ALLOW_A{number}", hash=f"{number:064x}")
        for number in range(INTUNE_LIMIT // 100)
    )
    made = {item.name: item.data for item in deployment(build(replace(MODEL, file_rules=rules)))}
    assert "syncml.xml" not in made
    assert b"too big" in made["RUNBOOK.md"]
