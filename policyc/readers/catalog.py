"""Security catalogs (.cat): the digests a catalog signs for, and its signature.

Source: "Catalog Files and Digital Signatures" (Microsoft); the CTL of [MS-CAESO] with the
object identifiers of wintrust.h and mscat.h: members carry SpcIndirectDataContent, whose
digest is the Authenticode digest of a PE image and that of the whole file otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.readers import authenticode, certificates, cms, countersign, der, signers
from policyc.readers.limits import Limits
from policyc.readers.reader import MalformedError

_CTL = "1.3.6.1.4.1.311.10.1"
_LIST = "1.3.6.1.4.1.311.12.1.1"
_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
_MAX_MEMBERS = 500_000
MAX_CATALOG = 64 << 20
"""Bytes of the largest catalog that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A catalog: its signature, and (digest algorithm, digest) of every member."""

    signature: Signature
    members: tuple[tuple[str, bytes], ...]


def parse(data: bytes, name: str, limits: Limits) -> Catalog:
    """Read a catalog; ``name`` goes into its signature. Raises MalformedError."""
    message = cms.parse(data, limits)
    if message.content_type != _CTL or message.content is None:
        raise MalformedError("not a certificate trust list")
    fields = der.expect(message.content, der.SEQUENCE, "CTL")
    usage = der.expect(fields[0], der.SEQUENCE, "CTL usage") if fields else ()
    if not usage or der.oid(usage[0]) != _LIST:
        raise MalformedError("not a catalog")
    entries = [item for item in fields if item.tag == der.SEQUENCE][2:]
    members: list[tuple[str, bytes]] = []
    for entry in der.children(entries[0])[:_MAX_MEMBERS] if entries else ():
        members.extend(_member(entry))
    return Catalog(
        signature=_signature(message, name, limits), members=tuple(dict.fromkeys(members))
    )


def _member(entry: der.Element) -> list[tuple[str, bytes]]:
    """The digests that a member's attributes state."""
    found = []
    fields = der.children(entry)
    for attribute in der.children(fields[1]) if len(fields) > 1 else ():
        pair = der.children(attribute)
        if len(pair) == 2 and der.oid(pair[0]) == _INDIRECT_DATA:
            found += [authenticode.indirect_digest(value) for value in der.children(pair[1])]
    return found


def _signature(message: cms.SignedMessage, name: str, limits: Limits) -> Signature:
    if not message.signers or message.content is None:
        return _invalid(name, "the catalog has no signer")
    signer = message.signers[0]
    parsed = certificates.bag(message.certificates)
    leaf = signers.find_leaf(parsed, signer)
    if leaf is None:
        return _invalid(name, "the signer's certificate is missing or cannot be read")
    try:
        covered = cms.digest(signer.digest, message.content.content)
        wrong = signers.signature_error(signer, leaf, covered)
    except MalformedError as error:
        wrong = str(error)
    return Signature(
        kind=SignatureKind.CATALOG,
        grade=SignatureGrade.INVALID if wrong else SignatureGrade.PRODUCTION,
        chain=tuple(link.facts for link in certificates.chain(leaf, parsed, limits)),
        digest_algorithm=signer.digest,
        detail=wrong,
        signed_at="" if wrong else countersign.signed_at(signer, parsed, limits),
        catalog=name,
    )


def _invalid(name: str, detail: str) -> Signature:
    return Signature(
        kind=SignatureKind.CATALOG, grade=SignatureGrade.INVALID, detail=detail, catalog=name
    )
