"""What AppLocker decides about a file for an ordinary user.

Order and defaults: "Understand AppLocker rules and enforcement setting inheritance in Group
Policy" (explicit deny, explicit allow, implicit deny) and "Working with AppLocker rules" (a
collection without rules allows). The four words are those of Test-AppLockerPolicy.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache
from typing import assert_never

from policyc.model.decision import Decision, Tri, Verdict
from policyc.model.facets import LONGEST_FOLDER, parents
from policyc.model.facts import UNKNOWN, Collection, FileFacts
from policyc.model.index import Facet, Index, once_per_object
from policyc.model.signatures import SignatureGrade
from policyc.model.version import HIGHEST, LOWEST
from policyc.targets.applocker.capabilities import governs
from policyc.targets.applocker.model import (
    EVERYONE,
    Action,
    AppLockerPolicy,
    AppRule,
    CollectionType,
    Condition,
    EnforcementMode,
    FileHash,
    HashCondition,
    PathCondition,
    PublisherCondition,
    RuleCollection,
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
    if not governs(facts):
        return Decision(verdict=Verdict.NOT_GOVERNED, reason="AllowedByDefault: not asked")
    kind = None if facts.collection is None else _TYPES.get(facts.collection)
    own = next((item for item in policy.collections if item.type is kind), None)
    if own is None:
        return Decision(verdict=Verdict.NOT_GOVERNED, reason="AllowedByDefault: no collection")
    if not own.rules:
        silent = own.mode is EnforcementMode.NOT_CONFIGURED
        verdict = Verdict.NOT_GOVERNED if silent else Verdict.ALLOW
        return Decision(verdict=verdict, reason="AllowedByDefault: no rules")
    index = _index(own)
    denied, denied_by = index.strongest(Action.DENY, facts)
    if denied is True:
        return Decision(verdict=Verdict.DENY, reason=f"Denied: {denied_by}")
    allowed, allowed_by = index.strongest(Action.ALLOW, facts)
    if allowed is False:
        return Decision(verdict=Verdict.DENY, reason="DeniedByDefault")
    if denied is None or allowed is None:
        name = denied_by if denied is None else allowed_by
        return Decision(verdict=Verdict.UNDETERMINED, reason=f"facts are missing for {name}")
    return Decision(verdict=Verdict.ALLOW, reason=f"Allowed: {allowed_by}")


class _Index:
    """The rules of a collection that apply to everybody; hashes are looked up."""

    def __init__(self, collection: RuleCollection) -> None:
        self._hashes: dict[Action, dict[FileHash, AppRule]] = {item: {} for item in Action}
        self._others: dict[Action, Index[FileFacts, AppRule]] = {
            item: Index(_FACETS) for item in Action
        }
        for rule in collection.rules:
            if rule.sid != EVERYONE:
                continue
            if isinstance(rule.condition, HashCondition):
                for item in rule.condition.hashes:
                    self._hashes[rule.action].setdefault(item, rule)
            else:
                self._others[rule.action].add(rule, *_facet(rule.condition))

    def strongest(self, action: Action, facts: FileFacts) -> tuple[Tri, str]:
        """True if some rule of the action applies, else None if some might; with that rule."""
        value: Tri = False
        name = ""
        hashes = self._hashes[action]
        for kind, digest in _digests(facts):
            if digest is UNKNOWN:
                unknown = next((rule for item, rule in hashes.items() if item.kind == kind), None)
                if unknown is not None:
                    value, name = None, f"{unknown.id} {unknown.name}"
            elif (rule := hashes.get(FileHash(kind=kind, data=str(digest)))) is not None:
                return True, f"{rule.id} {rule.name}"
        for rule in self._others[action].find(facts):
            match = _applies(rule, facts)
            if match is True:
                return True, f"{rule.id} {rule.name}"
            if match is None and value is False:
                value, name = None, f"{rule.id} {rule.name}"
        return value, name


@once_per_object(16)
def _index(collection: RuleCollection) -> _Index:
    return _Index(collection)


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
            own = _folded(facts.path.replace("/", "\\"))
            return any(_fits(pieces, own) for pieces in _path(condition.path))
        case HashCondition():
            return _hash(condition, facts)
        case _:
            assert_never(condition)


def _hash(condition: HashCondition, facts: FileFacts) -> Tri:
    digests = dict(_digests(facts))
    value: Tri = False
    for item in condition.hashes:
        own = digests[item.kind]
        if str(own) == item.data:
            return True
        if own is UNKNOWN:
            value = None
    return value


def _digests(facts: FileFacts) -> tuple[tuple[str, object], ...]:
    """PE files by Authenticode hash, others flat (AppLockerFileInformation.cpp, AaronLockerV2)."""
    hashes = facts.hashes
    return (
        ("SHA256", hashes.sha256 if facts.pe is None else hashes.authenticode_sha256),
        ("SHA256Flat", hashes.sha256),
        ("SHA1", hashes.authenticode_sha1),
    )


def _publisher(condition: PublisherCondition, facts: FileFacts) -> Tri:
    """The signer's string as a whole, then product, binary and binary version.

    Source: "Understanding the publisher rule condition in AppLocker"; that any one of several
    signatures suffices is inferred.
    """
    publishers = _publishers(facts)
    if publishers is None:
        return False if _product(condition, facts) is False else None
    if not publishers:
        return False
    if condition.publisher != "*" and condition.publisher.upper() not in publishers:
        return False
    return _product(condition, facts)


def _publishers(facts: FileFacts) -> set[str] | None:
    if facts.signatures is UNKNOWN:
        return None
    return {
        signature.publisher.value.upper()
        for signature in facts.signatures
        if signature.grade in _SIGNED and signature.publisher is not None
    }


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


_VARIABLES = {
    "%OSDRIVE%": ("C:",),
    "%WINDIR%": ("C:\\WINDOWS",),
    "%SYSTEM32%": ("C:\\WINDOWS\\SYSTEM32", "C:\\WINDOWS\\SYSWOW64"),
    "%PROGRAMFILES%": ("C:\\PROGRAM FILES", "C:\\PROGRAM FILES (X86)"),
}
"""What the engine's variables stand for ("Understanding the path rule condition"), with C:
taken to be the system drive."""


@lru_cache(maxsize=4096)
def _path(text: str) -> tuple[tuple[str, ...], ...]:
    """The paths of a rule, each cut at its ``*``, which stand for any run of characters."""
    head, separator, tail = _folded(text).partition("\\")
    return tuple(
        tuple((start + separator + tail).split("*")) for start in _VARIABLES.get(head, (head,))
    )


def _fits(pieces: tuple[str, ...], text: str) -> bool:
    """The first piece starts the text, the last ends it, the others follow in between.

    Taking each at its first place is enough, and costs one pass whatever the rule says.
    """
    first, *rest = pieces
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - at >= len(last) and text.endswith(last)


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    """Upper case as the engine compares: one character for one, and nothing becomes ASCII."""
    if text.isascii():
        return text.upper()
    return "".join(
        upper if len(upper := char.upper()) == 1 and upper.isascii() == char.isascii() else char
        for char in text
    )


def _word(name: str) -> Facet[FileFacts]:
    def words(facts: FileFacts) -> Iterable[Hashable] | None:
        if facts.version_info is UNKNOWN:
            return None
        text = None if facts.version_info is None else getattr(facts.version_info, name)
        return () if text is None else (text.upper(),)

    return words


_FACETS: Mapping[str, Facet[FileFacts]] = {
    "binary": _word("original_filename"),
    "product": _word("product_name"),
    "publisher": _publishers,
    "folder": lambda facts: parents(_folded(facts.path.replace("/", "\\")), "\\"),
}


def _facet(condition: Condition) -> tuple[str | None, tuple[Hashable, ...]]:
    """What a file needs for the condition not to be false; the facet is None if nothing is."""
    if isinstance(condition, PublisherCondition):
        for name in ("binary", "product", "publisher"):
            text = getattr(condition, name)
            if text != "*":
                return name, (text.upper(),)
    if isinstance(condition, PathCondition):
        found = [pieces[0][: pieces[0].rfind("\\") + 1] for pieces in _path(condition.path)]
        if all(0 < len(folder) <= LONGEST_FOLDER for folder in found):
            return "folder", tuple(found)
    return None, ()


def cause(policy: AppLockerPolicy, reason: str) -> str:
    """The id of the rule that a reason names; empty where none decided."""
    word, _, rule = reason.partition(": ")
    identifier = rule.partition(" ")[0]
    known = {item.id for collection in policy.collections for item in collection.rules}
    return f"{word}: {identifier}" if identifier in known else ""
