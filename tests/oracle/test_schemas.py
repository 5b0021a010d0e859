"""The artifacts against what others say a policy looks like: XSDs and the key manifest."""

from __future__ import annotations

import json
import plistlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from policyc.compiler import TargetResult, compile_target
from policyc.model.artifact import Artifact
from policyc.model.inventory import Inventory
from policyc.model.ir import Effect
from policyc.targets import load_target
from policyc.targets.base import ArtifactError, Probe
from tests.conformance.probes import file_on, policy_for, rule_for
from tests.requires import require_shared, require_tool

pytestmark = pytest.mark.oracle


def rich_result(name: str, *effects: Effect) -> TargetResult:
    """A policy with a rule of every kind, permitted, forbidden or both."""
    capabilities = load_target(name).capabilities
    rules = [
        rule_for(probe, capabilities.platform, effect)
        for probe in Probe
        for effect in effects or tuple(Effect)
    ]
    files = tuple(file_on(capabilities.platform, number) for number in (1, 2, 3))
    result = compile_target(policy_for(capabilities, *rules), Inventory(files=files), name)
    assert result.failure is None
    return result


@pytest.mark.parametrize(
    ("name", "schema", "document"),
    [
        ("wdac", "wdac/xsd/cipolicy-linux.xsd", "policy.xml"),
        ("applocker", "applocker/xsd/AppIdPolicy.HotCakeX.xsd", "applocker.xml"),
        ("applocker", "applocker/xsd/AppLocker.WDAC-Toolkit.xsd", "applocker.xml"),
    ],
)
def test_xml_is_valid(name: str, schema: str, document: str, tmp_path: Path) -> None:
    path = require_shared(schema)
    data = next(item.data for item in rich_result(name).artifacts if item.name == document)
    etree.XMLSchema(etree.parse(str(path))).assertValid(etree.fromstring(data))
    file, copy = tmp_path / document, tmp_path / path.name
    file.write_bytes(data)
    # libxml2 before 2.10 knows no escaped dollar in a pattern; unescaped it means the same.
    copy.write_text(path.read_text("utf-8-sig").replace("\\$", "$"), "utf-8")
    xmllint = require_tool("xmllint")
    done = subprocess.run(
        [xmllint, "--noout", "--nonet", "--schema", str(copy), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_profile_keys_are_in_the_manifest() -> None:
    keys = json.loads(require_shared("santa/manifests/santa_keys.json").read_text())
    table: dict[str, Any] = {item["key"]: item for item in keys} if isinstance(keys, list) else keys
    payload: dict[str, Any] = {}
    for effect in Effect:
        artifacts = rich_result("santa", effect).artifacts
        data = next(item.data for item in artifacts if item.name == "santa.mobileconfig")
        payload |= plistlib.loads(data)["PayloadContent"][0]
    own = [key for key in payload if not key.startswith("Payload")]
    assert {"ClientMode", "StaticRules", "AllowedPathRegex", "BlockedPathRegex"} == set(own)
    for key in own:
        assert key in table
    manifest = plistlib.loads(
        require_shared("santa/manifests/com.northpolesec.santa.plist").read_bytes()
    )
    known = {item["pfm_name"]: item["pfm_type"] for item in manifest["pfm_subkeys"]}
    types = {"integer": int, "array": list, "string": str, "boolean": bool}
    for key, value in payload.items():
        assert isinstance(value, types[known[key]]), key


@pytest.mark.parametrize(
    ("name", "folder", "suffix", "least"),
    [("applocker", "applocker/policies", "*.xml", 0.9), ("wdac", "wdac/policies", "*.xml", 0.15)],
)
def test_real_policies_are_read_or_refused(
    name: str, folder: str, suffix: str, least: float
) -> None:
    """No traceback on any, and most of the valid ones are understood."""
    target = load_target(name)
    schemas = {
        "applocker": "applocker/xsd/AppIdPolicy.HotCakeX.xsd",
        "wdac": "wdac/xsd/cipolicy-linux.xsd",
    }
    schema = etree.XMLSchema(etree.parse(str(require_shared(schemas[name]))))
    valid = read = 0
    for path in sorted(require_shared(folder).rglob(suffix)):
        data = path.read_bytes()
        try:
            is_valid = schema.validate(etree.fromstring(data))
        except etree.XMLSyntaxError:
            is_valid = False
        valid += is_valid
        artifact = Artifact(name=path.name, data=data, media_type="application/xml")
        try:
            target.parse((artifact,))
        except ArtifactError as error:
            assert error.message  # noqa: PT017
        else:
            read += is_valid
    assert valid > 10
    assert read >= least * valid, f"{read} of {valid}"
