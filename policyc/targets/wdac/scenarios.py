"""Signing scenarios of a SiPolicy document."""

from __future__ import annotations

from typing import Any

from policyc.targets.wdac.document import (
    Notes,
    attributes,
    children,
    elements,
    identifier,
    number,
    once,
    required,
    tag,
)
from policyc.targets.wdac.model import AppIdTags, Scenario, SignerGroup, SignerRef

_PARTS = ("ProductSigners", "ArtifactSigners", "TestSigners", "TestSigningSigners", "AppIDTags")
_LISTS = {
    "AllowedSigners": "AllowedSigner",
    "DeniedSigners": "DeniedSigner",
    "FileRulesRef": "FileRuleRef",
    "ArtifactRulesRef": "ArtifactRuleRef",
}
_EXCEPTIONS = {
    "AllowedSigner": ("ExceptDenyRule", "DenyRuleID"),
    "DeniedSigner": ("ExceptAllowRule", "AllowRuleID"),
}


def read_scenarios(root: Any, notes: Notes) -> tuple[Scenario, ...]:  # noqa: ANN401
    """All scenarios in their order."""
    found = children(root, "SigningScenarios", "SigningScenario", notes)
    scenarios = tuple(_scenario(item, notes) for item in found)
    if len({item.value for item in scenarios}) != len(scenarios):
        notes.add(root, "has a signing scenario twice", schema=False)
    return scenarios


def _scenario(element: Any, notes: Notes) -> Scenario:  # noqa: ANN401
    known = {"ID", "Value", "FriendlyName", "InheritedScenarios", "MinimumHashAlgorithm"}
    attributes(element, frozenset(known), notes)
    once(element, notes, frozenset(_PARTS))
    parts = {tag(item): item for item in elements(element)}
    if "ProductSigners" not in parts:
        notes.add(element, "has no ProductSigners")
    if [name for name in _PARTS if name in parts] != [name for name in parts if name in _PARTS]:
        notes.add(element, "has its parts out of order", fatal=False)
    minimum = element.get("MinimumHashAlgorithm")
    groups = {name: _group(part, notes) for name, part in parts.items() if name != "AppIDTags"}
    return Scenario(
        id=identifier(element, "SIGNINGSCENARIO", notes),
        value=number(element, required(element, "Value", notes), 255, notes) or 0,
        friendly_name=element.get("FriendlyName"),
        inherited=tuple(
            item for item in (element.get("InheritedScenarios") or "").split(",") if item
        ),
        minimum_hash=None if minimum is None else number(element, minimum, 0xFFFF, notes),
        product=groups.get("ProductSigners", SignerGroup()),
        artifact=groups.get("ArtifactSigners"),
        test=groups.get("TestSigners"),
        test_signing=groups.get("TestSigningSigners"),
        app_id_tags=_tags(parts["AppIDTags"], notes) if "AppIDTags" in parts else None,
        line=element.sourceline or 0,
    )


def _group(element: Any, notes: Notes) -> SignerGroup:  # noqa: ANN401
    artifact = tag(element) == "ArtifactSigners"
    rules = "ArtifactRulesRef" if artifact else "FileRulesRef"
    once(element, notes, frozenset({"AllowedSigners", "DeniedSigners", rules}))
    lists: dict[str, list[Any]] = {}
    for listed in elements(element):
        member = _LISTS.get(tag(listed))
        items = [item for item in elements(listed) if tag(item) == member]
        if member is None or len(items) != len(elements(listed)):
            notes.add(listed, "holds what has no place there")
        elif not items:
            notes.add(listed, "is empty, which the schema does not allow", fatal=False)
        lists[tag(listed)] = items
    return SignerGroup(
        allowed=tuple(_reference(item, notes) for item in lists.get("AllowedSigners", ())),
        denied=tuple(_reference(item, notes) for item in lists.get("DeniedSigners", ())),
        rules=tuple(required(item, "RuleID", notes) for item in lists.get(rules, ())),
    )


def _reference(element: Any, notes: Notes) -> SignerRef:  # noqa: ANN401
    name, attribute = _EXCEPTIONS[tag(element)]
    exceptions = []
    for item in elements(element):
        if tag(item) == name:
            exceptions.append(required(item, attribute, notes))
        else:
            notes.add(item, f"has no place in {tag(element)}")
    return SignerRef(
        signer=identifier(element, "SIGNER", notes, "SignerId"), exceptions=tuple(exceptions)
    )


def _tags(element: Any, notes: Notes) -> AppIdTags:  # noqa: ANN401
    enforce = element.get("EnforceDLL")
    if enforce not in (None, "true", "false", "1", "0"):
        notes.add(element, "has an EnforceDLL that is neither true nor false")
    return AppIdTags(
        tags=tuple(
            (required(item, "Key", notes), required(item, "Value", notes))
            for item in elements(element)
        ),
        enforce_dll=None if enforce is None else enforce in ("true", "1"),
    )
