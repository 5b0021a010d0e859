"""Collections and rules as XML elements. The builder escapes; nothing is put together as text."""

from __future__ import annotations

from typing import assert_never

from lxml import etree

from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.targets.applocker.model import (
    AppLockerPolicy,
    AppRule,
    Condition,
    Extensions,
    HashCondition,
    PathCondition,
    PublisherCondition,
    RuleCollection,
)


def document(policy: AppLockerPolicy) -> bytes:
    """The policy as a document in UTF-8."""
    root = etree.Element("AppLockerPolicy", Version="1")
    root.extend(map(collection_element, policy.collections))
    etree.indent(root, "  ")
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return data + b"\n"


def collection_element(collection: RuleCollection) -> etree._Element:
    """A ``RuleCollection``; also the value of an OMA-URI (AppLocker CSP)."""
    element = etree.Element(
        "RuleCollection", Type=collection.type.value, EnforcementMode=collection.mode.value
    )
    element.extend(map(rule_element, collection.rules))
    if collection.extensions is not None:
        _extensions(element, collection.extensions)
    return element


def rule_element(rule: AppRule) -> etree._Element:
    """One rule; also the value of its registry key."""
    match rule.condition:
        case PublisherCondition():
            tag = "FilePublisherRule"
        case PathCondition():
            tag = "FilePathRule"
        case HashCondition():
            tag = "FileHashRule"
        case _:
            assert_never(rule.condition)
    element = etree.Element(
        tag,
        Id=rule.id,
        Name=rule.name,
        Description=rule.description,
        UserOrGroupSid=rule.sid,
        Action=rule.action.value,
    )
    _condition(etree.SubElement(element, "Conditions"), rule.condition)
    if rule.exceptions:
        exceptions = etree.SubElement(element, "Exceptions")
        for exception in rule.exceptions:
            _condition(exceptions, exception)
    return element


def _condition(parent: etree._Element, condition: Condition) -> None:
    match condition:
        case PublisherCondition():
            element = etree.SubElement(
                parent,
                "FilePublisherCondition",
                PublisherName=condition.publisher,
                ProductName=condition.product,
                BinaryName=condition.binary,
            )
            etree.SubElement(
                element,
                "BinaryVersionRange",
                LowSection=condition.written[0] or _section(condition.low, LOWEST),
                HighSection=condition.written[1] or _section(condition.high, HIGHEST),
            )
        case PathCondition():
            etree.SubElement(parent, "FilePathCondition", Path=condition.path)
        case HashCondition():
            element = etree.SubElement(parent, "FileHashCondition")
            for item in condition.hashes:
                data = "0x" + item.data.upper()
                own = etree.SubElement(element, "FileHash", Type=item.kind, Data=data)
                names = ("SourceFileName", "SourceFileLength")
                for name, value in zip(names, item.source, strict=True):
                    if value is not None:
                        own.set(name, value)
        case _:
            assert_never(condition)


def _section(version: FileVersion, limit: FileVersion) -> str:
    return "*" if version == limit else str(version)


def _extensions(parent: etree._Element, extensions: Extensions) -> None:
    element = etree.SubElement(parent, "RuleCollectionExtensions")
    if extensions.services is not None:
        threshold = etree.SubElement(element, "ThresholdExtensions")
        etree.SubElement(threshold, "Services", EnforcementMode=extensions.services)
    if extensions.system_apps is not None:
        redstone = etree.SubElement(element, "RedstoneExtensions")
        etree.SubElement(redstone, "SystemApps", Allow=extensions.system_apps)
