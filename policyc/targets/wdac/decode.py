"""A compiled policy's bytes to its layout: every count is checked against what is left."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from policyc.targets.base import ArtifactError
from policyc.targets.wdac.layout import (
    BODY_OFFSET,
    NEWEST,
    OLDEST,
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

T = TypeVar("T")
LIMIT = 256 << 20
"""Bytes of a binary that are read."""
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


def decode(data: bytes) -> RawPolicy:
    """Read a raw policy of format 5 to 11; ArtifactError says at which offset it fails."""
    if len(data) > LIMIT:
        raise ArtifactError(f"more than {LIMIT >> 20} MiB are not read")
    reader = _Reader(data)
    form = reader.u32()
    if not OLDEST <= form <= NEWEST:
        raise ArtifactError(f"is no compiled policy of format {OLDEST} to {NEWEST}")
    type_id, platform_id, flags = reader.take(16), reader.take(16), reader.u32()
    counts = [reader.u32() for _ in range(4)]
    version = reader.u64()
    if reader.u32() != BODY_OFFSET:
        raise reader.wrong("the header does not end where it should")
    ekus = reader.several(counts[0], 4, reader.blob)
    rules = reader.several(counts[1], 24, reader.rule)
    signers = reader.several(counts[2], 40, reader.signer)
    policy = RawPolicy(
        format=form,
        type_id=type_id,
        platform_id=platform_id,
        flags=flags,
        version=version,
        ekus=ekus,
        update_signers=reader.indices(),
        ci_signers=reader.indices(),
        scenarios=reader.several(counts[3], 48, reader.scenario),
        hvci=reader.u32(),
        settings=reader.counted(32, reader.setting),
    )
    policy = _blocks(reader, replace(policy, rules=rules, signers=signers))
    if reader.u32() != form + 1:
        raise reader.wrong("the closing tag is another")
    if reader.left:
        raise reader.wrong(f"{reader.left} bytes follow the end")
    _check_indices(policy)
    return policy


def _blocks(reader: _Reader, policy: RawPolicy) -> RawPolicy:
    """The tagged blocks that formats added one after the other."""
    form = policy.format
    reader.tag(3)
    highs = [(reader.u64(), reader.counted(8, reader.text)) for _ in policy.rules]
    times = [reader.u64() for _ in policy.signers]
    reader.tag(4)
    names = [(reader.text(), reader.text(), reader.text()) for _ in policy.rules]
    reader.tag(5)
    packages = [(reader.text(), reader.u64()) for _ in policy.rules]
    if form >= 6:
        reader.tag(6)
        policy = replace(
            policy,
            policy_id=reader.take(16),
            base_policy_id=reader.take(16),
            supplemental_signers=reader.indices(),
        )
    paths: list[str | None] = [None] * len(policy.rules)
    if form >= 7:
        reader.tag(7)
        paths = [reader.text() for _ in policy.rules]
    rules = tuple(
        RawRule(rule.type, rule.file_name, rule.low, rule.hash, *high, *name, *package, path)
        for rule, high, name, package, path in zip(
            policy.rules, highs, names, packages, paths, strict=True
        )
    )
    signers = tuple(
        replace(signer, sign_time_after=time)
        for signer, time in zip(policy.signers, times, strict=True)
    )
    policy = replace(policy, rules=rules, signers=signers)
    if form >= 8:
        reader.tag(8)
        policy = replace(policy, apps=reader.counted(12, reader.app))
    return _unproved_blocks(reader, policy)


def _unproved_blocks(reader: _Reader, policy: RawPolicy) -> RawPolicy:
    form = policy.format
    if form >= 9:
        reader.tag(9)
        policy = replace(policy, hotpatches=reader.counted(16, reader.hotpatch))
    if form >= 10:
        reader.tag(10)
        artifacts = reader.counted(44, reader.artifact)
        signer_artifacts = reader.counted(8, reader.numbered)
        scenarios = tuple(replace(item, artifact=reader.group()) for item in policy.scenarios)
        policy = replace(
            policy, artifacts=artifacts, signer_artifacts=signer_artifacts, scenarios=scenarios
        )
    if form >= 11:
        reader.tag(11)
        policy = replace(policy, except_ekus=reader.counted(8, reader.numbered))
    return policy


class _Reader:
    """A position in the bytes; whatever is read past the end is an ArtifactError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def wrong(self, what: str) -> ArtifactError:
        return ArtifactError(f"at offset {self._at:#x}: {what}")

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise self.wrong(f"{count} bytes announced, {self.left} left")
        data = self._data[self._at : end]
        self._at = end
        return data

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        if self.left < 4:
            raise self.wrong("ends within a number")
        (value,) = _U32.unpack_from(self._data, self._at)
        self._at += 4
        return int(value)

    def u64(self) -> int:
        if self.left < 8:
            raise self.wrong("ends within a number")
        (value,) = _U64.unpack_from(self._data, self._at)
        self._at += 8
        return int(value)

    def tag(self, number: int) -> None:
        if self.u32() != number:
            raise self.wrong(f"block {number} does not begin here")

    def several(self, count: int, size: int, read: Callable[[], T]) -> tuple[T, ...]:
        """``count`` items of at least ``size`` bytes each: no more than the rest can hold."""
        if count * size > self.left:
            raise self.wrong(f"{count} items announced, {self.left} bytes left")
        return tuple(read() for _ in range(count))

    def counted(self, size: int, read: Callable[[], T]) -> tuple[T, ...]:
        return self.several(self.u32(), size, read)

    def indices(self) -> tuple[int, ...]:
        return self.counted(4, self.u32)

    def blob(self) -> bytes:
        size = self.u32()
        data = self.take(size)
        if any(self.take(-size & 3)):
            raise self.wrong("the padding is not zero")
        return data

    def text(self) -> str | None:
        data = self.blob()
        if self.u32():
            raise self.wrong("a text does not end with zeros")
        if not data:
            return None
        if len(data) % 2:
            raise self.wrong("a text has an odd number of bytes")
        try:
            text = data.decode("utf-16-le")
        except UnicodeDecodeError as error:
            raise self.wrong("a text is not UTF-16") from error
        if "\0" in text or not text.strip():
            raise self.wrong("a text holds a zero, or nothing but white space")
        return text

    def rule(self) -> RawRule:
        return RawRule(self.u32(), self.text(), self.u64(), self.blob())

    def signer(self) -> RawSigner:
        kind = self.u32()
        if kind > 1:
            raise self.wrong(f"a signer's root is of the unknown kind {kind}")
        root = self.blob() if kind == 0 else self.u32()
        ekus = self.indices()
        names = (self.text(), self.text(), self.text())
        return RawSigner(root, ekus, *names, self.indices())

    def reference(self) -> RawReference:
        return RawReference(self.u32(), self.indices())

    def group(self) -> RawGroup:
        allowed = self.counted(8, self.reference)
        return RawGroup(allowed, self.counted(8, self.reference), self.indices())

    def scenario(self) -> RawScenario:
        value, inherited, minimum = self.u32(), self.indices(), self.u32()
        return RawScenario(value, inherited, minimum, (self.group(), self.group(), self.group()))

    def setting(self) -> RawSetting:
        names = (self.text(), self.text(), self.text())
        kind = self.u32()
        readers: tuple[Callable[[], int | bytes | str | None], ...]
        readers = (self.u32, self.u32, self.blob, self.text)
        if kind >= len(readers):
            raise self.wrong(f"a setting has the unknown type {kind}")
        return RawSetting(*names, kind, readers[kind]())

    def app(self) -> tuple[str | None, tuple[RawAppSetting, ...]]:
        return self.text(), self.counted(14, self.app_setting)

    def app_setting(self) -> RawAppSetting:
        name, kind = self.text(), self.u8()
        value: int | str | tuple[str | None, ...] | None
        match kind:
            case 0 | 1:
                value = self.u8()
            case 3:
                value = self.text()
            case 4:
                value = self.counted(8, self.text)
            case _:
                raise self.wrong(f"an application's setting has the unknown type {kind}")
        return RawAppSetting(name, kind, value, self.u32())

    def hotpatch(self) -> tuple[int, int, int, int]:
        return self.u32(), self.u32(), self.u32(), self.u32()

    def artifact(self) -> RawArtifact:
        numbers, names = (self.u32(), self.u32()), (self.text(), self.text())
        return RawArtifact(*numbers, *names, self.u64(), self.u64(), self.blob())

    def numbered(self) -> tuple[int, tuple[int, ...]]:
        return self.u32(), self.indices()


def _check_indices(policy: RawPolicy) -> None:
    """Every index leads somewhere, and every file rule is of a known type."""
    if any(rule.type > 2 for rule in policy.rules):
        raise ArtifactError("a file rule is neither Deny, Allow nor FileAttrib")
    signers, rules = len(policy.signers), len(policy.rules)
    for group in (group for item in policy.scenarios for group in item.groups):
        for reference in (*group.allowed, *group.denied):
            _within((reference.signer,), signers, "signer")
            _within(reference.exceptions, rules, "file rule")
        _within(group.rules, rules, "file rule")
    for signer in policy.signers:
        _within(signer.ekus, len(policy.ekus), "EKU")
        _within(signer.file_attribs, rules, "file rule")
    for scenario in policy.scenarios:
        _within(scenario.inherited, len(policy.scenarios), "scenario")
        for reference in (*scenario.artifact.allowed, *scenario.artifact.denied):
            _within((reference.signer,), signers, "signer")
        _within(scenario.artifact.rules, len(policy.artifacts), "artifact rule")
    for index, ekus in policy.except_ekus:
        _within((index,), signers, "signer")
        _within(ekus, len(policy.ekus), "EKU")
    for index, artifacts in policy.signer_artifacts:
        _within((index,), signers, "signer")
        _within(artifacts, len(policy.artifacts), "artifact rule")
    for base, target, _, _ in policy.hotpatches:
        _within((base, target), rules, "file rule")
    lists = (*policy.update_signers, *policy.ci_signers, *policy.supplemental_signers)
    _within(lists, signers, "signer")


def _within(indices: tuple[int, ...], count: int, what: str) -> None:
    if indices and max(indices) >= count:
        raise ArtifactError(f"refers to {what} {max(indices)}, and there are {count}")
