"""A policy to the layout of its binary, as ConvertFrom-CIPolicy does it.

What a binary cannot hold goes: ids, names for people, macros once they are expanded.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterable, Mapping

from policyc.model.version import FileVersion
from policyc.targets.wdac.encode import encode
from policyc.targets.wdac.layout import (
    PROVED,
    RawGroup,
    RawPolicy,
    RawReference,
    RawRule,
    RawScenario,
    RawSetting,
    RawSigner,
)
from policyc.targets.wdac.model import (
    TAGGING,
    USER,
    FileRule,
    FileRuleKind,
    PolicySetting,
    SettingType,
    Signer,
    SignerGroup,
    SignerRef,
    SiPolicy,
)
from policyc.targets.wdac.options import ALWAYS_SET, BITS, SUPPLEMENTAL_BIT, Option
from policyc.targets.wdac.references import duplicate_ids, wrong_references

DEFAULT_FORMAT = 7
"""Loads from Windows 1903 on; what ConfigCI wrote from 2020 to 2024."""
FORMATS = (6, 7, 8)
"""Formats that are written; 6 has no path rules, 8 is what builds of 2025 write."""
REMAPPING = ("Microsoft", "PolicySettings", "DisabledDefaultWindowsCertificateRemappingValueName")
"""The setting that stands for an option without a bit."""
_TYPES = {FileRuleKind.DENY: 0, FileRuleKind.ALLOW: 1, FileRuleKind.ATTRIBUTE: 2}
_SETTING_TYPES = {
    SettingType.BOOLEAN: 0,
    SettingType.DWORD: 1,
    SettingType.BINARY: 2,
    SettingType.STRING: 3,
}
_ALL = (1 << 64) - 1
_SHA256 = 0x800C
_TAGGING_FLAGS = (
    Option.AUDIT_MODE,
    Option.UMCI,
    Option.STORE_APPLICATIONS,
    Option.ADVANCED_BOOT_MENU,
    Option.NO_SCRIPT_ENFORCEMENT,
)
_EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)

Sort = Callable[[list[FileRule]], list[FileRule]]


class BuildError(Exception):
    """A policy that cannot be compiled; ``line`` is where, or 0."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def binary_name(policy: SiPolicy) -> str:
    """The file name Windows looks for: ``{PolicyID}.cip``, or ``SiPolicy.p7b`` in the old format.

    Source: "Deploy App Control policies".
    """
    return "SiPolicy.p7b" if policy.is_legacy else f"{_braced(policy.own_id)}.cip"


def build(
    policy: SiPolicy, format_version: int = DEFAULT_FORMAT, sort: Sort | None = None
) -> bytes:
    """The bytes Windows loads; BuildError for what no proved format can say."""
    return encode(layout_of(policy, format_version, sort))


def layout_of(
    policy: SiPolicy, format_version: int = DEFAULT_FORMAT, sort: Sort | None = None
) -> RawPolicy:
    """The layout in a format of 6 to 8 (5 for tests); ``sort`` replaces the stable sort by key."""
    _check(policy, format_version)
    rules = sort(list(policy.file_rules)) if sort else sorted(policy.file_rules, key=rule_key)
    rule_at = {item.id: number for number, item in enumerate(rules)}
    signer_at = {item.id: number for number, item in enumerate(policy.signers)}
    eku_at = {item.id: number for number, item in enumerate(policy.ekus)}
    scenario_at = {item.id: number for number, item in enumerate(policy.scenarios)}
    macros = dict(policy.macros)
    own = _guid(policy.policy_id or policy.own_id)
    base = _guid(policy.base_policy_id or policy.policy_id or policy.own_id)
    tagging = policy.policy_type == TAGGING
    ci_signers = policy.ci_signers
    if tagging and not ci_signers:
        ci_signers = tuple(item.id for item in policy.signers)

    def group(item: SignerGroup | None) -> RawGroup:
        return _group(item or SignerGroup(), signer_at, rule_at)

    return RawPolicy(
        format=format_version,
        type_id=_guid(policy.policy_type_id) if policy.policy_type_id else base,
        platform_id=_guid(policy.platform_id),
        flags=_flags(policy),
        version=policy.version.value,
        ekus=tuple(bytes.fromhex(item.value) for item in policy.ekus),
        rules=tuple(_rule(item, macros) for item in rules),
        signers=tuple(_signer(item, eku_at, rule_at) for item in policy.signers),
        update_signers=tuple(signer_at[item] for item in policy.update_signers),
        ci_signers=tuple(signer_at[item] for item in ci_signers),
        scenarios=tuple(
            RawScenario(
                item.value,
                tuple(scenario_at[name] for name in item.inherited),
                _SHA256 if item.minimum_hash is None else item.minimum_hash,
                (group(item.product), group(item.test), group(item.test_signing)),
            )
            for item in policy.scenarios
        ),
        hvci=policy.hvci or 0,
        settings=_settings(policy),
        policy_id=own if format_version >= 6 else bytes(16),
        base_policy_id=base if format_version >= 6 else bytes(16),
        supplemental_signers=tuple(signer_at[item] for item in policy.supplemental_signers),
    )


def _check(policy: SiPolicy, form: int) -> None:
    if not 5 <= form <= PROVED:
        raise BuildError(f"format {form} is not written; possible: 6, 7, 8")
    twice = duplicate_ids(policy)
    if twice:
        raise BuildError(f"the ID {twice[0]} stands for two things")
    for name, what in wrong_references(policy):
        raise BuildError(f"a reference to {name}, which is not {what}")
    if policy.extra_options:
        raise BuildError(f"the option {policy.extra_options[0]!r} is not known")
    if policy.artifact_rules or policy.app_settings:
        raise BuildError("artifact rules and application settings are not proved, so not written")
    for rule in policy.file_rules:
        if rule.extras:
            raise BuildError(f"{rule.id} has the attribute {rule.extras[0][0]}", rule.line)
        if rule.hotpatch:
            raise BuildError(f"{rule.id}: hotpatch rules are not proved, so not written", rule.line)
        if form < 7 and rule.file_path is not None:
            raise BuildError(f"{rule.id}: path rules need format 7", rule.line)
    for signer in policy.signers:
        if signer.except_ekus or signer.artifacts:
            raise BuildError(
                f"{signer.id}: excepted EKUs and artifact rules are not proved, so not written",
                signer.line,
            )
        if signer.well_known and len(signer.root) != 2:
            raise BuildError(f"{signer.id}: a well-known root has one byte", signer.line)


def rule_key(rule: FileRule) -> tuple[object, ...]:
    """The order of file rules in a binary: type, names without case, hash."""
    return (
        _TYPES[rule.kind],
        _folded(rule.file_name),
        _folded(rule.internal_name),
        _folded(rule.file_description),
        _folded(rule.product_name),
        _folded(rule.package_family),
        _folded(rule.file_path),
        rule.hash or "",
    )


def _folded(text: str | None) -> tuple[int, bytes]:
    """OrdinalIgnoreCase: UTF-16 units of the upper-case text, one unit for one; None is least."""
    if text is None:
        return 0, b""
    if text.isascii():
        upper = text.upper()
    else:
        upper = "".join(up if len(up := char.upper()) == 1 else char for char in text)
    return 1, upper.encode("utf-16-be", "surrogatepass")


def _flags(policy: SiPolicy) -> int:
    flags = ALWAYS_SET
    options = set(policy.options)
    if policy.policy_type == TAGGING:
        options.update(_TAGGING_FLAGS)
    for option in options:
        flags |= BITS.get(option, 0)
    return flags | (SUPPLEMENTAL_BIT if policy.is_supplemental else 0)


def _value(version: FileVersion | None) -> int:
    return 0 if version is None else version.value


def _rule(rule: FileRule, macros: Mapping[str, str]) -> RawRule:
    """A deny without bounds holds the opposite of a range: everything up to the highest."""
    low, high = _value(rule.low), _value(rule.high)
    if rule.kind is FileRuleKind.DENY and rule.low is None and rule.high is None:
        low = _ALL
    return RawRule(
        _TYPES[rule.kind],
        _some(rule.file_name),
        low,
        bytes.fromhex(rule.hash or ""),
        high,
        _app_ids(rule, macros),
        _some(rule.internal_name),
        _some(rule.file_description),
        _some(rule.product_name),
        _some(rule.package_family),
        _value(rule.package_version),
        _some(rule.file_path),
    )


def _some(text: str | None) -> str | None:
    return text if text and text.strip() else None


def _app_ids(rule: FileRule, macros: Mapping[str, str]) -> tuple[str | None, ...]:
    if not rule.app_ids:
        return ()
    if not rule.app_ids.startswith("$"):
        return (rule.app_ids,)
    names = re.findall(r"\$\(([^()]*)\)", rule.app_ids)
    missing = [name for name in names if name not in macros]
    if missing:
        raise BuildError(f"{rule.id}: there is no macro {missing[0]!r}", rule.line)
    return tuple(macros[name] for name in names)


def _signer(signer: Signer, ekus: Mapping[str, int], rules: Mapping[str, int]) -> RawSigner:
    root = bytes.fromhex(signer.root)
    return RawSigner(
        root[0] if signer.well_known else root,
        tuple(ekus[item] for item in signer.ekus),
        _some(signer.issuer),
        _some(signer.publisher),
        _some(signer.oem_id),
        tuple(rules[item] for item in signer.file_attribs),
        _file_time(signer),
    )


def _file_time(signer: Signer) -> int:
    """100 ns since 1601; no public pair has one, so that it is UTC is inferred."""
    if signer.sign_time_after is None:
        return 0
    try:
        time = dt.datetime.fromisoformat(signer.sign_time_after)
    except ValueError as error:
        raise BuildError(f"{signer.id}: SignTimeAfter is no date and time", signer.line) from error
    if time.tzinfo is None:
        time = time.replace(tzinfo=dt.UTC)
    if time < _EPOCH:
        raise BuildError(f"{signer.id}: SignTimeAfter lies before 1601", signer.line)
    return (time - _EPOCH) // dt.timedelta(microseconds=1) * 10


def _group(group: SignerGroup, signers: Mapping[str, int], rules: Mapping[str, int]) -> RawGroup:
    def references(items: Iterable[SignerRef]) -> tuple[RawReference, ...]:
        return tuple(
            RawReference(signers[item.signer], tuple(rules[name] for name in item.exceptions))
            for item in items
        )

    listed = tuple(sorted(rules[item] for item in group.rules))
    return RawGroup(references(group.allowed), references(group.denied), listed)


def _settings(policy: SiPolicy) -> tuple[RawSetting, ...]:
    found = [_setting(item) for item in policy.settings]
    if Option.NO_CERTIFICATE_REMAPPING in policy.options:
        found.append(RawSetting(*REMAPPING, 0, 1))
    for scenario in policy.scenarios:
        tags = scenario.app_id_tags
        if policy.policy_type != TAGGING or scenario.value != USER or tags is None:
            continue
        place = ("WDACAppId", "TaggingSettings")
        found.append(RawSetting(*place, "DefaultPolicy", 0, 1))
        found.append(RawSetting(*place, "EnforceDLL", 0, int(bool(tags.enforce_dll))))
        found += [RawSetting("WDACAppId", "Tagging", key, 3, value) for key, value in tags.tags]
    found.sort(key=lambda item: (_folded(item.provider), _folded(item.key), _folded(item.name)))
    return tuple(found)


def _setting(setting: PolicySetting) -> RawSetting:
    value: int | bytes | str | None
    try:
        match setting.type:
            case SettingType.BOOLEAN:
                value = int(setting.value in ("true", "1"))
            case SettingType.DWORD:
                value = int(setting.value)
            case SettingType.BINARY:
                value = bytes.fromhex(setting.value)
            case SettingType.STRING:
                value = _some(setting.value)
    except ValueError as error:
        raise BuildError(f"the setting {setting.name} has no usable value", setting.line) from error
    names = (_some(setting.provider), _some(setting.key), _some(setting.name))
    return RawSetting(*names, _SETTING_TYPES[setting.type], value)


def _guid(text: str) -> bytes:
    try:
        return uuid.UUID(text.strip("{}")).bytes_le
    except ValueError as error:
        raise BuildError(f"{text[:60]!r} is no GUID") from error


def _braced(text: str) -> str:
    try:
        return "{" + str(uuid.UUID(text.strip("{}"))).upper() + "}"
    except ValueError as error:
        raise BuildError(f"{text[:60]!r} is no GUID") from error
