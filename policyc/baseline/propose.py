"""Rules from an inventory: for each file the first level that is expressible for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from policyc.baseline import windows_levels
from policyc.model.diagnostic import Level
from policyc.model.enumeration import Enumeration
from policyc.model.facts import UNKNOWN, FileFacts, PackageState, Platform
from policyc.model.formats import FileFormat
from policyc.model.identity import Digest
from policyc.model.inventory import HostInfo
from policyc.model.ir import AllOf, Atom, FromPackage, HasHash, IsProduct, SignedBy
from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.model.version import HIGHEST, LOWEST, FileVersion, VersionRange


class RuleLevel(Enumeration):
    """Rule levels, with ConfigCI's words (``-Level``, ``-Fallback``).

    On Mach-O files ``publisher`` is the Team ID, ``file-publisher`` and ``product`` the signing
    ID. ``product`` is publisher and product name, ``package`` an unchanged file's package; both
    are policyc's own words.
    """

    FILE_PUBLISHER = "file-publisher"
    PRODUCT = "product"
    PACKAGE = "package"
    PUBLISHER = "publisher"
    LEAF_CERTIFICATE = "leaf-certificate"
    HASH = "hash"
    FILE_NAME = "file-name"
    ORIGINAL_FILE_NAME = "original-file-name"
    INTERNAL_NAME = "internal-name"
    FILE_DESCRIPTION = "file-description"
    PRODUCT_NAME = "product-name"
    FILE_PATH = "file-path"
    SIGNED_VERSION = "signed-version"
    PCA_CERTIFICATE = "pca-certificate"
    WHQL = "whql"
    WHQL_PUBLISHER = "whql-publisher"
    WHQL_FILE_PUBLISHER = "whql-file-publisher"
    PACKAGE_FAMILY_NAME = "package-family-name"


def match_for(facts: FileFacts, levels: Sequence[RuleLevel]) -> AllOf | None:
    """The condition of the first level that names this file, or None if none does."""
    found = name_for(facts, levels)
    return (
        found if found is None or isinstance(found, AllOf) else AllOf(frozenset({HasHash(found)}))
    )


def name_for(facts: FileFacts, levels: Sequence[RuleLevel]) -> AllOf | Digest | None:
    """As ``match_for``, with the digest itself where a file is named by its hash."""
    for level in levels:
        if level is RuleLevel.HASH:
            digest = _hash(facts)
            if digest is not None:
                return digest
            continue
        atoms = _LEVELS[level](facts)
        if atoms is not None:
            return AllOf(atoms)
    return None


def without_floor(match: AllOf) -> AllOf:
    """The condition for any version; conditions that are alike in this can share one floor."""
    if not any(isinstance(atom, IsProduct) for atom in match.atoms):
        return match
    return AllOf(
        frozenset(
            replace(atom, version=VersionRange()) if isinstance(atom, IsProduct) else atom
            for atom in match.atoms
        )
    )


def with_lowest_floor(matches: Iterable[AllOf]) -> AllOf:
    """Of conditions that differ in their lowest version only, the one that holds all of them."""
    return min(matches, key=_floor)


def _floor(match: AllOf) -> FileVersion:
    floors = [atom.version.low for atom in match.atoms if isinstance(atom, IsProduct)]
    return min(floors, default=LOWEST)


_WINDOWS_LANGUAGES = frozenset({"batch", "powershell", "vbscript", "jscript", "wsf", "hta"})


_ONLY = {platform: frozenset({platform}) for platform in Platform}
"""One set for all files of a platform."""


def platforms_of(facts: FileFacts, host: HostInfo) -> frozenset[Platform]:
    """Where a file of an inventory can run: the stated platform, else that of its format."""
    if host.platform is not None:
        return _ONLY[host.platform]
    if facts.elf is not None:
        return _LINUX
    if facts.pe is not None or facts.actual is FileFormat.MSI:
        return _ONLY[Platform.WINDOWS]
    if facts.macho is not None:
        return _ONLY[Platform.MACOS]
    if facts.script is not None and facts.script.language in _WINDOWS_LANGUAGES:
        return _ONLY[Platform.WINDOWS]
    return _LINUX


_LINUX = _ONLY[Platform.LINUX]
_ERROR: str = Level.ERROR.value


def is_masquerade(facts: FileFacts) -> bool:
    """Whether the file must not become a permit because of an error-level finding."""
    return facts.masquerade == _ERROR


def _signature(facts: FileFacts) -> Signature | None:
    """The first signature a rule can stand on."""
    if facts.signatures is UNKNOWN:
        return None
    for signature in facts.signatures:
        if signature.grade is SignatureGrade.PRODUCTION and signature.chain:
            return signature
    return None


def _publisher(facts: FileFacts) -> frozenset[Atom] | None:
    signature = _signature(facts)
    if signature is None:
        return None
    if signature.kind is SignatureKind.APPLE:
        return None if signature.team is None else frozenset({SignedBy(team=signature.team)})
    if signature.publisher is None:
        return None
    return frozenset({SignedBy(publisher=signature.publisher)})


def _file_publisher(facts: FileFacts) -> frozenset[Atom] | None:
    signature = _signature(facts)
    if signature is None:
        return None
    if signature.kind is SignatureKind.APPLE:
        if signature.signing_id is None:
            return None
        return frozenset({SignedBy(signing_id=signature.signing_id)})
    info = facts.version_info
    if signature.publisher is None or info is UNKNOWN or info is None:
        return None
    if info.product_name is None or info.original_filename is None or info.file_version is None:
        return None
    product = IsProduct(
        name=info.product_name,
        original_filename=info.original_filename,
        version=VersionRange(low=info.file_version, high=HIGHEST),
    )
    return frozenset({SignedBy(publisher=signature.publisher), product})


def _product(facts: FileFacts) -> frozenset[Atom] | None:
    own = _file_publisher(facts)
    if own is None or facts.macho is not None:
        return own
    return frozenset(
        replace(atom, original_filename=None) if isinstance(atom, IsProduct) else atom
        for atom in own
    )


def _package(facts: FileFacts) -> frozenset[Atom] | None:
    """Only of a file that was compared with what its package delivered."""
    package = facts.package
    if package is UNKNOWN or package is None or package.state is not PackageState.VERIFIED:
        return None
    return frozenset({FromPackage(manager=package.manager, name=package.name)})


def _leaf_certificate(facts: FileFacts) -> frozenset[Atom] | None:
    signature = _signature(facts)
    if signature is None or signature.leaf is None:
        return None
    return frozenset({SignedBy(leaf=signature.leaf.sha256)})


def _hash(facts: FileFacts) -> Digest | None:
    """PE files by Authenticode hash, as Windows names them; everything else by flat hash."""
    for digest in (facts.hashes.authenticode_sha256, facts.hashes.sha256):
        if digest is not None and digest is not UNKNOWN:
            return digest
    return None


# Every level but HASH, whose names are digests.
_LEVELS: dict[RuleLevel, Callable[[FileFacts], frozenset[Atom] | None]] = {
    RuleLevel.FILE_PUBLISHER: _file_publisher,
    RuleLevel.PRODUCT: _product,
    RuleLevel.PACKAGE: _package,
    RuleLevel.PUBLISHER: _publisher,
    RuleLevel.LEAF_CERTIFICATE: _leaf_certificate,
    **{RuleLevel(name): atoms for name, atoms in windows_levels.LEVELS.items()},
}
