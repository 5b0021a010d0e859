"""Lint of App Control policies: each trap is told, by line, and a sound policy is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policyc.cli.app import app
from policyc.targets.wdac.lint import lint_document, lint_policy
from policyc.targets.wdac.model import SUPPLEMENTAL
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.read import read_xml
from tests.unit.targets.test_wdac_artifacts import one_rule, policy

RUN = CliRunner()
TRAPS = {
    "W010": one_rule('<Deny ID="ID_X_A" FileName="a" MinimumFileVersion="5.0.0.0"/>'),
    "W011": one_rule('<Deny ID="ID_X_A" FileName="a" MaximumFileVersion="5.0.0.0"/>'),
    "W012": one_rule('<Deny ID="ID_X_A" FileName="a" MaximumFileVersion="65355.0.0.0"/>'),
    "W013": one_rule('<Allow ID="ID_X_A" Hash="00AA"/>'),
    "W014": one_rule('<Allow ID="ID_X_A" FilePath="*\\a\\*"/>'),
    "W004": policy('<Allow ID="ID_X_A" FileName="a"/>'),
    "W005": policy('<Allow ID="ID_X_A" FileName="a"/>', '<FileRuleRef RuleID="ID_X_A"/>' * 2),
    "W022": policy(options=("Enabled:Unsigned System Integrity Policy",)),
    "W030": policy(options=("Enabled:UMCI",)),
    "W031": policy(),
    "W032": one_rule('<Deny ID="ID_X_A" FileName="*"/>'),
    "W036": policy(options=("Enabled:Dynamic Code Security",)),
    "W037": one_rule('<Allow ID="ID_X_A" FileName="*"/>'),
}


@pytest.mark.parametrize(("code", "document"), TRAPS.items(), ids=TRAPS)
def test_a_trap_is_told(code: str, document: str) -> None:
    found = [item for item in lint_document(read_xml(document.encode())) if item.code == code]
    assert found
    assert all(item.message and item.fix for item in found)


def test_the_line_is_told() -> None:
    document = TRAPS["W010"]
    (found,) = [item for item in lint_document(read_xml(document.encode())) if item.code == "W010"]
    assert "<Deny" in document.splitlines()[found.place - 1]


def test_an_audited_policy_bricks_nothing() -> None:
    model = read_xml(policy().encode()).policy
    audited = replace(model, options=(*model.options, Option.AUDIT_MODE))
    assert "W031" not in {item.code for item in lint_policy(audited)}


def test_supplementals_leave_to_the_base_what_is_its_own() -> None:
    model = read_xml(TRAPS["W010"].encode()).policy
    more = replace(model, policy_type=SUPPLEMENTAL, supplemental_signers=("ID_SIGNER_A",))
    codes = {item.code for item in lint_policy(more)}
    assert {"W023", "W024", "W033", "W038"} <= codes


def test_windows_11_takes_any_wildcard_and_1809_no_path_at_all() -> None:
    model = read_xml(TRAPS["W014"].encode()).policy
    assert "W014" not in {item.code for item in lint_policy(model, "win11")}
    assert "W016" in {item.code for item in lint_policy(model, "1809")}


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "policy.xml"
    path.write_text(TRAPS["W010"])
    result = RUN.invoke(app, ["lint", str(path)])
    assert result.exit_code == 1
    assert "error[W010]" in result.stdout
    assert '"code": "W010"' in RUN.invoke(app, ["lint", str(path), "-f", "json"]).stdout
    shown = RUN.invoke(app, ["lint", str(path), "-f", "sarif"])
    assert shown.exit_code == 1
    (run,) = json.loads(shown.stdout)["runs"]
    rules = [item["id"] for item in run["tool"]["driver"]["rules"]]
    assert [rules[item["ruleIndex"]] for item in run["results"]] == [
        item["ruleId"] for item in run["results"]
    ]
    (found,) = (item for item in run["results"] if item["ruleId"] == "W010")
    place = found["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] > 1
    assert place["artifactLocation"]["uri"].endswith("policy.xml")
    path.write_text("<a/>")
    assert RUN.invoke(app, ["lint", str(path)]).exit_code == 2


def test_a_code_is_explained() -> None:
    result = RUN.invoke(app, ["explain", "W010"])
    assert result.exit_code == 0
    assert "*below*" in result.stdout
    assert "Fix:" in result.stdout


def test_build_and_dump(tmp_path: Path) -> None:
    path = tmp_path / "policy.xml"
    path.write_text(one_rule('<Allow ID="ID_X_A" FileName="a"/>').replace("ID_X_A", "ID_ALLOW_A"))
    result = RUN.invoke(app, ["wdac", "build", str(path), "-o", str(tmp_path / "deploy")])
    assert result.exit_code == 0, result.output
    (binary,) = (tmp_path / "deploy").iterdir()
    assert binary.name == "{11111111-2222-3333-4444-555555555555}.cip"
    back = tmp_path / "back.xml"
    assert RUN.invoke(app, ["wdac", "dump", str(binary), "-o", str(back)]).exit_code == 0
    assert RUN.invoke(app, ["wdac", "build", str(back), "-o", str(tmp_path / "x")]).exit_code == 0
    assert (tmp_path / "x" / binary.name).read_bytes() == binary.read_bytes()
    binary.write_bytes(binary.read_bytes()[:-3])
    assert RUN.invoke(app, ["wdac", "dump", str(binary)]).exit_code == 2
    path.write_text(one_rule('<Allow ID="ID_ALLOW_A" FileName="a" FilePAth="b"/>'))
    assert RUN.invoke(app, ["wdac", "build", str(path), "-o", str(tmp_path)]).exit_code == 2
