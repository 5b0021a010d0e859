"""Files that do not exist: facts made to satisfy chosen conditions, as nature could have them.

Bytes settle content: a digest that the inventory knows belongs to the inventory's file, a
certificate that it knows keeps all its identities, and any other content gets digests of its
own. Otherwise a witness would show a difference that no real file can have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import lt
from typing import assert_never

from policyc.model.facets import signature_facets
from policyc.model.facts import (
    UNKNOWN,
    Collection,
    ElfFacts,
    ElfKind,
    Fact,
    FileFacts,
    Hashes,
    MachoFacts,
    MachoKind,
    MachoSlice,
    PeFacts,
    PeKind,
    Platform,
    ScriptFacts,
    Trait,
    VersionInfo,
)
from policyc.model.formats import FileFormat
from policyc.model.identity import (
    DIGEST_KINDS,
    AuthenticodeSha1,
    AuthenticodeSha256,
    CdHash,
    CertSha256,
    Digest,
    PageHash,
    Sha256Flat,
    TbsHash,
)
from policyc.model.index import once_per_object
from policyc.model.ir import SignedBy
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.model.variants import varied

_PE = {
    Collection.EXECUTABLE: (PeKind.EXECUTABLE, "exe"),
    Collection.LIBRARY: (PeKind.LIBRARY, "dll"),
    Collection.DRIVER: (PeKind.DRIVER, "sys"),
}
_ELF = {
    Collection.EXECUTABLE: (ElfKind.PIE, "application/x-executable"),
    Collection.LIBRARY: (ElfKind.SHARED, "application/x-sharedlib"),
}
_MACHO = {Collection.EXECUTABLE: MachoKind.EXECUTABLE, Collection.LIBRARY: MachoKind.DYLIB}
_OF_PRODUCT = 2
_ENFORCED = 0x10000
"""Hardened runtime: the flag without which a CDHash rule does not count."""


def blank(platform: Platform, collection: Collection) -> FileFacts | None:
    """An unsigned file of the collection in no particular place; None if there is none."""
    common = FileFacts(
        path="/witness/file",
        size=1,
        actual=FileFormat.SCRIPT,
        package=None,
        trusted=False,
        writable_by_users=False,
        ftype=None,
        masquerade=None,
        findings=(),
    )
    match platform:
        case Platform.WINDOWS:
            return _windows(common, collection)
        case Platform.LINUX:
            if collection is Collection.SCRIPT:
                python = ScriptFacts(language="python", interpreter="/usr/bin/python3")
                return replace(common, script=python, ftype="text/x-python")
            if collection not in _ELF:
                return None
            kind, ftype = _ELF[collection]
            elf = ElfFacts(kind=kind, machine=62, bits=64, static=False)
            return replace(common, actual=FileFormat.ELF, elf=elf, ftype=ftype)
        case Platform.MACOS:
            if collection not in _MACHO:
                return None
            piece = MachoSlice(arch="arm64", kind=_MACHO[collection])
            return replace(common, actual=FileFormat.MACHO, macho=MachoFacts(slices=(piece,)))


def _windows(common: FileFacts, collection: Collection) -> FileFacts | None:
    stem = "C:\\Witness\\file."
    if collection in _PE:
        kind, extension = _PE[collection]
        pe = PeFacts(kind=kind, machine=0x8664, subsystem=3, section_alignment=0x1000)
        return replace(common, path=stem + extension, actual=FileFormat.PE, pe=pe)
    if collection is Collection.SCRIPT:
        return replace(common, path=stem + "ps1", script=ScriptFacts(language="powershell"))
    if collection is Collection.INSTALLER:
        return replace(common, path=stem + "msi", actual=FileFormat.MSI)
    return None


def number_of(*parts: object) -> str:
    """64 hex digits that follow from the parts."""
    text = "\x1f".join(part if isinstance(part, str) else repr(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


@once_per_object(4096)
def _text(signature: Signature) -> str:
    return repr(signature)


def sealed(facts: FileFacts) -> FileFacts:
    """Give a made file the digests it lacks; they follow from what its bytes say."""
    kind = "" if facts.collection is None else facts.collection.value
    image = f"{facts.actual.value} {kind} {facts.version_info!r}"
    signed = () if facts.signatures is UNKNOWN else tuple(map(_text, facts.signatures))
    own, macho, traits = facts.hashes, facts.macho, facts.traits
    if facts.pe is not None:
        own = _image_digests(image, own)
    if macho is not None and facts.signatures:
        piece = macho.slices[0]
        if piece.cdhash is None:
            piece = replace(piece, cdhash=CdHash(number_of(image, *signed)[:40]))
        macho = MachoFacts(slices=(piece,))
    flat = own.sha256
    if flat is None or flat is UNKNOWN:
        digests = (str(getattr(own, name)) for name in Hashes.__slots__)
        flat = Sha256Flat(number_of(image, *digests, *signed, macho, *traits))
    if facts.elf is not None and not traits:
        traits = (Trait(kind="fs-verity", detail=number_of("verity", flat)),)
    hashes = Hashes(
        sha256=flat,
        authenticode_sha256=own.authenticode_sha256,
        authenticode_sha1=own.authenticode_sha1,
        page_sha256=own.page_sha256,
        page_sha1=own.page_sha1,
    )
    return varied(facts, hashes=hashes, macho=macho, traits=traits)


def _image_digests(image: str, own: Hashes) -> Hashes:
    seed = number_of(image, own.authenticode_sha256, own.authenticode_sha1, own.page_sha256)
    page = number_of(seed)
    return Hashes(
        sha256=own.sha256,
        authenticode_sha256=own.authenticode_sha256 or AuthenticodeSha256(seed),
        authenticode_sha1=own.authenticode_sha1 or AuthenticodeSha1(seed[:40]),
        page_sha256=own.page_sha256 or PageHash(page),
        page_sha1=own.page_sha1 or PageHash(page[:40]),
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What an inventory settles: contents by digest, certificates, signatures by their words."""

    by_digest: Mapping[type[Digest], dict[str, FileFacts]]
    by_leaf: dict[CertSha256, Certificate]
    by_tbs: dict[TbsHash, Certificate]
    signatures: dict[tuple[str, Hashable], list[Signature]]
    by_product: dict[str, list[Signature]]
    """The first signatures that stand on files of a product, whose name is in upper case."""
    trees: frozenset[str]
    """fs-verity digests that belong to files of the inventory."""
    chosen: dict[tuple[SignedBy, Platform], Signature | None]
    """Signatures that were asked for, so that a condition always gets the same one."""

    def holds(self, facts: FileFacts) -> bool:
        """Whether this very file is one of the inventory's."""
        flat = facts.hashes.sha256
        return flat is not None and flat is not UNKNOWN and self.of(flat) is facts

    def of(self, digest: Digest) -> FileFacts | None:
        """The file of the inventory with this content, if there is one."""
        return self.by_digest[type(digest)].get(digest.value)


@once_per_object(2)
def known(files: tuple[FileFacts, ...]) -> Known:
    """Index an inventory; the same for the same set of files."""
    by_digest: dict[type[Digest], dict[str, FileFacts]] = {kind: {} for kind in DIGEST_KINDS}
    signatures: dict[Signature, None] = {}
    seen: set[int] = set()
    by_product: dict[str, list[Signature]] = {}
    trees: set[str] = set()
    contents = by_digest[Sha256Flat]
    for facts in _in_order(files):
        own = facts.hashes
        if isinstance(own.sha256, Sha256Flat):
            contents.setdefault(own.sha256.value, facts)
        # Most files have no other digest.
        if facts.macho is not None or not (
            own.authenticode_sha256 is own.authenticode_sha1 is None
            and own.page_sha256 is own.page_sha1 is None
        ):
            for digest in digests(facts):
                by_digest[type(digest)].setdefault(digest.value, facts)
        if facts.traits:
            trees.update(trait.detail for trait in facts.traits if trait.kind == "fs-verity")
        if facts.signatures is UNKNOWN or not facts.signatures:
            continue
        fresh = [item for item in facts.signatures if id(item) not in seen]
        seen.update(map(id, fresh))
        signatures.update(dict.fromkeys(fresh))
        info = facts.version_info
        if info is not UNKNOWN and info is not None and info.product_name is not None:
            alike = by_product.setdefault(info.product_name.upper(), [])
            alike += [
                item for item in facts.signatures if len(alike) < _OF_PRODUCT and item not in alike
            ]
    certificates = {cert: None for item in signatures for cert in item.chain}
    return Known(
        by_digest,
        {cert.sha256: cert for cert in certificates},
        {cert.tbs: cert for cert in certificates},
        _by_words(signatures),
        by_product,
        frozenset(trees),
        {},
    )


def _in_order(files: tuple[FileFacts, ...]) -> Sequence[FileFacts]:
    """By path and content; an inventory mostly is."""
    paths = [facts.path for facts in files]
    if all(map(lt, paths, islice(paths, 1, None))):
        return files
    return sorted(files, key=lambda item: (item.path, str(item.hashes.sha256)))


def _by_words(signatures: Iterable[Signature]) -> dict[tuple[str, Hashable], list[Signature]]:
    found: dict[tuple[str, Hashable], list[Signature]] = {}
    for signature in signatures:
        for word in signature_facets(signature):
            found.setdefault(word, []).append(signature)
    return found


def digests(facts: FileFacts) -> list[Digest]:
    """Every digest of a file that is known."""
    own = facts.hashes
    values: list[Fact[Digest | None]] = [own.sha256, own.authenticode_sha256, own.authenticode_sha1]
    values += [own.page_sha256, own.page_sha1]
    if facts.macho is not None:
        values += [piece.cdhash for piece in facts.macho.slices]
    return [item for item in values if item is not None and item is not UNKNOWN]


def with_digest(facts: FileFacts, digest: Digest) -> FileFacts | None:
    """The file with this digest, or None if a file of its kind has no such digest."""
    own = facts.hashes
    if isinstance(digest, Sha256Flat):
        return varied(facts, hashes=replace(own, sha256=digest))
    if isinstance(digest, CdHash):
        if facts.macho is None:
            return None
        piece = replace(
            facts.macho.slices[0],
            cdhash=digest,
            flags=_ENFORCED,
            grade=facts.macho.slices[0].grade or SignatureGrade.ADHOC,
        )
        signatures = facts.signatures or (
            Signature(kind=SignatureKind.APPLE, grade=SignatureGrade.ADHOC),
        )
        return varied(facts, macho=MachoFacts(slices=(piece,)), signatures=signatures)
    if facts.pe is None:
        return None
    return varied(facts, hashes=_image(own, digest))


def _image(own: Hashes, digest: AuthenticodeSha256 | AuthenticodeSha1 | PageHash) -> Hashes:
    match digest:
        case AuthenticodeSha256():
            return replace(own, authenticode_sha256=digest)
        case AuthenticodeSha1():
            return replace(own, authenticode_sha1=digest)
        case PageHash() if len(digest.value) < len(number_of()):
            return replace(own, page_sha1=digest)
        case PageHash():
            return replace(own, page_sha256=digest)
        case _:
            assert_never(digest)


def with_signature(facts: FileFacts, signature: Signature) -> FileFacts:
    """The file signed so; on macOS a file has one signature and its slice says the same."""
    if facts.macho is None:
        present = () if facts.signatures is UNKNOWN else facts.signatures
        return varied(facts, signatures=(*present, signature))
    identifier = signature.signing_id.value.partition(":")[2] if signature.signing_id else None
    leaf = signature.leaf
    piece = replace(
        facts.macho.slices[0],
        grade=signature.grade,
        team=signature.team,
        identifier=identifier,
        leaf=None if leaf is None else leaf.sha256,
        flags=_ENFORCED,
        platform_binary=signature.platform_binary,
    )
    return varied(facts, signatures=(signature,), macho=MachoFacts(slices=(piece,)))


def with_product(facts: FileFacts, info: VersionInfo) -> FileFacts | None:
    """The file with these words of its version resource over its own; None if not a PE."""
    if facts.pe is None:
        return None
    own = facts.version_info
    if own is UNKNOWN or own is None:
        own = VersionInfo()
    return varied(
        facts,
        version_info=replace(
            own,
            product_name=info.product_name or own.product_name,
            original_filename=info.original_filename or own.original_filename,
            internal_name=info.internal_name or own.internal_name,
            file_description=info.file_description or own.file_description,
            file_version=info.file_version or own.file_version,
        ),
    )
