"""The binary: what is written is read back, and hostile bytes are refused in bounded time."""

from __future__ import annotations

import contextlib
import dataclasses
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyc.model.artifact import Artifact
from policyc.targets.base import ArtifactError
from policyc.targets.wdac.build import build
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.encode import encode
from policyc.targets.wdac.layout import (
    RawAppSetting,
    RawArtifact,
    RawGroup,
    RawPolicy,
    RawReference,
    RawRule,
    RawScenario,
    RawSetting,
    RawSigner,
)
from policyc.targets.wdac.parse import parse
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.restore import restore
from policyc.targets.wdac.write import write_xml
from tests.requires import SHARED, absent

COMMON = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
U32 = st.integers(0, 0xFFFFFFFF)
U64 = st.integers(0, (1 << 64) - 1)
WORDS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x1F600, exclude_categories=["Cs", "Cn"]),
    min_size=1,
    max_size=12,
).filter(lambda text: text.strip() != "")
TEXTS = st.none() | WORDS
BLOBS = st.binary(max_size=40)


def indices(count: int) -> st.SearchStrategy[tuple[int, ...]]:
    if not count:
        return st.just(())
    return st.lists(st.integers(0, count - 1), max_size=3).map(tuple)


def groups(signers: int, rules: int) -> st.SearchStrategy[RawGroup]:
    references: st.SearchStrategy[tuple[RawReference, ...]] = st.just(())
    if signers:
        one = st.builds(RawReference, st.integers(0, signers - 1), indices(rules))
        references = st.lists(one, max_size=2).map(tuple)
    return st.builds(RawGroup, references, references, indices(rules))


@st.composite
def layouts(draw: st.DrawFn) -> RawPolicy:
    """Any policy its format can hold."""
    form = draw(st.integers(5, 11))
    path = TEXTS if form >= 7 else st.none()
    rule = st.builds(
        RawRule,
        st.integers(0, 2),
        TEXTS,
        U64,
        BLOBS,
        U64,
        st.lists(TEXTS, max_size=2).map(tuple),
        TEXTS,
        TEXTS,
        TEXTS,
        TEXTS,
        U64,
        path,
    )
    ekus = tuple(draw(st.lists(BLOBS, max_size=2)))
    rules = tuple(draw(st.lists(rule, max_size=4)))
    signer = st.builds(
        RawSigner, BLOBS | U32, indices(len(ekus)), TEXTS, TEXTS, TEXTS, indices(len(rules)), U64
    )
    signers = tuple(draw(st.lists(signer, max_size=3)))
    group = groups(len(signers), len(rules))
    scenario = st.builds(
        RawScenario, U32, st.just(()), U32, st.tuples(group, group, group), st.just(RawGroup())
    )
    value = st.one_of(
        st.tuples(st.integers(0, 1), U32),
        st.tuples(st.just(2), BLOBS),
        st.tuples(st.just(3), TEXTS),
    )
    setting = st.builds(
        lambda names, typed: RawSetting(*names, *typed), st.tuples(TEXTS, TEXTS, TEXTS), value
    )
    app_setting = st.one_of(
        st.builds(RawAppSetting, TEXTS, st.integers(0, 1), st.integers(0, 255), U32),
        st.builds(RawAppSetting, TEXTS, st.just(3), TEXTS, U32),
        st.builds(RawAppSetting, TEXTS, st.just(4), st.lists(TEXTS, max_size=2).map(tuple), U32),
    )
    app = st.tuples(TEXTS, st.lists(app_setting, max_size=2).map(tuple))
    artifact = st.builds(RawArtifact, U32, U32, TEXTS, TEXTS, U64, U64, BLOBS)
    guid = st.binary(min_size=16, max_size=16)
    late = form >= 6
    return RawPolicy(
        format=form,
        type_id=draw(guid),
        platform_id=draw(guid),
        flags=draw(U32),
        version=draw(U64),
        ekus=ekus,
        rules=rules,
        signers=signers,
        update_signers=draw(indices(len(signers))),
        ci_signers=draw(indices(len(signers))),
        scenarios=tuple(draw(st.lists(scenario, max_size=2))),
        hvci=draw(U32),
        settings=tuple(draw(st.lists(setting, max_size=3))),
        policy_id=draw(guid) if late else bytes(16),
        base_policy_id=draw(guid) if late else bytes(16),
        supplemental_signers=draw(indices(len(signers))) if late else (),
        apps=tuple(draw(st.lists(app, max_size=2))) if form >= 8 else (),
        artifacts=tuple(draw(st.lists(artifact, max_size=2))) if form >= 10 else (),
    )


@pytest.mark.slow
@COMMON
@given(layout=layouts())
def test_what_is_encoded_decodes_to_itself(layout: RawPolicy) -> None:
    assert decode(encode(layout)) == layout


@COMMON
@given(layout=layouts())
def test_a_binary_and_the_policy_in_it_mean_the_same(layout: RawPolicy) -> None:
    """Compiled once, a policy comes back the same however often it goes to and fro."""
    plain = dataclasses.replace(
        layout,
        format=7,
        apps=(),
        artifacts=(),
        rules=tuple(dataclasses.replace(item, app_ids=()) for item in layout.rules),
        signers=tuple(
            dataclasses.replace(item, root=b"\1", file_attribs=(), sign_time_after=0)
            for item in layout.signers
        ),
        scenarios=tuple(
            RawScenario(number, (), 0x800C, (group_of_kinds(layout, item.groups[0]),) * 3)
            for number, item in zip((12, 131), layout.scenarios, strict=False)
        ),
        settings=(),
    )
    once = build(restore(plain))
    again = restore(decode(once))
    assert build(again) == once
    document = read_xml(write_xml(again))
    assert document.policy == again
    assert build(document.policy) == once


def group_of_kinds(layout: RawPolicy, group: RawGroup) -> RawGroup:
    """The group with only the references that XML can hold."""
    rules = tuple(item for item in group.rules if layout.rules[item].type < 2)
    allowed = tuple(RawReference(item.signer) for item in group.allowed)
    return RawGroup(allowed, tuple(RawReference(item.signer) for item in group.denied), rules)


def real_binary() -> bytes:
    paths = sorted((SHARED / "wdac" / "binaries").glob("*"), key=lambda path: path.stat().st_size)
    if not paths:
        absent("test data wdac/binaries")
    return unwrap(paths[len(paths) // 3].read_bytes()).body


@COMMON
@given(data=st.data())
def test_mutated_binaries_are_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(real_binary())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + 4] = data.draw(
            st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\x10", b""])
            | st.binary(min_size=1, max_size=4)
        )
    with contextlib.suppress(ArtifactError, ValueError):
        write_xml(restore(decode(bytes(body))))
    with contextlib.suppress(ArtifactError):
        parse((Artifact(name="x", data=bytes(body), media_type="x"),))


@COMMON
@given(head=st.sampled_from([b"", b"\7\0\0\0", b"0\x82", b"<", b"<SiPolicy"]), tail=st.binary())
def test_noise_is_refused(head: bytes, tail: bytes) -> None:
    with pytest.raises(ArtifactError):
        parse((Artifact(name="x", data=head + tail, media_type="x"),))


@pytest.mark.parametrize("at", range(0x28, 0x38, 4))
def test_a_count_beyond_the_file_costs_no_memory(at: int) -> None:
    body = bytearray(real_binary())
    body[at : at + 4] = b"\xff\xff\xff\x7f"
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError):
            decode(bytes(body))
        assert tracemalloc.get_traced_memory()[1] < 64 * len(body) + (1 << 20)
    finally:
        tracemalloc.stop()
