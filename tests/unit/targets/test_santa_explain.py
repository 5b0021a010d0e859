"""What `explain` says about a Mach-O: every identifier, what decides, and what would change it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from policyc.cli.app import app
from policyc.model.facts import FileFacts, Platform
from policyc.model.signatures import SignatureGrade
from policyc.targets.santa.describe import describe
from policyc.targets.santa.model import ClientMode, RulePolicy, RuleType, SantaPolicy, SantaRule
from tests.conformance.probes import LEAF, file_on
from tests.corpus import build

RUN = CliRunner()
IDENTIFIERS = {
    RuleType.CDHASH: f"{1:040x}",
    RuleType.BINARY: f"{1:064x}",
    RuleType.SIGNINGID: "ABCDE12345:com.acme.tool",
    RuleType.CERTIFICATE: LEAF.sha256.value,
    RuleType.TEAMID: "ABCDE12345",
}


def policy(**rules: RulePolicy) -> SantaPolicy:
    made = [
        SantaRule(type=RuleType[kind], identifier=IDENTIFIERS[RuleType[kind]], policy=own)
        for kind, own in rules.items()
    ]
    return SantaPolicy(
        name="x",
        organization="x",
        mode=ClientMode.LOCKDOWN,
        rules=tuple(sorted(made, key=lambda rule: rule.type)),
    )


def program(*, mixed: bool = False, **keys: Any) -> FileFacts:
    facts = file_on(Platform.MACOS, 1)
    assert facts.macho is not None
    piece = replace(facts.macho.slices[0], **keys)
    return replace(facts, macho=replace(facts.macho, slices=(piece,), mixed=mixed))


ALLOW, BLOCK = RulePolicy.ALLOWLIST, RulePolicy.BLOCKLIST


def told(own: SantaPolicy, facts: FileFacts) -> dict[str, str]:
    """The last lines, by what they are about."""
    found = {}
    for line in describe(own, facts):
        head, colon, rest = line.strip().partition(": ")
        if colon:
            found[head] = rest
    return found


@pytest.mark.parametrize(
    ("own", "facts", "expected"),
    [
        (policy(TEAMID=ALLOW), program(), ("allowed", "allowed", "allowed", "denied")),
        (policy(SIGNINGID=ALLOW), program(), ("allowed", "allowed", "allowed", "denied")),
        (policy(CERTIFICATE=ALLOW), program(), ("allowed", "allowed", "denied", "denied")),
        (policy(BINARY=ALLOW), program(), ("allowed", "denied", "denied", "denied")),
        (policy(CDHASH=ALLOW), program(), ("allowed", "denied", "denied", "denied")),
        (policy(BINARY=BLOCK, TEAMID=ALLOW), program(), ("denied", "allowed", "allowed", "denied")),
        (policy(), program(), ("denied", "denied", "denied", "denied")),
    ],
)
def test_what_would_change_it(
    own: SantaPolicy, facts: FileFacts, expected: tuple[str, ...]
) -> None:
    lines = told(own, facts)
    heads = ("so", "after an update", "and with a new certificate")
    got = [lines[head] for head in (*heads, "signed anew by anybody (ad hoc)")]
    assert tuple(item.split()[0] for item in got) == expected


def test_every_identifier_in_order_and_what_decides() -> None:
    lines = describe(policy(BINARY=ALLOW, TEAMID=BLOCK), program())
    names = [line.split()[0] for line in lines[1:6]]
    assert names == [kind.name for kind in RuleType]
    for kind, line in zip(RuleType, lines[1:6], strict=True):
        assert IDENTIFIERS[kind] in line
    assert [line.endswith("decides") for line in lines[1:6]] == [False, True, False, False, False]
    assert lines[5].endswith("TEAMID ABCDE12345: BLOCKLIST")


def test_what_the_status_does_not_admit() -> None:
    dev = describe(policy(TEAMID=ALLOW), program(grade=SignatureGrade.DEVELOPMENT))
    assert any("TEAMID ABCDE12345, not taken from development code" in line for line in dev)
    assert "so: denied" in "\n".join(dev)
    lax = describe(policy(CDHASH=ALLOW), program(flags=0))
    assert "  CDHASH not enforced by its flags" in lax
    mixed = describe(policy(TEAMID=ALLOW), program(mixed=True))
    assert mixed[0] == "arm64: invalid, as the slices are not signed alike"
    adhoc = describe(policy(BINARY=ALLOW), program(grade=SignatureGrade.ADHOC, team=None))
    assert not any("signed anew" in line for line in adhoc)


def test_critical_code_needs_nothing_more() -> None:
    facts = program(team=None, platform_binary=True, identifier="com.apple.trustd")
    assert describe(policy(), facts)[-1] == "  so: allowed (critical program, before any rule)"


def test_the_command(tmp_path: Path) -> None:
    tool, baseline = tmp_path / "tool", tmp_path / "policyc.yaml"
    tool.write_bytes(build.signed_macho(team="ABCDE12345", signer=build.identity()))
    baseline.write_text("policyc: 1\nname: T\nrules:\n  - permit: {signer: {team: ABCDE12345}}\n")
    result = RUN.invoke(app, ["explain", str(tool), "-b", str(baseline), "-t", "santa"])
    assert "ABCDE12345 (arm64)" in result.output
    assert "signing certificate " in result.output
    for kind in RuleType:
        assert f"santa:   {kind.name}" in result.output
    assert "after an update" in result.output
