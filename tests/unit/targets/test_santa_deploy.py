"""What stands beside a Santa policy: profiles, files of sync servers, runbook."""

from __future__ import annotations

import json
import plistlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from policyc.cli.app import app
from policyc.model.artifact import COMPANIONS, Artifact
from policyc.model.ir import AtPath
from policyc.targets.santa.deploy import deployment
from policyc.targets.santa.emit import emit
from policyc.targets.santa.formats.document import Format, read_document, write_document
from policyc.targets.santa.formats.servers import document_for, unsaid
from policyc.targets.santa.lift import lift
from policyc.targets.santa.lint import lint
from policyc.targets.santa.lint_context import taken
from policyc.targets.santa.model import ClientMode, RulePolicy, RuleType, SantaPolicy, SantaRule
from policyc.targets.santa.parse import parse
from policyc.targets.santa.payloads import MODES, payloads
from tests.requires import require_shared

RUN = CliRunner()
RULES = (
    SantaRule(type=RuleType.CDHASH, identifier="c1" * 20, policy=RulePolicy.ALLOWLIST),
    SantaRule(
        type=RuleType.BINARY, identifier="b1" * 32, policy=RulePolicy.BLOCKLIST, comment='=a "b" ü'
    ),
    SantaRule(type=RuleType.TEAMID, identifier="ABCDE12345", policy=RulePolicy.ALLOWLIST),
)
MODEL = SantaPolicy(
    name="Contoso & <Sons>",
    organization="Contoso",
    mode=ClientMode.LOCKDOWN,
    rules=RULES,
    allowed_path_regex=r"^(?:/opt/.*)\z",
)
NAMES = {
    Format.SYNC_RULES: "ruledownload.json",
    Format.PREFLIGHT: "preflight.json",
    Format.MOROZ: "global.toml",
    Format.RUDOLPH_CSV: "rules.csv",
    Format.ZENTRAL_RULESET: "ruleset.json",
}


def beside(model: SantaPolicy) -> dict[str, bytes]:
    return {
        item.name.removeprefix(COMPANIONS): item.data
        for item in emit(model)
        if item.name.startswith(COMPANIONS)
    }


def test_profiles_are_sound() -> None:
    made = {name: data for name, data in beside(MODEL).items() if name.endswith(".mobileconfig")}
    assert len(made) == 5
    seen = []
    for name, data in made.items():
        expected = {"S050"} if name != "mdm/managed-preferences.mobileconfig" else set()
        assert {item.code for item in lint(name, data)} == expected, name
        own = plistlib.loads(data)
        seen += [own["PayloadUUID"], *(item["PayloadUUID"] for item in own["PayloadContent"])]
    assert len(set(seen)) == len(seen), "no two payloads have one UUID"
    managed = Artifact(
        name="x.mobileconfig", data=made["mdm/managed-preferences.mobileconfig"], media_type=""
    )
    # The other form of the payload is the same policy.
    assert parse((managed,)) == replace(MODEL, name=parse((managed,)).name)
    bare = read_document("x.plist", beside(MODEL)["mdm/jamf-custom-settings.plist"])
    (keys,) = payloads(bare)
    assert tuple(map(taken, keys.rules)) == MODEL.rules


def test_companions_say_what_santas_own_examples_say() -> None:
    root = require_shared("santa/configs/northpolesec-docs")
    theirs = plistlib.loads((root / "profile-tcc-0.mobileconfig").read_bytes())
    wanted = {
        item["Identifier"]: item["CodeRequirement"]
        for item in theirs["PayloadContent"][0]["Services"]["SystemPolicyAllFiles"]
    }
    own = plistlib.loads(beside(MODEL)["mdm/santa-full-disk-access.mobileconfig"])
    for item in own["PayloadContent"][0]["Services"]["SystemPolicyAllFiles"]:
        assert item["CodeRequirement"] == wanted[item["Identifier"]]
    theirs = plistlib.loads((root / "profile-system-extension-0.mobileconfig").read_bytes())
    extension = plistlib.loads(beside(MODEL)["mdm/santa-extension.mobileconfig"])
    for key, value in extension["PayloadContent"][0].items():
        if key.endswith(("Extensions", "Types")):
            ((team, names),) = value.items()
            assert set(names) <= set(theirs["PayloadContent"][0][key][team])


def test_the_runbook_names_every_file() -> None:
    for model in (MODEL, replace(MODEL, rules=RULES[1:], mode=ClientMode.MONITOR)):
        made = beside(model)
        text = made["RUNBOOK.md"].decode()
        for name in made:
            folder = name.partition("/")[0] + "/"
            assert name == "RUNBOOK.md" or name in text or (folder == "sync-v1/" and folder in text)
        assert ("rudolph/rules.csv" in made) is (model is not MODEL)
        assert ("`rudolph/rules.csv` is not written" in text) is (model is MODEL)
        assert ("this policy is Lockdown" in text) is (model is MODEL)
        assert "Contoso" not in text


def test_the_same_policy_gives_the_same_bytes() -> None:
    assert beside(MODEL) == beside(MODEL)
    renamed = beside(replace(MODEL, name="Other"))
    changed = beside(replace(MODEL, rules=()))
    for name, data in beside(MODEL).items():
        if name.endswith(".mobileconfig"):
            uuid = plistlib.loads(data)["PayloadUUID"]
            assert plistlib.loads(changed[name])["PayloadUUID"] == uuid, "MDM replaces it"
            assert plistlib.loads(renamed[name])["PayloadUUID"] != uuid


def test_a_comment_is_no_formula() -> None:
    data = beside(replace(MODEL, rules=RULES[1:]))["rudolph/rules.csv"].decode()
    assert "'=a" in data
    assert ",=a" not in data


def test_nothing_takes_part_in_verification() -> None:
    assert not any(item.enforced for item in deployment(MODEL, {}))


_COMMENTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)


@st.composite
def policies(draw: st.DrawFn) -> SantaPolicy:
    kinds = {
        RuleType.CDHASH: "c{:039x}",
        RuleType.BINARY: "b{:063x}",
        RuleType.SIGNINGID: "ABCDE12345:com.example.{}",
        RuleType.CERTIFICATE: "e{:063x}",
        RuleType.TEAMID: "TEAM{:06d}",
    }
    made = {}
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(RuleType))
        identifier = kinds[kind].format(number)
        policy = draw(st.sampled_from([*RulePolicy][:8]))
        made[kind, identifier] = SantaRule(
            type=kind, identifier=identifier, policy=policy, comment=draw(_COMMENTS)
        )
    regex = draw(st.sampled_from(["", r"^(?:/opt/a\"b/.*)\z", "^(?:/ü/\U0001f600)"]))
    return SantaPolicy(
        name=draw(st.sampled_from(["x", 'q"\\ü'])),
        organization="x",
        mode=draw(st.sampled_from(ClientMode)),
        rules=tuple(made[key] for key in sorted(made)),
        allowed_path_regex=regex,
        blocked_path_regex=regex and "^(?:/bad)",
        transitive_rules=draw(st.booleans()),
    )


@settings(max_examples=200, deadline=None)
@given(policy=policies(), form=st.sampled_from(sorted(NAMES, key=lambda item: item.value)))
def test_a_server_format_reads_back_as_the_policy(policy: SantaPolicy, form: Format) -> None:
    if unsaid(form, policy):
        with pytest.raises(ValueError, match="cannot say"):
            document_for(form, policy)
        return
    document = document_for(form, policy)
    data = write_document(document)
    again = read_document(NAMES[form], data)
    assert (again.format, again.content, again.names) == (form, document.content, document.names)
    assert write_document(again) == data
    (payload,) = payloads(again)
    if form is not Format.PREFLIGHT:
        said = tuple(map(taken, payload.rules))
        assert [replace(rule, comment="") for rule in said] == [
            replace(rule, comment="") for rule in policy.rules
        ]
        if form in (Format.SYNC_RULES, Format.ZENTRAL_RULESET):
            assert said == policy.rules
    if form in (Format.PREFLIGHT, Format.MOROZ):
        assert payload.keys["ClientMode"] == MODES[policy.mode.name]
        assert payload.keys.get("AllowedPathRegex", "") == policy.allowed_path_regex
        assert payload.keys.get("BlockedPathRegex", "") == policy.blocked_path_regex
    codes = {item.code for item in lint(NAMES[form], data)}
    assert not codes & {"S001", "S012", "S036"}


IMPORTS: list[tuple[str, bytes, int, int]] = [
    (
        "rules.json",
        json.dumps(
            {"rules": [{"rule_type": "Unknown", "identifier": "ab" * 20, "policy": "ALLOWLIST"}]}
        ).encode(),
        1,
        0,
    ),
    (
        "sync.json",
        json.dumps(
            {
                "rules": [
                    {"ruleType": "TEAMID", "identifier": "ABCDE12345", "policy": "ALLOWLIST"},
                    {"ruleType": "TEAMID", "identifier": "ZZZZZ12345", "policy": "SEATBELT"},
                ],
                "cursor": "",
            }
        ).encode(),
        1,
        1,
    ),
    (
        "set.json",
        json.dumps(
            {
                "name": "x",
                "rules": [
                    {
                        "rule_type": "TEAMID",
                        "identifier": f"ABCDE1234{number}",
                        "policy": policy,
                        "tags": ["a"],
                    }
                    for number, policy in enumerate(["ALLOWLIST", "BLOCKLIST"])
                ],
            }
        ).encode(),
        1,
        2,
    ),
    (
        "page.json",
        json.dumps(
            {
                "results": [
                    {"target_type": "TEAMID", "target_identifier": "ABCDE12345", "policy": 2},
                    {"target_type": "BUNDLE", "target_identifier": "ab" * 32, "policy": 1},
                ]
            }
        ).encode(),
        1,
        1,
    ),
    (
        "batch.json",
        json.dumps(
            {
                "rules": [
                    {"rule_type": "TEAMID", "identifier": "ABCDE12345", "policy": "ALLOWLIST"}
                ],
                "cursor": "more",
            }
        ).encode(),
        1,
        1,
    ),
    ("r.csv", b"identifier,type,policy\nABCDE12345,TEAMID,ALLOWLIST\nx,BINARY,ALLOWLIST\n", 1, 1),
    ("watch.plist", plistlib.dumps({"Version": "1", "WatchItems": {}}), 0, 1),
    (
        "one.plist",
        plistlib.dumps({"rule_type": "TEAMID", "identifier": "ABCDE12345", "policy": "ALLOWLIST"}),
        1,
        0,
    ),
]


@pytest.mark.parametrize(("name", "data", "rules", "lost"), IMPORTS)
def test_every_format_is_imported(name: str, data: bytes, rules: int, lost: int) -> None:
    lifted = lift(Artifact(name=name, data=data, media_type=""))
    # One more rule permits Apple's own code, as Santa does by itself.
    assert (len(lifted.policy.rules), len(lifted.lost)) == (rules + 1, lost), lifted.notes


def test_losses_have_a_line() -> None:
    data = b"identifier,type,policy\nABCDE12345,TEAMID,ALLOWLIST\nx,BINARY,ALLOWLIST\n"
    (note,) = lift(Artifact(name="r.csv", data=data, media_type="")).lost
    assert note.line == 3


@pytest.mark.parametrize(("name", "data", "rules", "lost"), IMPORTS)
def test_the_command_finds_the_format(
    name: str, data: bytes, rules: int, lost: int, tmp_path: Path
) -> None:
    """No other target takes the file for its own; the baseline that is written can be read."""
    path, baseline = tmp_path / name, tmp_path / "policyc.yaml"
    path.write_bytes(data)
    result = RUN.invoke(app, ["import", str(path), "-o", str(baseline)])
    assert result.exit_code == (1 if lost else 0), result.output
    assert f"{rules + 1} rules, {lost} things lost" in result.output
    assert RUN.invoke(app, ["lint", str(baseline)]).exit_code in (0, 1)


@pytest.mark.parametrize("form", list(NAMES))
def test_what_is_deployed_is_imported_as_what_was_compiled(form: Format) -> None:
    """Every server's file becomes the same rules as the profile does."""
    own = replace(MODEL, rules=RULES[1:])
    data = write_document(document_for(form, own))
    found = lift(Artifact(name=NAMES[form], data=data, media_type="")).policy
    (profile,) = (item for item in emit(own) if item.name == "santa.mobileconfig")
    whole = {rule.match: rule.effect for rule in lift(profile).policy.rules}
    some = {rule.match: rule.effect for rule in found.rules}
    assert some.items() <= whole.items()
    paths = {match for match in whole if any(isinstance(atom, AtPath) for atom in match.atoms)}
    missing = whole.keys() - some.keys()
    rules_only = form in (Format.SYNC_RULES, Format.RUDOLPH_CSV, Format.ZENTRAL_RULESET)
    expected = paths if rules_only else set()
    assert missing == expected or form is Format.PREFLIGHT
