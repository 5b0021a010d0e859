"""A lifted configuration decides as Santa does, for every file, or a note says what is lost."""

from __future__ import annotations

import json
import plistlib
from collections import Counter

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from policyc.baseline import parse_baseline
from policyc.baseline.dump import dump_baseline
from policyc.model.artifact import Artifact
from policyc.model.decision import decide
from policyc.model.facts import FileFacts, Hashes, MachoFacts, MachoKind, MachoSlice, Platform
from policyc.model.formats import FileFormat
from policyc.model.identity import (
    CdHash,
    CertSha256,
    DistinguishedName,
    Sha256Flat,
    SigningId,
    TbsHash,
    TeamId,
)
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, SignedBy
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.targets.base import ArtifactError
from policyc.targets.santa import TARGET
from policyc.targets.santa.lift import lift

HASHES, TEAMS, NAMES = ("a1" * 32, "b2" * 32), ("AAAAAAAAAA", "BBBBBBBBBB"), ("com.x", "com.y")
CDHASHES, LEAVES = ("c1" * 20, "c2" * 20), ("d1" * 32, "d2" * 32)
IDENTIFIERS = {
    "BINARY": HASHES,
    "CDHASH": CDHASHES,
    "CERTIFICATE": LEAVES,
    "TEAMID": TEAMS,
    "SIGNINGID": tuple(f"{team}:{name}" for team in TEAMS for name in NAMES),
}


@st.composite
def rule(draw: st.DrawFn) -> dict[str, str]:
    kind = draw(st.sampled_from(sorted(IDENTIFIERS)))
    policies = ("ALLOWLIST", "ALLOWLIST", "BLOCKLIST", "SILENT_BLOCKLIST", "REMOVE")
    return {
        "rule_type": kind,
        "identifier": draw(st.sampled_from(IDENTIFIERS[kind])),
        "policy": draw(st.sampled_from(policies)),
    }


@st.composite
def program(draw: st.DrawFn) -> FileFacts:
    grade = draw(st.sampled_from((None, *SignatureGrade)))
    signed = grade in (SignatureGrade.PRODUCTION, SignatureGrade.DEVELOPMENT)
    enforced = signed or grade is SignatureGrade.ADHOC
    team, name = TeamId(draw(st.sampled_from(TEAMS))), draw(st.sampled_from(NAMES))
    leaf = CertSha256(draw(st.sampled_from(LEAVES)))
    piece = MachoSlice(
        arch="arm64",
        kind=MachoKind.EXECUTABLE,
        cdhash=CdHash(draw(st.sampled_from(CDHASHES))) if enforced else None,
        identifier=name,
        team=team if signed else None,
        flags=0x10000,
        grade=grade,
        leaf=leaf if signed else None,
    )
    someone = DistinguishedName(attributes=(("CN", "x"),))
    signature = Signature(
        kind=SignatureKind.APPLE,
        grade=grade or SignatureGrade.INVALID,
        chain=(
            (Certificate(subject=someone, issuer=someone, sha256=leaf, tbs=TbsHash("e1" * 32)),)
            if signed
            else ()
        ),
        team=team if signed else None,
        signing_id=SigningId(f"{team}:{name}") if signed else None,
    )
    return FileFacts(
        path="/usr/local/bin/x",
        size=1,
        actual=FileFormat.MACHO,
        hashes=Hashes(sha256=Sha256Flat(draw(st.sampled_from(HASHES)))),
        signatures=() if grade is None else (signature,),
        macho=MachoFacts(slices=(piece,)),
    )


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    rules=st.lists(rule(), max_size=3, unique_by=lambda item: item["identifier"]),
    files=st.lists(program(), min_size=1, max_size=6),
)
def test_import_decides_alike(rules: list[dict[str, str]], files: list[FileFacts]) -> None:
    data = json.dumps({"rules": rules}).encode()
    found = lift(Artifact(name="rules.json", data=data, media_type=""))
    loaded = parse_baseline(dump_baseline(found.policy), "x.yaml", lambda _: Inventory())
    assert loaded.policy == found.policy, loaded.diagnostics
    event("lost" if found.lost else "compared")
    if found.lost:
        return
    native = TARGET.emit(TARGET.lower(found.policy, Inventory()).model)
    model = TARGET.parse(
        tuple(item for item in native if item.enforced and not item.name.endswith(".json"))
    )
    asked = {(item["rule_type"], item["identifier"], item["policy"][-9:]) for item in rules}
    assert {(item.type.name, item.identifier, item.policy.value) for item in model.rules} == asked
    for facts in files:
        wanted = decide(found.policy, facts, platform=Platform.MACOS).verdict
        assert TARGET.evaluate(model, facts).verdict is wanted


def test_an_allow_before_a_block_is_told() -> None:
    rules = [
        {"rule_type": "BINARY", "identifier": HASHES[0], "policy": "ALLOWLIST"},
        {"rule_type": "TEAMID", "identifier": TEAMS[0], "policy": "BLOCKLIST"},
    ]
    data = json.dumps({"rules": rules}).encode()
    (note,) = lift(Artifact(name="rules.json", data=data, media_type="")).lost
    assert "1 more specific allows come before this block" in note.message


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"<plist>", b"\xff", b"<?xml?><Policy/>"])
def test_what_is_no_configuration_is_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        lift(Artifact(name="x", data=data, media_type=""))


def test_paths_and_platform_code_are_imported() -> None:
    keys = {
        "ClientMode": 2,
        "AllowedPathRegex": "^/opt/acme/.*|^/usr/local/bin/",
        "BlockedPathRegex": r"^(?:/opt/acme/tmp/(?s:.*))\z",
        "StaticRules": [{"rule_type": "TEAMID", "identifier": TEAMS[0], "policy": "ALLOWLIST"}],
    }
    data = plistlib.dumps(keys)
    found = lift(Artifact(name="x.plist", data=data, media_type=""))
    (lost,) = found.lost
    assert "Apple's own code and 1 allows come before these paths" in lost.message
    said = Counter(rule.effect.value for rule in found.policy.rules)
    assert said == {"permit": 4, "forbid": 1}
    loaded = parse_baseline(dump_baseline(found.policy), "x.yaml", lambda _: Inventory())
    assert loaded.policy == found.policy, loaded.diagnostics


def test_what_is_compiled_is_imported_again() -> None:
    """Paths, teams and hashes come back as they were, but for the platform code."""
    text = (
        "policyc: 1\nname: T\nmode: enforce\nrules:\n"
        "  - permit: {path: /opt/acme/**}\n  - permit: {signer: {team: ABCDE12345}}\n"
        "  - permit: {path: '/opt/*/run'}\n  - forbid: {hash: {sha256: %s}}\n" % ("ab" * 32)
    )
    loaded = parse_baseline(text, "x.yaml", lambda _: Inventory())
    assert loaded.policy is not None
    native = TARGET.emit(TARGET.lower(loaded.policy, Inventory()).model)
    (profile,) = (item for item in native if item.name == "santa.mobileconfig")
    again = lift(profile).policy
    matches = {rule.match for rule in again.rules}
    assert matches == {rule.match for rule in loaded.policy.rules} | {
        AllOf(frozenset({SignedBy(platform_binary=True)}))
    }
