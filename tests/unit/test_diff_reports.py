"""Output forms of a comparison: valid, within limits, and safe whatever a name holds."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from policyc.checks import check_file
from policyc.diff.codes import CODES
from policyc.model.change import (
    Cause,
    ChangedFile,
    Comparison,
    FileGroup,
    Relation,
    RuleChange,
    SettingChange,
    Shown,
    Turn,
)
from policyc.model.decision import Verdict
from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts
from policyc.model.formats import FileFormat
from policyc.model.span import Span
from policyc.readers.file import read_bytes
from policyc.reports.changes import changes_csv, changes_json, changes_text
from policyc.reports.changes_findings import changes_findings
from policyc.reports.changes_markdown import changes_markdown
from policyc.reports.comment import LIMIT
from policyc.reports.policy_sarif import policy_sarif
from policyc.reports.policy_tables import policy_annotations, policy_gitlab, policy_junit
from policyc.reports.sarif import GITHUB_RESULTS
from policyc.reports.tables import findings_gitlab, findings_junit
from tests import official
from tests.corpus import build

NASTY = "=cmd|'/c x'!a\n::error::x, \x1b[31m\u202efdp`<script>alert(1)</script>|[a](http://b).exe"
STOPS = frozenset({Turn.ALLOWED, Turn.UNKNOWN})


def span(line: int, file: str = "policyc.yaml") -> Span:
    return Span(file=file, line=line, column=5, end_line=line, end_column=9)


def cause(name: str, line: int, file: str = "policyc.yaml") -> Cause:
    return Cause(text=f"permit {name}", key=f"key-{name}", family=name, origin=span(line, file))


def group(turn: Turn, names: list[str], rule: str = "tools") -> FileGroup:
    return FileGroup(
        turn=turn,
        targets=("wdac", "applocker"),
        modes=("audit", "enforce"),
        verdicts=(Verdict.DENY, Verdict.ALLOW),
        old=(),
        new=(cause(rule, 7),),
        files=tuple(
            ChangedFile(path=name, sha256="ab" * 32, machines=("a", "b")) for name in names
        ),
    )


def change(number: int) -> RuleChange:
    new = cause(f"rule {number} {NASTY}", number + 1)
    shown = Shown(
        turn=Turn.ALLOWED,
        facts=FileFacts(path=f"/w/{NASTY}", size=1, actual=FileFormat.ELF),
        about=("path /w",),
        targets=("fapolicyd",),
        verdicts=(Verdict.DENY, Verdict.ALLOW),
        old=(),
        new=(new,),
    )
    old = cause(f"rule {number}", number + 1, "git:main:policyc.yaml")
    return RuleChange(relation=Relation.WIDER, old=old, new=new, shown=(shown,))


def comparison(files: int = 3, rules: int = 3) -> Comparison:
    return Comparison(
        old="git:main:policyc.yaml",
        new="policyc.yaml",
        targets=("wdac", "applocker", "fapolicyd"),
        groups=(
            group(Turn.ALLOWED, [f"C:\\{number}\\{NASTY}" for number in range(files)]),
            group(Turn.OTHER_RULE, ["C:\\other.exe"], "other"),
        ),
        rules=(
            *(change(number) for number in range(rules)),
            RuleChange(relation=Relation.REMOVED, old=cause("gone", 9), new=None),
            RuleChange(relation=Relation.EQUAL, old=cause("x", 1), new=cause("y", 1), same=True),
        ),
        settings=(
            SettingChange(
                what="library", targets=("wdac",), old="enforce", new="audit", turn=Turn.ALLOWED
            ),
        ),
        unchanged=4_796,
        unchanged_rules=12,
        with_inventory=True,
        notes=("something",),
        place=span(1),
    )


def test_text_is_short_grouped_and_harmless() -> None:
    text = changes_text(comparison(files=100_000, rules=1_000))
    assert len(text.splitlines()) < 150
    assert "newly allowed: 100,000 files (wdac, applocker; audit → enforce)" in text
    assert "… and 99,995 more" in text
    assert "on a, b" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.splitlines()[-4:] == [
        "Files: 100,000 newly allowed, 0 newly denied, 1 decided by another rule, 4,796 unchanged.",
        "Rules: 1,000 allow more, 1 unknown, 12 unchanged.",
        "Rules written otherwise that decide the same: 1.",
        "Settings changed: 1.",
    ]


def test_json_follows_its_published_schema() -> None:
    value = official.published("diff", changes_json(comparison()))
    assert value["summary"]["files"]["newly-allowed"] == 3
    assert value["rules"][3]["changes"] == ["unknown"]
    assert value["rules"][4]["changes"] == []


@pytest.mark.slow
def test_sarif_is_valid_stable_and_within_the_limit_of_github() -> None:
    results = official.sarif(policy_sarif(changes_findings(comparison(), STOPS), CODES))
    assert len(results) == 7
    assert [item["level"] for item in results] == ["error"] * 6 + ["note"]
    place = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "policyc.yaml"
    assert place["region"] == {"startLine": 7, "startColumn": 5}
    moved = comparison()
    moved = replace(
        moved, groups=tuple(replace(item, new=(cause("tools", 70),)) for item in moved.groups[:1])
    )
    again = json.loads(policy_sarif(changes_findings(moved, STOPS), CODES))["runs"][0]["results"]
    assert again[0]["partialFingerprints"] == results[0]["partialFingerprints"]
    many = json.loads(policy_sarif(changes_findings(comparison(rules=30_000), STOPS), CODES))
    assert len(many["runs"][0]["results"]) == GITHUB_RESULTS
    assert many["runs"][0]["properties"]["omittedResults"] == 30_004 - GITHUB_RESULTS


def test_a_change_of_the_old_revision_is_shown_in_the_tree() -> None:
    removed = RuleChange(
        relation=Relation.REMOVED, old=cause("gone", 9, "git:main:sub/policyc.yaml"), new=None
    )
    (found,) = changes_findings(
        replace(comparison(), groups=(), rules=(removed,), settings=()), STOPS
    )
    assert (found.path, found.line) == ("policyc.yaml", 1)
    assert [item.file for item in found.related] == ["sub/policyc.yaml"]


@pytest.mark.parametrize("files", [0, 3, 100_000])
def test_a_comment_stays_under_the_limit(files: int) -> None:
    found = comparison(files=files, rules=files)
    groups = tuple(
        group(Turn.ALLOWED, [f"C:\\{number}\\{NASTY}"], f"r{number}") for number in range(files)
    )
    text = changes_markdown(replace(found, groups=groups), failing=STOPS, fails=True)
    assert len(text) < LIMIT
    assert text.count("<details>") == text.count("</details>") > 0
    assert text.startswith("**policyc diff** — stopped")
    assert f"{files:,} newly allowed" in text
    assert "<script" not in text
    assert "\u202e" not in text
    assert "http://" not in text


def test_a_comment_says_that_nothing_changes() -> None:
    found = Comparison(old="a", new="b", targets=("wdac",), unchanged_rules=3)
    text = changes_markdown(found, failing=STOPS, fails=False)
    assert text.startswith("**policyc diff**: nothing changes.")
    assert "<details>" not in text


def test_annotations_are_one_line_each_and_no_more_than_github_shows() -> None:
    text = policy_annotations(changes_findings(comparison(rules=50), STOPS))
    lines = text.splitlines()
    assert all(line.startswith(("::error", "::warning", "::notice")) for line in lines)
    assert lines[0].startswith("::error file=policyc.yaml,line=7,col=5,title=D001::")
    assert sum(line.startswith("::error") for line in lines) == 10
    assert "::error::and 44 more like these" in lines


def test_junit_keeps_to_the_schema_of_jenkins() -> None:
    masquerades = list(check_file(read_bytes(build.pe(), f"/d/{NASTY}.pdf")))
    official.junit(findings_junit(masquerades))
    official.junit(findings_junit([replace(item, accepted="yes") for item in masquerades]))
    suite = official.junit(policy_junit(changes_findings(comparison(), STOPS), "policyc diff"))
    assert (suite.get("tests"), suite.get("failures")) == ("7", "6")


def test_gitlab_takes_code_quality() -> None:
    masquerades = list(check_file(read_bytes(build.pe(), f"/d/{NASTY}.pdf")))
    assert official.gitlab(policy_gitlab(changes_findings(comparison(), STOPS)))
    assert official.gitlab(findings_gitlab(masquerades))


def test_csv_has_a_line_for_every_file() -> None:
    rows = list(csv.DictReader(io.StringIO(changes_csv(comparison(files=40)))))
    assert sum(row["kind"] == "file" for row in rows) == 41
    assert all(not (value or "").startswith("=") for row in rows for value in row.values())


def test_levels_follow_what_stops_the_pipeline() -> None:
    calm = changes_findings(comparison(), frozenset())
    assert {item.level for item in calm} == {Level.WARNING, Level.INFO}
    assert {item.code for item in calm} == {"D001", "D003", "D004"}
    assert set(CODES) == {turn.code for turn in Turn}
