"""Results of lint that a baseline accepts: about its rules, and about policy files."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from policyc.baseline import parse_baseline
from policyc.cli.app import app
from policyc.model.inventory import Inventory
from policyc.model.waiver import AcceptedLint

BASELINE = """policyc: 1
name: Servers
rules:
  - id: everything
    permit: {path: /opt/**}
  - id: inside
    permit: {path: /opt/audit/**}
accept:
"""
KEPT = "  - {lint: B015, rule: inside, reason: wanted, until: 2026-03-01}\n"
RULES = "allow perm=any all : all\ndeny perm=any all : nonsense=1\n"


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["lint", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def written(folder: Path, text: str) -> str:
    path = folder / "policyc.yaml"
    path.write_text(text)
    return str(path)


def test_a_result_about_a_rule_is_accepted_until_its_day(tmp_path: Path) -> None:
    path = written(tmp_path, BASELINE + KEPT)
    assert run(path) == (0, "2 rules, 0 that decide nothing\n")
    assert run(path, "--on", "2026-01-01")[0] == 0
    code, text = run(path, "--on", "2026-03-02")
    assert code == 1
    assert "B015" in text
    assert "B025" in text


def test_what_accepts_nothing_is_told(tmp_path: Path) -> None:
    code, text = run(
        written(tmp_path, f"{BASELINE}{KEPT}  - {{lint: B014, rule: everything, reason: x}}\n")
    )
    assert code == 1
    assert "warning[B013]: lint has no result B014 in scope" in text
    assert "B015" not in text


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{lint: B015, reason: x}", "B006"),
        ("{lint: B015, rule: inside}", "B006"),
        ("{lint: F001, reason: x}", "B006"),
        ("{lint: F001, rule: inside, path: x, reason: x}", "B005"),
        ("{lint: B015, rule: inside, path: x, reason: x}", "B005"),
        ("{lint: B015, rule: no-such-rule, reason: x}", "B010"),
        ("{lint: X999, path: x, reason: x}", "B008"),
        ("{lint: F001, path: '', reason: x}", "B007"),
        ("{lint: F001, path: '/**', reason: x}", "B007"),
        ("{lint: F001, path: x, reason: x, extra: x}", "B005"),
    ],
)
def test_entries_that_are_wrong(entry: str, code: str) -> None:
    loaded = parse_baseline(f"{BASELINE}  - {entry}\n", "policyc.yaml", lambda _: Inventory())
    assert code in {item.code for item in loaded.diagnostics}
    assert loaded.policy is None


def test_results_about_files_are_accepted_by_the_end_of_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "rules.d"
    folder.mkdir(parents=True)
    (folder / "10-own.rules").write_text(RULES)
    assert run(str(tmp_path / "etc"))[0] == 1
    entry = '  - {lint: F001, path: "rules.d/*.rules", reason: newer daemons, until: 2026-03-01}\n'
    baseline = written(tmp_path, BASELINE + entry)
    code, text = run(str(tmp_path / "etc"), "-b", baseline)
    assert code == 0
    assert "accepted by the baseline" in text
    assert run(str(tmp_path / "etc"), "-b", baseline, "--on", "2026-04-01")[0] == 1
    other = written(tmp_path, BASELINE + entry.replace("rules.d", "other.d"))
    code, text = run(str(tmp_path / "etc"), "-b", other)
    assert code == 1
    assert "B013" in text


def test_a_baseline_for_a_baseline_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, BASELINE + KEPT)
    assert run(path, "-b", path)[0] == 2


def test_a_form_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert run(written(tmp_path, BASELINE + KEPT), "-f", "sarf")[0] == 2
    assert run(written(tmp_path, BASELINE + KEPT), "--report", "sarf=x")[0] == 2
    assert run(written(tmp_path, BASELINE + KEPT), "--report", "sarif=")[0] == 2


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("rules.d/*.rules", "/etc/fapolicyd/rules.d/a.rules", True),
        ("*.rules", "/etc/fapolicyd/rules.d/a.rules", True),
        ("d/*.rules", "/etc/fapolicyd/rules.d/a.rules", False),
        ("a.rules", "/etc/a.rules.bak", False),
        ("x", None, False),
    ],
)
def test_scopes(pattern: str, path: str | None, found: bool) -> None:  # noqa: FBT001
    item = AcceptedLint(code="F001", reason="x", path=pattern)
    assert item.covers("F001", path=path) is found
    assert item.covers("F002", path=path) is False
