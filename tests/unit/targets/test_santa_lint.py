"""Each lint rule of Santa on the smallest configuration that shows it, and on real ones."""

from __future__ import annotations

import json
import plistlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from policyc.cli.app import app
from policyc.model.facts import FileFacts, MachoKind, Platform
from policyc.model.identity import CdHash
from policyc.model.signatures import SignatureGrade
from policyc.targets.base import ArtifactError
from policyc.targets.santa.lint import MANUALS, lint
from tests.conformance.probes import file_on
from tests.requires import require_module

HASH = "ab" * 32
RUN = CliRunner()


def rule(**keys: str) -> dict[str, str]:
    return {"rule_type": "BINARY", "identifier": HASH, "policy": "ALLOWLIST", **keys}


def cel(text: str) -> dict[str, Any]:
    return {"StaticRules": [rule(policy="CEL", cel_expr=text)]}


def static(*rules: dict[str, str]) -> dict[str, Any]:
    return {"StaticRules": list(rules)}


def locked(*rules: dict[str, str]) -> dict[str, Any]:
    return {"ClientMode": 2, "AllowedPathRegex": "^/opt/.*", **static(*rules)}


def profile(keys: dict[str, Any], *, managed: bool = False) -> bytes:
    domain = "com.northpolesec.santa"
    named = {"PayloadVersion": 1, "PayloadIdentifier": "x", "PayloadUUID": "X"}
    content: dict[str, Any] = {"PayloadType": domain, **named, **keys}
    if managed:
        forced = {domain: {"Forced": [{"mcx_preference_settings": keys}]}}
        kind = "com.apple.ManagedClient.preferences"
        content = {"PayloadType": kind, "PayloadContent": forced, **named}
    return plistlib.dumps({"PayloadType": "Configuration", "PayloadContent": [content], **named})


SHOWN: list[tuple[str, dict[str, Any]]] = [
    ("S001", static(rule(identifier="ab"))),
    ("S002", static(rule(rule_type="CERTIFICATE", policy="ALLOWLIST_COMPILER"))),
    ("S003", static(rule(policy="REMOVE"))),
    ("S004", static(rule(), rule(rule_type="CERTIFICATE"))),
    (
        "S005",
        locked(
            rule(
                rule_type="SIGNINGID",
                identifier="platform:com.apple.tccd",
                policy="BLOCKLIST",
            )
        ),
    ),
    (
        "S006",
        locked(
            rule(
                rule_type="SIGNINGID",
                identifier="platform:com.apple.mdmclient",
                policy="BLOCKLIST",
            )
        ),
    ),
    ("S006", locked(rule(rule_type="TEAMID", identifier="zmcg7mldv9", policy="BLOCKLIST"))),
    ("S010", {"AllowedPathRegex": "^/opt/|/usr/"}),
    ("S011", {"BlockedPathRegex": "^(?:/tmp/.*)"}),
    ("S012", {"AllowedPathRegex": "^/opt/("}),
    ("S020", cel("target.entitlements.size() > 0")),
    ("S021", cel("args.size() > 1 ? BLOCKLIST : ALLOWLIST")),
    ("S022", cel("target.nothing == 'x'")),
    ("S030", {"FullSyncInterval": 600}),
    ("S031", {"ClientMode": "2"}),
    ("S032", {"BlockUSBMount": True}),
    ("S040", {"ClientMode": 2}),
    ("S041", {"FailClosed": True}),
    ("S042", static(*(rule(identifier=f"{number:064x}") for number in range(5001)))),
]

WATCH = {
    "Paths": ["/private/etc/sudoers"],
    "Options": {"AuditOnly": True, "AllowReadAccess": True, "Version": "1"},
    "Processes": [{"SigningID": "com.apple.mds", "PlatformBinary": True}],
}


def watch(**changed: Any) -> dict[str, Any]:
    """A file access policy of one rule with something else in it."""
    own = {**WATCH, **{key: value for key, value in changed.items() if key in WATCH}}
    own["Options"] = {**own["Options"], **changed.get("options", {})}
    return {"FileAccessPolicy": {"WatchItems": {changed.get("name", "a-rule"): own}}}


def process(**keys: Any) -> dict[str, Any]:
    return watch(Processes=[keys])


SHOWN += [
    ("S007", {"ClientMode": 2, **static(rule(policy="ALLOWLIST_COMPILER"))}),
    (
        "S008",
        {
            "EnableTransitiveRules": True,
            **static(
                rule(
                    rule_type="SIGNINGID",
                    identifier="platform:com.apple.security.codesign",
                    policy="ALLOWLIST_COMPILER",
                )
            ),
        },
    ),
    ("S013", {"AllowedPathRegex": "^/opt/tool"}),
    ("S014", {"AllowedPathRegex": r"^/opt/\p{L}+/"}),
    ("S015", {"BlockedPathRegex": "^(?:/usr/bin/osascript)"}),
    ("S038", {"SyncBaseURL": "http://example.com"}),
    ("S043", static(rule(rule_type="TEAMID", identifier="ABCDE12345", policy="BLOCKLIST"))),
    ("S045", {"ClientMode": 4}),
    ("S070", watch(Paths=[])),
    ("S070", watch(Paths=[""])),
    ("S070", watch(name="a rule")),
    ("S070", watch(options={"RuleType": "Paths"})),
    ("S070", watch(options={"AuditOnly": "yes"})),
    ("S070", watch(options={"Audit": True})),
    ("S070", watch(options={"EventDetailText": "x" * 49})),
    ("S070", watch(options={"RuleId": -1})),
    ("S070", process(Name="x")),
    ("S070", process(SigningID="com.example")),
    ("S070", process(TeamID="short")),
    ("S070", process(TeamID="ABCDE12345", PlatformBinary=True)),
    ("S070", process(CDHash="ab")),
    ("S070", {"FileAccessPolicy": {"WatchItems": []}}),
    ("S071", {"FileAccessPolicy": {"Version": "1", "WatchItems": {"a": {"Paths": ["/x"]}}}}),
    ("S072", watch(Paths=[{"Path": "/etc/sudoers", "IsPrefix": False}])),
    ("S072", watch(Paths=["/Users/**/x"])),
    ("S072", process(SigningID="a*b*", TeamID="ABCDE12345")),
    ("S073", {**watch(), "FileAccessPolicyPlist": "/x.plist"}),
]


def moroz(text: str) -> bytes:
    head = '[[rules]]\nrule_type = "BINARY"\n'
    return (head + f'identifier = "{HASH}"\n' + text).encode()


def zentral(**keys: Any) -> bytes:
    return json.dumps({"name": "x", "rules": [rule(**keys)]}).encode()


def for_release(release: str, keys: dict[str, Any]) -> bytes:
    own = plistlib.loads(profile(keys))
    return plistlib.dumps({**own, "PayloadDescription": f"For Santa {release} or later."})


def two_payloads() -> bytes:
    own = plistlib.loads(profile({"ClientMode": 1}))
    return plistlib.dumps({**own, "PayloadContent": own["PayloadContent"] * 2})


CSV = "identifier,type,policy,custom_msg,description\n"
FILES: list[tuple[str, str, bytes]] = [
    ("S033", "x.mobileconfig", plistlib.dumps({"PayloadContent": [], "PayloadType": "x"})),
    ("S039", "sync.json", json.dumps({"rules": [rule()], "cursor": "x"}).encode()),
    ("S039", "page.json", json.dumps({"results": [], "next": "https://x"}).encode()),
    ("S044", "x.mobileconfig", two_payloads()),
    ("S031", "sync.json", b'{"client_mode": "OFF", "batch_size": 1}'),
    ("S034", "x.plist", plistlib.dumps({"ClientMode": 1}).partition(b"\n")[2]),
    ("S036", "global.toml", moroz('policy = "SILENT_BLOCKLIST"\n')),
    ("S036", "global.toml", moroz(f'policy = "BLOCKLIST"\nsha256 = "{HASH}"\n')),
    ("S036", "global.toml", b'client_mode = "STANDALONE"\nallowed_path_regex = "^/opt/"\n'),
    ("S036", "rules.csv", (CSV + f"{HASH[:40]},CDHASH,ALLOWLIST,,\n").encode()),
    ("S036", "set.json", zentral(identifier=HASH.upper())),
    ("S036", "set.json", zentral(custom_msg="no")),
    ("S036", "set.json", zentral(policy="SILENT_TTY_BLOCKLIST")),
    ("S036", "set.json", json.dumps({"name": "x", "rules": [{"policy": []}]}).encode()),
    ("S037", "set.json", zentral(serial_numbers=["X"])),
    ("S051", "x.mobileconfig", for_release("2026.5", static(rule(policy="SILENT_GUI_BLOCKLIST")))),
    ("S051", "x.mobileconfig", for_release("2025.1", {"RemovableMediaAction": "Block"})),
]


@pytest.mark.parametrize(("code", "name", "data"), FILES)
def test_a_trap_of_a_form_is_found(code: str, name: str, data: bytes) -> None:
    found = {item.code for item in lint(name, data)}
    assert code in found
    assert found <= {code, "S001", "S050"}


def test_a_release_that_has_it_is_fine() -> None:
    keys = static(rule(policy="SILENT_GUI_BLOCKLIST"))
    assert lint("x.mobileconfig", for_release("2026.6", keys)) == ()


def program(**keys: Any) -> FileFacts:
    facts = file_on(Platform.MACOS, 1)
    assert facts.macho is not None
    piece = replace(facts.macho.slices[0], **keys)
    return replace(facts, macho=replace(facts.macho, slices=(piece,)))


TEAM_RULE = rule(rule_type="TEAMID", identifier="ABCDE12345")
FLAT_RULE = rule(identifier=f"{1:064x}")
CD_RULE = rule(rule_type="CDHASH", identifier=f"{1:040x}")
PLAIN = program()
MIXED = replace(PLAIN, macho=replace(PLAIN.macho, mixed=True))  # type: ignore[type-var]
IN_INVENTORY: dict[str, tuple[dict[str, str], FileFacts]] = {
    "S060": (TEAM_RULE, MIXED),
    "S061": (FLAT_RULE, program(kind=MachoKind.DYLIB)),
    "S062": (CD_RULE, program(flags=0)),
    "S063": (TEAM_RULE, program(grade=SignatureGrade.DEVELOPMENT)),
}


def universal() -> FileFacts:
    """A file with another slice beside that of ``PLAIN``."""
    assert PLAIN.macho is not None
    (piece,) = PLAIN.macho.slices
    other = replace(piece, arch="x86_64", cdhash=CdHash("cd" * 20))
    return replace(PLAIN, macho=replace(PLAIN.macho, slices=(piece, other)))


IN_INVENTORY["S064"] = (CD_RULE, universal())


def test_a_rule_for_each_slice_is_fine() -> None:
    both = static(CD_RULE, rule(rule_type="CDHASH", identifier="cd" * 20))
    assert lint("x", profile(both), (universal(),)) == ()


@pytest.mark.parametrize("code", IN_INVENTORY)
def test_a_trap_needs_the_files(code: str) -> None:
    own, facts = IN_INVENTORY[code]
    data = profile(static(own))
    assert lint("x", data) == lint("x", data, (PLAIN,)) == ()
    (found,) = lint("x", data, (PLAIN, facts))
    assert (found.code, found.place.line > 1) == (code, True)
    assert facts.path in found.message


def test_a_truth_about_a_run_allows() -> None:
    data = profile(cel("args.size() > 1"))
    assert {item.code for item in lint("x", data)} == {"S021", "S023"}


def test_what_stands_in_for_it_is_fine() -> None:
    assert lint("x", profile(static(FLAT_RULE)), (MIXED, program(flags=0))) == ()


FINE: list[dict[str, Any]] = [
    static(rule(), rule(identifier="cd" * 32)),
    static(rule(notification_app_name="x")),
    {"EnableTransitiveRules": True, **static(rule(policy="ALLOWLIST_COMPILER"))},
    {"SyncBaseURL": "http://localhost:8080/x"},
    {"SyncBaseURL": "HTTPS://example.com"},
    {"AllowedPathRegex": r"^/opt/tool\z|^/opt/x/.*|^/opt/y/"},
    {"BlockedPathRegex": "^/opt/usr/bin/|^/usr/local/|^/Systems/"},
    {"ClientMode": 2, **static(rule(rule_type="TEAMID", identifier="A" * 10), rule())},
    {"AllowedPathRegex": "^(?:/opt/|/usr/)"},
    {"AllowedPathRegex": r"^/opt/a\|b[|]c"},
    {"BlockedPathRegex": "^/private/tmp/|^/variant/"},
    {"ClientMode": 2, "SyncBaseURL": "https://example.com"},
    {"ClientMode": 2, "FailClosed": True, **static(rule())},
    cel("target.signing_id == 'args path ancestors'"),
    watch(),
    process(SigningID="ABCDE12345:com.example"),
    process(SigningID="com.example.*", TeamID="ABCDE12345"),
    static(rule(rule_type="TEAMID", identifier="ZMCG7MLDV9")),
]


@pytest.mark.parametrize(("code", "keys"), SHOWN, ids=[code for code, _ in SHOWN])
@pytest.mark.parametrize("managed", [False, True])
def test_a_trap_is_found_alone(code: str, keys: dict[str, Any], managed: bool) -> None:  # noqa: FBT001
    if code == "S022":
        require_module("cel_expr_python")
    assert {item.code for item in lint("x", profile(keys, managed=managed))} == {code}


def test_every_code_is_shown() -> None:
    shown = {code for code, _ in SHOWN} | {code for code, _, _ in FILES}
    assert shown | {"S023", "S050"} | IN_INVENTORY.keys() == MANUALS.keys()
    other = {**plistlib.loads(profile({})), "PayloadContent": []}
    assert [item.code for item in lint("x", plistlib.dumps(other))] == ["S050"]


@pytest.mark.parametrize("keys", FINE)
def test_what_is_right_is_left_alone(keys: dict[str, Any]) -> None:
    assert lint("x", profile(keys)) == ()


def test_rules_for_the_database_may_share_an_identifier_and_be_removed() -> None:
    rules = [rule(policy="REMOVE"), rule(rule_type="CERTIFICATE")]
    assert lint("x", json.dumps({"rules": rules}).encode()) == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[1]",
        b"<plist>",
        b"<plist><array/></plist>",
        b"\xff",
        b"<?xml version='1.0' encoding='UTF.8'?><a/>",
    ],
)
def test_what_is_no_configuration_is_told(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        lint("x", data)


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "a.mobileconfig"
    path.write_bytes(profile({"ClientMode": 2}))
    result = RUN.invoke(app, ["lint", str(path)])
    assert result.exit_code == 1
    assert "error[S040]" in result.output
    path.write_bytes(b"<plist>")
    assert RUN.invoke(app, ["lint", str(path)]).exit_code == 2
    page = RUN.invoke(app, ["explain", "S040"]).output
    assert page.startswith("S040 Lockdown without one allow rule")
