"""Output forms of findings: valid, and safe whatever a name holds."""

from __future__ import annotations

import csv
import inspect
import io
import json
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from policyc.checks import CHECKS, check_file
from policyc.model.diagnostic import Finding
from policyc.readers import read_bytes
from policyc.reports.sarif import findings_sarif
from policyc.reports.tables import (
    findings_csv,
    findings_gitlab,
    findings_junit,
    findings_markdown,
)
from tests.corpus import build
from tests.requires import require_shared

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
    schema = json.loads(require_shared("schemas/sarif-2.1.0-rtm.5.json").read_text())
    log = json.loads(findings_sarif(found(), manuals(), github=github))
    jsonschema.validate(log, schema)
    results = log["runs"][0]["results"]
    assert len(results) == len(found()) > 0
    regions = [item["locations"][0]["physicalLocation"].get("region", {}) for item in results]
    assert all("startLine" in item for item in regions) is github
    assert any("byteOffset" in item for item in regions) is not github


def test_no_form_lets_a_name_through() -> None:
    for form in (findings_csv, findings_junit, findings_gitlab, findings_markdown):
        text = form(found())
        assert "\x1b" not in text
        assert "\u202e" not in text
        text.encode("utf-8")
    assert "<script" not in findings_junit(found()) + findings_markdown(found())
    assert "](http" not in findings_markdown(found())


def test_each_form_has_one_entry_a_finding() -> None:
    count = len(found())
    rows = list(csv.reader(io.StringIO(findings_csv(found()))))
    assert len(rows) == count + 1
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    assert len(ET.fromstring(findings_junit(found()))) == count  # noqa: S314
    prints = {item["fingerprint"] for item in json.loads(findings_gitlab(found()))}
    assert len(prints) == count
    assert len(findings_markdown(found()).splitlines()) == count + 2
