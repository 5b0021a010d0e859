"""registry.pol: NSA's is made again byte for byte; hostile ones are refused; ours read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from policyc.model.artifact import Artifact
from policyc.targets.applocker.backup import backup_files
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


def _shape(element: etree._Element) -> list[tuple[str, dict[str, str], list[object]]]:
    """The children without what names a domain or a value that is an object's own."""
    own = ("SourceExpandedPath", "Location", "version")
    return [
        (
            str(child.tag),
            {
                str(key): str(value).lower()
                for key, value in child.attrib.items()
                if not str(key).endswith(own)
            },
            list(_shape(child)),
        )
        for child in element
        if isinstance(child.tag, str)
        and not str(child.get(f"{BKP}Path")).endswith(
            ("Adm\\*.*", "Scripts", "Shutdown", "Startup")
        )
        and not str(child.tag).endswith("}Group")
    ]


BKP = "{http://www.microsoft.com/GroupPolicy/GPOOperations}"


@pytest.mark.parametrize("number", [0, 1])
def test_the_backup_is_built_as_nsas(number: int) -> None:
    """NSA's own two files in our folder give the same elements, but for what names a domain."""
    machine = backups()[number].parent
    real = machine.parents[2]
    (template,) = machine.rglob("GptTmpl.inf")
    registry = (machine / "registry.pol").read_bytes()
    made = backup_files(registry, template.read_bytes(), "AppLocker")
    names = {name.partition("/")[2] for name in made if "/" in name}
    theirs = {str(path.relative_to(real)) for path in real.rglob("*") if path.is_file()}
    assert names == theirs - {"gpreport.xml"}
    identifier = next(iter(made.keys() - {"manifest.xml"})).partition("/")[0]
    for name in ("Backup.xml", "bkupInfo.xml"):
        ours = etree.fromstring(made[f"{identifier}/{name}"])
        other = etree.fromstring((real / name).read_bytes())
        assert (ours.tag, _shape(ours)) == (other.tag, _shape(other))
        path = f".//{BKP}MachineExtensionGuids"
        assert ours.findtext(path) == other.findtext(path)
    manifest = etree.fromstring(made["manifest.xml"])
    (instance,) = manifest
    own = etree.fromstring(made[f"{identifier}/bkupInfo.xml"])
    assert _shape(instance) == _shape(own)
    assert [child.text for child in instance] == [child.text for child in own]
    assert own.findtext(f"{{{own.nsmap[None]}}}ID") == identifier


def test_every_location_in_the_backup_is_a_file_or_folder_in_it() -> None:
    files = {item.name: item.data for item in deployment(POLICY)}
    inside = [name for name in files if name.startswith("deploy/group-policy/backup/{")]
    root = inside[0].split("/")[3]
    start = f"deploy/group-policy/backup/{root}/"
    scheme = etree.fromstring(files[f"{start}Backup.xml"])
    known = [name.lower() for name in inside]
    for element in scheme.iter(f"{BKP}FSObjectFile", f"{BKP}FSObjectDir"):
        place = start + str(element.get(f"{BKP}Location")).replace("\\", "/")
        assert any(name.startswith(place.lower()) for name in known), place
    other = AppLockerPolicy(collections=POLICY.collections[:1])
    assert root not in {part for item in deployment(other) for part in item.name.split("/")}
