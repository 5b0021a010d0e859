"""Group Policy's registry.pol: read, written, and an AppLocker policy in it.

Sources: "Registry Policy File Format" (Microsoft); the keys below SrpV2 as AppLockerPolicy_LGPO.cpp
of AppLockerPolicyTool has them; a backup of NSA's policy, which is made again byte for byte.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lxml import etree

from policyc.model.artifact import Artifact
from policyc.targets.applocker.model import (
    AppLockerPolicy,
    CollectionType,
    EnforcementMode,
    Extensions,
    RuleCollection,
)
from policyc.targets.applocker.parse import parse
from policyc.targets.applocker.xml import rule_element
from policyc.targets.base import ArtifactError

SIGNATURE = b"PReg\x01\0\0\0"
ROOT = "Software\\Policies\\Microsoft\\Windows\\SrpV2"
REG_SZ, REG_DWORD = 1, 4
_MOST_ENTRIES = 200_000
_ORDER = ("Appx", "Dll", "Exe", "Msi", "Script")
_MODES = {EnforcementMode.AUDIT_ONLY: 0, EnforcementMode.ENABLED: 1}
_SERVICES = {"Enabled": 1, "ServicesOnly": 2}
_GUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One value: its key below HKLM, name, type, and bytes."""

    key: str
    name: str
    kind: int
    data: bytes


def is_registry_policy(data: bytes) -> bool:
    """Whether the file begins as a registry.pol."""
    return data.startswith(SIGNATURE)


def read_entries(data: bytes) -> tuple[Entry, ...]:
    """All values in their order; raises ArtifactError with the offset where it is malformed."""
    if not is_registry_policy(data):
        raise ArtifactError("not a registry.pol of version 1")
    found: list[Entry] = []
    at = len(SIGNATURE)
    while at < len(data):
        if len(found) >= _MOST_ENTRIES:
            raise ArtifactError(f"more than {_MOST_ENTRIES:,} values")
        at = _mark(data, at, "[")
        key, at = _text(data, at)
        name, at = _text(data, _mark(data, at, ";"))
        at = _mark(data, at, ";")
        kind, at = _number(data, at)
        size, at = _number(data, _mark(data, at, ";"))
        at = _mark(data, at, ";")
        if at + size > len(data):
            raise ArtifactError(f"a value of {size} bytes at byte {at} leaves the file")
        found.append(Entry(key, name, kind, data[at : at + size]))
        at = _mark(data, at + size, "]")
    return tuple(found)


def _mark(data: bytes, at: int, char: str) -> int:
    if data[at : at + 2] != char.encode("utf-16-le"):
        raise ArtifactError(f"no `{char}` at byte {at}")
    return at + 2


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = at
    while (end := data.find(b"\0\0", end)) >= 0 and (end - at) % 2:
        end += 1
    if end < 0:
        raise ArtifactError(f"a text at byte {at} has no end")
    return data[at:end].decode("utf-16-le", "replace"), end + 2


def _number(data: bytes, at: int) -> tuple[int, int]:
    if at + 4 > len(data):
        raise ArtifactError(f"the file ends at byte {at}")
    return int(struct.unpack_from("<I", data, at)[0]), at + 4


def write_entries(entries: Iterable[Entry]) -> bytes:
    """The file for these values, in this order."""
    parts = [SIGNATURE]
    semicolon = ";".encode("utf-16-le")
    for item in entries:
        parts += [
            f"[{item.key}\0;{item.name}\0;".encode("utf-16-le"),
            struct.pack("<I", item.kind),
            semicolon,
            struct.pack("<I", len(item.data)),
            semicolon,
            item.data,
            "]".encode("utf-16-le"),
        ]
    return b"".join(parts)


def entries_of(policy: AppLockerPolicy) -> tuple[Entry, ...]:
    """The values of a policy: collections by name, the mode first, rules by id.

    ManagedInstaller has no place in them that is documented and is left out.
    """
    found: list[Entry] = []
    by_name = {item.type.value: item for item in policy.collections}
    for name in _ORDER:
        own = by_name.get(name)
        if own is not None:
            found += _collection(f"{ROOT}\\{name}", own)
    return tuple(found)


def _collection(key: str, own: RuleCollection) -> Iterator[Entry]:
    if own.extensions is not None and own.extensions.system_apps is not None:
        yield _dword(key, "AllowWindows", int(own.extensions.system_apps == "Enabled"))
    if own.mode in _MODES:
        yield _dword(key, "EnforcementMode", _MODES[own.mode])
    if own.extensions is not None and own.extensions.services in _SERVICES:
        yield _dword(key, "ServiceEnforcementMode", _SERVICES[own.extensions.services])
    for rule in sorted(own.rules, key=lambda item: item.id):
        text = etree.tostring(rule_element(rule), encoding="unicode")
        yield Entry(f"{key}\\{rule.id}", "Value", REG_SZ, f"{text}\r\n\0".encode("utf-16-le"))


def _dword(key: str, name: str, value: int) -> Entry:
    return Entry(key, name, REG_DWORD, struct.pack("<I", value))


def policy_of(entries: Iterable[Entry]) -> AppLockerPolicy:
    """The AppLocker policy among the values of a file; raises ArtifactError."""
    rules: dict[str, list[str]] = {}
    numbers: dict[tuple[str, str], int] = {}
    for item in entries:
        if not item.key.lower().startswith(f"{ROOT}\\".lower()):
            continue
        name, _, identifier = item.key[len(ROOT) + 1 :].partition("\\")
        if item.kind == REG_DWORD and len(item.data) == 4:
            numbers[name, item.name] = struct.unpack("<I", item.data)[0]
            rules.setdefault(name, [])
        elif item.kind == REG_SZ and item.name == "Value" and _GUID.fullmatch(identifier):
            text = item.data.decode("utf-16-le", "replace").rstrip("\0")
            rules.setdefault(name, []).append(text.strip())
    if not rules:
        raise ArtifactError("no AppLocker policy in this registry.pol")
    collections = tuple(
        _read_collection(name, texts, numbers) for name, texts in sorted(rules.items())
    )
    return AppLockerPolicy(collections=collections)


def _read_collection(
    name: str, texts: list[str], numbers: dict[tuple[str, str], int]
) -> RuleCollection:
    if name not in {item.value for item in CollectionType}:
        raise ArtifactError(f"{name!r} is no rule collection")
    body = "".join(texts)
    data = f'<RuleCollection Type="{name}">{body}</RuleCollection>'.encode()
    (own,) = parse((Artifact(name=name, data=data, media_type=""),)).collections
    modes = {value: mode for mode, value in _MODES.items()}
    services = {value: word for word, value in _SERVICES.items()}
    number = numbers.get((name, "ServiceEnforcementMode"))
    allow = numbers.get((name, "AllowWindows"))
    extensions = None
    if number is not None or allow is not None:
        extensions = Extensions(
            services=services.get(number or 0, "NotConfigured"),
            system_apps="Enabled" if allow else "NotEnabled",
        )
    mode = modes.get(numbers.get((name, "EnforcementMode"), -1), EnforcementMode.NOT_CONFIGURED)
    return replace(own, mode=mode, extensions=extensions)
