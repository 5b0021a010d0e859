"""The policy as SiPolicy XML, in the element order ConfigCI writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lxml import etree

from policyc.targets.wdac.model import (
    AppIdTags,
    ArtifactRule,
    FileRule,
    FileRuleKind,
    Scenario,
    SettingType,
    Signer,
    SignerGroup,
    SignerRef,
    SiPolicy,
)

NAMESPACE_URI = "urn:schemas-microsoft-com:sipolicy"
_GENERIC = {
    FileRuleKind.ALLOW: "Match",
    FileRuleKind.DENY: "Exclude",
    FileRuleKind.ATTRIBUTE: "Attribute",
}


def write_xml(policy: SiPolicy) -> bytes:
    """One document, UTF-8, two spaces a level. ValueError if a text cannot stand in XML."""
    root = etree.Element(
        "SiPolicy",
        _given(FriendlyName=policy.friendly_name, PolicyType=policy.policy_type),
        nsmap={None: NAMESPACE_URI},
    )
    _text(root, "VersionEx", str(policy.version))
    _text(root, "PolicyTypeID", policy.policy_type_id)
    _text(root, "PlatformID", policy.platform_id)
    rules = etree.SubElement(root, "Rules")
    for text in (*(item.value for item in policy.options), *policy.extra_options):
        _text(etree.SubElement(rules, "Rule"), "Option", text)
    ekus = etree.SubElement(root, "EKUs")
    for eku in policy.ekus:
        values = _given(
            ID=eku.id, FriendlyName=eku.friendly_name, Value=eku.value.upper() or None, OID=eku.oid
        )
        etree.SubElement(ekus, "EKU", values)
    file_rules = etree.SubElement(root, "FileRules")
    for rule in policy.file_rules:
        name = "FileRule" if rule.generic else rule.kind.value
        etree.SubElement(file_rules, name, _attributes(rule))
    if policy.artifact_rules:
        artifacts = etree.SubElement(root, "ArtifactRules")
        for artifact in policy.artifact_rules:
            _artifact(artifacts, artifact)
    signers = etree.SubElement(root, "Signers")
    for signer in policy.signers:
        _signer(signers, signer)
    scenarios = etree.SubElement(root, "SigningScenarios")
    for scenario in policy.scenarios:
        _scenario(scenarios, scenario)
    _signer_list(root, "UpdatePolicySigner", policy.update_signers)
    _signer_list(root, "CiSigner", policy.ci_signers)
    _text(root, "HvciOptions", None if policy.hvci is None else str(policy.hvci))
    _tail(root, policy)
    etree.indent(root, "  ")
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return data + b"\n"


def _tail(root: Any, policy: SiPolicy) -> None:  # noqa: ANN401
    if policy.settings:
        settings = etree.SubElement(root, "Settings")
        for item in policy.settings:
            setting = etree.SubElement(
                settings,
                "Setting",
                {"Provider": item.provider, "Key": item.key, "ValueName": item.name},
            )
            shown = item.value.upper() if item.type is SettingType.BINARY else item.value
            _text(etree.SubElement(setting, "Value"), item.type.value, shown)
    if policy.macros:
        macros = etree.SubElement(root, "Macros")
        for name, value in policy.macros:
            etree.SubElement(macros, "Macro", {"Id": name, "Value": value})
    if policy.supplemental_signers:
        _signer_list(root, "SupplementalPolicySigner", policy.supplemental_signers)
    if policy.app_settings:
        region = etree.SubElement(root, "AppSettings")
        for app in policy.app_settings:
            element = etree.SubElement(region, "App", Manifest=app.manifest)
            for name, values in app.settings:
                setting = etree.SubElement(element, "Setting", Name=name)
                for value in values:
                    _text(setting, "Value", value)
    _text(root, "BasePolicyID", policy.base_policy_id)
    _text(root, "PolicyID", policy.policy_id)


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _text(parent: Any, tag: str, text: str | None) -> None:  # noqa: ANN401
    if text is not None:
        etree.SubElement(parent, tag).text = text


def _attributes(rule: FileRule) -> dict[str, str]:
    values = _given(
        ID=rule.id,
        FriendlyName=rule.friendly_name,
        FileName=rule.file_name,
        InternalName=rule.internal_name,
        FileDescription=rule.file_description,
        ProductName=rule.product_name,
        PackageFamilyName=rule.package_family,
        PackageVersion=None if rule.package_version is None else str(rule.package_version),
        MinimumFileVersion=None if rule.low is None else str(rule.low),
        MaximumFileVersion=None if rule.high is None else str(rule.high),
        Hash=None if rule.hash is None else rule.hash.upper(),
        AppIDs=rule.app_ids,
        FilePath=rule.file_path,
        Type=_GENERIC[rule.kind] if rule.generic else None,
    )
    return values | dict(rule.hotpatch) | dict(rule.extras)


def _artifact(parent: Any, rule: ArtifactRule) -> None:  # noqa: ANN401
    values = _given(
        ID=rule.id,
        FriendlyName=rule.friendly_name,
        ArtifactType=rule.artifact_type,
        Action=rule.action,
        ArtifactName=rule.name,
        ArtifactDescription=rule.description,
        MinimumVersion=None if rule.low is None else str(rule.low),
        MaximumVersion=None if rule.high is None else str(rule.high),
    )
    element = etree.SubElement(parent, "ArtifactRule", values)
    if rule.digest is not None:
        holder = etree.SubElement(etree.SubElement(element, "ArtifactHash"), "Hash")
        _text(holder, rule.digest[0], rule.digest[1].upper())


def _signer(parent: Any, signer: Signer) -> None:  # noqa: ANN401
    values = _given(ID=signer.id, Name=signer.name, SignTimeAfter=signer.sign_time_after)
    element = etree.SubElement(parent, "Signer", values)
    kind = "Wellknown" if signer.well_known else "TBS"
    etree.SubElement(element, "CertRoot", {"Type": kind, "Value": signer.root.upper()})
    for eku in signer.ekus:
        etree.SubElement(element, "CertEKU", ID=eku)
    for eku in signer.except_ekus:
        etree.SubElement(element, "CertEKU", {"ID": eku, "Condition": "Except"})
    names = (
        ("CertIssuer", signer.issuer),
        ("CertPublisher", signer.publisher),
        ("CertOemID", signer.oem_id),
    )
    for name, value in names:
        if value is not None:
            etree.SubElement(element, name, Value=value)
    for rule in signer.file_attribs:
        etree.SubElement(element, "FileAttribRef", RuleID=rule)
    for rule in signer.artifacts:
        etree.SubElement(element, "ArtifactRuleRef", RuleID=rule)


def _scenario(parent: Any, scenario: Scenario) -> None:  # noqa: ANN401
    least = scenario.minimum_hash
    values = _given(
        Value=str(scenario.value),
        ID=scenario.id,
        FriendlyName=scenario.friendly_name,
        InheritedScenarios=",".join(scenario.inherited) or None,
        MinimumHashAlgorithm=None if least is None else str(least),
    )
    element = etree.SubElement(parent, "SigningScenario", values)
    groups = (
        ("ProductSigners", scenario.product),
        ("ArtifactSigners", scenario.artifact),
        ("TestSigners", scenario.test),
        ("TestSigningSigners", scenario.test_signing),
    )
    for name, group in groups:
        if group is not None:
            _group(etree.SubElement(element, name), group, artifact=name == "ArtifactSigners")
    if scenario.app_id_tags is not None:
        _tags(element, scenario.app_id_tags)


def _group(element: Any, group: SignerGroup, *, artifact: bool) -> None:  # noqa: ANN401
    """The schema wants no empty lists."""
    _references(element, ("AllowedSigner", "ExceptDenyRule", "DenyRuleID"), group.allowed)
    _references(element, ("DeniedSigner", "ExceptAllowRule", "AllowRuleID"), group.denied)
    if group.rules:
        kind = "ArtifactRule" if artifact else "FileRule"
        references = etree.SubElement(element, f"{kind}sRef")
        for rule in group.rules:
            etree.SubElement(references, f"{kind}Ref", RuleID=rule)


def _references(element: Any, names: tuple[str, str, str], refs: Iterable[SignerRef]) -> None:  # noqa: ANN401
    member, exception, attribute = names
    items = tuple(refs)
    if not items:
        return
    listed = etree.SubElement(element, f"{member}s")
    for item in items:
        signer = etree.SubElement(listed, member, SignerId=item.signer)
        for rule in item.exceptions:
            etree.SubElement(signer, exception, {attribute: rule})


def _tags(parent: Any, tags: AppIdTags) -> None:  # noqa: ANN401
    element = etree.SubElement(parent, "AppIDTags")
    if tags.enforce_dll is not None:
        element.set("EnforceDLL", "true" if tags.enforce_dll else "false")
    for key, value in tags.tags:
        etree.SubElement(element, "AppIDTag", {"Key": key, "Value": value})


def _signer_list(root: Any, member: str, signers: Iterable[str]) -> None:  # noqa: ANN401
    element = etree.SubElement(root, f"{member}s")
    for signer in signers:
        etree.SubElement(element, member, SignerId=signer)
