"""What AppLocker decides about a file for an ordinary user.

Order and defaults: "Understand AppLocker rules and enforcement setting inheritance in Group
Policy" (explicit deny, explicit allow, implicit deny) and "Working with AppLocker rules" (a
collection without rules allows). The four words are those of Test-AppLockerPolicy.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import assert_never

from policyc.model.decision import Decision, Tri, Verdict
from policyc.model.facts import UNKNOWN, Collection, FileFacts, SignatureGrade
from policyc.model.version import HIGHEST, LOWEST
from policyc.targets.applocker.model import (
    EVERYONE,
    Action,
    AppLockerPolicy,
    AppRule,
    CollectionType,
    Condition,
    EnforcementMode,
    HashCondition,
    PathCondition,
    PublisherCondition,
)

_TYPES = {
    Collection.EXECUTABLE: CollectionType.EXE,
    Collection.LIBRARY: CollectionType.DLL,
    Collection.SCRIPT: CollectionType.SCRIPT,
    Collection.INSTALLER: CollectionType.MSI,
}
_SIGNED = (SignatureGrade.PRODUCTION, SignatureGrade.DEVELOPMENT)


def evaluate(policy: AppLockerPolicy, facts: FileFacts) -> Decision:
    """The decision, with the word Test-AppLockerPolicy would use and the rule's id.

    The user is anybody: rules for other SIDs than Everyone do not apply. Group membership
    and the filtered token of an administrator are the endpoint's to know.
    """
    kind = None if facts.collection is None else _TYPES.get(facts.collection)
    own = next((item for item in policy.collections if item.type is kind), None)
    if own is None:
        return Decision(verdict=Verdict.NOT_GOVERNED, reason="AllowedByDefault: no collection")
    if not own.rules:
        silent = own.mode is EnforcementMode.NOT_CONFIGURED
        verdict = Verdict.NOT_GOVERNED if silent else Verdict.ALLOW
        return Decision(verdict=verdict, reason="AllowedByDefault: no rules")
    unknown = False
    for action, verdict in ((Action.DENY, Verdict.DENY), (Action.ALLOW, Verdict.ALLOW)):
        for rule in own.rules:
            if rule.action is not action or rule.sid != EVERYONE:
                continue
            value = _applies(rule, facts)
            if value is True and not (unknown and verdict is Verdict.ALLOW):
                word = "Denied" if action is Action.DENY else "Allowed"
                return Decision(verdict=verdict, reason=f"{word}: {rule.id} {rule.name}")
            unknown = unknown or value is not False
    if unknown:
        return Decision(verdict=Verdict.UNDETERMINED, reason="facts are missing")
    return Decision(verdict=Verdict.DENY, reason="DeniedByDefault")


def _applies(rule: AppRule, facts: FileFacts) -> Tri:
    value = _matches(rule.condition, facts)
    for exception in rule.exceptions:
        if value is False:
            return False
        inner = _matches(exception, facts)
        if inner is True:
            return False
        if inner is None:
            value = None
    return value


def _matches(condition: Condition, facts: FileFacts) -> Tri:
    match condition:
        case PublisherCondition():
            return _publisher(condition, facts)
        case PathCondition():
            return _path(condition.path).fullmatch(_canonical(facts.path)) is not None
        case HashCondition():
            return _hash(condition, facts)
        case _:
            assert_never(condition)


def _hash(condition: HashCondition, facts: FileFacts) -> Tri:
    """PE files by Authenticode hash, others flat (AppLockerFileInformation.cpp, AaronLockerV2)."""
    hashes = facts.hashes
    pe = facts.pe is not None
    digests: dict[str, object] = {
        "SHA256": hashes.authenticode_sha256 if pe else hashes.sha256,
        "SHA256Flat": hashes.sha256,
        "SHA1": hashes.authenticode_sha1,
    }
    value: Tri = False
    for item in condition.hashes:
        own = digests[item.kind]
        if str(own) == item.data:
            return True
        if own is UNKNOWN:
            value = None
    return value


def _publisher(condition: PublisherCondition, facts: FileFacts) -> Tri:
    """The signer's string as a whole, then product, binary and binary version.

    Source: "Understanding the publisher rule condition in AppLocker"; that any one of several
    signatures suffices is inferred.
    """
    if facts.signatures is UNKNOWN:
        return None
    publishers = {
        signature.publisher.value.upper()
        for signature in facts.signatures
        if signature.grade in _SIGNED and signature.publisher is not None
    }
    if not publishers:
        return False
    if condition.publisher != "*" and condition.publisher.upper() not in publishers:
        return False
    return _product(condition, facts)


def _product(condition: PublisherCondition, facts: FileFacts) -> Tri:
    anything = condition.product == condition.binary == "*"
    if anything and (condition.low, condition.high) == (LOWEST, HIGHEST):
        return True
    info = facts.version_info
    if info is UNKNOWN:
        return None
    product = None if info is None else info.product_name
    binary = None if info is None else info.original_filename
    version = LOWEST if info is None else info.file_version or LOWEST
    return (
        _same(condition.product, product)
        and _same(condition.binary, binary)
        and condition.low <= version <= condition.high
    )


def _same(wanted: str, own: str | None) -> bool:
    return wanted == "*" or (own is not None and own.upper() == wanted.upper())


def _canonical(path: str) -> str:
    """The path with the system drive as ``%OSDRIVE%``; C: is taken to be that drive."""
    return "%OSDRIVE%" + path[2:] if path[:2].upper() == "C:" else path


_VARIABLES = {
    "%WINDIR%": (r"%OSDRIVE%\Windows",),
    "%SYSTEM32%": (r"%OSDRIVE%\Windows\System32", r"%OSDRIVE%\Windows\SysWOW64"),
    "%PROGRAMFILES%": (r"%OSDRIVE%\Program Files", r"%OSDRIVE%\Program Files (x86)"),
}
"""What the engine's variables stand for ("Understanding the path rule condition")."""


@lru_cache(maxsize=4096)
def _path(text: str) -> re.Pattern[str]:
    """A rule's path as an expression: ``*`` is any run of characters, case does not matter."""
    head, separator, tail = text.partition("\\")
    heads = _VARIABLES.get(head.upper(), (_canonical(head),))
    rest = "".join(".*" if piece == "*" else re.escape(piece) for piece in _pieces(tail))
    start = "|".join(
        "".join(".*" if piece == "*" else re.escape(piece) for piece in _pieces(item))
        for item in heads
    )
    body = f"(?:{start}){re.escape(separator)}{rest}"
    return re.compile(body, re.IGNORECASE | re.DOTALL)


def _pieces(text: str) -> list[str]:
    return [piece for piece in re.split(r"(\*)", text) if piece]
