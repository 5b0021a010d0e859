"""The conditions of a rule: what may stand under permit, forbid and unless."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from policyc.baseline import read
from policyc.baseline.collector import Collector
from policyc.baseline.nodes import Mapping, Node, Scalar
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
SIGNER = ("publisher", "common_name", "issuer", "leaf", "team", "signing_id", "eku", "program")
PRODUCT = ("name", "original_filename", "internal_name", "file_description", "version")
PACKAGE = ("manager", "name")
CONDITIONS = (
    "hash",
    "signer",
    "product",
    "path",
    "package",
    "type",
    "trusted",
    "masquerade",
    "everything",
)
FROM = ("from", "levels")


@dataclass(frozen=True, slots=True, kw_only=True)
class FromInventory:
    """``from: golden.parquet``: rules are to be made from an inventory."""

    inventory: Scalar
    levels: tuple[Node, ...]


def read_condition(
    node: Node | None, what: str, collector: Collector, *, may_be_from: bool = False
) -> tuple[AllOf, ...] | FromInventory | None:
    """The conjunctions of a condition; a list of hashes gives one each.

    None after reporting what is wrong.
    """
    before = len(collector.found)
    keys = (*CONDITIONS, *FROM) if may_be_from else CONDITIONS
    own = read.mapping(node, what, keys, collector)
    if own is None:
        return None
    inventory = own.get("from")
    if inventory is not None:
        return _from(own, inventory, collector)
    atoms, digests = _atoms(own, collector)
    if len(collector.found) > before:
        return None
    everything = read.flag(own.get("everything"), "everything", collector)
    if everything is not None and (not everything or len(own.entries) > 1):
        remedy = "write `everything: true` and nothing beside it"
        collector.add("B009", "`everything` is a condition by itself", own.span, remedy=remedy)
        return None
    if not atoms and not digests and not everything:
        remedy = f"add one of: {', '.join(CONDITIONS)}"
        collector.add("B009", f"{what} has no condition", own.span, remedy=remedy)
        return None
    if not digests:
        return (AllOf(frozenset(atoms)),)
    return tuple(AllOf(frozenset((*atoms, HasHash(digest)))) for digest in digests)


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


def _atoms(own: Mapping, collector: Collector) -> tuple[list[Atom], list[Digest]]:
    atoms: list[Atom | None] = [
        _signer(own.get("signer"), collector),
        _product(own.get("product"), collector),
        _package(own.get("package"), collector),
    ]
    pattern = read.value(own.get("path"), "path", PathPattern, collector)
    ftype = read.text(own.get("type"), "type", collector)
    level = read.choice(own.get("masquerade"), "level", Level, collector)
    trusted = read.flag(own.get("trusted"), "trusted", collector)
    if trusted is False:
        key = own.key("trusted")
        if key is not None:
            remedy = "put `trusted: true` under unless"
            collector.add("B007", "only `trusted: true` is a condition", key.span, remedy=remedy)
    atoms += [
        None if pattern is None else AtPath(pattern),
        None if ftype is None else OfType(ftype),
        None if level is None else HasMasquerade(level),
        IsTrusted() if trusted else None,
    ]
    return [atom for atom in atoms if atom is not None], _hashes(own.get("hash"), collector)


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
    digests = [
        read.value(item, f"hash.{key.text}", make, collector)
        for item in read.items(value, f"hash.{key.text}", collector)
    ]
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
    )


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
