"""Each lint rule of Santa on the smallest configuration that shows it, and on real ones."""

from __future__ import annotations

import json
import plistlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from policyc.cli.app import app
from policyc.targets.base import ArtifactError
from policyc.targets.santa.lint import MANUALS, lint
from tests.requires import require_shared

HASH = "ab" * 32
RUN = CliRunner()
UNREAD = 14
"""Preflight answers and pages of a server's interface, and one broken file."""

COUNTS = {"S001": 2, "S021": 1, "S030": 4, "S032": 6, "S040": 1, "S050": 14}
"""Findings over the real configurations, by code."""


def rule(**keys: str) -> dict[str, str]:
    return {"rule_type": "BINARY", "identifier": HASH, "policy": "ALLOWLIST", **keys}


def cel(text: str) -> dict[str, Any]:
    return {"StaticRules": [rule(policy="CEL", cel_expr=text)]}


def static(*rules: dict[str, str]) -> dict[str, Any]:
    return {"StaticRules": list(rules)}


def profile(keys: dict[str, Any], *, managed: bool = False) -> bytes:
    domain = "com.northpolesec.santa"
    content: dict[str, Any] = {"PayloadType": domain, **keys}
    if managed:
        forced = {domain: {"Forced": [{"mcx_preference_settings": keys}]}}
        content = {"PayloadType": "com.apple.ManagedClient.preferences", "PayloadContent": forced}
    return plistlib.dumps({"PayloadType": "Configuration", "PayloadContent": [content]})


SHOWN: list[tuple[str, dict[str, Any]]] = [
    ("S001", static(rule(identifier="ab"))),
    ("S002", static(rule(rule_type="CERTIFICATE", policy="ALLOWLIST_COMPILER"))),
    ("S003", static(rule(policy="REMOVE"))),
    ("S004", static(rule(), rule(rule_type="CERTIFICATE"))),
    (
        "S005",
        static(
            rule(
                rule_type="SIGNINGID",
                identifier="platform:com.apple.tccd",
                policy="BLOCKLIST",
            )
        ),
    ),
    ("S010", {"AllowedPathRegex": "^/opt/|/usr/"}),
    ("S011", {"BlockedPathRegex": "^(?:/tmp/.*)"}),
    ("S012", {"AllowedPathRegex": "^/opt/("}),
    ("S020", cel("target.entitlements.size() > 0")),
    ("S021", cel("args.size() > 1")),
    ("S030", {"FullSyncInterval": 600}),
    ("S031", {"ClientMode": "2"}),
    ("S032", {"BlockUSBMount": True}),
    ("S040", {"ClientMode": 2}),
    ("S041", {"FailClosed": True}),
    ("S042", static(*(rule(identifier=f"{number:064x}") for number in range(5001)))),
]

FINE: list[dict[str, Any]] = [
    static(rule(), rule(identifier="cd" * 32)),
    static(rule(notification_app_name="x")),
    static(rule(policy="ALLOWLIST_COMPILER")),
    {"AllowedPathRegex": "^(?:/opt/|/usr/)"},
    {"AllowedPathRegex": r"^/opt/a\|b[|]c"},
    {"BlockedPathRegex": "^/private/tmp/|^/variant/"},
    {"ClientMode": 2, "SyncBaseURL": "https://example.com"},
    {"ClientMode": 2, "FailClosed": True, **static(rule())},
    cel("target.signing_id == 'args path ancestors'"),
]


@pytest.mark.parametrize(("code", "keys"), SHOWN, ids=[code for code, _ in SHOWN])
@pytest.mark.parametrize("managed", [False, True])
def test_a_trap_is_found_alone(code: str, keys: dict[str, Any], managed: bool) -> None:  # noqa: FBT001
    assert {item.code for item in lint("x", profile(keys, managed=managed))} == {code}


def test_every_code_is_shown() -> None:
    assert {code for code, _ in SHOWN} | {"S050"} == MANUALS.keys()
    assert [item.code for item in lint("x", plistlib.dumps({"PayloadContent": []}))] == ["S050"]


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


def test_real_configurations() -> None:
    counts: Counter[str] = Counter()
    unread = 0
    for path in sorted(require_shared("santa/configs").glob("*/*")):
        if path.suffix not in (".mobileconfig", ".plist", ".json"):
            continue
        try:
            counts.update(item.code for item in lint(path.name, path.read_bytes()))
        except ArtifactError:
            unread += 1
    assert unread == UNREAD
    assert counts == COUNTS


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
