"""Public policies and Microsoft's own binaries: parsed, compiled, decompiled, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from policyc.model.version import FileVersion
from policyc.targets.wdac.build import build, rule_key
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.encode import encode
from policyc.targets.wdac.model import SiPolicy
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.restore import restore
from policyc.targets.wdac.write import write_xml
from tests.oracle.clr_sort import intro_sort, quick_sort
from tests.requires import SHARED, require_shared

pytestmark = pytest.mark.oracle
_EXACT = "exact"
_HEX = {"Hash", "Value"}


def _policies() -> list[Path]:
    return sorted((SHARED / "wdac" / "policies").glob("*.xml"))


def _binaries() -> list[Path]:
    return sorted((SHARED / "wdac" / "binaries").glob("*"))


def _pairs() -> list[dict[str, Any]]:
    path = SHARED / "wdac" / "pairs" / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else []


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    path = require_shared("wdac/xsd/cipolicy-linux.xsd")
    return etree.XMLSchema(etree.parse(str(path)))


def _forms(policy: SiPolicy, form: int) -> Iterator[bytes]:
    """The compiled policy with equal rules in each of the orders Microsoft's compiler left."""
    yield build(policy, form)
    yield build(policy, form, lambda rules: quick_sort(rules, rule_key))
    yield build(policy, form, lambda rules: intro_sort(rules, rule_key))


def test_every_public_file_is_there() -> None:
    require_shared("wdac/policies")
    assert (len(_policies()), len(_binaries()), len(_pairs())) == (176, 43, 32)


@pytest.mark.parametrize("pair", _pairs(), ids=lambda pair: str(pair["name"]))
def test_pairs_compile_to_microsofts_bytes(pair: dict[str, Any]) -> None:
    folder = require_shared(f"wdac/pairs/{pair['name']}")
    wanted = unwrap((folder / "policy.cip").read_bytes()).body
    exact = pair["status"] == _EXACT
    assert exact is (pair["reconcile"] == [])
    name = "policy.xml" if exact else "policy.reconciled.xml"
    policy = read_xml((folder / name).read_bytes()).policy
    assert wanted in _forms(policy, pair["format"])


@pytest.mark.parametrize("path", _binaries(), ids=lambda path: path.name)
def test_binaries_survive(path: Path) -> None:
    body = unwrap(path.read_bytes()).body
    raw = decode(body)
    assert encode(raw) == body
    policy = restore(raw)
    document = read_xml(write_xml(policy))
    assert document.policy == policy
    assert not [item.message for item in document.problems if item.fatal]
    assert build(document.policy, raw.format) == body


def _canonical(element: Any) -> Any:
    """What an XML reader sees, without comments, white space between elements and case of hex."""
    attributes = {
        name: value.upper() if name in _HEX and element.tag.endswith(_HEXED) else value
        for name, value in element.attrib.items()
    }
    for name in ("MinimumFileVersion", "MaximumFileVersion", "PackageVersion"):
        if name in attributes:
            attributes[name] = _version(attributes[name])
    children = [_canonical(item) for item in element if isinstance(item.tag, str)]
    text = (element.text or "").strip()
    if element.tag.endswith("}Option"):
        text = text.lower()
    if element.tag.endswith("}VersionEx"):
        text = _version(text)
    if not children and not text and not attributes and element.tag.endswith(_MAY_BE_EMPTY):
        return None
    return element.tag, sorted(attributes.items()), text, [item for item in children if item]


def _version(text: str) -> str:
    """Four numbers, as the compiler reads fewer."""
    try:
        return str(FileVersion.parse(text))
    except ValueError:
        return text


_HEXED = ("}Allow", "}Deny", "}FileAttrib", "}EKU", "}CertRoot")
_MAY_BE_EMPTY = (
    "}EKUs",
    "}FileRules",
    "}Signers",
    "}SigningScenarios",
    "}UpdatePolicySigners",
    "}CiSigners",
    "}SupplementalPolicySigners",
    "}Settings",
    "}Rules",
    "}FileRulesRef",
    "}HvciOptions",
    "}Macros",
    "}AllowedSigners",
    "}DeniedSigners",
)
_NO_ORDER = ("SiPolicy", "ProductSigners")


def _by_name(tree: Any) -> Any:
    """Children in any order where the schema says so."""
    tag, attributes, text, children = tree
    found = [_by_name(item) for item in children]
    if tag.endswith(_NO_ORDER):
        found.sort(key=lambda item: str(item[0]))
    return tag, attributes, text, found


@pytest.mark.parametrize("path", _policies(), ids=lambda path: path.name)
def test_policies_are_read_and_written_without_loss(path: Path) -> None:
    data = path.read_bytes()
    document = read_xml(data)
    root = etree.fromstring(data)
    assert document.schema_valid is bool(_schema().validate(root))
    written = write_xml(document.policy)
    assert read_xml(written).policy == document.policy
    assert _by_name(_canonical(etree.fromstring(written))) == _by_name(_canonical(root))
    lines = data.splitlines()
    for rule in document.policy.file_rules:
        near = b"\n".join(lines[max(0, rule.line - 6) : rule.line])
        assert rule.id.encode() in near or rule.line >= 65535, rule.line
