"""The open AppLocker policies: read without loss, and linted as the table says, or refused.

``applocker_policies.yaml`` is written anew with ``POLICYC_UPDATE_GOLDEN=1``, after reading what
has changed.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from policyc.model.artifact import Artifact
from policyc.targets.applocker.lint import lint
from policyc.targets.applocker.parse import parse
from policyc.targets.applocker.xml import document
from policyc.targets.base import ArtifactError
from tests.requires import require_shared

pytestmark = pytest.mark.oracle
TABLE = Path(__file__).parent / "applocker_policies.yaml"
NAMES: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))


def _data(name: str) -> bytes:
    return require_shared(f"applocker/policies/{name}").read_bytes()


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    path = require_shared("applocker/xsd/AppIdPolicy.HotCakeX.xsd")
    return etree.XMLSchema(etree.parse(str(path)))


def _is_valid(data: bytes) -> bool:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        return bool(_schema().validate(etree.fromstring(data, parser)))
    except etree.XMLSyntaxError:
        return False


def _artifact(name: str, data: bytes) -> Artifact:
    return Artifact(name=name, data=data, media_type="application/xml")


def _found(name: str) -> dict[str, Any]:
    """What the table says about a policy: its error, and its findings by code."""
    data = _data(name)
    entry: dict[str, Any] = {}
    try:
        parse((_artifact(name, data),))
    except ArtifactError as error:
        entry["error"] = f"{error.line}:{error.column}: {error.message}"
    try:
        findings = lint({name: data})
    except ArtifactError:
        return entry
    entry["lint"] = dict(sorted(Counter(item.code for item in findings).items()))
    return entry


def _canonical(element: etree._Element) -> Any:
    """An element with its meaning only: hashes in one case, children in the order of the schema."""
    attributes = {
        str(key): str(value).upper() if key == "Data" else str(value)
        for key, value in element.attrib.items()
    }
    if element.tag == "RuleCollection":
        attributes.setdefault("EnforcementMode", "NotConfigured")
    children = [_canonical(child) for child in element if isinstance(child.tag, str)]
    if element.tag.endswith("Rule"):
        children = [item for item in sorted(children, key=lambda item: item[0]) if item[2]]
    return element.tag, sorted(attributes.items()), children


@pytest.mark.parametrize("name", NAMES)
def test_an_open_policy(name: str) -> None:
    assert _found(name) == NAMES[name]
    data = _data(name)
    assert ("error" in NAMES[name]) == (not _is_valid(data))
    if "error" in NAMES[name]:
        return
    policy = parse((_artifact(name, data),))
    written = document(policy)
    assert _is_valid(written)
    assert parse((_artifact(name, written),)) == policy
    assert _canonical(etree.fromstring(written)) == _canonical(etree.fromstring(data))


def test_the_table_has_every_policy() -> None:
    folder = require_shared("applocker/policies")
    names = sorted(item.name for item in folder.iterdir())
    if os.environ.get("POLICYC_UPDATE_GOLDEN") == "1":
        head = "# The open policies with what is found in them; see test_applocker_policies.py.\n"
        made = {name: _found(name) for name in names}
        TABLE.write_text(head + yaml.safe_dump(made, width=200, allow_unicode=True), "utf-8")
    assert names == sorted(NAMES)
    assert len(names) == 39
