"""What Santa runs whatever a policy says, and what must run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyc.baseline import parse_baseline
from policyc.compiler import TargetResult, compile_target, evaluate_result
from policyc.model.decision import Verdict
from policyc.model.facts import FileFacts, MachoFacts, Platform
from policyc.model.identity import SigningId
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR, TargetSettings
from policyc.model.loss import Drift
from policyc.targets import load_target
from policyc.targets.santa.critical import CRITICAL
from policyc.verify import Agreement
from tests.conformance.probes import file_on
from tests.conformance.test_targets import disagreements
from tests.property.strategies import files, policies

BASE = (
    "policyc: 1\nname: T\nmode: enforce\ntargets: {santa: {collections: [executable]%s}}\nrules:\n"
)
PLATFORM = "  - permit: {signer: {platform_binary: true}}\n"
SANTA = "  - permit: {signer: {team: ZMCG7MLDV9}}\n"
SOMEBODY = "  - permit: {signer: {team: BJ4HAAB9B3}}\n"


def compiled(rules: str, more: str = "", inventory: Inventory | None = None) -> TargetResult:
    loaded = parse_baseline(BASE % more + rules, "policyc.yaml", lambda _: Inventory())
    assert loaded.policy is not None, loaded.diagnostics
    result = compile_target(loaded.policy, inventory or Inventory(), "santa")
    assert result.failure is None
    return result


def program(signing_id: str, path: str = "/x/tool") -> FileFacts:
    facts = file_on(Platform.MACOS, 1)
    assert facts.macho is not None
    assert isinstance(facts.signatures, tuple)
    own = SigningId(signing_id)
    piece = replace(
        facts.macho.slices[0],
        identifier=signing_id.partition(":")[2],
        team=own.team,
        platform_binary=own.team is None,
    )
    signature = replace(facts.signatures[0], team=own.team, signing_id=own)
    macho = MachoFacts(slices=(piece,))
    return replace(facts, path=path, macho=macho, signatures=(signature,))


LS, TRUSTD = program("platform:com.apple.ls"), program("platform:com.apple.trustd")
CTL = program("ZMCG7MLDV9:com.northpolesec.santa.ctl")


@pytest.mark.parametrize(
    ("rules", "more", "facts", "verdict"),
    [
        (SOMEBODY, "", LS, Verdict.ALLOW),
        (SOMEBODY, ", min_version: '2026.7'", LS, Verdict.ALLOW),
        (SOMEBODY, ", min_version: '2026.4'", LS, Verdict.UNDETERMINED),
        (PLATFORM, ", min_version: '2026.4'", LS, Verdict.UNDETERMINED),
        (SOMEBODY, ", min_version: '2026.4'", TRUSTD, Verdict.ALLOW),
        ("  - permit: {signer: {signing_id: 'platform:com.apple.ls'}}\n", "", LS, Verdict.ALLOW),
        (
            PLATFORM + "  - forbid: {signer: {signing_id: 'platform:com.apple.ls'}}\n",
            "",
            LS,
            Verdict.DENY,
        ),
        (PLATFORM + "  - forbid: {path: /x/**}\n", "", LS, Verdict.ALLOW),
        (
            SOMEBODY + "  - forbid: {signer: {signing_id: 'platform:com.apple.trustd'}}\n",
            "",
            TRUSTD,
            Verdict.ALLOW,
        ),
        (SOMEBODY + "  - forbid: {signer: {team: ZMCG7MLDV9}}\n", "", CTL, Verdict.ALLOW),
        (SOMEBODY, "", program("ZMCG7MLDV9:com.example"), Verdict.DENY),
    ],
)
def test_what_santa_would_do(rules: str, more: str, facts: FileFacts, verdict: Verdict) -> None:
    assert evaluate_result(compiled(rules, more), facts).verdict is verdict


def test_a_policy_that_says_so_loses_nothing() -> None:
    assert compiled(PLATFORM + SANTA).losses == ()
    assert [item.code for item in compiled(PLATFORM).losses] == ["L023"]
    forbidden = compiled(PLATFORM + SANTA + "  - forbid: {masquerade: error}\n")
    assert {"L012", "L023"} == {item.code for item in forbidden.losses}
    other = compiled(PLATFORM + SANTA + "  - forbid: {signer: {team: BJ4HAAB9B3}}\n")
    assert other.losses == ()


def test_what_is_denied_and_runs_is_told_and_refused() -> None:
    result = compiled(SOMEBODY, inventory=Inventory(files=(LS, TRUSTD)))
    assert {item.code for item in result.refused} == {"L023"}
    assert {item.agreement for item in result.report.differences} == {Agreement.WIDER}
    assert {item.loss.code for item in result.report.differences if item.loss} == {"L023"}
    assert sum(item.inventory_hits for item in result.losses) == 3, "trustd is of both kinds"


def test_witnesses_are_of_apple_and_of_every_critical_program() -> None:
    wider = [
        item.facts.signatures[0].signing_id.value
        for item in compiled(SOMEBODY).witness_report.differences
        if isinstance(item.facts.signatures, tuple) and item.facts.signatures[0].signing_id
    ]
    assert set(wider) == CRITICAL | {"platform:witness"}


def test_a_forbid_of_all_platform_code_takes_the_ids_seen() -> None:
    rules = SOMEBODY + "  - {id: no-apple, forbid: {signer: {platform_binary: true}}}\n"
    result = compiled(rules, inventory=Inventory(files=(LS,)))
    assert evaluate_result(result, LS).verdict is Verdict.DENY
    (own,) = (item for item in result.losses if item.code == "L030")
    assert (own.drift, own.inventory_hits) == (Drift.WIDENS, 1)
    assert {item.code for item in result.losses} == {"L023", "L028", "L030"}


def test_lockdown_without_a_permit_is_refused() -> None:
    forbid = "  - forbid: {signer: {team: ABCDE12345}}\n"
    assert "L024" in {item.code for item in compiled(forbid).refused}
    assert "L024" not in {item.code for item in compiled(forbid, ", mode: audit").losses}
    accepted = compiled(forbid + "accept: [{loss: L024, target: santa, reason: a kiosk}]\n")
    assert "L024" not in {item.code for item in accepted.refused}


@pytest.mark.parametrize(
    ("rules", "must", "told"),
    [
        (SOMEBODY, "[483DWKW443]", True),
        (SOMEBODY, "[BJ4HAAB9B3, 'BJ4HAAB9B3:us.zoom.xos']", False),
        (SOMEBODY, "['platform:com.apple.mdmclient']", True),
        (PLATFORM, "['platform:com.apple.mdmclient']", False),
        (SOMEBODY + "  - forbid: {signer: {signing_id: 'BJ4HAAB9B3:x'}}\n", "[BJ4HAAB9B3]", True),
        (PLATFORM + "  - forbid: {signer: {platform_binary: true}}\n", "[]", True),
        (PLATFORM + "  - forbid: {signer: {team: ZMCG7MLDV9}}\n", "[]", True),
    ],
)
def test_what_must_run(rules: str, must: str, *, told: bool) -> None:
    result = compiled(rules, f", must_run: {must}")
    assert ("L028" in {item.code for item in result.refused}) is told


def test_an_audited_policy_blocks_what_it_forbids() -> None:
    forbid = SOMEBODY + "  - forbid: {signer: {signing_id: 'BJ4HAAB9B3:x'}}\n"
    told = compiled(forbid, ", mode: audit")
    assert "L036" in {item.code for item in told.losses}
    assert "L036" not in {item.code for item in told.refused}
    assert "L036" not in {item.code for item in compiled(forbid).losses}
    assert "L036" not in {item.code for item in compiled(SOMEBODY, ", mode: audit").losses}


def test_monitor_keeps_out_nobody_who_must_run() -> None:
    more = ", mode: audit, must_run: [483DWKW443]"
    assert "L028" not in {item.code for item in compiled(SOMEBODY, more).losses}


@pytest.mark.parametrize(
    "setting",
    ["min_version: '2026'", "min_version: 2023.9", "must_run: [jamf]", "must_run: ['x:']"],
)
def test_a_bad_setting_has_a_place(setting: str) -> None:
    loaded = parse_baseline(BASE % f", {setting}" + SOMEBODY, "x.yaml", lambda _: Inventory())
    assert [(item.code, item.labels[0].span.line) for item in loaded.diagnostics] == [("B007", 4)]


def test_a_platform_binary_that_is_false_is_no_condition() -> None:
    rules = "  - permit: {signer: {platform_binary: false}}\n"
    loaded = parse_baseline(BASE % "" + rules, "x.yaml", lambda _: Inventory())
    (told,) = loaded.diagnostics
    assert "unless" in told.remedy


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    policy=policies(),
    known=st.lists(files(), max_size=5),
    unseen=st.lists(files(), min_size=1, max_size=8),
    release=st.sampled_from(["2024.4", "2026.4", "2026.7"]),
)
def test_no_silent_loss_on_any_release(
    policy: PolicyIR, known: list[FileFacts], unseen: list[FileFacts], release: str
) -> None:
    own = TargetSettings(
        collections=load_target("santa").capabilities.collections, values={"min_version": release}
    )
    policy = replace(policy, targets={"santa": own})
    result = compile_target(policy, Inventory(files=tuple(known)), "santa")
    assert result.failure is None
    assert disagreements(policy, result, [*known, *unseen]) == []
