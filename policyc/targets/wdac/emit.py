"""The policy as SiPolicy XML, in the element order ConfigCI writes."""

from __future__ import annotations

from typing import Any

from lxml import etree

from policyc.model.artifact import Artifact
from policyc.targets.wdac.model import (
    KERNEL,
    PLATFORM_ID,
    FileRule,
    Scenario,
    Signer,
    SiPolicy,
)

NAMESPACE_URI = "urn:schemas-microsoft-com:sipolicy"
FILE_NAME = "policy.xml"
_NAMES = {
    KERNEL: ("ID_SIGNINGSCENARIO_DRIVERS_1", "Drivers"),
}
_USER_NAMES = ("ID_SIGNINGSCENARIO_WINDOWS", "User mode")


def emit(model: SiPolicy) -> tuple[Artifact, ...]:
    """One XML document for ConvertFrom-CIPolicy and the deployment tools."""
    root = etree.Element("SiPolicy", nsmap={None: NAMESPACE_URI}, PolicyType="Base Policy")
    _text(root, "VersionEx", str(model.version))
    _text(root, "PlatformID", PLATFORM_ID)
    rules = etree.SubElement(root, "Rules")
    for option in model.options:
        _text(etree.SubElement(rules, "Rule"), "Option", option.value)
    ekus = etree.SubElement(root, "EKUs")
    for eku in model.ekus:
        etree.SubElement(ekus, "EKU", ID=eku.id, Value=eku.value.upper())
    file_rules = etree.SubElement(root, "FileRules")
    for rule in model.file_rules:
        etree.SubElement(file_rules, rule.kind.value, _attributes(rule))
    signers = etree.SubElement(root, "Signers")
    for signer in model.signers:
        _signer(signers, signer)
    scenarios = etree.SubElement(root, "SigningScenarios")
    for scenario in model.scenarios:
        _scenario(scenarios, scenario)
    _ci_signers(root, model)
    _text(root, "HvciOptions", "0")
    _settings(root, model)
    _text(root, "BasePolicyID", model.policy_id)
    _text(root, "PolicyID", model.policy_id)
    etree.indent(root, "  ")
    data = etree.tostring(root, xml_declaration=True, encoding="utf-8") + b"\n"
    return (Artifact(name=FILE_NAME, data=data, media_type="application/xml"),)


def _text(parent: Any, tag: str, text: str) -> None:  # noqa: ANN401
    etree.SubElement(parent, tag).text = text


def _attributes(rule: FileRule) -> dict[str, str]:
    values = {
        "ID": rule.id,
        "FriendlyName": rule.friendly_name or None,
        "FileName": rule.file_name,
        "InternalName": rule.internal_name,
        "FileDescription": rule.file_description,
        "ProductName": rule.product_name,
        "MinimumFileVersion": None if rule.low is None else str(rule.low),
        "MaximumFileVersion": None if rule.high is None else str(rule.high),
        "Hash": None if rule.hash is None else rule.hash.upper(),
        "FilePath": rule.file_path,
    }
    return {name: value for name, value in values.items() if value is not None}


def _signer(parent: Any, signer: Signer) -> None:  # noqa: ANN401
    element = etree.SubElement(parent, "Signer", ID=signer.id, Name=signer.name)
    etree.SubElement(element, "CertRoot", Type="TBS", Value=signer.root.upper())
    for eku in signer.ekus:
        etree.SubElement(element, "CertEKU", ID=eku)
    if signer.publisher is not None:
        etree.SubElement(element, "CertPublisher", Value=signer.publisher)
    for attribute in signer.file_attribs:
        etree.SubElement(element, "FileAttribRef", RuleID=attribute)


def _scenario(parent: Any, scenario: Scenario) -> None:  # noqa: ANN401
    identifier, name = _NAMES.get(scenario.value, _USER_NAMES)
    element = etree.SubElement(
        parent, "SigningScenario", Value=str(scenario.value), ID=identifier, FriendlyName=name
    )
    product = etree.SubElement(element, "ProductSigners")
    # The schema wants no empty lists.
    if scenario.allowed_signers:
        allowed = etree.SubElement(product, "AllowedSigners")
        for signer in scenario.allowed_signers:
            etree.SubElement(allowed, "AllowedSigner", SignerId=signer)
    if scenario.denied_signers:
        denied = etree.SubElement(product, "DeniedSigners")
        for signer in scenario.denied_signers:
            etree.SubElement(denied, "DeniedSigner", SignerId=signer)
    if scenario.file_rules:
        references = etree.SubElement(product, "FileRulesRef")
        for rule in scenario.file_rules:
            etree.SubElement(references, "FileRuleRef", RuleID=rule)


def _ci_signers(root: Any, model: SiPolicy) -> None:  # noqa: ANN401
    """User-mode signers are listed here too, as ConfigCI does."""
    etree.SubElement(root, "UpdatePolicySigners")
    element = etree.SubElement(root, "CiSigners")
    for signer in model.signers:
        etree.SubElement(element, "CiSigner", SignerId=signer.id)


def _settings(root: Any, model: SiPolicy) -> None:  # noqa: ANN401
    """Name and id show up in events; without the id they lack the policy's details."""
    settings = etree.SubElement(root, "Settings")
    for name, value in (("Id", model.policy_id.strip("{}")), ("Name", model.name)):
        setting = etree.SubElement(
            settings, "Setting", Provider="PolicyInfo", Key="Information", ValueName=name
        )
        _text(etree.SubElement(setting, "Value"), "String", value)
