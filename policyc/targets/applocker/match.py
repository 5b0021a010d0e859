"""Whether an AppLocker condition holds for a file: true, false, or the facts are missing."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import assert_never

from policyc.model.decision import Tri
from policyc.model.facets import LONGEST_FOLDER, parents
from policyc.model.facts import UNKNOWN, FileFacts
from policyc.model.index import Facet
from policyc.model.signatures import SignatureGrade
from policyc.model.version import HIGHEST, LOWEST
from policyc.targets.applocker.host import THIS, Host, fits
from policyc.targets.applocker.model import (
    AppRule,
    Condition,
    HashCondition,
    PathCondition,
    PublisherCondition,
)

_SIGNED = (SignatureGrade.PRODUCTION, SignatureGrade.DEVELOPMENT)


def applies(rule: AppRule, facts: FileFacts, host: Host) -> Tri:
    """The condition, and none of the exceptions."""
    value = matches(rule.condition, facts, host)
    for exception in rule.exceptions:
        if value is False:
            return False
        inner = matches(exception, facts, host)
        if inner is True:
            return False
        if inner is None:
            value = None
    return value


def matches(condition: Condition, facts: FileFacts, host: Host) -> Tri:
    """Whether one condition holds."""
    match condition:
        case PublisherCondition():
            return _publisher(condition, facts)
        case PathCondition():
            own = host.resolved(facts.path)
            return any(fits(pieces, own) for pieces in host.patterns(condition.path))
        case HashCondition():
            return _hash(condition, facts)
        case _:
            assert_never(condition)


def _hash(condition: HashCondition, facts: FileFacts) -> Tri:
    own_digests = dict(digests(facts))
    value: Tri = False
    for item in condition.hashes:
        own = own_digests[item.kind]
        if str(own) == item.data:
            return True
        if own is UNKNOWN:
            value = None
    return value


def digests(facts: FileFacts) -> tuple[tuple[str, object], ...]:
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
    publishers = publishers_of(facts)
    if publishers is None:
        return False if _product(condition, facts) is False else None
    if not publishers:
        return False
    if condition.publisher != "*" and condition.publisher.upper() not in publishers:
        return False
    return _product(condition, facts)


def publishers_of(facts: FileFacts) -> set[str] | None:
    """The publisher strings of the valid signatures, or None if nobody looked."""
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
        same(condition.product, product)
        and same(condition.binary, binary)
        and condition.low <= version <= condition.high
    )


def same(wanted: str, own: str | None) -> bool:
    """Whether a word of a rule is ``*`` or the file's, whatever the case."""
    return wanted == "*" or (own is not None and own.upper() == wanted.upper())


def _word(name: str) -> Facet[FileFacts]:
    def words(facts: FileFacts) -> Iterable[Hashable] | None:
        if facts.version_info is UNKNOWN:
            return None
        text = None if facts.version_info is None else getattr(facts.version_info, name)
        return () if text is None else (text.upper(),)

    return words


FACETS: Mapping[str, Facet[FileFacts]] = {
    "binary": _word("original_filename"),
    "product": _word("product_name"),
    "publisher": publishers_of,
    "folder": lambda facts: parents(THIS.resolved(facts.path), "\\"),
}
"""What rules are found by; the folder is that of a machine without other drives."""


def facet(condition: Condition) -> tuple[str | None, tuple[Hashable, ...]]:
    """What a file needs for the condition not to be false; the facet is None if nothing is."""
    if isinstance(condition, PublisherCondition):
        for name in ("binary", "product", "publisher"):
            text = getattr(condition, name)
            if text != "*":
                return name, (text.upper(),)
    if isinstance(condition, PathCondition):
        found = [pieces[0][: pieces[0].rfind("\\") + 1] for pieces in THIS.patterns(condition.path)]
        if found and all(0 < len(folder) <= LONGEST_FOLDER for folder in found):
            return "folder", tuple(found)
    return None, ()
