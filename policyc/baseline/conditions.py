"""The conditions of a rule: what may stand under permit, forbid and unless."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from policyc.baseline import read
from policyc.baseline.collector import Collector, did_you_mean
from policyc.baseline.nodes import Mapping, Node, Scalar
from policyc.checks import CHECKS
from policyc.model.diagnostic import Level
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    CdHash,
    CertSha256,
    Digest,
    Oid,
    PageHash,
    PublisherName,
    Sha256Flat,
    SigningId,
    TbsHash,
    TeamId,
)
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    FromPackage,
    HasHash,
    HasMasquerade,
    IsProduct,
    IsTrusted,
    OfType,
    SignedBy,
)
from policyc.model.path import PathPattern
from policyc.model.version import VersionRange

HASHES: dict[str, Callable[[str], Digest]] = {
    "sha256": Sha256Flat,
    "authenticode_sha256": AuthenticodeSha256,
    "authenticode_sha1": AuthenticodeSha1,
    "page": PageHash,
    "cdhash": CdHash,
}
SIGNER = (
    *("publisher", "common_name", "issuer", "leaf", "team", "signing_id", "eku", "program"),
    "platform_binary",
)
PRODUCT = ("name", "original_filename", "internal_name", "file_description", "version")
PACKAGE = ("manager", "name")
MASQUERADE = ("level", "codes")
CONDITIONS = (
    "hash",
    "signer",
    "product",
    "path",
    "package",
    "type",
    "trusted",
    "masquerade",
    "group",
    "everything",
)
FROM = ("from", "levels")
_CONDITIONS_OR_FROM = (*CONDITIONS, *FROM)
MAX_ALTERNATIVES = 20_000
"""Conjunctions one condition may stand for: as many hashes as a list may reasonably hold."""

Alternatives: TypeAlias = Callable[[Scalar], tuple[AllOf, ...]]
"""What a reference to a group stands for; empty after reporting an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromInventory:
    """``from: golden.parquet``: rules are to be made from an inventory."""

    inventory: Scalar
    levels: tuple[Node, ...]


def read_condition(
    node: Node | None,
    what: str,
    collector: Collector,
    groups: Alternatives,
    *,
    may_be_from: bool = False,
) -> tuple[AllOf, ...] | FromInventory | None:
    """The conjunctions of a condition; a list of hashes and a group give one each.

    None after reporting what is wrong.
    """
    before = len(collector.found)
    keys = _CONDITIONS_OR_FROM if may_be_from else CONDITIONS
    own = read.mapping(node, what, keys, collector)
    if own is None:
        return None
    given = own.values()
    if "from" in given:
        return _from(own, given["from"], collector)
    digests = _hashes(given.get("hash"), collector)
    if len(given) == len(digests) == 1 and len(collector.found) == before:
        return (AllOf(frozenset((HasHash(digests[0]),))),)  # the usual one of a long list
    atoms = _atoms(own, given, collector)
    members = _members(given.get("group"), groups, collector)
    if len(collector.found) > before:
        return None
    if "group" in given and not members:
        return None  # the group itself was reported
    everything = read.flag(given.get("everything"), "everything", collector)
    if everything is not None and (not everything or len(own.entries) > 1):
        remedy = "write `everything: true` and nothing beside it"
        collector.add("B009", "`everything` is a condition by itself", own.span, remedy=remedy)
        return None
    if not atoms and not digests and not members and not everything:
        remedy = f"add one of: {', '.join(CONDITIONS)}"
        collector.add("B009", f"{what} has no condition", own.span, remedy=remedy)
        return None
    hashed: list[frozenset[Atom]] = [frozenset({HasHash(digest)}) for digest in digests]
    grouped = [member.atoms for member in members]
    one: list[frozenset[Atom]] = [frozenset()]
    if len(hashed or one) * len(grouped or one) > MAX_ALTERNATIVES:
        message = f"{what} stands for more than {MAX_ALTERNATIVES:,} alternatives"
        collector.add("B023", message, own.span, remedy="split the group or the list of hashes")
        return None
    found = (
        AllOf(frozenset(atoms) | digest | member)
        for digest in hashed or one
        for member in grouped or one
    )
    return (next(found),) if len(hashed) == 1 and not grouped else tuple(dict.fromkeys(found))


def _members(node: Node | None, groups: Alternatives, collector: Collector) -> tuple[AllOf, ...]:
    """The members of one group, or of each group of a list."""
    found: list[AllOf] = []
    items = read.items(node, "group", collector)
    if node is not None and not items:
        collector.add("B009", "group names none", node.span, remedy="name a group, or drop the key")
    for item in items:
        if read.text(item, "group", collector) is not None and isinstance(item, Scalar):
            found += groups(item)
    return tuple(dict.fromkeys(found))


def _from(own: Mapping, inventory: Node, collector: Collector) -> FromInventory | None:
    if not isinstance(inventory, Scalar):
        collector.add("B004", "`from` must name a file", inventory.span, remedy="write a path")
        return None
    for key, _ in own.entries:
        if key.text in CONDITIONS:
            remedy = "put the other conditions into a rule of their own"
            collector.add(
                "B009", f"`from` and `{key.text}` exclude each other", key.span, remedy=remedy
            )
    return FromInventory(
        inventory=inventory, levels=read.items(own.get("levels"), "levels", collector)
    )


def _atoms(own: Mapping, given: dict[str, Node], collector: Collector) -> list[Atom]:
    atoms: list[Atom | None] = [
        _signer(given.get("signer"), collector),
        _product(given.get("product"), collector),
        _package(given.get("package"), collector),
    ]
    pattern = read.value(given.get("path"), "path", PathPattern, collector)
    ftype = read.text(given.get("type"), "type", collector)
    masquerade = _masquerade(given.get("masquerade"), collector)
    trusted = _only_true(own, "trusted", collector)
    atoms += [
        None if pattern is None else AtPath(pattern),
        None if ftype is None else OfType(ftype),
        masquerade,
        IsTrusted() if trusted else None,
    ]
    return [atom for atom in atoms if atom is not None]


def _masquerade(node: Node | None, collector: Collector) -> HasMasquerade | None:
    """A level, or a mapping of codes and the least level they count from."""
    if not isinstance(node, Mapping):
        level = read.choice(node, "level", Level, collector)
        return None if level is None else HasMasquerade(level)
    own = read.mapping(node, "masquerade", MASQUERADE, collector)
    if own is None:
        return None
    codes = set()
    if not own.entries:
        remedy = f"add one of: {', '.join(MASQUERADE)}"
        collector.add("B009", "masquerade has no condition", own.span, remedy=remedy)
    listed = own.get("codes")
    items = read.items(listed, "codes", collector)
    if listed is not None and not items:
        collector.add("B009", "codes names none", listed.span, remedy="name one, or drop the key")
    for item in items:
        code = read.text(item, "a code", collector)
        if code is not None and code not in CHECKS:
            message = f"there is no check `{code}`"
            collector.add("B008", message, item.span, remedy=did_you_mean(code, CHECKS))
        codes.add(code or "")
    level = read.choice(own.get("level"), "level", Level, collector) or Level.INFO
    return HasMasquerade(level, tuple(sorted(codes)))


def _hashes(node: Node | None, collector: Collector) -> list[Digest]:
    own = read.mapping(node, "hash", HASHES, collector)
    if own is None:
        return []
    if len(own.entries) != 1:
        collector.add(
            "B009", "hash names one kind of digest", own.span, remedy=f"one of: {', '.join(HASHES)}"
        )
        return []
    key, value = own.entries[0]
    make = HASHES.get(key.text)
    if make is None:
        return []
    items = read.items(value, f"hash.{key.text}", collector)
    if not items:
        # An empty list must not become a rule without a hash, which would reach further.
        collector.add("B009", "hash names none", value.span, remedy="name one, or drop the key")
    digests = [read.value(item, f"hash.{key.text}", make, collector) for item in items]
    return [digest for digest in digests if digest is not None]


def _signer(node: Node | None, collector: Collector) -> SignedBy | None:
    own = read.mapping(node, "signer", SIGNER, collector)
    if own is None:
        return None
    if not own.entries:
        collector.add(
            "B009", "signer has no condition", own.span, remedy=f"add one of: {', '.join(SIGNER)}"
        )
    return SignedBy(
        publisher=read.value(own.get("publisher"), "publisher", PublisherName, collector),
        common_name=read.text(own.get("common_name"), "common_name", collector),
        issuer=read.value(own.get("issuer"), "issuer", TbsHash, collector),
        leaf=read.value(own.get("leaf"), "leaf", CertSha256, collector),
        team=read.value(own.get("team"), "team", TeamId, collector),
        signing_id=read.value(own.get("signing_id"), "signing_id", SigningId, collector),
        eku=read.value(own.get("eku"), "eku", Oid, collector),
        program=read.text(own.get("program"), "program", collector),
        platform_binary=_only_true(own, "platform_binary", collector),
    )


def _only_true(own: Mapping, name: str, collector: Collector) -> Literal[True] | None:
    """A condition that has no other value; what is not so is said with ``unless``."""
    found = read.flag(own.get(name), name, collector)
    if found is False:
        key = own.key(name)
        if key is not None:
            remedy = f"put `{name}: true` under unless"
            collector.add("B007", f"only `{name}: true` is a condition", key.span, remedy=remedy)
    return found or None


def _product(node: Node | None, collector: Collector) -> IsProduct | None:
    own = read.mapping(node, "product", PRODUCT, collector)
    if own is None:
        return None
    if not own.entries:
        remedy = f"add one of: {', '.join(PRODUCT)}"
        collector.add("B009", "product has no condition", own.span, remedy=remedy)
    version = read.value(own.get("version"), "version", VersionRange.parse, collector)
    return IsProduct(
        name=read.text(own.get("name"), "product name", collector),
        original_filename=read.text(own.get("original_filename"), "original_filename", collector),
        internal_name=read.text(own.get("internal_name"), "internal_name", collector),
        file_description=read.text(own.get("file_description"), "file_description", collector),
        version=version or VersionRange(),
    )


def _package(node: Node | None, collector: Collector) -> FromPackage | None:
    own = read.mapping(node, "package", PACKAGE, collector)
    if own is None:
        return None
    manager = read.text(own.get("manager"), "manager", collector)
    if own.get("manager") is None:
        collector.add("B006", "package needs a manager", own.span, remedy="add `manager: dpkg`")
    name = read.text(own.get("name"), "package name", collector)
    return FromPackage(manager=manager or "", name=None if name == "*" else name)
