"""Every form of findings about policies: valid, safe, and the same findings in each."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from policyc.cli.app import app
from policyc.cli.manual import manuals_of
from policyc.cli.options import Form, SchemaName
from policyc.model.diagnostic import Level
from policyc.model.span import Span
from policyc.reports.comment import LIMIT
from policyc.reports.policy_forms import PolicyReport, policy_form
from policyc.reports.policy_sarif import PolicyFinding
from tests import official

BASELINE = """policyc: 1
name: Servers
groups: {idle: [{path: /srv/**}]}
rules:
  - id: everything
    permit: {path: /opt/**}
  - id: inside
    permit: {path: /opt/audit/**}
  - id: also-inside
    permit: {path: /opt/tools/**}
    until: 2026-01-01
accept:
  - {lint: B015, rule: inside, reason: "<b>wanted</b>", owner: ops, until: 2027-03-01}
"""
RULES = "allow perm=any all : all\ndeny perm=any all : nonsense=1\ndeny perm=any all : all\n"
HOSTILE = "=x'\n::error::y, \x1b[31m\u202e`<script>&\"]]>|[a](http://b)"
FORMS = [form.value for form in Form]


def lint(*words: str) -> Result:
    done = CliRunner().invoke(app, ["lint", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def all_forms(folder: Path, *words: str) -> tuple[Result, dict[str, str]]:
    """What one run prints and writes, and that printing a form gives what the file has."""
    files = {form: folder / f"report.{form}" for form in FORMS}
    reports = [word for form, path in files.items() for word in ("--report", f"{form}={path}")]
    done = lint(*words, *reports)
    texts = {form: path.read_text(encoding="utf-8") for form, path in files.items()}
    for form in FORMS:
        alone = lint(*words, "-f", form)
        assert alone.exit_code == done.exit_code
        if form != "text":
            assert alone.stdout == texts[form]
    return done, texts


@pytest.fixture
def baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policyc.yaml").write_text(BASELINE, encoding="utf-8")
    return "policyc.yaml"


def test_a_baseline_has_every_form(baseline: str, tmp_path: Path) -> None:
    done, texts = all_forms(tmp_path, baseline, "--on", "2026-06-01")
    assert done.exit_code == 1
    codes = ["B015", "B015", "B024", "B025"]
    value = official.published("lint", texts["json"])
    assert [item["code"] for item in value["findings"]] == codes
    assert value["summary"] == {"files": 1, "error": 0, "warning": 3, "info": 0, "accepted": 1}
    reason = "<b>wanted</b> (ops), until 2027-03-01; policyc.yaml:13:5"
    assert [item["accepted"] for item in value["findings"]] == [reason, "", "", ""]
    assert value["findings"][1]["related"] == [{"file": "policyc.yaml", "line": 6, "column": 5}]
    results = official.sarif(texts["sarif"])
    assert [item["ruleId"] for item in results] == codes
    assert [item.get("suppressions") for item in results] == [
        [{"kind": "external", "justification": reason}],
        *[None] * 3,
    ]
    place = results[1]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "policyc.yaml"
    assert place["region"] == {"startLine": 10, "startColumn": 5}
    suite = official.junit(texts["junit"])
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "3", "1")
    assert [item["check_name"] for item in official.gitlab(texts["gitlab"])] == codes[1:]
    lines = texts["annotations"].splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("::warning file=policyc.yaml,line=10,col=5,title=B015::")
    assert texts["markdown"].startswith("**policyc lint**: 3 warnings, 1 accepted. — stopped\n")
    rows = list(csv.DictReader(io.StringIO(texts["csv"])))
    assert [(row["code"], row["accepted"]) for row in rows[:2]] == [("B015", reason), ("B015", "")]
    assert "3 rules, 1 that decide nothing, 1 unused groups, 1 past" in texts["text"]
    assert texts["text"].count("[B015]") == 1


def test_a_baseline_in_reach_is_named_from_here(baseline: str) -> None:
    assert json.loads(lint("-f", "json").stdout)["findings"][0]["file"] == baseline


def test_a_baseline_that_cannot_be_read_is_a_finding_too(baseline: str, tmp_path: Path) -> None:
    Path(baseline).write_text("policyc: 1\nname: X\nrules: 3\nmore: 1\n", encoding="utf-8")
    done, texts = all_forms(tmp_path, baseline)
    assert done.exit_code == 2
    assert {item["level"] for item in official.sarif(texts["sarif"])} == {"error"}
    assert official.junit(texts["junit"]).get("failures") == "2"
    assert texts["annotations"].startswith("::error file=policyc.yaml,line=3,col=8,title=B004::")
    assert official.published("lint", texts["json"])["summary"]["error"] == 2


def test_a_policy_of_a_platform_has_the_same_forms(baseline: str, tmp_path: Path) -> None:
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "rules.d" / "10-own.rules").write_text(RULES, encoding="utf-8")
    entries = "  - {lint: F001, path: rules.d/*.rules, reason: known}\n"
    entries += "  - {lint: F002, path: other.d/*.rules, reason: gone}\n"
    Path(baseline).write_text(BASELINE + entries, encoding="utf-8")
    words = ("rules.d", "-b", baseline)
    done, texts = all_forms(tmp_path, *words)
    assert done.exit_code == 0
    value = official.published("lint", texts["json"])
    accepted = [item["code"] for item in value["findings"] if item["accepted"]]
    assert accepted == ["F001", "F001"]
    still = [item["code"] for item in value["findings"] if not item["accepted"]]
    assert still == ["B013"]
    suppressed = [item for item in official.sarif(texts["sarif"]) if "suppressions" in item]
    assert [item["ruleId"] for item in suppressed] == accepted
    assert official.junit(texts["junit"]).get("skipped") == "2"
    assert [item["check_name"] for item in official.gitlab(texts["gitlab"])] == still
    assert ", 2 accepted by the baseline" in texts["text"]
    assert "F001" not in texts["text"] + texts["markdown"] + texts["annotations"]
    assert lint("rules.d").exit_code == 1


def test_a_result_is_written_whole_or_not_at_all(baseline: str, tmp_path: Path) -> None:
    done = lint(baseline, "-f", "sarif", "-o", str(tmp_path / "lint.sarif"))
    assert done.stdout == ""
    assert official.sarif((tmp_path / "lint.sarif").read_text())
    assert lint(baseline, "-o", str(tmp_path / "no" / "folder")).exit_code == 2


@pytest.mark.parametrize("name", SchemaName)
def test_every_schema_is_printed(name: SchemaName) -> None:
    done = CliRunner().invoke(app, ["schema", name.value])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["$schema"].startswith("https://json-schema.org/")


TEXTS = st.text(max_size=30) | st.just(HOSTILE)
PLACES = st.builds(
    lambda file, line, column: Span(
        file=file, line=line, column=column, end_line=line, end_column=column + 1
    ),
    TEXTS,
    st.integers(1, 9),
    st.integers(1, 9),
)
FINDINGS = st.builds(
    PolicyFinding,
    path=TEXTS.map(lambda text: text or "x"),
    code=st.sampled_from(["B001", "L010", "F001", "V001", "D001"]),
    level=st.sampled_from(Level),
    line=st.integers(0, 9),
    message=TEXTS.map(lambda text: text or "x"),
    fix=TEXTS,
    column=st.integers(0, 9),
    related=st.lists(PLACES, max_size=2).map(tuple),
    accepted=st.just("") | TEXTS,
    stops=st.booleans(),
)


@settings(deadline=None)  # the schemas are read first
@given(st.lists(FINDINGS, max_size=6))
def test_whatever_is_found_every_form_is_valid_and_safe(found: list[PolicyFinding]) -> None:
    report = PolicyReport(
        title="policyc lint",
        findings=found,
        manuals=manuals_of({item.code for item in found}),
        files=1,
        closing="done",
    )
    texts = {form: policy_form(report, form) for form in FORMS}
    still = [item for item in found if not item.accepted]
    assert len(official.sarif(texts["sarif"])) == len(found)
    assert len(official.junit(texts["junit"]).findall("testcase")) == len(found)
    assert len(official.gitlab(texts["gitlab"])) == len(still)
    assert len(official.published("lint", texts["json"])["findings"]) == len(found)
    assert len(list(csv.reader(io.StringIO(texts["csv"])))) == len(found) + 1
    assert len(texts["annotations"].splitlines()) == len(still)
    assert texts["markdown"].count("<details>") == len({item.level for item in still})
    for text in texts.values():
        assert "\x1b" not in text
        assert "\u202e" not in text
        text.encode("utf-8")
    assert "<script" not in texts["markdown"] + texts["junit"]


def test_a_comment_stays_under_the_limit() -> None:
    found = [
        PolicyFinding(
            path=f"{number}{HOSTILE}", code="F001", level=level, line=1, message="`" * 900
        )
        for number in range(5_000)
        for level in Level
    ]
    report = PolicyReport(title="policyc lint", findings=found, manuals={}, files=1)
    text = policy_form(report, "markdown")
    assert len(text) < LIMIT
    assert text.count("<details>") == text.count("</details>") == 3
