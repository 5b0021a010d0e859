"""ConfigCI's levels that only Windows knows: by names, paths, certificates, WHQL and packages.

Source: "Understand App Control policy rules and file rules", file rule levels. Levels by a
chain's certificate leave out files whose signature App Control cannot verify, so that the next
level names them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from policyc.model.facts import UNKNOWN, FileFacts, PackageState
from policyc.model.identity import Oid
from policyc.model.ir import Atom, AtPath, FromPackage, IsProduct, SignedBy
from policyc.model.path import PathPattern
from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.model.version import HIGHEST, LOWEST, VersionRange

WHQL = Oid("1.3.6.1.4.1.311.10.3.5")
"""Windows Hardware Driver Verification, in the leaf of what Microsoft signs for others."""
_MAX_RSA = 4096

Atoms = frozenset[Atom]
Level = Callable[[FileFacts], Atoms | None]


def _product(facts: FileFacts, names: tuple[str, ...]) -> IsProduct | None:
    """The first name that the file has, and its version or later."""
    info = facts.version_info
    if facts.pe is None or info is UNKNOWN or info is None:
        return None
    texts = {
        "original_filename": info.original_filename,
        "internal_name": info.internal_name,
        "file_description": info.file_description,
        "name": info.product_name,
    }
    for name in names:
        if texts[name]:
            version = VersionRange(low=info.file_version or LOWEST, high=HIGHEST)
            return IsProduct(version=version, **{name: texts[name]})
    return None


_ORDER = ("original_filename", "internal_name", "file_description", "name")
"""ConfigCI's order where a file lacks a name."""


def _by_name(names: tuple[str, ...], facts: FileFacts) -> Atoms | None:
    product = _product(facts, names)
    return None if product is None else frozenset({product})


def _by_path(facts: FileFacts) -> Atoms | None:
    if "*" in facts.path:
        return None
    try:
        return frozenset({AtPath(PathPattern(facts.path))})
    except ValueError:  # no absolute path: a member of a container, or an odd name
        return None


def _signature(facts: FileFacts) -> Signature | None:
    """The first signature with a chain that App Control verifies."""
    if facts.signatures is UNKNOWN:
        return None
    for signature in facts.signatures:
        leaf = signature.leaf
        if signature.kind is SignatureKind.APPLE or leaf is None or leaf.key == "ec":
            continue
        if signature.grade is SignatureGrade.PRODUCTION and leaf.key_bits <= _MAX_RSA:
            return signature
    return None


def _pca(facts: FileFacts) -> Atoms | None:
    """The highest certificate that the file carries."""
    signature = _signature(facts)
    return None if signature is None else frozenset({SignedBy(issuer=signature.chain[-1].tbs)})


def _signed_version(facts: FileFacts) -> Atoms | None:
    signature = _signature(facts)
    info = facts.version_info
    if signature is None or info is UNKNOWN or info is None or info.file_version is None:
        return None
    name = signature.chain[0].common_name
    if not name:
        return None
    version = VersionRange(low=info.file_version, high=HIGHEST)
    signer = SignedBy(issuer=signature.chain[-1].tbs, common_name=name)
    return frozenset({signer, IsProduct(version=version)})


def _whql_signer(facts: FileFacts, *, publisher: bool) -> SignedBy | None:
    """The authority that signed for WHQL; the OEM is the program name that it states."""
    signature = _signature(facts)
    if signature is None or WHQL not in signature.chain[0].ekus:
        return None
    issuer = signature.chain[min(1, len(signature.chain) - 1)].tbs
    if not publisher:
        return SignedBy(issuer=issuer, eku=WHQL)
    if signature.program:
        return SignedBy(issuer=issuer, eku=WHQL, program=signature.program)
    name = signature.chain[0].common_name
    return SignedBy(issuer=issuer, eku=WHQL, common_name=name) if name else None


def _whql(facts: FileFacts, *, publisher: bool = False, file: bool = False) -> Atoms | None:
    signer = _whql_signer(facts, publisher=publisher)
    product = _product(facts, _ORDER) if file else None
    if signer is None or (file and product is None):
        return None
    return frozenset({signer} if product is None else {signer, product})


def _family(facts: FileFacts) -> Atoms | None:
    package = facts.package
    if package is UNKNOWN or package is None or package.manager not in ("appx", "msix"):
        return None
    if package.state is PackageState.MODIFIED:
        return None
    return frozenset({FromPackage(manager=package.manager, name=package.name)})


LEVELS: dict[str, Level] = {
    "file-name": partial(_by_name, _ORDER),
    "original-file-name": partial(_by_name, ("original_filename",)),
    "internal-name": partial(_by_name, ("internal_name",)),
    "file-description": partial(_by_name, ("file_description",)),
    "product-name": partial(_by_name, ("name",)),
    "file-path": _by_path,
    "signed-version": _signed_version,
    "pca-certificate": _pca,
    "whql": _whql,
    "whql-publisher": partial(_whql, publisher=True),
    "whql-file-publisher": partial(_whql, publisher=True, file=True),
    "package-family-name": _family,
}
"""The conditions of each level for a file, or None where it does not fit."""
