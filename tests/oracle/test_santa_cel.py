"""CEL rules by the engine that Santa embeds."""

from __future__ import annotations

import json
import sys

import pytest

from policyc.model.decision import Verdict
from policyc.model.facts import Platform
from policyc.targets.santa.cel import (
    MOST_CHARACTERS,
    Run,
    Target,
    available,
    complaint,
    evaluate_cel,
    of_the_file,
)
from policyc.targets.santa.evaluate import evaluate
from policyc.targets.santa.lint import lint
from policyc.targets.santa.model import ClientMode, RulePolicy, RuleType, SantaPolicy, SantaRule
from tests.conformance.probes import file_on
from tests.requires import require_module, require_shared

pytestmark = pytest.mark.oracle

ZOOM = Target(signing_id="BJ4HAAB9B3:us.zoom.xos", team_id="BJ4HAAB9B3")
OLD, NEW = "2024-06-01T00:00:00Z", "2025-06-01T00:00:00Z"


@pytest.fixture(autouse=True)
def engine() -> None:
    require_module("cel_expr_python.cel")
    assert available()


FINE = [
    "target.signing_time >= timestamp('2025-01-01T00:00:00Z')",
    (
        "has(target.secure_signing_time) && "
        "target.secure_signing_time > timestamp('2025-01-01T00:00:00Z')"
    ),
    "target.signing_id == 'platform:com.apple.curl' ? SILENT_TTY_BLOCKLIST : ALLOWLIST",
    'args.join(" ").contains("-setremotelogin on") ? BLOCKLIST : ALLOWLIST',
    "args.exists(a, a.lowerAscii() == '--x') ? SILENT_GUI_BLOCKLIST : ALLOWLIST_COMPILER",
    "euid == 0 && cwd.startsWith('/tmp') && path != ''",
    "!('DYLD_INSERT_LIBRARIES' in envs)",
    "target.is_platform_binary",
    "1",
]
BROKEN = [
    "UNSPECIFIED",
    "ancestors.size() > 0",
    "today() > timestamp('2025-01-01T00:00:00Z')",
    "target.entitlements.size() > 0",
    "target.is_platform_binary ? true : BLOCKLIST",
    "'a'",
    "args",
    "args ==",
    "",
    "nothing",
    "args.size() == 'a'",
    "x" * (MOST_CHARACTERS + 1),
    "(" * 5000,
    "\ud800",
]


@pytest.mark.parametrize("expression", FINE)
def test_what_santa_takes(expression: str) -> None:
    assert complaint(expression) is None


@pytest.mark.parametrize("expression", BROKEN, ids=range(len(BROKEN)))
def test_what_santa_leaves_out(expression: str) -> None:
    assert complaint(expression)
    assert evaluate_cel(expression, ZOOM) is None


@pytest.mark.parametrize(
    ("expression", "target", "run", "result"),
    [
        ("true", ZOOM, None, RulePolicy.ALLOWLIST),
        ("false", ZOOM, None, RulePolicy.BLOCKLIST),
        ("SILENT_BLOCKLIST", ZOOM, None, RulePolicy.SILENT_BLOCKLIST),
        ("10", ZOOM, None, RulePolicy.SILENT_TTY_BLOCKLIST),
        ("7", ZOOM, None, None),
        ("0", ZOOM, None, None),
        ("args[3] == 'a'", ZOOM, None, None),
        ("1 / euid == 0", ZOOM, None, None),
        ("target.team_id == 'BJ4HAAB9B3'", ZOOM, None, RulePolicy.ALLOWLIST),
        ("target.is_platform_binary", Target(is_platform_binary=True), None, RulePolicy.ALLOWLIST),
        (FINE[0], Target(signing_time=OLD), None, RulePolicy.BLOCKLIST),
        (FINE[0], Target(signing_time=NEW), None, RulePolicy.ALLOWLIST),
        (FINE[1], Target(secure_signing_time=NEW), None, RulePolicy.ALLOWLIST),
        (FINE[1], Target(signing_time=NEW), None, RulePolicy.BLOCKLIST),
        (FINE[3], ZOOM, Run(args=("-setremotelogin", "on")), RulePolicy.BLOCKLIST),
        (FINE[3], ZOOM, Run(args=("-getremotelogin",)), RulePolicy.ALLOWLIST),
        (FINE[4], ZOOM, Run(args=("--X",)), RulePolicy.SILENT_GUI_BLOCKLIST),
        (FINE[5], ZOOM, Run(cwd="/tmp/x", path="/x"), RulePolicy.ALLOWLIST),  # noqa: S108
        (FINE[6], ZOOM, Run(envs={"DYLD_INSERT_LIBRARIES": "x"}), RulePolicy.BLOCKLIST),
    ],
)
def test_results(
    expression: str, target: Target, run: Run | None, result: RulePolicy | None
) -> None:
    assert evaluate_cel(expression, target, run) is result


def policy(expression: str) -> SantaPolicy:
    rule = SantaRule(
        type=RuleType.TEAMID, identifier="ABCDE12345", policy=RulePolicy.CEL, cel=expression
    )
    return SantaPolicy(name="x", organization="x", mode=ClientMode.LOCKDOWN, rules=(rule,))


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [
        ("target.team_id == 'ABCDE12345'", Verdict.ALLOW),
        ("target.signing_id == 'ABCDE12345:com.acme.tool' ? BLOCKLIST : ALLOWLIST", Verdict.DENY),
        ("target.is_platform_binary", Verdict.DENY),
        ("args.size() > 1", Verdict.UNDETERMINED),
        ("target.signing_time > timestamp('2025-01-01T00:00:00Z')", Verdict.UNDETERMINED),
        ("target.entitlements.size() > 0", Verdict.DENY),
    ],
)
def test_a_profile_with_cel_is_evaluated(expression: str, verdict: Verdict) -> None:
    assert evaluate(policy(expression), file_on(Platform.MACOS, 1)).verdict is verdict


def test_without_the_engine_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert not available()
    decision = evaluate(policy("target.is_platform_binary"), file_on(Platform.MACOS, 1))
    assert decision.verdict is Verdict.UNDETERMINED
    assert linted("args ==") == {"S021", "S023"}


def linted(expression: str) -> set[str]:
    rule = {"rule_type": "TEAMID", "identifier": "ABCDE12345", "policy": "CEL"}
    data = json.dumps({"rules": [{**rule, "cel_expr": expression}]}).encode()
    return {item.code for item in lint("rules.json", data)}


@pytest.mark.parametrize("expression", [*BROKEN[:8], BROKEN[9], BROKEN[10]])
def test_lint_tells_them(expression: str) -> None:
    assert linted(expression) & {"S020", "S022"}


def test_a_truth_about_a_run_is_told() -> None:
    assert "S023" in linted('args.join(" ").contains("x")')
    assert "S023" not in linted('args.join(" ").contains("x") ? BLOCKLIST : ALLOWLIST')
    assert "S023" not in linted("!args.exists(a, a == 'x')")
    assert "S023" not in linted("target.is_platform_binary")


def test_what_depends_on_the_file_only() -> None:
    assert of_the_file("target.signing_id == 'args.path'")
    assert not of_the_file("args.size() > 0")
    assert not of_the_file("has(target.secure_signing_time)")


def test_the_expressions_of_real_configurations_compile() -> None:
    root = require_shared("santa/configs")
    found = 0
    for path in sorted(root.glob("*/*")):
        if path.suffix in (".mobileconfig", ".plist"):
            codes = {item.code for item in lint(path.name, path.read_bytes())}
            assert "S022" not in codes, path
            found += b"cel_expr" in path.read_bytes()
    assert found == 2


def test_the_message_is_the_protocols() -> None:
    text = require_shared("santa/protos/cel_v1.proto").read_text()
    from policyc.targets.santa.cel import _FIELDS, RESULTS  # noqa: PLC0415

    for name, number, _ in _FIELDS:
        assert f" {name} = {number};" in text
    for number, own in RESULTS.items():
        assert f"{own.value} = {number};" in text
