"""Findings that a baseline accepts: scope, end, and what they change."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from policyc.baseline import parse_baseline
from policyc.checks import judged
from policyc.compiler import compile_policy, evaluate_result
from policyc.model.decision import Verdict
from policyc.model.diagnostic import Finding, Level
from policyc.model.facts import FileFacts, Platform
from policyc.model.identity import Sha256Flat
from policyc.model.inventory import HostInfo, Inventory
from policyc.model.ir import PolicyIR
from policyc.model.path import PathPattern
from policyc.model.waiver import Waiver, first_covering, parse_day
from policyc.readers.file import read_bytes
from policyc.targets import default_targets
from tests.corpus import build
from tests.unit.test_cli import policyc

FINDING = Finding(
    code="M003",
    level=Level.ERROR,
    path="/srv/in/a.pdf",
    message="",
    techniques=(),
    claimed=("pdf",),
    actual="pe",
    sha256="ab" * 32,
)
LIES = {
    "linux": ("/srv/in/invoice.pdf", build.elf()),
    "windows": ("C:\\In\\invoice.pdf", build.pe()),
    "macos": ("/Users/Shared/photo.jpg", build.macho()),
}
PLATFORMS = {"wdac": "windows", "applocker": "windows", "fapolicyd": "linux", "santa": "macos"}


@pytest.mark.parametrize(
    ("waiver", "covers"),
    [
        (Waiver(code="M003", reason="r", sha256=Sha256Flat("ab" * 32)), True),
        (Waiver(code="M003", reason="r", path=PathPattern("/srv/**")), True),
        (Waiver(code="M004", reason="r", path=PathPattern("/srv/**")), False),
        (Waiver(code="M003", reason="r", path=PathPattern("/opt/**")), False),
        (Waiver(code="M003", reason="r", sha256=Sha256Flat("cd" * 32)), False),
        (
            Waiver(
                code="M003", reason="r", sha256=Sha256Flat("cd" * 32), path=PathPattern("/srv/**")
            ),
            False,
        ),
    ],
)
def test_a_waiver_covers_its_code_in_its_scope_only(waiver: Waiver, *, covers: bool) -> None:
    assert waiver.covers(FINDING) is covers
    assert (first_covering(FINDING, (waiver,)) is waiver) is covers


def test_the_last_day_still_counts() -> None:
    waiver = Waiver(code="M003", reason="r", until=dt.date(2027, 3, 1))
    assert not waiver.expired(None)
    assert not waiver.expired(dt.date(2027, 3, 1))
    assert waiver.expired(dt.date(2027, 3, 2))


@pytest.mark.parametrize("text", ["2027-3-1", "20270301", "2027-02-30", "soon", "2027-W09-1"])
def test_only_a_calendar_date_is_a_day(text: str) -> None:
    with pytest.raises(ValueError, match="is no day"):
        parse_day(text)


def _inventory(platform: str) -> Inventory:
    path, data = LIES[platform]
    facts = read_bytes(data, path)
    honest = read_bytes(
        data + b"\0", path.replace("invoice.pdf", "tool.exe").replace("photo.jpg", "app")
    )
    files = tuple(replace(judged(item), writable_by_users=False) for item in (facts, honest))
    assert [item.masquerade for item in files] == ["error", None]
    return Inventory(host=HostInfo(platform=Platform(platform)), files=files)


def _policy(rules: str, inventory: Inventory, accept: str = "") -> PolicyIR:
    text = f"policyc: 1\nname: T\nmode: enforce\nrules:\n{rules}{accept}"
    loaded = parse_baseline(text, "policyc.yaml", lambda _: inventory)
    assert loaded.policy is not None, loaded.diagnostics
    return loaded.policy


def _accepting(facts: FileFacts) -> str:
    return (
        "accept:\n"
        f"  - {{finding: M003, sha256: {facts.hashes.sha256}, reason: known, until: 2027-03-01}}\n"
    )


@pytest.mark.parametrize("target", default_targets())
def test_a_file_with_an_error_is_forbidden_on_every_target(target: str) -> None:
    inventory = _inventory(PLATFORMS[target])
    folder = {"linux": "/srv/in/**", "windows": "C:\\In\\**", "macos": "/Users/Shared/**"}
    rules = (
        f"  - permit: {{path: '{folder[PLATFORMS[target]]}'}}\n  - forbid: {{masquerade: error}}\n"
    )
    lie, honest = inventory.files
    (strict,) = compile_policy(_policy(rules, inventory), inventory, [target])
    assert strict.failure is None
    assert evaluate_result(strict, lie).verdict is Verdict.DENY
    assert evaluate_result(strict, honest).verdict is Verdict.ALLOW
    waiving = _policy(rules, inventory, _accepting(lie))
    (kind,) = compile_policy(waiving, inventory, [target])
    assert kind.failure is None
    assert evaluate_result(kind, lie).verdict is Verdict.ALLOW


@pytest.mark.parametrize("target", default_targets())
def test_a_file_with_an_error_never_becomes_a_permit(target: str) -> None:
    inventory = _inventory(PLATFORMS[target])
    rules = "  - permit: {from: inventory, levels: [hash]}\n"
    lie, honest = inventory.files
    (strict,) = compile_policy(_policy(rules, inventory), inventory, [target])
    assert strict.failure is None
    assert evaluate_result(strict, lie).verdict is Verdict.DENY
    assert evaluate_result(strict, honest).verdict is Verdict.ALLOW
    (kind,) = compile_policy(_policy(rules, inventory, _accepting(lie)), inventory, [target])
    assert kind.failure is None
    assert evaluate_result(kind, lie).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{finding: M003, reason: r}", "an accepted finding needs a scope"),
        ("{finding: M003, path: /srv/**}", "an accepted finding needs `reason`"),
        ("{finding: M999, path: /srv/**, reason: r}", "there is no finding `M999`"),
        ("{finding: M003, path: /srv/**, reason: r, until: soon}", "'soon' is no day"),
        ("{finding: M003, path: /srv/**, reason: r, target: wdac}", "has no key `target`"),
    ],
)
def test_a_bad_acceptance_is_told(entry: str, says: str) -> None:
    text = f"policyc: 1\nname: T\nrules:\n  - permit: {{path: /a}}\naccept:\n  - {entry}\n"
    loaded = parse_baseline(text, "policyc.yaml", lambda _: Inventory())
    assert loaded.policy is None
    assert any(says in item.message for item in loaded.diagnostics), loaded.diagnostics


def test_check_leaves_accepted_findings_out(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "invoice.pdf").write_bytes(build.elf())
    digest = hashlib.sha256(build.elf()).hexdigest()
    baseline = tmp_path / "policyc.yaml"
    baseline.write_text(
        "policyc: 1\nname: T\nrules:\n  - permit: {path: /a}\naccept:\n"
        f"  - {{finding: M003, sha256: {digest}, reason: known, owner: ann, until: 2027-03-01}}\n"
        "  - {finding: M005, path: /no/**, reason: old}\n"
    )
    result = policyc("check", tree, "-b", baseline)
    assert result.returncode == 0, result.stderr
    assert "0 errors, 0 warnings, 0 info, 1 accepted in 1 files" in result.stdout
    assert "no file in scope has the finding M005" in result.stderr
    late = policyc("check", tree, "-b", baseline, "--on", "2027-03-02")
    assert late.returncode == 1
    assert f"{baseline}:6:5: M003 was accepted until 2027-03-01" in late.stderr
    value = json.loads(policyc("check", tree, "-b", baseline, "-f", "json").stdout)
    assert value["findings"][0]["accepted"] == f"known (ann), until 2027-03-01; {baseline}:6:5"
    sarif = json.loads(policyc("check", tree, "-b", baseline, "-f", "sarif").stdout)
    (suppression,) = sarif["runs"][0]["results"][0]["suppressions"]
    assert suppression["kind"] == "external"
    assert suppression["justification"].startswith("known (ann)")
    junit = policyc("check", tree, "-b", baseline, "-f", "junit").stdout
    assert 'failures="0" errors="0" skipped="1"' in junit
    assert policyc("check", tree, "-b", baseline, "--on", "tomorrow").returncode == 2
