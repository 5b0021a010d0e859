"""Output forms held to the schemas of those who read them; each returns what it has read.

JUnit: Jenkins' own schema (xunit plugin, junit-10.xsd, MIT), which pytest's source distribution
carries for the same use. SARIF: the OASIS schema. GitLab has no schema for a whole report; ours
requires all that its documentation does, and so all that its own schema of one entry does
(app/validators/json_schemas/codeclimate.json: description, fingerprint, severity, location).
"""

from __future__ import annotations

import json
import tarfile
from functools import cache
from typing import Any

import jsonschema
from lxml import etree

from tests.corpus.registry import Pin, fetch
from tests.requires import PROJECT, require_shared

_PYTEST = Pin(
    registry="pypi",
    project="pytest",
    version="8.4.2",
    file="pytest-8.4.2.tar.gz",
    sha256="86c0d0b93306b961d58d62a4db4879f27fe25513d4b969df351abdddb3c30e01",
)
_JUNIT = "pytest-8.4.2/testing/example_scripts/junit-10.xsd"


@cache
def _junit_schema() -> etree.XMLSchema:
    with tarfile.open(fetch(_PYTEST)) as archive:
        member = archive.extractfile(_JUNIT)
        assert member is not None
        return etree.XMLSchema(etree.fromstring(member.read()))


@cache
def _schema(path: str) -> Any:
    place = require_shared(path) if path.startswith("schemas/") else PROJECT / path
    schema = json.loads(place.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    return validator(schema)


def junit(text: str) -> etree._Element:
    """The suite of a JUnit report that Jenkins takes."""
    suite = etree.fromstring(text.encode())
    _junit_schema().assertValid(suite)
    cases = suite.findall("testcase")
    assert int(suite.get("tests")) == len(cases)
    for name, element in (("failures", "failure"), ("skipped", "skipped")):
        assert int(suite.get(name)) == len(suite.findall(f"testcase/{element}"))
    assert all(case.get("classname") for case in cases)
    return suite


def gitlab(text: str) -> list[dict[str, Any]]:
    """The entries of a code quality report; no two are the same one to GitLab."""
    found: list[dict[str, Any]] = json.loads(text)
    _schema("tests/data/gitlab-code-quality.schema.json").validate(found)
    prints = [item["fingerprint"] for item in found]
    assert len(set(prints)) == len(prints)
    return found


def sarif(text: str) -> list[dict[str, Any]]:
    """The results of a SARIF log of one run, each with the fingerprint of no other."""
    log = json.loads(text)
    _schema("schemas/sarif-2.1.0-rtm.5.json").validate(log)
    (run,) = log["runs"]
    results: list[dict[str, Any]] = run["results"]
    prints = [item["partialFingerprints"]["policyc/v1"] for item in results]
    assert len(set(prints)) == len(prints)
    rules = [item["id"] for item in run["tool"]["driver"]["rules"]]
    assert [rules[item["ruleIndex"]] for item in results] == [item["ruleId"] for item in results]
    return results


def published(name: str, text: str) -> dict[str, Any]:
    """JSON that a command printed, after the schema that is published for it."""
    value: dict[str, Any] = json.loads(text)
    _schema(f"docs/{name}.schema.json").validate(value)
    return value
