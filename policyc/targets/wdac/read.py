"""SiPolicy XML to the model, losslessly: every well-formed policy is read, with its problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from policyc.model.index import once_per_object
from policyc.model.version import LOWEST, FileVersion
from policyc.targets.wdac.document import (
    NS,
    Notes,
    Problem,
    attributes,
    children,
    content,
    elements,
    guid,
    hexadecimal,
    identifier,
    is_hexadecimal,
    load,
    number,
    once,
    required,
    tag,
    version,
)
from policyc.targets.wdac.model import (
    BASE,
    SUPPLEMENTAL,
    TAGGING,
    AppManifest,
    ArtifactRule,
    Eku,
    FileRule,
    FileRuleKind,
    PolicySetting,
    SettingType,
    Signer,
    SiPolicy,
)
from policyc.targets.wdac.options import BY_TEXT, Option
from policyc.targets.wdac.references import check_references
from policyc.targets.wdac.scenarios import read_scenarios

_TOP = frozenset(
    """VersionEx PolicyTypeID PlatformID PolicyID BasePolicyID Rules EKUs FileRules ArtifactRules
    Signers SigningScenarios UpdatePolicySigners CiSigners HvciOptions Settings Macros
    SupplementalPolicySigners AppSettings""".split()
)
_TEXTS = {
    "FriendlyName": "friendly_name",
    "FileName": "file_name",
    "InternalName": "internal_name",
    "FileDescription": "file_description",
    "ProductName": "product_name",
    "PackageFamilyName": "package_family",
    "FilePath": "file_path",
    "AppIDs": "app_ids",
}
_VERSIONS = {
    "PackageVersion": "package_version",
    "MinimumFileVersion": "low",
    "MaximumFileVersion": "high",
}
_HOTPATCH = ("RequireHotpatchID", "MinimumHotpatchSequence", "MaximumHotpatchSequence")
_CONDITIONS = frozenset(_TEXTS.values()) - {"friendly_name", "app_ids"}
_GENERIC = {
    "Match": FileRuleKind.ALLOW,
    "Exclude": FileRuleKind.DENY,
    "Attribute": FileRuleKind.ATTRIBUTE,
}
_KINDS = {item.value: item for item in FileRuleKind}
_PREFIXES = {
    FileRuleKind.ALLOW: "ALLOW|FILE",
    FileRuleKind.DENY: "DENY|FILE",
    FileRuleKind.ATTRIBUTE: "FILEATTRIB|FILE",
}
_SIGNER_ORDER = (
    "CertRoot",
    "CertEKU",
    "CertIssuer",
    "CertPublisher",
    "CertOemID",
    "FileAttribRef",
    "ArtifactRuleRef",
)
_SINGLE = frozenset({"CertRoot", "CertIssuer", "CertPublisher", "CertOemID"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A policy, and everything about it that is wrong, in the order it was found."""

    policy: SiPolicy
    problems: tuple[Problem, ...]

    @property
    def schema_valid(self) -> bool:
        """Whether Microsoft's XML schema would accept it."""
        return not any(item.schema for item in self.problems)


@once_per_object(1)
def read_xml(data: bytes) -> Document:
    """Read any well-formed SiPolicy; ArtifactError for anything else.

    A policy is parsed and then lifted, so the last one is kept.
    """
    root = load(data)
    notes = Notes()
    once(root, notes, _TOP)
    attributes(root, frozenset({"FriendlyName", "PolicyType"}), notes)
    policy_type = root.get("PolicyType")
    if policy_type not in (None, BASE, SUPPLEMENTAL, TAGGING):
        notes.add(root, f"has the unknown PolicyType {policy_type[:60]!r}")
    for name in ("VersionEx", "PlatformID", "Rules"):
        if root.find(NS + name) is None:
            notes.add(root, f"has no {name}")
    options, extra = _options(root, notes)
    policy = SiPolicy(
        version=version(root, content(root, "VersionEx") or "0", notes) or LOWEST,
        policy_type=policy_type,
        policy_type_id=guid(root, "PolicyTypeID", notes),
        policy_id=guid(root, "PolicyID", notes),
        base_policy_id=guid(root, "BasePolicyID", notes),
        platform_id=guid(root, "PlatformID", notes) or "",
        friendly_name=root.get("FriendlyName"),
        options=options,
        extra_options=extra,
        ekus=tuple(_eku(item, notes) for item in children(root, "EKUs", "EKU", notes)),
        file_rules=tuple(_file_rules(root, notes)),
        artifact_rules=tuple(
            _artifact(item, notes)
            for item in children(root, "ArtifactRules", "ArtifactRule", notes)
        ),
        signers=tuple(_signer(item, notes) for item in children(root, "Signers", "Signer", notes)),
        scenarios=read_scenarios(root, notes),
        update_signers=_signer_list(root, "UpdatePolicySigner", notes),
        ci_signers=_signer_list(root, "CiSigner", notes),
        supplemental_signers=_signer_list(root, "SupplementalPolicySigner", notes),
        hvci=_hvci(root, notes),
        settings=tuple(
            _setting(item, notes) for item in children(root, "Settings", "Setting", notes)
        ),
        macros=tuple(
            (required(item, "Id", notes), required(item, "Value", notes))
            for item in children(root, "Macros", "Macro", notes)
        ),
        app_settings=_app_settings(root, notes),
    )
    check_references(root, policy, notes)
    return Document(policy=policy, problems=tuple(notes.problems))


def _options(root: Any, notes: Notes) -> tuple[tuple[Option, ...], tuple[str, ...]]:  # noqa: ANN401
    known, unknown = [], []
    for rule in children(root, "Rules", "Rule", notes):
        text = content(rule, "Option")
        if text is None:
            notes.add(rule, "has no Option")
            continue
        option = BY_TEXT.get(text.lower())
        if option is None:
            notes.add(rule, f"has the option {text[:80]!r}, which is not known")
            unknown.append(text)
            continue
        if text != option.value or option is Option.LOCKDOWN_TRIAL:
            notes.add(rule, f"spells the option {option.value!r} as {text!r}", fatal=False)
        known.append(option)
    return tuple(known), tuple(unknown)


def _eku(element: Any, notes: Notes) -> Eku:  # noqa: ANN401
    attributes(element, frozenset({"ID", "Value", "OID", "FriendlyName"}), notes)
    return Eku(
        id=identifier(element, "EKU", notes),
        value=hexadecimal(element, "Value", notes) if element.get("Value") is not None else "",
        friendly_name=element.get("FriendlyName"),
        oid=element.get("OID"),
        line=element.sourceline or 0,
    )


def _file_rules(root: Any, notes: Notes) -> list[FileRule]:  # noqa: ANN401
    found = []
    for element in elements(root.find(NS + "FileRules")):
        name = tag(element)
        if name == "FileRule":
            kind = _GENERIC.get(element.get("Type", ""))
            if kind is None:
                notes.add(element, "has no Type of Match, Exclude or Attribute")
                continue
        elif name in _KINDS:
            kind = _KINDS[name]
        else:
            notes.add(element, "has no place in FileRules")
            continue
        found.append(_file_rule(element, kind, notes, generic=name == "FileRule"))
    return found


def _file_rule(element: Any, kind: FileRuleKind, notes: Notes, *, generic: bool) -> FileRule:  # noqa: ANN401
    values: dict[str, Any] = {}
    hotpatch, extras = [], []
    for name, text in element.attrib.items():
        if name in _TEXTS:
            values[_TEXTS[name]] = text
        elif name == "Hash" and is_hexadecimal(text):
            values["hash"] = text.strip().lower()
        elif name in _VERSIONS:
            found: FileVersion | None = version(element, text, notes)
            values[_VERSIONS[name]] = found
            if found is None:
                extras.append((name, text))
        elif name in _HOTPATCH and kind is FileRuleKind.ALLOW and not generic:
            hotpatch.append((name, text))
        elif name != "ID" and not (name == "Type" and generic):
            what = "a Hash that is not hexadecimal" if name == "Hash" else f"{name}, not supported"
            notes.add(element, f"has {what}")
            extras.append((str(name), text))
    conditions = {name for name in values if name in _CONDITIONS}
    if "hash" not in values and not conditions:
        notes.add(element, "has no condition", schema=False)
    if "hash" in values and conditions:
        notes.add(element, "has a Hash, which excludes other conditions", schema=False)
    prefixes = "FILE|ALLOW|DENY|FILEATTRIB" if generic else _PREFIXES[kind]
    return FileRule(
        kind=kind,
        id=identifier(element, prefixes, notes),
        hotpatch=tuple(hotpatch),
        extras=tuple(sorted(extras)),
        generic=generic,
        line=element.sourceline or 0,
        **values,
    )


def _artifact(element: Any, notes: Notes) -> ArtifactRule:  # noqa: ANN401
    low, high = element.get("MinimumVersion"), element.get("MaximumVersion")
    digest = None
    for hashed in element.iterfind(f"{NS}ArtifactHash/{NS}Hash/*"):
        digest = (tag(hashed), str(hashed.text or "").strip().lower())
    return ArtifactRule(
        id=identifier(element, "ARTIFACTATTRIB|ARTIFACT", notes),
        artifact_type=required(element, "ArtifactType", notes),
        action=required(element, "Action", notes),
        friendly_name=element.get("FriendlyName"),
        name=element.get("ArtifactName"),
        description=element.get("ArtifactDescription"),
        low=None if low is None else version(element, low, notes),
        high=None if high is None else version(element, high, notes),
        digest=digest,
        line=element.sourceline or 0,
    )


def _signer(element: Any, notes: Notes) -> Signer:  # noqa: ANN401
    attributes(element, frozenset({"ID", "Name", "SignTimeAfter"}), notes)
    texts: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    root_type, last = "", 0
    for child in elements(element):
        name = tag(child)
        if name not in _SIGNER_ORDER:
            notes.add(child, "has no place in a signer")
            continue
        position = _SIGNER_ORDER.index(name)
        if position < last or (name in texts and name in _SINGLE):
            again = name in texts
            notes.add(child, "stands there twice" if again else "is out of order", fatal=again)
        last = max(last, position)
        match name:
            case "CertRoot":
                root_type = required(child, "Type", notes)
                texts[name] = hexadecimal(child, "Value", notes)
                if root_type not in ("TBS", "Wellknown"):
                    notes.add(child, "is neither of Type TBS nor Wellknown")
            case "CertEKU":
                key = name if child.get("Condition") is None else "Except"
                lists.setdefault(key, []).append(required(child, "ID", notes))
            case "FileAttribRef" | "ArtifactRuleRef":
                lists.setdefault(name, []).append(required(child, "RuleID", notes))
            case _:
                texts[name] = required(child, "Value", notes)
    if "CertRoot" not in texts:
        notes.add(element, "has no CertRoot")
    return Signer(
        id=identifier(element, "SIGNER", notes),
        name=element.get("Name"),
        root=texts.get("CertRoot", ""),
        well_known=root_type == "Wellknown",
        issuer=texts.get("CertIssuer"),
        publisher=texts.get("CertPublisher"),
        oem_id=texts.get("CertOemID"),
        ekus=tuple(lists.get("CertEKU", ())),
        except_ekus=tuple(lists.get("Except", ())),
        file_attribs=tuple(lists.get("FileAttribRef", ())),
        artifacts=tuple(lists.get("ArtifactRuleRef", ())),
        sign_time_after=element.get("SignTimeAfter"),
        line=element.sourceline or 0,
    )


def _signer_list(root: Any, member: str, notes: Notes) -> tuple[str, ...]:  # noqa: ANN401
    found = children(root, member + "s", member, notes)
    return tuple(identifier(item, "SIGNER", notes, "SignerId") for item in found)


def _hvci(root: Any, notes: Notes) -> int | None:  # noqa: ANN401
    text = content(root, "HvciOptions")
    if text == "":
        notes.add(root, "has an empty HvciOptions", fatal=False)
    return None if not text else number(root, text, 0xFFFFFFFF, notes)


def _setting(element: Any, notes: Notes) -> PolicySetting:  # noqa: ANN401
    value = element.find(NS + "Value")
    holders = elements(value)
    names = {item.value for item in SettingType}
    if len(holders) != 1 or tag(holders[0]) not in names:
        notes.add(element, "has not exactly one value of a known type")
        kind, text = SettingType.STRING, ""
    else:
        kind = SettingType(tag(holders[0]))
        text = str(holders[0].text or "")
        if kind is not SettingType.STRING:
            text = _typed(holders[0], kind, text.strip(), notes)
    return PolicySetting(
        provider=required(element, "Provider", notes),
        key=required(element, "Key", notes),
        name=required(element, "ValueName", notes),
        type=kind,
        value=text,
        line=element.sourceline or 0,
    )


def _typed(element: Any, kind: SettingType, text: str, notes: Notes) -> str:  # noqa: ANN401
    if kind is SettingType.BOOLEAN and text not in ("true", "false", "1", "0"):
        notes.add(element, f"has {text[:40]!r}, which is neither true nor false")
    if kind is SettingType.DWORD:
        number(element, text, 0xFFFFFFFF, notes)
    if kind is SettingType.BINARY:
        if not is_hexadecimal(text):
            notes.add(element, "is not hexadecimal")
        return text.lower()
    return text


def _app_settings(root: Any, notes: Notes) -> tuple[AppManifest, ...]:  # noqa: ANN401
    return tuple(
        AppManifest(
            manifest=required(app, "Manifest", notes),
            settings=tuple(
                (item.get("Name") or "", tuple(str(v.text or "") for v in elements(item)))
                for item in elements(app)
            ),
        )
        for app in children(root, "AppSettings", "App", notes)
    )
