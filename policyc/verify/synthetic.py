"""Files that do not exist: facts made to satisfy chosen conditions, as nature could have them.

Bytes settle content: a digest that the inventory knows belongs to the inventory's file, a
certificate that it knows keeps all its identities, and any other content gets digests of its
own. Otherwise a witness would show a difference that no real file can have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from policyc.model.decision import signature_satisfies
from policyc.model.facets import facets_of, signature_facets
from policyc.model.facts import (
    UNKNOWN,
    Certificate,
    Collection,
    ElfFacts,
    ElfKind,
    FileFacts,
    Hashes,
    MachoFacts,
    MachoKind,
    MachoSlice,
    PeFacts,
    PeKind,
    Platform,
    ScriptFacts,
    Signature,
    SignatureGrade,
    SignatureKind,
    Trait,
    VersionInfo,
)
from policyc.model.formats import FileFormat
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    CdHash,
    CertSha256,
    Digest,
    DistinguishedName,
    PageHash,
    PublisherName,
    Sha256Flat,
    SigningId,
    TbsHash,
)
from policyc.model.index import once_per_object
from policyc.model.ir import SignedBy

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
_KINDS: tuple[type[Digest], ...] = (
    Sha256Flat,
    AuthenticodeSha256,
    AuthenticodeSha1,
    PageHash,
    CdHash,
)
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


def _number(*parts: object) -> str:
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
            piece = replace(piece, cdhash=CdHash(_number(image, *signed)[:40]))
        macho = MachoFacts(slices=(piece,))
    flat = own.sha256
    if flat is None or flat is UNKNOWN:
        digests = (str(getattr(own, name)) for name in Hashes.__slots__)
        flat = Sha256Flat(_number(image, *digests, *signed, macho, *traits))
    if facts.elf is not None and not traits:
        traits = (Trait(kind="fs-verity", detail=_number("verity", flat)),)
    hashes = Hashes(
        sha256=flat,
        authenticode_sha256=own.authenticode_sha256,
        authenticode_sha1=own.authenticode_sha1,
        page_sha256=own.page_sha256,
        page_sha1=own.page_sha1,
    )
    return replace(facts, hashes=hashes, macho=macho, traits=traits)


def _image_digests(image: str, own: Hashes) -> Hashes:
    seed = _number(image, own.authenticode_sha256, own.authenticode_sha1, own.page_sha256)
    page = _number(seed)
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

    by_digest: dict[Digest, FileFacts]
    by_leaf: dict[CertSha256, Certificate]
    by_tbs: dict[TbsHash, Certificate]
    signatures: dict[tuple[str, Hashable], list[Signature]]
    by_product: dict[str, list[Signature]]
    """The first signatures that stand on files of a product, whose name is in upper case."""
    trees: frozenset[str]
    """fs-verity digests that belong to files of the inventory."""
    chosen: dict[tuple[SignedBy, Platform], Signature | None]
    """Signatures that were asked for, so that a condition always gets the same one."""

    def may_be(self, digest: Digest, named: frozenset[Digest]) -> bool:
        """Whether a text is not known as another kind of digest and as this kind not.

        No file has one kind's digest as another kind's.
        """
        if digest in named or digest in self.by_digest:
            return True
        others = [kind(digest.value) for kind in _KINDS if len(digest.value) in kind.lengths]
        return not any(item in named or item in self.by_digest for item in others)


@once_per_object(2)
def known(files: tuple[FileFacts, ...]) -> Known:
    """Index an inventory; the same for the same set of files."""
    by_digest: dict[Digest, FileFacts] = {}
    signatures: dict[Signature, None] = {}
    seen: set[int] = set()
    by_product: dict[str, list[Signature]] = {}
    for facts in sorted(files, key=lambda item: (item.path, str(item.hashes.sha256))):
        for digest in digests(facts):
            by_digest.setdefault(digest, facts)
        if facts.signatures is UNKNOWN:
            continue
        fresh = [item for item in facts.signatures if id(item) not in seen]
        seen.update(map(id, fresh))
        signatures.update(dict.fromkeys(fresh))
        info = facts.version_info
        if info is not UNKNOWN and info is not None and info.product_name is not None:
            own = by_product.setdefault(info.product_name.upper(), [])
            own += [item for item in facts.signatures if len(own) < _OF_PRODUCT and item not in own]
    certificates = {cert: None for item in signatures for cert in item.chain}
    return Known(
        by_digest,
        {cert.sha256: cert for cert in certificates},
        {cert.tbs: cert for cert in certificates},
        _by_words(signatures),
        by_product,
        frozenset(
            trait.detail for facts in files for trait in facts.traits if trait.kind == "fs-verity"
        ),
        {},
    )


def _by_words(signatures: Iterable[Signature]) -> dict[tuple[str, Hashable], list[Signature]]:
    found: dict[tuple[str, Hashable], list[Signature]] = {}
    for signature in signatures:
        for word in signature_facets(signature):
            found.setdefault(word, []).append(signature)
    return found


def digests(facts: FileFacts) -> tuple[Digest, ...]:
    """Every digest of a file that is known."""
    own = facts.hashes
    values = (
        own.sha256,
        own.authenticode_sha256,
        own.authenticode_sha1,
        own.page_sha256,
        own.page_sha1,
        *(piece.cdhash for piece in (facts.macho.slices if facts.macho else ())),
    )
    return tuple(item for item in values if item is not None and item is not UNKNOWN)


def with_digest(facts: FileFacts, digest: Digest) -> FileFacts | None:
    """The file with this digest, or None if a file of its kind has no such digest."""
    own = facts.hashes
    if isinstance(digest, Sha256Flat):
        return replace(facts, hashes=replace(own, sha256=digest))
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
        return replace(facts, macho=MachoFacts(slices=(piece,)), signatures=signatures)
    if facts.pe is None:
        return None
    return replace(facts, hashes=_image(own, digest))


def _image(own: Hashes, digest: AuthenticodeSha256 | AuthenticodeSha1 | PageHash) -> Hashes:
    match digest:
        case AuthenticodeSha256():
            return replace(own, authenticode_sha256=digest)
        case AuthenticodeSha1():
            return replace(own, authenticode_sha1=digest)
        case PageHash() if len(digest.value) < len(_number()):
            return replace(own, page_sha1=digest)
        case PageHash():
            return replace(own, page_sha256=digest)
        case _:
            assert_never(digest)


def with_signature(facts: FileFacts, signature: Signature) -> FileFacts:
    """The file signed so; on macOS a file has one signature and its slice says the same."""
    if facts.macho is None:
        present = () if facts.signatures is UNKNOWN else facts.signatures
        return replace(facts, signatures=(*present, signature))
    identifier = signature.signing_id.value.partition(":")[2] if signature.signing_id else None
    leaf = signature.leaf
    piece = replace(
        facts.macho.slices[0],
        grade=signature.grade,
        team=signature.team,
        identifier=identifier,
        leaf=None if leaf is None else leaf.sha256,
        flags=_ENFORCED,
        platform_binary=signature.signing_id is not None and signature.signing_id.team is None,
    )
    return replace(facts, signatures=(signature,), macho=MachoFacts(slices=(piece,)))


def signature_for(atom: SignedBy, world: Known, platform: Platform) -> Signature | None:
    """A signature that satisfies ``atom``: one of the inventory's, else a made one, else None."""
    key = (atom, platform)
    if key not in world.chosen:
        world.chosen[key] = _present(atom, world) or _made_signature(atom, world, platform)
    return world.chosen[key]


def _present(atom: SignedBy, world: Known) -> Signature | None:
    candidates = [world.signatures.get(word, []) for word in facets_of(atom)]
    for signature in min(candidates, key=len):
        if signature_satisfies(atom, signature):
            return signature
    return None


def _made_signature(atom: SignedBy, world: Known, platform: Platform) -> Signature | None:
    if platform is Platform.LINUX:
        return None
    apple = platform is Platform.MACOS
    team = atom.team or (atom.signing_id.team if atom.signing_id else None)
    leaf = world.by_leaf.get(atom.leaf) if atom.leaf else None
    leaf = leaf or _signing(atom, world) or _leaf(atom)
    chain: tuple[Certificate, ...] = (leaf,)
    if atom.issuer is not None and leaf.tbs != atom.issuer:
        chain = (leaf, world.by_tbs.get(atom.issuer) or _issuer(atom.issuer))
    signing = atom.signing_id
    if signing is None and team is not None:
        signing = SigningId(f"{team}:witness")
    made = Signature(
        kind=SignatureKind.APPLE if apple else SignatureKind.AUTHENTICODE,
        grade=SignatureGrade.PRODUCTION,
        chain=chain,
        team=team if apple else None,
        signing_id=signing if apple else None,
        program=atom.program or "",
    )
    return made if signature_satisfies(atom, made) else None


def other_signatures(atom: SignedBy, world: Known, platform: Platform) -> Iterator[Signature]:
    """Signatures that nearly satisfy ``atom``.

    One that is not valid; with an elliptic key; by a certificate that the right one issued;
    and for each part of the condition one that satisfies the others.
    """
    own = signature_for(atom, world, platform)
    if own is None:
        return
    yield replace(own, grade=SignatureGrade.INVALID)
    if own.leaf is not None:
        number = _number("elliptic", own.leaf.sha256)
        tbs = TbsHash(_number("tbs", number))
        elliptic = replace(own.leaf, key="ec", key_bits=256, sha256=CertSha256(number), tbs=tbs)
        yield replace(own, chain=(elliptic, *own.chain[1:]))
        # Of another name: a signing certificate that issues one of its own name is no real world.
        issued = _leaf(SignedBy(common_name="Issued witness"))
        yield replace(own, chain=(issued, *own.chain))
    for name in SignedBy.__slots__:
        weaker = replace(atom, **{name: None})
        if weaker not in (atom, SignedBy()):
            other = signature_for(weaker, world, platform)
            if other is not None:
                yield other


def _signing(atom: SignedBy, world: Known) -> Certificate | None:
    """The certificate an issuer condition names, if it signs files: such a one issues none."""
    own = None if atom.issuer is None else world.by_tbs.get(atom.issuer)
    signed = (item.leaf for listed in world.signatures.values() for item in listed)
    return own if own is not None and any(leaf == own for leaf in signed) else None


def _leaf(atom: SignedBy) -> Certificate:
    subject: tuple[tuple[str, str], ...] = ()
    if atom.publisher is not None:
        subject = _subject(atom.publisher)
    if atom.common_name is not None:
        subject = (*(pair for pair in subject if pair[0] != "CN"), ("CN", atom.common_name))
    number = _number(atom)
    return Certificate(
        subject=DistinguishedName(attributes=subject or (("CN", "Witness"),)),
        issuer=DistinguishedName(attributes=(("CN", "Witness CA"),)),
        sha256=atom.leaf or CertSha256(number),
        tbs=TbsHash(_number("tbs", number)),
        key="rsa",
        key_bits=3072,
        ekus=() if atom.eku is None else (atom.eku,),
    )


def _issuer(tbs: TbsHash) -> Certificate:
    name = DistinguishedName(attributes=(("CN", "Witness CA"),))
    return Certificate(
        subject=name,
        issuer=name,
        sha256=CertSha256(_number("issuer", tbs)),
        tbs=tbs,
        key="rsa",
        key_bits=4096,
    )


def _subject(publisher: PublisherName) -> tuple[tuple[str, str], ...]:
    """The attributes of a publisher's text; the caller checks that they read back the same."""
    parts: list[tuple[str, str]] = []
    for piece in publisher.value.split(", "):
        key, equals, value = piece.partition("=")
        if equals:
            parts.append((key, value))
        elif parts:
            parts[-1] = (parts[-1][0], f"{parts[-1][1]}, {piece}")
    return tuple(parts)


def with_product(facts: FileFacts, info: VersionInfo) -> FileFacts | None:
    """The file with these words of its version resource over its own; None if not a PE."""
    if facts.pe is None:
        return None
    own = facts.version_info
    if own is UNKNOWN or own is None:
        own = VersionInfo()
    return replace(
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
