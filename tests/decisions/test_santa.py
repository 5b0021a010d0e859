"""Santa's documented decisions, case by case: data in ``santa/*.yaml``, each with its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from policyc.model.facts import FileFacts, Hashes, MachoFacts, MachoKind, MachoSlice
from policyc.model.formats import FileFormat
from policyc.model.identity import CdHash, CertSha256, Sha256Flat, TeamId
from policyc.model.signatures import SignatureGrade
from policyc.targets.base import ArtifactError
from policyc.targets.santa.decide import Host, decide
from policyc.targets.santa.evaluate import program_of
from policyc.targets.santa.model import ClientMode, RulePolicy, RuleType, SantaPolicy, SantaRule
from policyc.targets.santa.parse import read_rule

_FOLDER = Path(__file__).parent / "santa"
_OWN = {
    "CDHASH": "c1" * 20,
    "BINARY": "b1" * 32,
    "SIGNINGID": "ABCDE12345:com.example.tool",
    "CERTIFICATE": "ce" * 32,
    "TEAMID": "ABCDE12345",
}
"""The identifiers of the file in every case, and of a rule that names none."""


def _cases(*, rules: bool) -> list[Any]:
    found = []
    for path in sorted(_FOLDER.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert document["source"]
        found += [
            pytest.param(item, id=f"{path.stem}: {item['name']}")
            for item in document["vectors"]
            if ("rule" in item) is rules
        ]
    return found


def _rules(items: list[dict[str, str]]) -> tuple[SantaRule, ...]:
    return tuple(
        SantaRule(
            type=RuleType[item["type"]],
            identifier=item.get("identifier", _OWN[item["type"]]),
            policy=RulePolicy[item["policy"]],
            cel=item.get("cel_expr", ""),
        )
        for item in items
    )


def _file(case: dict[str, Any]) -> FileFacts:
    status = case.get("status", "production")
    team = case.get("team", _OWN["TEAMID"])
    piece = MachoSlice(
        arch="arm64",
        kind=MachoKind.EXECUTABLE,
        cdhash=CdHash(_OWN["CDHASH"]),
        identifier=case.get("identifier", "com.example.tool"),
        team=None if team is None else TeamId(team),
        flags=case.get("flags", 0x10000),
        platform_binary=case.get("platform", False),
        grade=None if status == "unsigned" else SignatureGrade(status),
        leaf=CertSha256(_OWN["CERTIFICATE"]),
    )
    return FileFacts(
        path=case.get("path", "/usr/local/bin/tool"),
        size=1,
        actual=FileFormat.MACHO,
        hashes=Hashes(sha256=Sha256Flat(_OWN["BINARY"])),
        macho=MachoFacts(slices=(piece,), mixed=case.get("mixed", False)),
    )


def _host(case: dict[str, Any]) -> Host:
    year, _, month = case.get("santa", "2025.6").partition(".")
    result = case.get("cel")
    policy = None if result in (None, "ERROR") else RulePolicy[result]
    return Host(
        mode=ClientMode[case.get("mode", "LOCKDOWN")],
        version=(int(year), int(month)),
        cel=None if result is None else lambda _: policy,
    )


@pytest.mark.parametrize("case", _cases(rules=False))
def test_a_decision(case: dict[str, Any]) -> None:
    facts = _file(case)
    policy = SantaPolicy(
        name="",
        organization="",
        mode=ClientMode.LOCKDOWN,
        rules=_rules(case.get("static", [])),
        synced=_rules(case.get("synced", [])),
        allowed_path_regex=case.get("allowed", ""),
        blocked_path_regex=case.get("blocked", ""),
        fail_closed=case.get("fail_closed", False),
        bad_signature_protection=case.get("protection", False),
        transitive_rules=case.get("transitive", False),
    )
    assert facts.macho is not None
    program = program_of(facts, facts.macho.slices[0], mixed=facts.macho.mixed)
    outcome = decide(policy, program, _host(case))
    assert outcome.name == case["expect"]
    assert outcome.reason


@pytest.mark.parametrize("case", _cases(rules=True))
def test_a_rule(case: dict[str, Any]) -> None:
    if case["expect"] is None:
        with pytest.raises(ArtifactError):
            read_rule(case["rule"])
    else:
        assert read_rule(case["rule"]).identifier == case["expect"]
