"""registry.pol: NSA's is made again byte for byte; hostile ones are refused; ours read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from policyc.model.artifact import Artifact
from policyc.targets.applocker.deploy import deployment
from policyc.targets.applocker.emit import emit
from policyc.targets.applocker.model import (
    Action,
    AppLockerPolicy,
    AppRule,
    CollectionType,
    EnforcementMode,
    Extensions,
    FileHash,
    HashCondition,
    PathCondition,
    PublisherCondition,
    RuleCollection,
)
from policyc.targets.applocker.parse import parse
from policyc.targets.applocker.registry import (
    Entry,
    entries_of,
    policy_of,
    read_entries,
    write_entries,
)
from policyc.targets.base import ArtifactError
from tests.requires import require_shared


def rule(number: int, condition: PathCondition | PublisherCondition | HashCondition) -> AppRule:
    return AppRule(
        id=f"{number:08x}-0000-0000-0000-000000000000",
        name='A & B <"x">',
        description="",
        sid="S-1-1-0",
        action=Action.ALLOW,
        condition=condition,
    )


POLICY = AppLockerPolicy(
    collections=(
        RuleCollection(
            type=CollectionType.EXE,
            mode=EnforcementMode.ENABLED,
            rules=(
                rule(1, PathCondition(path="%WINDIR%\\*")),
                rule(2, PublisherCondition(publisher="O=ÉCOLE, C=FR")),
                rule(3, HashCondition(hashes=(FileHash(kind="SHA256", data="ab" * 32),))),
            ),
            extensions=Extensions(services="Enabled", system_apps="Enabled"),
        ),
        RuleCollection(type=CollectionType.SCRIPT, mode=EnforcementMode.AUDIT_ONLY),
    )
)


def backups() -> list[Path]:
    return sorted(require_shared("applocker/gpo-backup").rglob("registry.pol"))


@pytest.mark.parametrize("number", [0, 1])
def test_nsas_policy_is_made_again_byte_for_byte(number: int) -> None:
    data = backups()[number].read_bytes()
    policy = policy_of(read_entries(data))
    assert len(data) == 24_558
    assert write_entries(entries_of(policy)) == data
    assert {item.mode for item in policy.collections} == {
        EnforcementMode.ENABLED
        if "Enforced" in str(backups()[number])
        else EnforcementMode.AUDIT_ONLY
    }


def test_the_xml_read_from_it_is_valid() -> None:
    schema = etree.XMLSchema(file=str(next(require_shared("applocker/xsd").glob("*AppIdPolicy*"))))
    policy = policy_of(read_entries(backups()[0].read_bytes()))
    (artifact,) = [item for item in emit(policy) if item.enforced]
    schema.assertValid(etree.fromstring(artifact.data))


def test_a_policy_survives_the_registry() -> None:
    again = policy_of(read_entries(write_entries(entries_of(POLICY))))
    assert {item.type: item for item in again.collections} == {
        item.type: item for item in POLICY.collections
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a registry.pol"),
        (b"PReg\x02\0\0\0", "not a registry.pol"),
        (b"PReg\x01\0\0\0x\0", r"no `\[` at byte 8"),
        (b"PReg\x01\0\0\0[\0a\0", "has no end"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(ArtifactError, match=message):
        read_entries(data)


def test_a_value_that_leaves_the_file_is_refused() -> None:
    data = write_entries([Entry("k", "n", 1, b"abc")]).replace(b"\x03\0\0\0;", b"\xff\xff\xff\x7f;")
    with pytest.raises(ArtifactError, match="leaves the file"):
        read_entries(data)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for head in (b"", b"PReg\x01\0\0\0", write_entries(entries_of(POLICY))[:300]):
        try:
            policy_of(read_entries(head + data))
        except ArtifactError:
            continue


def test_intune_gets_one_collection_a_node() -> None:
    files = {item.name: item.data for item in deployment(POLICY)}
    profile = json.loads(files["deploy/intune/profile.json"])
    assert len(profile["omaSettings"]) == 2
    for setting in profile["omaSettings"]:
        root = etree.fromstring(setting["value"])
        assert root.tag == "RuleCollection"
        assert setting["omaUri"].endswith(("/EXE/Policy", "/Script/Policy"))
        assert not setting["value"].startswith("<?xml")
    single = files["deploy/intune/EXE.xml"]
    own = parse((Artifact(name="x", data=single, media_type=""),))
    assert own.collections == (POLICY.collections[0],)
    assert (
        files["deploy/group-policy/GptTmpl.inf"].decode("utf-16").splitlines()[-1]
        == '"AppIDSvc",2,""'
    )
    assert deployment(POLICY) == deployment(POLICY)
