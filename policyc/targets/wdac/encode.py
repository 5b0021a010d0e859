"""A layout to the bytes of a compiled policy."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from policyc.targets.wdac.layout import (
    BODY_OFFSET,
    RawAppSetting,
    RawGroup,
    RawPolicy,
    RawReference,
    RawRule,
    RawSetting,
    RawSigner,
)

_NO_TEXT = bytes(8)


def encode(policy: RawPolicy) -> bytes:
    """The bytes of a policy in its format; struct.error if a number does not fit its field."""
    out: list[bytes] = [
        _u32(policy.format),
        policy.type_id,
        policy.platform_id,
        _u32(policy.flags),
        _u32(len(policy.ekus)),
        _u32(len(policy.rules)),
        _u32(len(policy.signers)),
        _u32(len(policy.scenarios)),
        _u64(policy.version),
        _u32(BODY_OFFSET),
    ]
    out += [_blob(item) for item in policy.ekus]
    out += [_rule(item) for item in policy.rules]
    out += [_signer(item) for item in policy.signers]
    out += [_indices(policy.update_signers), _indices(policy.ci_signers)]
    for scenario in policy.scenarios:
        out += [_u32(scenario.value), _indices(scenario.inherited), _u32(scenario.minimum_hash)]
        out += [_group(item) for item in scenario.groups]
    out += [_u32(policy.hvci), _u32(len(policy.settings))]
    out += [_setting(item) for item in policy.settings]
    _blocks(policy, out)
    out.append(_u32(policy.format + 1))
    return b"".join(out)


def _blocks(policy: RawPolicy, out: list[bytes]) -> None:
    """The tagged blocks that formats added one after the other."""
    form, rules = policy.format, policy.rules
    out.append(_u32(3))
    out += [_u64(item.high) + _texts(item.app_ids) for item in rules]
    out += [_u64(item.sign_time_after) for item in policy.signers]
    out.append(_u32(4))
    out += [
        _text(item.internal_name) + _text(item.file_description) + _text(item.product_name)
        for item in rules
    ]
    out.append(_u32(5))
    out += [_text(item.package_family) + _u64(item.package_version) for item in rules]
    if form >= 6:
        out += [_u32(6), policy.policy_id, policy.base_policy_id]
        out.append(_indices(policy.supplemental_signers))
    if form >= 7:
        out.append(_u32(7))
        out += [_text(item.file_path) for item in rules]
    if form >= 8:
        out += [_u32(8), _u32(len(policy.apps))]
        for name, settings in policy.apps:
            out += [_text(name), _u32(len(settings)), *(_app_setting(item) for item in settings)]
    _unproved_blocks(policy, out)


def _unproved_blocks(policy: RawPolicy, out: list[bytes]) -> None:
    form = policy.format
    if form >= 9:
        out += [_u32(9), _u32(len(policy.hotpatches))]
        out += [struct.pack("<4I", *item) for item in policy.hotpatches]
    if form >= 10:
        out += [_u32(10), _u32(len(policy.artifacts))]
        for item in policy.artifacts:
            out += [_u32(item.type), _u32(item.action), _text(item.name), _text(item.description)]
            out += [_u64(item.low), _u64(item.high), _blob(item.hash)]
        out.append(_numbered(policy.signer_artifacts))
        out += [_group(item.artifact) for item in policy.scenarios]
    if form >= 11:
        out += [_u32(11), _numbered(policy.except_ekus)]


def _u32(number: int) -> bytes:
    return struct.pack("<I", number)


def _u64(number: int) -> bytes:
    return struct.pack("<Q", number)


def _blob(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data + bytes(-len(data) & 3)


def _text(text: str | None) -> bytes:
    """Nothing, and nothing but white space, is no text."""
    if text is None or not text.strip():
        return _NO_TEXT
    return _blob(text.encode("utf-16-le")) + bytes(4)


def _texts(texts: Iterable[str | None]) -> bytes:
    found = [_text(item) for item in texts]
    return struct.pack("<I", len(found)) + b"".join(found)


def _indices(numbers: tuple[int, ...]) -> bytes:
    return struct.pack(f"<{len(numbers) + 1}I", len(numbers), *numbers)


def _numbered(items: tuple[tuple[int, tuple[int, ...]], ...]) -> bytes:
    parts = [_u32(number) + _indices(indices) for number, indices in items]
    return _u32(len(items)) + b"".join(parts)


def _rule(rule: RawRule) -> bytes:
    return _u32(rule.type) + _text(rule.file_name) + _u64(rule.low) + _blob(rule.hash)


def _signer(signer: RawSigner) -> bytes:
    if isinstance(signer.root, bytes):
        root = _u32(0) + _blob(signer.root)
    else:
        root = _u32(1) + _u32(signer.root)
    names = _text(signer.issuer) + _text(signer.publisher) + _text(signer.oem_id)
    return root + _indices(signer.ekus) + names + _indices(signer.file_attribs)


def _references(references: tuple[RawReference, ...]) -> bytes:
    parts = [_u32(item.signer) + _indices(item.exceptions) for item in references]
    return _u32(len(references)) + b"".join(parts)


def _group(group: RawGroup) -> bytes:
    return _references(group.allowed) + _references(group.denied) + _indices(group.rules)


def _setting(setting: RawSetting) -> bytes:
    value = setting.value
    if isinstance(value, int):
        data = _u32(value)
    else:
        data = _blob(value) if isinstance(value, bytes) else _text(value)
    names = _text(setting.provider) + _text(setting.key) + _text(setting.name)
    return names + _u32(setting.type) + data


def _app_setting(setting: RawAppSetting) -> bytes:
    value = setting.value
    if isinstance(value, int):
        data = bytes([value])
    else:
        data = _texts(value) if isinstance(value, tuple) else _text(value)
    return _text(setting.name) + bytes([setting.type]) + data + _u32(setting.audit)
