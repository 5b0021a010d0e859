"""A binary's layout back to a policy.

Ids and names for people are not in it; ids are made of the content.

What the binary cannot tell apart comes back in one spelling: an allow of version 0.0.0.0 and
later is one without a bound.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence

from policyc.model.version import FileVersion
from policyc.targets.wdac.layout import (
    RawGroup,
    RawPolicy,
    RawReference,
    RawRule,
    RawScenario,
    RawSetting,
    RawSigner,
)
from policyc.targets.wdac.model import (
    BASE,
    KERNEL,
    SUPPLEMENTAL,
    TAGGING,
    USER,
    AppIdTags,
    Eku,
    FileRule,
    FileRuleKind,
    PolicySetting,
    Scenario,
    SettingType,
    Signer,
    SignerGroup,
    SignerRef,
    SiPolicy,
)
from policyc.targets.wdac.options import BITS, SUPPLEMENTAL_BIT, Option

_KINDS = (FileRuleKind.DENY, FileRuleKind.ALLOW, FileRuleKind.ATTRIBUTE)
_TYPES = (SettingType.BOOLEAN, SettingType.DWORD, SettingType.BINARY, SettingType.STRING)
_PREFIX = {
    FileRuleKind.DENY: "DENY",
    FileRuleKind.ALLOW: "ALLOW",
    FileRuleKind.ATTRIBUTE: "FILEATTRIB",
}
_SCENARIOS = {
    KERNEL: ("ID_SIGNINGSCENARIO_DRIVERS_1", "Drivers"),
    USER: ("ID_SIGNINGSCENARIO_WINDOWS", "User mode"),
}
_REMAPPING = "DisabledDefaultWindowsCertificateRemappingValueName"
_ALL = (1 << 64) - 1
_SHA256 = 0x800C
_EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
_LAST = (dt.datetime(9999, 1, 1, tzinfo=dt.UTC) - _EPOCH) // dt.timedelta(microseconds=1)


def restore(raw: RawPolicy) -> SiPolicy:
    """The policy a binary holds; the same binary gives the same ids."""
    ids = _Ids()
    ekus = tuple(Eku(id=ids.new("EKU", item), value=item.hex()) for item in raw.ekus)
    rules = tuple(_rule(item, ids) for item in raw.rules)
    excepted = dict(raw.except_ekus)
    signers = tuple(
        _signer(item, ids, ekus, rules, excepted.get(number, ()))
        for number, item in enumerate(raw.signers)
    )
    tags = _tags(raw.settings)
    names = [_scenario_names(item, ids) for item in raw.scenarios]
    settings = [item for item in raw.settings if item.provider != "WDACAppId" or tags is None]
    remapped = [item for item in settings if item.name == _REMAPPING and item.value == 1]
    options = [item for item, bit in BITS.items() if raw.flags & bit]
    if remapped:
        options.append(Option.NO_CERTIFICATE_REMAPPING)
    one_id = raw.policy_id == raw.base_policy_id == raw.type_id
    legacy = raw.format < 6 or (one_id and _is_type(raw))
    kind = SUPPLEMENTAL if raw.flags & SUPPLEMENTAL_BIT else TAGGING if tags else BASE
    return SiPolicy(
        version=FileVersion(raw.version),
        policy_type=None if legacy else kind,
        policy_type_id=_braced(raw.type_id) if legacy else None,
        policy_id=None if legacy else _braced(raw.policy_id),
        base_policy_id=None if legacy else _braced(raw.base_policy_id),
        platform_id=_braced(raw.platform_id),
        options=tuple(options),
        ekus=ekus,
        file_rules=rules,
        signers=signers,
        scenarios=tuple(
            _scenario(item, name, names, signers, rules, tags)
            for item, name in zip(raw.scenarios, names, strict=True)
        ),
        update_signers=_names(raw.update_signers, signers),
        ci_signers=_names(raw.ci_signers, signers),
        supplemental_signers=_names(raw.supplemental_signers, signers),
        hvci=raw.hvci,
        settings=tuple(_setting(item) for item in settings if item not in remapped),
    )


def unreadable_parts(raw: RawPolicy) -> tuple[str, ...]:
    """What the binary holds and ``restore`` leaves out: blocks that nobody has proved."""
    parts = (
        ("application settings", raw.apps),
        ("hotpatch rules", raw.hotpatches),
        ("artifact rules", raw.artifacts),
        ("artifact rules of signers", raw.signer_artifacts),
    )
    return tuple(name for name, value in parts if value)


class _Ids:
    """Ids from content; equal things in one policy are told apart by a number."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def new(self, prefix: str, content: object) -> str:
        text = repr(content).encode("utf-8", "backslashreplace")
        base = f"ID_{prefix}_R{hashlib.sha256(text).hexdigest()[:24].upper()}"
        count = self._seen[base] = self._seen.get(base, 0) + 1
        return base if count == 1 else f"{base}_{count}"


def _is_type(raw: RawPolicy) -> bool:
    """Whether the header's GUID is one of a policy type, not of a policy of its own."""
    return _braced(raw.type_id) in _TYPE_IDS


_TYPE_IDS = frozenset(
    {
        "{A244370E-44C9-4C06-B551-F6016E563076}",
        "{D2BDA982-CCF6-4344-AC5B-0B44427B6816}",
        "{976D12C8-CB9F-4730-BE52-54600843238E}",
        "{5951A96A-E0B5-4D3D-8FB8-3E5B61030784}",
        "{2A5A0136-F09F-498E-99CC-51099011157C}",
        "{4E61C68C-97F6-430B-9CD7-9B1004706770}",
    }
)
"""Enterprise, driver block list, SKU, S mode, revocation, Defender."""


def _braced(data: bytes) -> str:
    return "{" + str(uuid.UUID(bytes_le=data)).upper() + "}"


def _rule(raw: RawRule, ids: _Ids) -> FileRule:
    kind = _KINDS[raw.type]
    low: int | None = raw.low
    high: int | None = raw.high
    if kind is FileRuleKind.DENY and (raw.low, raw.high) == (_ALL, 0):
        low = high = None
    elif high == 0:
        # A deny up to 0.0.0.0 keeps its bound: without one it would be a deny of everything.
        high = None
        low = low if low or kind is FileRuleKind.DENY else None
    elif low == 0 and kind is not FileRuleKind.DENY:
        low = None
    app_ids = None if not raw.app_ids else "".join(item or "" for item in raw.app_ids)
    return FileRule(
        kind=kind,
        id=ids.new(_PREFIX[kind], raw),
        hash=raw.hash.hex() or None,
        file_name=raw.file_name,
        internal_name=raw.internal_name,
        file_description=raw.file_description,
        product_name=raw.product_name,
        package_family=raw.package_family,
        package_version=FileVersion(raw.package_version) if raw.package_version else None,
        file_path=raw.file_path,
        low=None if low is None else FileVersion(low),
        high=None if high is None else FileVersion(high),
        app_ids=app_ids,
    )


def _signer(
    raw: RawSigner,
    ids: _Ids,
    ekus: tuple[Eku, ...],
    rules: tuple[FileRule, ...],
    excepted: tuple[int, ...],
) -> Signer:
    well_known = isinstance(raw.root, int)
    root = f"{raw.root:02x}" if isinstance(raw.root, int) else raw.root.hex()
    time = None
    if raw.sign_time_after:
        micros = min(raw.sign_time_after // 10, _LAST)
        time = (_EPOCH + dt.timedelta(microseconds=micros)).isoformat()
    return Signer(
        id=ids.new("SIGNER", raw),
        name=raw.publisher or raw.issuer or root.upper(),
        root=root,
        well_known=well_known,
        issuer=raw.issuer,
        publisher=raw.publisher,
        oem_id=raw.oem_id,
        ekus=_names(raw.ekus, ekus),
        except_ekus=_names(excepted, ekus),
        file_attribs=_names(raw.file_attribs, rules),
        sign_time_after=time,
    )


def _names(indices: tuple[int, ...], items: Sequence[Eku | FileRule | Signer]) -> tuple[str, ...]:
    return tuple(items[index].id for index in indices)


def _scenario_names(raw: RawScenario, ids: _Ids) -> tuple[str, str]:
    known = _SCENARIOS.get(raw.value)
    return known or (ids.new("SIGNINGSCENARIO", raw.value), f"Scenario {raw.value}")


def _scenario(
    raw: RawScenario,
    own: tuple[str, str],
    names: list[tuple[str, str]],
    signers: tuple[Signer, ...],
    rules: tuple[FileRule, ...],
    tags: AppIdTags | None,
) -> Scenario:
    def references(items: tuple[RawReference, ...]) -> tuple[SignerRef, ...]:
        return tuple(
            SignerRef(signer=signers[item.signer].id, exceptions=_names(item.exceptions, rules))
            for item in items
        )

    def group(item: RawGroup) -> SignerGroup:
        return SignerGroup(
            allowed=references(item.allowed),
            denied=references(item.denied),
            rules=_names(item.rules, rules),
        )

    product, test, test_signing = (group(item) for item in raw.groups)
    return Scenario(
        id=own[0],
        value=raw.value,
        friendly_name=own[1],
        inherited=tuple(names[index][0] for index in raw.inherited),
        minimum_hash=None if raw.minimum_hash == _SHA256 else raw.minimum_hash,
        product=product,
        test=None if test == SignerGroup() else test,
        test_signing=None if test_signing == SignerGroup() else test_signing,
        app_id_tags=tags if raw.value == USER else None,
    )


def _tags(settings: tuple[RawSetting, ...]) -> AppIdTags | None:
    """The tags of a tagging policy; one open implementation says they are settings."""
    own = [item for item in settings if item.provider == "WDACAppId"]
    if not any(item.key == "TaggingSettings" for item in own):
        return None
    enforce = next((item.value for item in own if item.name == "EnforceDLL"), 0)
    tags = tuple((item.name or "", str(item.value or "")) for item in own if item.key == "Tagging")
    return AppIdTags(tags=tags, enforce_dll=bool(enforce))


def _setting(raw: RawSetting) -> PolicySetting:
    value = raw.value
    if raw.type == 0:
        text = "true" if value else "false"
    else:
        text = value.hex() if isinstance(value, bytes) else str(value if value is not None else "")
    return PolicySetting(
        provider=raw.provider or "",
        key=raw.key or "",
        name=raw.name or "",
        type=_TYPES[raw.type],
        value=text,
    )
