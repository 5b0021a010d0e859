"""The policy as XML. The builder escapes; nothing is put together as text."""

from __future__ import annotations

from typing import assert_never

from lxml import etree

from policyc.model.artifact import Artifact
from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.targets.applocker.model import (
    AppLockerPolicy,
    AppRule,
    Condition,
    Extensions,
    HashCondition,
    PathCondition,
    PublisherCondition,
)

FILE_NAME = "applocker.xml"


def emit(model: AppLockerPolicy) -> tuple[Artifact, ...]:
    """One XML document for ``Set-AppLockerPolicy`` and Group Policy."""
    root = etree.Element("AppLockerPolicy", Version="1")
    for collection in model.collections:
        element = etree.SubElement(
            root,
            "RuleCollection",
            Type=collection.type.value,
            EnforcementMode=collection.mode.value,
        )
        for rule in collection.rules:
            _rule(element, rule)
        if collection.extensions is not None:
            _extensions(element, collection.extensions)
    etree.indent(root, "  ")
    data = etree.tostring(root, xml_declaration=True, encoding="utf-8") + b"\n"
    return (Artifact(name=FILE_NAME, data=data, media_type="application/xml"),)


def _rule(parent: etree._Element, rule: AppRule) -> None:
    match rule.condition:
        case PublisherCondition():
            tag = "FilePublisherRule"
        case PathCondition():
            tag = "FilePathRule"
        case HashCondition():
            tag = "FileHashRule"
        case _:
            assert_never(rule.condition)
    element = etree.SubElement(
        parent,
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
                LowSection=_section(condition.low, LOWEST),
                HighSection=_section(condition.high, HIGHEST),
            )
        case PathCondition():
            etree.SubElement(parent, "FilePathCondition", Path=condition.path)
        case HashCondition():
            element = etree.SubElement(parent, "FileHashCondition")
            for item in condition.hashes:
                data = "0x" + item.data.upper()
                etree.SubElement(element, "FileHash", Type=item.kind, Data=data)
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
