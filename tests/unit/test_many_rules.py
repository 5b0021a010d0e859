"""What is done for long lists changes nothing but the time and the memory they take."""

from __future__ import annotations

import copy
import gc
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from policyc.diff.proof import digests_of, may_concern
from policyc.model.artifact import Artifact
from policyc.model.identity import AuthenticodeSha256, CdHash, PageHash, Sha256Flat, TbsHash
from policyc.model.ir import NAMESPACE, AllOf, Atom, AtPath, Effect, HasHash, Rule, canonical
from policyc.model.path import PathPattern
from policyc.targets import load_target
from policyc.targets.applocker import tree
from policyc.targets.base import ArtifactError
from policyc.targets.santa.formats import plist

FIRST, SECOND, THIRD = (Sha256Flat(digit * 64) for digit in "abc")
IMAGE = AuthenticodeSha256("a" * 64)
FOLDER = AtPath(PathPattern("/opt/**"))


def rule(*atoms: Atom, unless: tuple[Atom, ...] = (), effect: Effect = Effect.PERMIT) -> Rule:
    branches = frozenset({AllOf(frozenset(unless))}) if unless else frozenset[AllOf]()
    return Rule(effect=effect, match=AllOf(frozenset(atoms)), unless=branches)


def test_an_id_is_the_uuid_of_the_meaning_whenever_it_is_asked_for() -> None:
    own = rule(HasHash(FIRST))
    other = replace(own, name="called otherwise")
    assert own.id.value == str(uuid.uuid5(NAMESPACE, canonical(own)))
    assert own.id is own.id
    assert own == other
    assert hash(own) == hash(other)
    assert own.id == other.id
    assert replace(own, effect=Effect.FORBID).id != own.id
    assert copy.deepcopy(own).id == own.id
    with pytest.raises(AttributeError, match="ids"):
        _ = getattr(own, "ids")  # noqa: B009


@pytest.mark.parametrize(
    ("unless", "principals", "text"),
    [
        ((), frozenset[str](), "unless\x1fcollections"),
        ((FOLDER,), frozenset({"b", "a"}), "unless\x1fAtPath\x1epattern=/opt/**\x1fcollections"),
    ],
)
def test_the_meaning_of_a_digest_is_written_as_ever(
    unless: tuple[Atom, ...], principals: frozenset[str], text: str
) -> None:
    own = replace(rule(HasHash(FIRST), unless=unless), principals=principals)
    head = f"permit\x1fHasHash\x1edigest=Sha256Flat:{'a' * 64}\x1f{text}\x1fdriver"
    assert canonical(own).startswith(head)
    tail = ["platforms", "linux", "macos", "windows", "principals", *sorted(principals)]
    assert canonical(own).endswith("\x1f".join(tail))


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (rule(HasHash(SECOND)), False),
        (rule(HasHash(FIRST)), True),
        (rule(HasHash(IMAGE)), True),  # the same digits: a guess costs nothing
        (rule(FOLDER), True),
        (rule(), True),
        (rule(HasHash(SECOND), FOLDER), False),
        (rule(HasHash(SECOND), HasHash(FIRST)), True),
        (rule(HasHash(SECOND), HasHash(THIRD)), False),
        (rule(HasHash(SECOND), unless=(HasHash(FIRST),)), True),
    ],
)
def test_only_rules_for_other_digests_are_left_out(other: Rule, *, kept: bool) -> None:
    changed = [rule(HasHash(FIRST)), rule(FOLDER)]
    assert digests_of(changed) == {"a" * 64}
    assert may_concern([other], digests_of(changed)) == ([other] if kept else [])


@pytest.mark.parametrize("kind", [Sha256Flat, AuthenticodeSha256, PageHash, TbsHash])
def test_a_digest_is_lower_case_and_hexadecimal(kind: type[Sha256Flat]) -> None:
    assert kind("A" * 64) == kind("a" * 64)
    assert kind("aB" * 32).value == "ab" * 32
    for wrong in ("g" * 64, "a" * 63, "a" * 64 + "\n", "İ" * 64, "٣" * 64, ""):
        with pytest.raises(ValueError, match="hexadecimal digits"):
            kind(wrong)
    with pytest.raises(ValueError, match="CdHash is 40"):
        CdHash("a" * 64)


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def living(kind: type) -> int:
    return sum(type(item) is kind for item in gc.get_objects())


def test_trees_are_freed_without_a_collector() -> None:
    broken = b"<AppLockerPolicy><RuleCollection>"
    with no_collector():
        before = living(tree.Node), living(plist._Reader)
        assert tree.load(b"<AppLockerPolicy><RuleCollection/></AppLockerPolicy>").children
        assert plist.read_plist(b"<plist><dict><key>a</key><string>b</string></dict></plist>").value
        with pytest.raises(ArtifactError, match="no element found"):
            tree.load(broken)
        assert (living(tree.Node), living(plist._Reader)) == before


OTHERS = {
    "wdac": (b"<other>" + b" " * (1 << 17) + b"</other>", "<other> is no SiPolicy"),
    "applocker": (b"<other>" + b"<unfinished>", "<other> is no AppLockerPolicy"),
    "santa": (b"<other></other>", "it has no dictionary"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_document_of_something_else_is_refused_early(name: str) -> None:
    data, why = OTHERS[name]
    artifact = Artifact(name="policy.xml", data=data, media_type="application/xml")
    with pytest.raises(ArtifactError, match=why):
        load_target(name).parse((artifact,))


def test_a_document_type_is_refused_in_a_long_policy_too() -> None:
    data = b"<!DOCTYPE SiPolicy><SiPolicy>" + b" " * (1 << 17) + b"</SiPolicy>"
    artifact = Artifact(name="policy.xml", data=data, media_type="application/xml")
    with pytest.raises(ArtifactError, match="document type"):
        load_target("wdac").parse((artifact,))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_profile_is_read_in_every_encoding(encoding: str) -> None:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><plist version="1.0"><dict>'
        "<key>PayloadContent</key><array><dict><key>PayloadType</key>"
        "<string>com.northpolesec.santa</string></dict></array></dict></plist>"
    )
    artifact = Artifact(name="p.mobileconfig", data=text.encode(encoding), media_type="")
    assert load_target("santa").parse((artifact,)).rules == ()
