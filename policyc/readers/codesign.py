"""Apple code signatures: SuperBlob, CodeDirectory and CMS.

Source: cs_blobs.h and ubc_subr.c (xnu), CodeDirectory and StaticCode in Security. Grades are
Santa's static signing statuses (SigningStatus in CertificateHelpers.mm). Checked are the
code pages and embedded special slots of the best CodeDirectory, the CMS over the first one,
the list of all CodeDirectories in the CMS, and the leaf's signature. Not checked: trust of
the chain, revocation, Info.plist and resources outside the file.
"""

from __future__ import annotations

import hashlib
import plistlib
import struct
import time
from dataclasses import dataclass
from xml.parsers.expat import ExpatError

from policyc.model.identity import CdHash, Oid, SigningId, TeamId
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.readers import certificates, cms, der, signers
from policyc.readers.limits import Limits
from policyc.readers.reader import MalformedError
from policyc.readers.source import Source

_SUPERBLOB, _CODE_DIRECTORY, _BLOB_WRAPPER = 0xFADE0CC0, 0xFADE0C02, 0xFADE0B01
_SLOT_CODE_DIRECTORY, _SLOT_CMS = 0, 0x10000
_SLOT_ENTITLEMENTS = 5
_MAX_ENTITLEMENTS = 1 << 20
_APPLE = "1.2.840.113635.100.6."
_EMBEDDED_SLOTS = (2, 5, 7)
_HASHES = {1: ("sha1", 20), 2: ("sha256", 32), 3: ("sha256", 20), 4: ("sha384", 48)}
_RANKS = {1: 1, 3: 2, 2: 3, 4: 4}
"""Which CodeDirectory counts: SHA-1 < truncated SHA-256 < SHA-256 < SHA-384 (ubc_subr.c)."""
_ADHOC = 0x2
_PRODUCTION_OIDS = frozenset(
    {
        "1.2.840.113635.100.6.1.9",  # Mac App Store
        "1.2.840.113635.100.6.1.13",  # Developer ID Application
        "1.2.840.113635.100.6.1.3",  # iOS App Store
        "1.2.840.113635.100.6.22",  # Apple's own code
    }
)
_CD_HASHES, _CD_DIGESTS = "1.2.840.113635.100.9.1", "1.2.840.113635.100.9.2"
_DEADLINE_STRIDE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDirectory:
    """One CodeDirectory. ``raw`` is the whole blob; offsets are inside it."""

    raw: bytes
    slot: int
    flags: int
    hash_offset: int
    special_slots: int
    code_slots: int
    code_limit: int
    hash_size: int
    hash_type: int
    platform: int
    page_size: int
    identifier: str
    team: str

    @property
    def digest(self) -> bytes:
        """The full digest of the blob by its own algorithm."""
        return hashlib.new(_HASHES[self.hash_type][0], self.raw, usedforsecurity=False).digest()

    def slot_hash(self, index: int) -> bytes:
        """The hash of page ``index``, or of special slot ``-index`` for a negative one."""
        start = self.hash_offset + index * self.hash_size
        return self.raw[start : start + self.hash_size]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSignature:
    """What a slice's signature says, and the signature as other parts see it."""

    signature: Signature
    cdhash: CdHash | None = None
    identifier: str | None = None
    team: TeamId | None = None
    flags: int = 0
    platform: int = 0
    hash_type: int = 0
    cdhashes: tuple[CdHash, ...] = ()
    oids: tuple[Oid, ...] = ()
    entitlements: int = 0


def read(
    source: Source, extent: tuple[int, int], location: tuple[int, int], limits: Limits
) -> CodeSignature:
    """Read the signature at ``location`` of the slice at ``extent`` (file offset, size)."""
    try:
        blobs = _blobs(source, extent, location, limits)
        directories = _code_directories(blobs)
    except MalformedError as error:
        return CodeSignature(signature=_signature(SignatureGrade.INVALID, detail=str(error)))
    best = max(directories, key=lambda item: _RANKS[item.hash_type])
    signer = _signer(blobs, limits)
    chain: tuple[certificates.Parsed, ...] = ()
    wrong, grade = "", SignatureGrade.ADHOC
    if best.flags & _ADHOC == 0:
        chain, wrong, grade = _certified(signer, directories, best, limits)
    wrong = (
        wrong or _special_slots(best, blobs) or _pages(source, extent, location[0], best, limits)
    )
    team = _team(best.team)
    return CodeSignature(
        signature=_signature(
            SignatureGrade.INVALID if wrong else grade,
            chain=tuple(link.facts for link in chain),
            algorithm=_HASHES[best.hash_type][0],
            team=team,
            signing_id=None if grade is SignatureGrade.ADHOC else _signing_id(best, team),
            detail=wrong,
        ),
        cdhash=CdHash(best.digest[:20].hex()),
        identifier=best.identifier or None,
        team=team,
        flags=best.flags,
        platform=best.platform,
        hash_type=best.hash_type,
        cdhashes=tuple(CdHash(item.digest[:20].hex()) for item in directories),
        oids=_apple_oids(chain),
        entitlements=_entitlements(blobs),
    )


def _apple_oids(chain: tuple[certificates.Parsed, ...]) -> tuple[Oid, ...]:
    """Apple's extensions of the leaf certificate."""
    found = chain[0].extensions if chain else frozenset()
    return tuple(Oid(item) for item in sorted(found) if item.startswith(_APPLE))


def _entitlements(blobs: dict[int, bytes]) -> int:
    """The number of keys of the XML entitlements; 0 for none or for a broken list."""
    blob = blobs.get(_SLOT_ENTITLEMENTS, b"")
    if not 8 < len(blob) <= _MAX_ENTITLEMENTS:
        return 0
    content = _plist(blob[8:])
    return len(content) if isinstance(content, dict) else 0


BROKEN_PLIST = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    ExpatError,
    RecursionError,
)
"""What plistlib raises on hostile property lists."""


def _plist(data: bytes) -> object:
    """A property list, None for one that is broken."""
    try:
        return plistlib.loads(data)
    except BROKEN_PLIST:
        return None


def _signature(
    grade: SignatureGrade,
    *,
    chain: tuple[Certificate, ...] = (),
    algorithm: str = "",
    team: TeamId | None = None,
    signing_id: SigningId | None = None,
    detail: str = "",
) -> Signature:
    return Signature(
        kind=SignatureKind.APPLE,
        grade=grade,
        chain=chain,
        digest_algorithm=algorithm,
        team=team,
        signing_id=signing_id,
        detail=detail,
    )


def _blobs(
    source: Source, extent: tuple[int, int], location: tuple[int, int], limits: Limits
) -> dict[int, bytes]:
    """The blobs of the SuperBlob by slot; raises MalformedError."""
    offset, size = location
    if offset + size > extent[0] + extent[1] or size < 12:
        raise MalformedError("the code signature lies outside its slice")
    magic, length, count = struct.unpack(">III", source.read(offset, 12))
    if magic != _SUPERBLOB or not 12 <= length <= size:
        raise MalformedError("the code signature is not a SuperBlob")
    if length > limits.max_code_signature:
        raise MalformedError(f"a code signature of {length} bytes")
    if count > limits.max_blobs:
        raise MalformedError(f"the code signature has {count} blobs")
    index = source.read(offset + 12, min(8 * count, length - 12))
    found: dict[int, bytes] = {}
    room = length
    for slot, start in struct.iter_unpack(">II", index[: len(index) - len(index) % 8]):
        if start + 8 > length:
            raise MalformedError("a code signature blob lies outside the SuperBlob")
        _, blob_length = struct.unpack(">II", source.read(offset + start, 8))
        if not 8 <= blob_length <= length - start:
            raise MalformedError("a code signature blob lies outside the SuperBlob")
        room -= blob_length
        if room < 0:
            raise MalformedError("code signature blobs overlap")
        found.setdefault(slot, source.read(offset + start, blob_length))
    return found


def _code_directories(blobs: dict[int, bytes]) -> tuple[CodeDirectory, ...]:
    """The usable CodeDirectories, the one of slot 0 first; raises MalformedError."""
    found = [
        code_directory(blob, slot)
        for slot, blob in sorted(blobs.items())
        if (slot == _SLOT_CODE_DIRECTORY or 0x1000 <= slot < 0x1005)
        and blob[:4] == struct.pack(">I", _CODE_DIRECTORY)
    ]
    usable = tuple(item for item in found if item is not None)
    if not usable:
        raise MalformedError("the code signature has no usable CodeDirectory")
    return usable


def code_directory(raw: bytes, slot: int) -> CodeDirectory | None:
    """Read a CodeDirectory; None for a hash type that nobody supports; raises MalformedError."""
    if len(raw) < 44:
        raise MalformedError("CodeDirectory: cut off")
    version, flags, hash_offset, ident, special, code, limit = struct.unpack_from(">7I", raw, 8)
    hash_size, hash_type, platform, page_shift = raw[36], raw[37], raw[38], raw[39]
    if hash_type not in _HASHES:
        return None
    if hash_size != _HASHES[hash_type][1] or (page_shift and not 10 <= page_shift <= 24):
        raise MalformedError("CodeDirectory: hash or page size is wrong")
    if hash_offset + code * hash_size > len(raw) or special * hash_size > hash_offset:
        raise MalformedError("CodeDirectory: hashes lie outside the blob")
    team = 0
    if version >= 0x20200 and len(raw) >= 52:
        (team,) = struct.unpack_from(">I", raw, 48)
    if version >= 0x20300 and len(raw) >= 64:
        (wide,) = struct.unpack_from(">Q", raw, 56)
        limit = wide or limit
    return CodeDirectory(
        raw=raw,
        slot=slot,
        flags=flags,
        hash_offset=hash_offset,
        special_slots=special,
        code_slots=code,
        code_limit=limit,
        hash_size=hash_size,
        hash_type=hash_type,
        platform=platform,
        page_size=1 << page_shift if page_shift else 0,
        identifier=_string(raw, ident),
        team=_string(raw, team) if team else "",
    )


def _string(raw: bytes, offset: int) -> str:
    end = raw.find(b"\0", offset)
    if offset < 44 or end < 0:
        raise MalformedError("CodeDirectory: a string lies outside the blob")
    return raw[offset:end].decode("utf-8", "replace")


def _team(text: str) -> TeamId | None:
    try:
        return TeamId(text) if text else None
    except ValueError:
        return None


def _signing_id(best: CodeDirectory, team: TeamId | None) -> SigningId | None:
    """Santa's signing ID (SigningIDHelpers.mm): with the team, or ``platform:`` for Apple's."""
    prefix = str(team) if team is not None else "platform" if best.platform else ""
    return SigningId(f"{prefix}:{best.identifier}") if prefix and best.identifier else None


def _signer(blobs: dict[int, bytes], limits: Limits) -> cms.SignedMessage | str:
    """The CMS of the signature, or what is wrong with it."""
    blob = blobs.get(_SLOT_CMS, b"")
    if len(blob) <= 8 or blob[:4] != struct.pack(">I", _BLOB_WRAPPER):
        return "no CMS signature, and not marked ad hoc"
    if len(blob) > limits.max_cms:
        return f"a CMS signature of {len(blob)} bytes"
    try:
        return cms.parse(blob[8:], limits)
    except MalformedError as error:
        return str(error)


def _certified(
    message: cms.SignedMessage | str,
    directories: tuple[CodeDirectory, ...],
    best: CodeDirectory,
    limits: Limits,
) -> tuple[tuple[certificates.Parsed, ...], str, SignatureGrade]:
    """Chain, what is wrong or "", and the grade of code that is signed with a certificate."""
    invalid = SignatureGrade.INVALID
    if isinstance(message, str):
        return (), message, invalid
    if not message.signers:
        return (), "the CMS has no signer", invalid
    signer = message.signers[0]
    parsed = certificates.bag(message.certificates)
    leaf = signers.find_leaf(parsed, signer)
    if leaf is None:
        return (), "the signer's certificate is missing or cannot be read", invalid
    chain = certificates.chain(leaf, parsed, limits)
    try:
        covered = cms.digest(signer.digest, directories[0].raw)
        wrong = signers.signature_error(signer, leaf, covered)
        wrong = wrong or _agility(signer, directories, best)
    except MalformedError as error:
        wrong = str(error)
    production = best.platform != 0 or leaf.extensions & _PRODUCTION_OIDS
    grade = SignatureGrade.PRODUCTION if production else SignatureGrade.DEVELOPMENT
    return chain, wrong, grade


def _agility(
    signer: cms.Signer, directories: tuple[CodeDirectory, ...], best: CodeDirectory
) -> str:
    """What is wrong with the CMS's list of CodeDirectories, or "".

    The CMS covers the first CodeDirectory only; another one is covered by being listed in
    a signed attribute.
    """
    if best is directories[0]:
        return ""
    for value in signer.signed_attributes.get(_CD_DIGESTS, ()):
        pair = der.children(der.element(value))
        if len(pair) == 2 and pair[1].content == best.digest:
            return ""
    for value in signer.signed_attributes.get(_CD_HASHES, ()):
        if best.digest[:20] in _listed(der.octets(der.element(value))):
            return ""
    return "the best CodeDirectory is not covered by the CMS"


def _listed(data: bytes) -> tuple[bytes, ...]:
    if len(data) > 4096:
        return ()
    content = _plist(data)
    hashes = content.get("cdhashes") if isinstance(content, dict) else None
    return tuple(item for item in hashes or () if isinstance(item, bytes))


def _special_slots(best: CodeDirectory, blobs: dict[int, bytes]) -> str:
    """Whether requirements and entitlements are those that were signed; what is wrong or ""."""
    algorithm = _HASHES[best.hash_type][0]
    for slot in _EMBEDDED_SLOTS:
        blob = blobs.get(slot)
        wanted = best.slot_hash(-slot) if slot <= best.special_slots else b""
        if blob is None and not any(wanted):
            continue
        actual = hashlib.new(algorithm, blob or b"", usedforsecurity=False).digest()
        if blob is None or actual[: best.hash_size] != wanted:
            return f"special slot {slot} does not match its hash"
    return ""


def _pages(
    source: Source, extent: tuple[int, int], code_end: int, best: CodeDirectory, limits: Limits
) -> str:
    """Whether every code page has the hash that was signed; what is wrong or ""."""
    limit = best.code_limit
    page = best.page_size or max(limit, 1)
    if limit > extent[1] or best.code_slots != -(-limit // page):
        return "CodeDirectory: the code limit does not fit the slice and the slots"
    if extent[0] + limit < code_end:
        return "CodeDirectory: the code is not covered up to the signature"
    algorithm = _HASHES[best.hash_type][0]
    deadline = time.monotonic() + limits.seconds
    for index in range(best.code_slots):
        sink = hashlib.new(algorithm, usedforsecurity=False)
        start = extent[0] + index * page
        source.feed(sink, start, min(start + page, extent[0] + limit))
        if sink.digest()[: best.hash_size] != best.slot_hash(index):
            return f"code page {index} does not match its hash"
        if index % _DEADLINE_STRIDE == 0 and time.monotonic() > deadline:
            return "verifying the code pages takes too long"
    return ""
