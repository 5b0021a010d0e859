"""File rules of a policy as conditions of a baseline, and signers as what they match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policyc.model.facts import Collection
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    Digest,
    Oid,
    PageHash,
    Sha256Flat,
    TbsHash,
)
from policyc.model.ir import AllOf, Atom, AtPath, FromPackage, HasHash, IsProduct, SignedBy
from policyc.model.path import PathPattern
from policyc.model.version import HIGHEST, LOWEST, VersionRange
from policyc.targets.wdac.model import FileRule, FileRuleKind, Signer
from policyc.targets.wdac.roots import ROOTS

HOSTED = frozenset({Collection.SCRIPT, Collection.INSTALLER})
"""What has no version resource, and is named by the hash of all its bytes."""
_MACROS = {
    "%OSDRIVE%": "C:",
    "%WINDIR%": "C:\\Windows",
    "%SYSTEM32%": "C:\\Windows\\System32",
}


class NotLiftedError(Exception):
    """What a baseline cannot say; the message tells."""


@dataclass(frozen=True, slots=True)
class Part:
    """A condition, for these collections only or for all that its scenario has."""

    match: AllOf
    only: frozenset[Collection] | None = None


def conditions_of(rule: FileRule, *, deny: bool | None = None) -> tuple[Part, ...]:
    """Conditions of which one holds where the rule matches; none for a rule that matches nothing.

    ``deny`` says whether version bounds are read as a deny's; by default by the rule's kind.
    Raises NotLiftedError.
    """
    if rule.app_ids is not None or rule.hotpatch or rule.extras:
        raise NotLiftedError("has conditions that no baseline has (AppIDs, hotpatch)")
    if rule.hash is not None:
        return _hashes(rule.hash)
    atoms: set[Atom] = set()
    if rule.file_path is not None:
        atoms.add(AtPath(pattern_of(rule.file_path)))
    if rule.package_family is not None:
        if rule.package_version is not None:
            raise NotLiftedError("is about versions of a package")
        atoms.add(FromPackage(manager="appx", name=rule.package_family))
    if deny is None:
        deny = rule.kind is FileRuleKind.DENY
    versions = _versions(rule, deny=deny)
    if versions is None:
        return ()
    return _with_names(rule, frozenset(atoms), versions)


def _hashes(value: str) -> tuple[Part, ...]:
    """A hash may be of an image, of its first page, or of a file that is no image."""
    try:
        image = AuthenticodeSha256(value) if len(value) == 64 else AuthenticodeSha1(value)
        found = [Part(_one(image)), Part(_one(PageHash(value)))]
        if len(value) == 64:
            found.insert(1, Part(_one(Sha256Flat(value)), HOSTED))
    except ValueError as error:
        raise NotLiftedError("has a hash of no known kind") from error
    return tuple(found)


def _one(digest: Digest) -> AllOf:
    return AllOf(frozenset((HasHash(digest),)))


def pattern_of(text: str) -> PathPattern:
    """A path with its macro put in, C: being the system drive; raises NotLiftedError."""
    head, separator, tail = text.partition("\\")
    path = _MACROS.get(head.upper(), head) + separator + tail
    if "?" in path:
        raise NotLiftedError("has a ? in its path")
    try:
        return PathPattern(path.replace("**", "*").replace("*", "**"))
    except ValueError as error:
        raise NotLiftedError("has a path that no baseline names") from error


def _versions(rule: FileRule, *, deny: bool) -> VersionRange | None:
    """The range that matches, None for an empty one; one bound on a deny means the opposite."""
    low, high = rule.low or LOWEST, rule.high or HIGHEST
    if deny and (rule.low is None) != (rule.high is None):
        low, high = (LOWEST, rule.low) if rule.low is not None else (high, HIGHEST)
    return VersionRange(low=low, high=high) if low <= high else None


def _with_names(rule: FileRule, atoms: frozenset[Atom], versions: VersionRange) -> tuple[Part, ...]:
    """A star is any name. What has no version resource counts as version 0.0.0.0."""
    product = IsProduct(
        name=_name(rule.product_name),
        original_filename=_name(rule.file_name),
        internal_name=_name(rule.internal_name),
        file_description=_name(rule.file_description),
        version=versions,
    )
    starred = "*" in (rule.product_name, rule.internal_name, rule.file_description)
    if any(product.names):
        return (Part(AllOf(atoms | {product})),)
    if starred:
        raise NotLiftedError("has a * as another name than the file name")
    if versions.is_any:
        return (Part(AllOf(atoms)),)
    found = [Part(AllOf(atoms | {product}))]
    if versions.low == LOWEST:
        found.append(Part(AllOf(atoms), HOSTED))
    return tuple(found)


def _name(text: str | None) -> str | None:
    return None if text == "*" else text


def signers_of(
    signer: Signer, ekus: Mapping[str, str], *, permit: bool
) -> tuple[SignedBy, tuple[str, ...]]:
    """What a signer matches, and remarks on what it does not say.

    A condition that a baseline has not is left out where the signer denies, which denies more.
    Raises NotLiftedError where it allows, as that would allow more.
    """
    left_out = []
    if signer.issuer is not None:
        left_out.append("the issuer's name")
    if signer.except_ekus:
        left_out.append("excepted key usages")
    if signer.sign_time_after is not None:
        left_out.append("a signing time")
    if signer.artifacts:
        left_out.append("artifact rules")
    if len(signer.ekus) > 1:
        left_out.append("several key usages at once")
    if permit and left_out:
        raise NotLiftedError(f"allows by {', '.join(left_out)}")
    root, remark = _root(signer)
    eku = None
    if signer.ekus:
        eku = decoded_eku(ekus.get(signer.ekus[0], ""))
    remarks = [f"denies whatever {item} says" for item in left_out]
    return (
        SignedBy(issuer=root, common_name=signer.publisher, eku=eku, program=signer.oem_id),
        (*remarks, *remark),
    )


def _root(signer: Signer) -> tuple[TbsHash, tuple[str, ...]]:
    remark: tuple[str, ...] = ()
    text: str | None = signer.root
    if signer.well_known:
        root = ROOTS.get(int(signer.root or "0", 16))
        text = None if root is None else root.tbs
        remark = ("is a well-known root: only files that carry it are matched",)
    try:
        return TbsHash(text or ""), remark
    except ValueError as error:
        raise NotLiftedError("has a root whose hash is not known") from error


def decoded_eku(value: str) -> Oid:
    """The object identifier in App Control's encoding; raises NotLiftedError."""
    try:
        data = bytes.fromhex(value)
    except ValueError as error:
        raise NotLiftedError("has a key usage that is none") from error
    if len(data) < 3 or data[0] != 1 or data[1] != len(data) - 2 or data[-1] & 0x80:
        raise NotLiftedError("has a key usage that is none")
    numbers, current = [], 0
    for byte in data[2:]:
        current = current << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(current)
            current = 0
    first = min(numbers[0] // 40, 2)
    dotted = ".".join(str(item) for item in (first, numbers[0] - 40 * first, *numbers[1:]))
    return Oid(dotted)
