"""Whether a rule or a signer of a policy is about a file: true, false, or not to be known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from policyc.model.decision import Tri
from policyc.model.facts import UNKNOWN, Collection, FileFacts, PackageState, VersionInfo
from policyc.model.signatures import Certificate, Signature, SignatureGrade
from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.targets.wdac.model import FileRule, FileRuleKind, Signer
from policyc.targets.wdac.paths import path_matches
from policyc.targets.wdac.roots import ROOTS

_MAX_RSA = 4096
_SIGNED = (SignatureGrade.PRODUCTION, SignatureGrade.DEVELOPMENT)
_PACKAGES = ("appx", "msix")
_PACKAGE_FOLDERS = ("\\windowsapps\\", "\\systemapps\\")


def any_of(values: Iterable[Tri]) -> Tri:
    """True if one is, else None if one is unknown."""
    found = list(values)
    return True if True in found else None if None in found else False


def all_of(values: Iterable[Tri]) -> Tri:
    """False if one is, else None if one is unknown."""
    found = list(values)
    return False if False in found else None if None in found else True


def digests(facts: FileFacts) -> Iterator[str | None]:
    """PE files by Authenticode and first-page hash, others flat; None for an unknown one."""
    hashes = facts.hashes
    own: tuple[object, ...] = (hashes.sha256,)
    if facts.pe is not None:
        own = (
            hashes.authenticode_sha256,
            hashes.authenticode_sha1,
            hashes.page_sha256,
            hashes.page_sha1,
        )
    for digest in own:
        if digest is UNKNOWN:
            yield None
        elif digest is not None:
            yield str(digest)


def rule_matches(rule: FileRule, facts: FileFacts, *, protected: bool, many_wildcards: bool) -> Tri:
    """Whether a file rule is about a file.

    ``protected`` is the runtime check that users cannot write to a path. Path rules count in
    user mode only.
    """
    if rule.hash is not None:
        return any_of(None if item is None else item == rule.hash for item in digests(facts))
    parts: list[Tri] = []
    if rule.file_path is not None:
        if facts.collection is Collection.DRIVER:
            return False
        parts.append(path_matches(rule.file_path, facts.path, many_wildcards=many_wildcards))
        if protected:
            parts.append(_guarded(facts))
    if rule.package_family is not None:
        parts.append(_in_package(rule, facts))
    if rule.file_path is None or _has_names(rule):
        parts.append(attributes_match(rule, facts))
    return all_of(parts)


def _guarded(facts: FileFacts) -> Tri:
    if facts.collection is Collection.INSTALLER:
        return False  # an MSI counts as writable by users ("known issues")
    return None if facts.writable_by_users is UNKNOWN else not facts.writable_by_users


def is_packaged(facts: FileFacts) -> Tri:
    """Whether the file is of a packaged app; where no fact says so, its folder does."""
    package = facts.package
    if package is not UNKNOWN and package is not None and package.state is PackageState.MODIFIED:
        return None  # nothing says what a changed file of a package counts as
    if package is UNKNOWN:
        folder = facts.path.replace("/", "\\").lower()
        return None if any(part in folder for part in _PACKAGE_FOLDERS) else False
    return package is not None and package.manager in _PACKAGES


def _in_package(rule: FileRule, facts: FileFacts) -> Tri:
    packaged = is_packaged(facts)
    if packaged is not True:
        return packaged
    package = facts.package
    assert package is not UNKNOWN
    assert package is not None
    if package.name.upper() != (rule.package_family or "").upper():
        return False
    if rule.package_version is None:
        return True
    try:
        return FileVersion.parse(package.version) >= rule.package_version
    except ValueError:
        return None


def _has_names(rule: FileRule) -> bool:
    names = (rule.file_name, rule.internal_name, rule.file_description, rule.product_name)
    return any(name is not None for name in names)


def attributes_match(rule: FileRule, facts: FileFacts, *, denied_signer: bool = False) -> Tri:
    """Names from the version resource, compared without case, and the version bounds.

    ``*`` as the only name is any file, scripts and installers included: so the AllowAll
    example policy lets them run ("Create a deny policy"). What has no version resource
    counts as 0.0.0.0. Inferred: that several names in one rule must all hold, and that the
    version of a script is that of a file without a resource.
    """
    unnamed = (rule.internal_name, rule.file_description, rule.product_name) == (None, None, None)
    if rule.file_name == "*" and unnamed and _any_version(rule, denied_signer=denied_signer):
        return True
    if rule.package_family is not None and not _has_names(rule) and _any_version(rule):
        return True
    if facts.pe is not None and facts.version_info is UNKNOWN:
        return None
    known = None if facts.pe is None or facts.version_info is UNKNOWN else facts.version_info
    info = known or VersionInfo()
    pairs = (
        (rule.file_name, info.original_filename),
        (rule.internal_name, info.internal_name),
        (rule.file_description, info.file_description),
        (rule.product_name, info.product_name),
    )
    names = all(
        wanted in (None, "*") or (own is not None and own.upper() == str(wanted).upper())
        for wanted, own in pairs
    )
    if not names:
        return False
    return _version_fits(rule, info.file_version or LOWEST, denied_signer=denied_signer)


def _one_bound(rule: FileRule) -> bool:
    return (rule.low is None) != (rule.high is None)


def _any_version(rule: FileRule, *, denied_signer: bool = False) -> bool:
    if (rule.kind is FileRuleKind.DENY or denied_signer) and _one_bound(rule):
        return False
    return rule.low in (None, LOWEST) and rule.high in (None, HIGHEST)


def _version_fits(rule: FileRule, version: FileVersion, *, denied_signer: bool) -> Tri:
    """The bounds; on a deny, one bound alone means the opposite of what it says.

    Only a minimum blocks up to it, only a maximum blocks from it on ("Understand App
    Control policy rules", and the defaults ConfigCI compiles). Which of the two holds for
    attributes under a denied signer is documented nowhere: where they differ, None.
    """
    usual = (rule.low or LOWEST) <= version <= (rule.high or HIGHEST)
    if not _one_bound(rule) or not (rule.kind is FileRuleKind.DENY or denied_signer):
        return usual
    turned = version <= rule.low if rule.low is not None else version >= (rule.high or HIGHEST)
    if rule.kind is FileRuleKind.DENY or usual == turned:
        return turned
    return None


def signer_matches(
    signer: Signer,
    facts: FileFacts,
    ekus: Mapping[str, str],
    attribs: Mapping[str, FileRule],
    *,
    denied: bool,
) -> Tri:
    """Whether one of the file's signatures is the signer's, and the file has its attributes."""
    parts: list[Tri] = [None]
    if facts.signatures is not UNKNOWN:
        wanted = {ekus[item] for item in signer.ekus}
        unwanted = {ekus[item] for item in signer.except_ekus}
        parts = [any_of(_signature(signer, wanted, unwanted, item) for item in facts.signatures)]
    if parts == [False]:
        return False
    if signer.file_attribs:
        parts.append(
            any_of(
                attributes_match(attribs[item], facts, denied_signer=denied)
                for item in signer.file_attribs
            )
        )
    return all_of(parts)


def _signature(signer: Signer, wanted: set[str], unwanted: set[str], signature: Signature) -> Tri:
    """A certificate of the chain, the leaf's CN and its EKUs.

    ECDSA signatures and RSA keys above 4096 bits count for nothing ("Understand App Control
    policy rules"). How open tools read it, so inferred: that any certificate of the chain may
    match, that CertIssuer is the CN of the leaf's issuer, and that the OEM id is the program
    name that the signature states.
    """
    leaf = signature.leaf
    if signature.grade not in _SIGNED or leaf is None or leaf.key == "ec":
        return False
    if leaf.key_bits > _MAX_RSA:
        return False
    own = {encoded_eku(oid.value) for oid in leaf.ekus}
    return all_of(
        (
            _root(signer, signature.chain),
            signer.publisher is None or leaf.common_name == signer.publisher,
            signer.issuer is None or leaf.issuer.first("CN") == signer.issuer,
            signer.oem_id is None or signature.program == signer.oem_id,
            wanted <= own and not unwanted & own,
        )
    )


def _root(signer: Signer, chain: tuple[Certificate, ...]) -> Tri:
    """Whether the chain has the root: by hash, or by name where the file does not carry it.

    A name proves nothing by itself, so it gives None; a chain that leads to another name does
    not have the root.
    """
    if not signer.well_known:
        return any(certificate.tbs.value == signer.root for certificate in chain)
    root = ROOTS.get(int(signer.root or "0", 16))
    if root is None:
        return None
    if root.tbs is not None and any(item.tbs.value == root.tbs for item in chain):
        return True
    if root.common_name is None:
        return None
    names = {chain[-1].issuer.first("CN")}
    if root.tbs is None:
        names |= {item.common_name for item in chain}
    return None if root.common_name in names else False


def encoded_eku(dotted: str) -> str:
    """An object identifier the way the policy holds it, written independently of the printer."""
    numbers = [int(part) for part in dotted.split(".")]
    body = bytearray()
    for number in (numbers[0] * 40 + numbers[1], *numbers[2:]):
        groups = []
        rest = number
        while True:
            groups.append(rest % 128)
            rest //= 128
            if not rest:
                break
        body += bytes([*(group + 128 for group in groups[:0:-1]), groups[0]])
    return f"01{len(body):02x}{body.hex()}"
