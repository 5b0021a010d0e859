"""Output forms of findings: valid, and safe whatever a name holds."""

from __future__ import annotations

import csv
import gzip
import inspect
import io
import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from policyc.checks import CHECKS, check_file
from policyc.model.diagnostic import Finding
from policyc.readers.file import read_bytes
from policyc.reports.comment import LIMIT
from policyc.reports.json import dump, findings_json
from policyc.reports.sarif import findings_sarif, uri_of
from policyc.reports.tables import (
    findings_annotations,
    findings_csv,
    findings_gitlab,
    findings_junit,
    findings_markdown,
)
from tests import official
from tests.corpus import build

HOSTILE = (
    "=cmd|'/c calc'!a.pdf",
    "<script>alert(1)</script>.pdf",
    'a"b|`c`[x](http://y).pdf',
    "\x1b[31m\u202efdp.exe",
    "bad\udcff.pdf",
)


def found() -> list[Finding]:
    return [
        finding for name in HOSTILE for finding in check_file(read_bytes(build.pe(), f"/d/{name}"))
    ]


def manuals() -> dict[str, tuple[str, str]]:
    return {item.code: (item.name, inspect.cleandoc(item.manual)) for item in CHECKS.values()}


@pytest.mark.parametrize("github", [False, True])
def test_sarif_is_valid_and_holds_the_proving_bytes(*, github: bool) -> None:
    results = official.sarif(findings_sarif(found(), manuals(), github=github))
    assert len(results) == len(found()) > 0
    regions = [item["locations"][0]["physicalLocation"].get("region", {}) for item in results]
    assert all("startLine" in item for item in regions) is github
    assert any("byteOffset" in item for item in regions) is not github


def test_no_form_lets_a_name_through() -> None:
    forms = (findings_csv, findings_junit, findings_gitlab, findings_markdown)
    for form in (*forms, findings_annotations):
        text = form(found())
        assert "\x1b" not in text
        assert "\u202e" not in text
        text.encode("utf-8")
    assert "<script" not in findings_junit(found()) + findings_markdown(found())
    assert "](http" not in findings_markdown(found())


def test_annotations_are_commands_and_nothing_else() -> None:
    some = found()[:5]
    lines = findings_annotations(some).splitlines()
    assert len(lines) == len(some)
    assert all(
        line.startswith(("::error file=", "::warning file=", "::notice file=")) for line in lines
    )
    accepted = [replace(item, accepted="known") for item in some]
    assert findings_annotations(accepted) == ""


def test_each_form_has_one_entry_a_finding() -> None:
    count = len(found())
    rows = list(csv.reader(io.StringIO(findings_csv(found()))))
    assert len(rows) == count + 1
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    assert len(ET.fromstring(findings_junit(found()))) == count  # noqa: S314
    prints = {item["fingerprint"] for item in json.loads(findings_gitlab(found()))}
    assert len(prints) == count
    assert len(findings_markdown(found()).splitlines()) == count + 2


def test_a_member_names_its_container_as_parent() -> None:
    member = replace(found()[0], path="/d/outer.zip!/inner.tar!/a b.pdf", sha256="ab" * 32)
    run = json.loads(findings_sarif([member], manuals()))["runs"][0]
    uris = [item["location"]["uri"] for item in run["artifacts"]]
    assert uris == ["file:///d/outer.zip", "inner.tar", "a%20b.pdf"]
    assert [item.get("parentIndex") for item in run["artifacts"]] == [None, 0, 1]
    assert run["artifacts"][2]["hashes"] == {"sha-256": "ab" * 32}
    assert _places(run) == [{"uri": "file:///d/outer.zip%21/inner.tar%21/a%20b.pdf", "index": 2}]
    github = json.loads(findings_sarif([member], manuals(), github=True))["runs"][0]
    assert _places(github) == [{"uri": "file:///d/outer.zip"}]


def _places(run: dict[str, Any]) -> list[object]:
    return [
        place["physicalLocation"]["artifactLocation"]
        for item in run["results"]
        for place in item["locations"]
    ]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("rules/a b.yaml", "rules/a%20b.yaml"),
        ("/opt/a#b", "file:///opt/a%23b"),
        ("C:\\Program Files\\a.exe", "file:///C:/Program%20Files/a.exe"),
        ("\\\\server\\share\\a", "file://server/share/a"),
        ("builtin:windows-os", "builtin%3Awindows-os"),
        ("C:relative", "C%3Arelative"),
        ("bad\udcff", "bad%FF"),
    ],
)
def test_a_path_is_a_uri_that_means_it(path: str, uri: str) -> None:
    assert uri_of(path) == uri


@pytest.mark.slow
def test_the_github_profile_keeps_to_its_limits() -> None:
    """GitHub's "SARIF support for code scanning": 25,000 results, 10 MB compressed."""
    one = found()[0]
    many = [replace(one, path=f"/d/{number}.pdf") for number in range(25_001)]
    text = findings_sarif(many, manuals(), github=True)
    run = json.loads(text)["runs"][0]
    assert len(run["results"]) == 25_000
    assert run["properties"]["omittedResults"] == 1
    prints = {item["partialFingerprints"]["policyc/v1"] for item in run["results"]}
    assert len(prints) == 25_000
    assert len(gzip.compress(text.encode())) < 10_000_000


def test_accepted_findings_are_told_apart_in_every_form() -> None:
    accepted = [replace(item, accepted="known; <b>x</b>") for item in found()]
    count = len(accepted)
    assert json.loads(findings_gitlab(accepted)) == []
    assert len(findings_markdown(accepted).splitlines()) == 2
    junit = ET.fromstring(findings_junit(accepted))  # noqa: S314
    assert (junit.get("failures"), junit.get("skipped")) == ("0", str(count))
    assert len(junit.findall("testcase/skipped")) == count
    rows = list(csv.DictReader(io.StringIO(findings_csv(accepted))))
    assert {row["accepted"] for row in rows} == {"known; <b>x</b>"}
    value = official.published("check", findings_json(accepted, files=1, skipped=0))
    assert value["summary"]["accepted"] == count
    assert value["summary"]["error"] == 0


def test_a_table_for_a_comment_stays_under_its_limit() -> None:
    many = [replace(found()[0], path=f"/d/{number}/" + "`" * 500) for number in range(2_000)]
    text = findings_markdown(many)
    assert len(text) < LIMIT
    assert text.endswith("the job's JSON report has all")


def test_dump_takes_every_text() -> None:
    value = {"a": "\udcff\u202e\n", "b": [], "c": {"d": [1, True, None]}}
    assert json.loads(dump(value)) == value
    assert dump({"b": [1]}) == json.dumps({"b": [1]}, indent=1)
