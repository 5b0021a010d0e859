"""Baseline conditions in App Control's terms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    CertSha256,
    Oid,
    PageHash,
    Sha256Flat,
    TbsHash,
)
from policyc.model.ir import AllOf, AtPath, FromPackage, HasHash, IsProduct, SignedBy
from policyc.model.path import PathPattern
from policyc.model.signatures import Certificate
from policyc.model.version import LOWEST

_MAX_OID = 200
_MAX_RSA = 4096
_MAX_PATH = 32_767
PACKAGE_MANAGERS = ("appx", "msix")
"""What inventories call the manager of packaged apps."""
_ILLEGAL = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerTerms:
    """A signer rule: TBS hash of a chain certificate, leaf CN, EKU, OEM name, and a product."""

    root: TbsHash
    publisher: str | None
    eku: Oid | None
    product: IsProduct | None
    oem: str | None = None


def hash_of(match: AllOf) -> str | None:
    """The digest of a condition that is a hash and nothing else, if a policy can hold it."""
    if len(match.atoms) != 1:
        return None
    (atom,) = match.atoms
    kinds = (AuthenticodeSha256, AuthenticodeSha1, PageHash, Sha256Flat)
    if isinstance(atom, HasHash) and isinstance(atom.digest, kinds):
        return atom.digest.value
    return None


def product_of(match: AllOf) -> IsProduct | None:
    """The product of a condition that is one and nothing else, if XML can carry it."""
    if len(match.atoms) != 1:
        return None
    (atom,) = match.atoms
    return atom if isinstance(atom, IsProduct) and _carries(atom) else None


def path_of(match: AllOf, *, many_wildcards: bool = False) -> str | None:
    """The FilePath of a condition that is a path and nothing else, or None.

    ``*`` crosses folders. Before Windows 11 one may stand, at the end; ``many_wildcards`` is
    for Windows 11. ``%OSDRIVE%`` names the system drive, C: in a baseline.
    """
    if len(match.atoms) != 1:
        return None
    (atom,) = match.atoms
    if not isinstance(atom, AtPath):
        return None
    pattern: PathPattern = atom.pattern
    tokens = pattern.tokens()
    literal = "".join(token for token in tokens if token not in ("*", "**"))
    if any(char in literal for char in "?%") or not literal_text(literal):
        return None
    if any("*" in token for token in tokens[:-1]) and not many_wildcards:
        return None
    text = pattern.text.replace("**", "*")
    if text != text.strip() or len(text) > _MAX_PATH:
        return None
    return "%OSDRIVE%" + text[2:] if text.startswith("C:\\") else text


def crosses_folders(match: AllOf) -> bool:
    """Whether a ``*`` that stays within a component becomes one that does not."""
    return any(isinstance(atom, AtPath) and "*" in atom.pattern.tokens() for atom in match.atoms)


def family_of(match: AllOf) -> str | None:
    """The package family of a condition that is one packaged app and nothing else, or None."""
    if len(match.atoms) != 1:
        return None
    (atom,) = match.atoms
    if not isinstance(atom, FromPackage) or atom.manager not in PACKAGE_MANAGERS:
        return None
    return atom.name if atom.name and literal_text(atom.name) else None


def unverifiable(certificate: Certificate) -> bool:
    """Whether App Control takes what the key signed for unsigned: no ECDSA, RSA to 4096 bits."""
    return certificate.key == "ec" or certificate.key_bits > _MAX_RSA


def signer_of(match: AllOf, leaves: Mapping[CertSha256, Certificate]) -> SignerTerms | None:
    """The signer rule of a condition, or None. ``leaves`` are the certificates known."""
    signers = [atom for atom in match.atoms if isinstance(atom, SignedBy)]
    products = [atom for atom in match.atoms if isinstance(atom, IsProduct)]
    if len(signers) != 1 or len(products) > 1 or len(match.atoms) != 1 + len(products):
        return None
    (signer,) = signers
    if signer.publisher is not None or signer.team is not None or signer.signing_id is not None:
        return None
    root, name = signer.issuer, signer.common_name
    if signer.leaf is not None:
        leaf = leaves.get(signer.leaf)
        if leaf is None or unverifiable(leaf) or root is not None or not leaf.common_name:
            return None
        # The leaf's own name keeps out what the certificate may have issued, if it is a CA.
        root, name = leaf.tbs, name or leaf.common_name
    # An empty name is no condition in a compiled policy.
    if root is None or "" in (name, signer.program):
        return None
    if not literal_text(name or "") or not literal_text(signer.program or ""):
        return None
    product = products[0] if products else None
    if product is not None and not _carries(product):
        return None
    if signer.eku is not None and not _encodable(signer.eku):
        return None
    return SignerTerms(
        root=root, publisher=name, eku=signer.eku, product=product, oem=signer.program
    )


def publisher_condition(match: AllOf) -> SignedBy | None:
    """The signer condition that certificates of the inventory can stand in for, or None.

    It names the publisher as AppLocker does, or a leaf; a product may stand beside it.
    """
    signers = [atom for atom in match.atoms if isinstance(atom, SignedBy)]
    others = match.atoms - set(signers)
    if len(signers) != 1 or any(not isinstance(atom, IsProduct) for atom in others):
        return None
    (signer,) = signers
    # A leaf does not say which issuers a file carries with it, so an issuer is kept out.
    apple = signer.team is not None or signer.signing_id is not None
    return signer if signer.publisher is not None and signer.issuer is None and not apple else None


def literal_text(text: str) -> bool:
    """Whether an XML attribute keeps the text and App Control takes it for no wildcard."""
    return not _ILLEGAL.search(text) and "*" not in text and text == text.strip()


def _carries(product: IsProduct) -> bool:
    return all(name is None or (literal_text(name) and name != "") for name in product.names)


def any_file_of(match: AllOf) -> AllOf | None:
    """What a product by version alone comes to for files without a version resource, or None.

    Its rule says ``FileName="*"``, and they count as 0.0.0.0: everything that the remaining
    conditions hold for.
    """
    for atom in match.atoms:
        if isinstance(atom, IsProduct):
            unnamed = not any(name is not None for name in atom.names)
            if unnamed and atom.version.low == LOWEST:
                return AllOf(match.atoms - {atom})
    return None


def _encodable(oid: Oid) -> bool:
    """Whether X.690 has the identifier, in a length of one byte."""
    if len(oid.value) > _MAX_OID:
        return False
    first, second, *_ = (int(part) for part in oid.value.split("."))
    return (first == 2 or second < 40) and len(encoded_eku(oid)) // 2 - 2 < 128


def encoded_eku(oid: Oid) -> str:
    """An object identifier as App Control holds it: DER with the tag byte 01 instead of 06."""
    first, second, *rest = (int(part) for part in oid.value.split("."))
    body = b"".join(_base128(number) for number in (first * 40 + second, *rest))
    return (b"\x01" + bytes([len(body)]) + body).hex()


def _base128(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))
