"""Baseline conditions as AppLocker conditions, where there is an exact or a stated form."""

from __future__ import annotations

import re

from policyc.model.facts import Collection
from policyc.model.identity import AuthenticodeSha256, Sha256Flat
from policyc.model.ir import AllOf, AtPath, HasHash, IsProduct, SignedBy
from policyc.model.path import PathPattern
from policyc.targets.applocker.model import (
    Condition,
    FileHash,
    HashCondition,
    PathCondition,
    PublisherCondition,
)

PE_COLLECTIONS = frozenset({Collection.EXECUTABLE, Collection.LIBRARY})
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_PATH = 32_767


def condition_for(match: AllOf) -> Condition | None:
    """The AppLocker condition of a conjunction, or None without one.

    A product without a publisher becomes ``PublisherName="*"`` and a ``*`` within a path
    component a ``*``: both are looser or tighter than the baseline, which ``lower`` reports.
    """
    atoms = sorted(match.atoms, key=lambda atom: type(atom).__name__)
    match atoms:
        case []:
            return PathCondition(path="*")
        case [HasHash(digest=AuthenticodeSha256() | Sha256Flat() as digest)]:
            return HashCondition(hashes=(FileHash(kind="SHA256", data=digest.value),))
        case [AtPath(pattern=pattern)]:
            return _path(pattern)
        case [SignedBy() as signer]:
            return _publisher(signer, IsProduct())
        case [IsProduct() as product]:
            return _publisher(None, product)
        case [IsProduct() as product, SignedBy() as signer]:
            return _publisher(signer, product)
        case _:
            return None


def collections_for(match: AllOf, collections: frozenset[Collection]) -> frozenset[Collection]:
    """The collections in which a condition can match anything.

    Authenticode hashes and version resources exist in PE files only; a flat hash names
    what is no PE file.
    """
    for atom in match.atoms:
        match atom:
            case IsProduct() | HasHash(digest=AuthenticodeSha256()):
                collections &= PE_COLLECTIONS
            case HasHash(digest=Sha256Flat()):
                collections -= PE_COLLECTIONS
            case _:
                pass
    return collections


def crosses_separators(match: AllOf) -> bool:
    """Whether a single ``*`` of a path becomes one that matches across directories."""
    return any(isinstance(atom, AtPath) and "*" in atom.pattern.tokens() for atom in match.atoms)


def needs_signature(match: AllOf) -> bool:
    """Whether a product stands without a publisher."""
    kinds = {type(atom) for atom in match.atoms}
    return IsProduct in kinds and SignedBy not in kinds


def _publisher(signer: SignedBy | None, product: IsProduct) -> PublisherCondition | None:
    publisher = "*"
    if signer is not None:
        if signer != SignedBy(publisher=signer.publisher) or signer.publisher is None:
            return None
        publisher = signer.publisher.value
        if not is_literal(publisher):
            return None
    if product.internal_name is not None or product.file_description is not None:
        return None
    names = (product.name, product.original_filename)
    if any(name is not None and not is_literal(name) for name in names):
        return None
    return PublisherCondition(
        publisher=publisher,
        product="*" if product.name is None else _upper(product.name),
        binary="*" if product.original_filename is None else _upper(product.original_filename),
        low=product.version.low,
        high=product.version.high,
    )


def is_literal(text: str) -> bool:
    """Whether XML can carry the text unchanged and AppLocker takes it for no wildcard.

    A partial ``*`` is literal according to "Understanding the publisher rule condition",
    but nothing says how it compares, so any ``*`` is refused.
    """
    if not text or "*" in text or text != text.strip() or _ILLEGAL.search(text):
        return False
    return not any(char in text for char in "\t\n\r")


def _upper(text: str) -> str:
    """Upper case, one character for one: ``ß`` stays, as Windows leaves it."""
    return "".join(upper if len(upper := char.upper()) == 1 else char for char in text)


def _path(pattern: PathPattern) -> PathCondition | None:
    text = pattern.text.replace("**", "*")
    if "%" in text or "?" in text or not is_literal(text.replace("*", "") or text):
        return None
    if text.startswith("C:\\"):
        text = "%OSDRIVE%" + text[2:]
    return PathCondition(path=text) if len(text) <= _MAX_PATH else None
