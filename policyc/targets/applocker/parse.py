"""XML to the model: hardened, strict where a guess could change what is allowed."""

from __future__ import annotations

import re

from lxml import etree

from policyc.model.artifact import Artifact
from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.targets.applocker.model import (
    Action,
    AppLockerPolicy,
    AppRule,
    CollectionType,
    Condition,
    EnforcementMode,
    Extensions,
    FileHash,
    HashCondition,
    PathCondition,
    PublisherCondition,
    RuleCollection,
)
from policyc.targets.base import ArtifactError

_GUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}", re.ASCII)
_HASH = re.compile(r"0x(?:[0-9A-Fa-f]{64}|[0-9A-Fa-f]{40})", re.ASCII)
_SID = re.compile(r"S-1(?:-[0-9A-Fa-f]+)+", re.ASCII)
_RULES = {
    "FilePublisherRule": PublisherCondition,
    "FilePathRule": PathCondition,
    "FileHashRule": HashCondition,
}
_DIGITS = {"SHA256": 64, "SHA256Flat": 64, "SHA1": 40}


def parse(artifacts: tuple[Artifact, ...]) -> AppLockerPolicy:
    """Read an AppLockerPolicy, or a bare RuleCollection; raises ArtifactError.

    UTF-8 and UTF-16 are read as their byte order mark or declaration says.
    """
    enforced = [item for item in artifacts if item.enforced]
    if len(enforced) != 1:
        names = ", ".join(item.name for item in enforced) or "none"
        raise ArtifactError(f"an AppLocker policy is one XML file, got {names}")
    (artifact,) = enforced
    try:
        return _policy(_root(artifact.data))
    except ArtifactError as error:
        raise ArtifactError(error.message, artifact=artifact.name, line=error.line) from error


def _root(data: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ArtifactError(f"not XML: {error.msg}", line=error.lineno or 0) from error
    if root.getroottree().docinfo.doctype:
        raise ArtifactError("a document type has no place in a policy", line=1)
    return root


def _policy(root: etree._Element) -> AppLockerPolicy:
    if root.tag == "RuleCollection":
        return AppLockerPolicy(collections=(_collection(root),))
    if root.tag != "AppLockerPolicy":
        raise _wrong(root, "is no AppLockerPolicy")
    collections = tuple(_collection(child) for child in root)
    types = [item.type for item in collections]
    if len(set(types)) != len(types):
        raise _wrong(root, "has two collections of one type")
    identifiers = [rule.id.lower() for item in collections for rule in item.rules]
    if len(set(identifiers)) != len(identifiers):
        raise _wrong(root, "has a rule id twice")
    return AppLockerPolicy(collections=collections)


def _collection(element: etree._Element) -> RuleCollection:
    if element.tag != "RuleCollection":
        raise _wrong(element, "is not supported")
    rules = []
    extensions = None
    for child in element:
        if child.tag in _RULES:
            rules.append(_rule(child))
        elif child.tag == "RuleCollectionExtensions" and extensions is None:
            extensions = _extensions(child)
        else:
            raise _wrong(child, "is not supported")
    try:
        kind = CollectionType(_attribute(element, "Type"))
        mode = EnforcementMode(element.get("EnforcementMode", "NotConfigured"))
    except ValueError as error:
        raise _wrong(element, str(error)) from error
    return RuleCollection(type=kind, mode=mode, rules=tuple(rules), extensions=extensions)


def _rule(element: etree._Element) -> AppRule:
    conditions: list[Condition] = []
    exceptions: list[Condition] = []
    for child in element:
        if child.tag not in ("Conditions", "Exceptions"):
            raise _wrong(child, "is not supported")
        found = [_condition(item) for item in child]
        (conditions if child.tag == "Conditions" else exceptions).extend(found)
    if len(conditions) != 1 or not isinstance(conditions[0], _RULES[element.tag]):
        raise _wrong(element, "has not exactly one condition of its kind")
    if exceptions and isinstance(conditions[0], HashCondition):
        raise _wrong(element, "is a hash rule, which has no exceptions")
    identifier = _attribute(element, "Id")
    if not _GUID.fullmatch(identifier):
        raise _wrong(element, f"has the id {identifier!r}, which is no GUID")
    try:
        action = Action(_attribute(element, "Action"))
    except ValueError as error:
        raise _wrong(element, str(error)) from error
    sid = _attribute(element, "UserOrGroupSid")
    if not _SID.fullmatch(sid):
        raise _wrong(element, f"is for {sid!r}, which is no SID")
    return AppRule(
        id=identifier,
        name=_attribute(element, "Name"),
        description=element.get("Description", ""),
        sid=sid,
        action=action,
        condition=conditions[0],
        exceptions=tuple(exceptions),
    )


def _condition(element: etree._Element) -> Condition:
    match element.tag:
        case "FilePublisherCondition":
            return _publisher(element)
        case "FilePathCondition":
            return PathCondition(path=_attribute(element, "Path"))
        case "FileHashCondition":
            return HashCondition(hashes=tuple(_hash(child) for child in element))
        case _:
            raise _wrong(element, "is not supported")


def _publisher(element: etree._Element) -> PublisherCondition:
    if len(element) != 1 or element[0].tag != "BinaryVersionRange":
        raise _wrong(element, "has not exactly one BinaryVersionRange")
    return PublisherCondition(
        publisher=_attribute(element, "PublisherName"),
        product=_attribute(element, "ProductName"),
        binary=_attribute(element, "BinaryName"),
        low=_version(element[0], "LowSection", LOWEST),
        high=_version(element[0], "HighSection", HIGHEST),
        written=(
            _attribute(element[0], "LowSection"),
            _attribute(element[0], "HighSection"),
        ),
    )


def _version(element: etree._Element, name: str, limit: FileVersion) -> FileVersion:
    text = _attribute(element, name)
    if text == "*":
        return limit
    try:
        return FileVersion.parse(text)
    except ValueError as error:
        raise _wrong(element, str(error)) from error


def _hash(element: etree._Element) -> FileHash:
    kind, data = _attribute(element, "Type"), _attribute(element, "Data")
    if not _HASH.fullmatch(data) or _DIGITS.get(kind) != len(data) - 2:
        raise _wrong(element, f"has no {kind} hash")
    source = (element.get("SourceFileName"), element.get("SourceFileLength"))
    return FileHash(kind=kind, data=data[2:].lower(), source=source)


def _extensions(element: etree._Element) -> Extensions:
    services = element.find("ThresholdExtensions/Services")
    system_apps = element.find("RedstoneExtensions/SystemApps")
    known = {"ThresholdExtensions", "RedstoneExtensions", "Services", "SystemApps"}
    for child in element.iterdescendants():
        if child.tag not in known:
            raise _wrong(child, "is not supported")
    return Extensions(
        services=None if services is None else _attribute(services, "EnforcementMode"),
        system_apps=None if system_apps is None else _attribute(system_apps, "Allow"),
    )


def _attribute(element: etree._Element, name: str) -> str:
    value: str | None = element.get(name)
    if value is None:
        raise _wrong(element, f"has no {name}")
    return value


def _wrong(element: etree._Element, what: str) -> ArtifactError:
    return ArtifactError(f"<{element.tag}> {what}", line=element.sourceline or 0)
