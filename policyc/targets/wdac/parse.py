"""SiPolicy XML to the model: hardened, and strict about what it cannot evaluate."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from policyc.model.artifact import Artifact
from policyc.model.version import FileVersion
from policyc.targets.base import ArtifactError
from policyc.targets.wdac.model import (
    KERNEL,
    PLATFORM_ID,
    USER,
    Eku,
    FileRule,
    FileRuleKind,
    Option,
    Scenario,
    Signer,
    SiPolicy,
)

_NS = "{urn:schemas-microsoft-com:sipolicy}"
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)
_GUID = re.compile(r"\{[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\}", re.ASCII)
_TOP = frozenset(
    """VersionEx PlatformID Rules EKUs FileRules Signers SigningScenarios UpdatePolicySigners
    CiSigners HvciOptions Settings BasePolicyID PolicyID""".split()
)
_OPTIONS = {option.value.lower(): option for option in Option}
_ATTRIBUTES = frozenset(
    """ID FriendlyName FileName InternalName FileDescription ProductName MinimumFileVersion
    MaximumFileVersion Hash FilePath""".split()
)
_CONDITIONS = _ATTRIBUTES - {"ID", "FriendlyName", "MinimumFileVersion", "MaximumFileVersion"}
_SCENARIO = frozenset({"ID", "FriendlyName", "Value"})
"""What else a scenario can have, such as InheritedScenarios, changes what it means."""


def parse(artifacts: tuple[Artifact, ...]) -> SiPolicy:
    """Read a base policy; raises ArtifactError, also for what policyc does not evaluate yet."""
    if len(artifacts) != 1:
        names = ", ".join(item.name for item in artifacts) or "none"
        raise ArtifactError(f"an App Control policy is one XML file, got {names}")
    (artifact,) = artifacts
    try:
        return _policy(_root(artifact.data))
    except ArtifactError as error:
        raise ArtifactError(error.message, artifact=artifact.name, line=error.line) from error


def _root(data: bytes) -> Any:  # noqa: ANN401
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
    if root.tag != f"{_NS}SiPolicy":
        raise _wrong(root, "is no SiPolicy")
    return root


def _policy(root: Any) -> SiPolicy:  # noqa: ANN401
    _once(root)
    for child in root:
        if _tag(child) not in _TOP:
            raise _wrong(child, "is not supported")
    if root.get("PolicyType", "Base Policy") != "Base Policy":
        raise _wrong(root, f"is a {root.get('PolicyType')}, which is not supported")
    policy_id = _content(root, "PolicyID")
    base = _content(root, "BasePolicyID")
    if not _GUID.fullmatch(policy_id) or base.upper() != policy_id.upper():
        raise _wrong(root, "is no base policy: PolicyID and BasePolicyID differ")
    if _content(root, "PlatformID").upper() != PLATFORM_ID:
        raise _wrong(root, "has an unknown PlatformID")
    model = SiPolicy(
        policy_id=policy_id,
        version=_version(root, _content(root, "VersionEx")),
        name=_policy_name(root),
        options=_options(root),
        ekus=tuple(_eku(item) for item in _children(root, "EKUs")),
        file_rules=tuple(_file_rule(item) for item in _children(root, "FileRules")),
        signers=tuple(_signer(item) for item in _children(root, "Signers")),
        scenarios=tuple(_scenario(item) for item in _children(root, "SigningScenarios")),
    )
    if len({item.value for item in model.scenarios}) != len(model.scenarios):
        raise _wrong(root, "has a signing scenario twice")
    _check_references(root, model)
    return model


def _once(parent: Any) -> None:  # noqa: ANN401
    """Children that the schema has at most once: of two, only one would be evaluated."""
    seen = set()
    for child in parent:
        if child.tag in seen:
            raise _wrong(child, "stands there twice")
        seen.add(child.tag)


def _check_references(root: Any, model: SiPolicy) -> None:  # noqa: ANN401
    """Every reference names something of the kind that can stand there."""
    attribs = {item.id for item in model.file_rules if item.kind is FileRuleKind.ATTRIBUTE}
    rules = {item.id for item in model.file_rules} - attribs
    signers = {item.id for item in model.signers}
    ekus = {item.id for item in model.ekus}
    if len(attribs | rules | signers | ekus) != sum(
        map(len, (model.file_rules, model.signers, model.ekus))
    ):
        raise _wrong(root, "has an ID twice")
    for scenario in model.scenarios:
        listed = (*scenario.allowed_signers, *scenario.denied_signers)
        _check_kind(root, listed, signers, "a signer")
        _check_kind(root, scenario.file_rules, rules, "an Allow or Deny rule")
    for signer in model.signers:
        _check_kind(root, signer.ekus, ekus, "an EKU")
        _check_kind(root, signer.file_attribs, attribs, "a FileAttrib")


def _check_kind(root: Any, used: tuple[str, ...], known: set[str], what: str) -> None:  # noqa: ANN401
    wrong = set(used) - known
    if wrong:
        raise _wrong(root, f"refers to {min(wrong)}, which is not {what}")


def _options(root: Any) -> tuple[Option, ...]:  # noqa: ANN401
    found = set()
    for rule in _children(root, "Rules"):
        text = _content(rule, "Option")
        option = _OPTIONS.get(text.lower())
        if option is None:
            raise _wrong(rule, f"has the option {text!r}, which is not supported")
        found.add(option)
    return tuple(sorted(found, key=lambda item: item.value))


def _eku(element: Any) -> Eku:  # noqa: ANN401
    return Eku(id=_attribute(element, "ID"), value=_hex(element, "Value"))


def _file_rule(element: Any) -> FileRule:  # noqa: ANN401
    try:
        kind = FileRuleKind(_tag(element))
    except ValueError as error:
        raise _wrong(element, "is not supported") from error
    unknown = sorted(set(element.attrib) - _ATTRIBUTES)
    if unknown:
        raise _wrong(element, f"has {unknown[0]}, which is not supported")
    conditions = set(element.attrib) & _CONDITIONS
    if not conditions:
        raise _wrong(element, "has no condition")
    if "Hash" in conditions and len(conditions) > 1:
        raise _wrong(element, "has a Hash, which excludes other conditions")
    low, high = element.get("MinimumFileVersion"), element.get("MaximumFileVersion")
    return FileRule(
        kind=kind,
        id=_attribute(element, "ID"),
        friendly_name=element.get("FriendlyName", ""),
        hash=None if element.get("Hash") is None else _hex(element, "Hash"),
        file_name=element.get("FileName"),
        internal_name=element.get("InternalName"),
        file_description=element.get("FileDescription"),
        product_name=element.get("ProductName"),
        file_path=element.get("FilePath"),
        low=None if low is None else _version(element, low),
        high=None if high is None else _version(element, high),
    )


def _signer(element: Any) -> Signer:  # noqa: ANN401
    if element.get("SignTimeAfter") is not None:
        raise _wrong(element, "has SignTimeAfter, which is not supported")
    roots, publishers, ekus, attribs = [], [], [], []
    for child in element:
        match _tag(child):
            case "CertRoot" if child.get("Type") == "TBS":
                roots.append(_hex(child, "Value"))
            case "CertPublisher":
                publishers.append(_attribute(child, "Value"))
            case "CertEKU" if child.get("Condition") is None:
                ekus.append(_attribute(child, "ID"))
            case "FileAttribRef":
                attribs.append(_attribute(child, "RuleID"))
            case tag:
                raise _wrong(child, f"({tag}) is not supported in a signer")
    if len(roots) != 1 or len(publishers) > 1:
        raise _wrong(element, "has not exactly one CertRoot and at most one CertPublisher")
    return Signer(
        id=_attribute(element, "ID"),
        name=_attribute(element, "Name"),
        root=roots[0],
        publisher=publishers[0] if publishers else None,
        ekus=tuple(ekus),
        file_attribs=tuple(attribs),
    )


def _scenario(element: Any) -> Scenario:  # noqa: ANN401
    value = _attribute(element, "Value")
    if value not in (str(KERNEL), str(USER)):
        raise _wrong(element, f"has the value {value}, which is not supported")
    other = sorted(set(element.attrib) - _SCENARIO)
    if other:
        raise _wrong(element, f"has {other[0]}, which is not supported")
    references: dict[str, tuple[str, ...]] = {}
    _once(element)
    for part in element:
        if _tag(part) != "ProductSigners":
            if len(part):
                raise _wrong(part, "is not supported")
            continue
        _once(part)
        for listed in part:
            references[_tag(listed)] = tuple(_reference(item) for item in listed)
    unknown = sorted(references.keys() - {"AllowedSigners", "DeniedSigners", "FileRulesRef"})
    if unknown:
        raise _wrong(element, f"has {unknown[0]}, which is not supported")
    return Scenario(
        value=int(value),
        allowed_signers=references.get("AllowedSigners", ()),
        denied_signers=references.get("DeniedSigners", ()),
        file_rules=references.get("FileRulesRef", ()),
    )


def _reference(element: Any) -> str:  # noqa: ANN401
    if len(element):
        raise _wrong(element, "has exceptions, which are not supported")
    name = "RuleID" if _tag(element) == "FileRuleRef" else "SignerId"
    return _attribute(element, name)


def _policy_name(root: Any) -> str:  # noqa: ANN401
    for setting in _children(root, "Settings"):
        where = tuple(setting.get(key) for key in ("Provider", "Key", "ValueName"))
        if where == ("PolicyInfo", "Information", "Name"):
            return setting.findtext(f"{_NS}Value/{_NS}String") or ""
    return ""


def _children(root: Any, tag: str) -> list[Any]:  # noqa: ANN401
    element = root.find(_NS + tag)
    return [] if element is None else list(element)


def _content(parent: Any, tag: str) -> str:  # noqa: ANN401
    text = parent.findtext(_NS + tag)
    if text is None:
        raise _wrong(parent, f"has no {tag}")
    return str(text)


def _tag(element: Any) -> str:  # noqa: ANN401
    return str(element.tag).removeprefix(_NS)


def _attribute(element: Any, name: str) -> str:  # noqa: ANN401
    value: str | None = element.get(name)
    if value is None:
        raise _wrong(element, f"has no {name}")
    return value


def _hex(element: Any, name: str) -> str:  # noqa: ANN401
    text = _attribute(element, name)
    if not _HEX.fullmatch(text):
        raise _wrong(element, f"has a {name} that is not hexadecimal")
    return text.lower()


def _version(element: Any, text: str) -> FileVersion:  # noqa: ANN401
    try:
        return FileVersion.parse(text)
    except ValueError as error:
        raise _wrong(element, str(error)) from error


def _wrong(element: Any, what: str) -> ArtifactError:  # noqa: ANN401
    return ArtifactError(f"<{_tag(element)}> {what}", line=element.sourceline or 0)
