"""SignedData as signatures carry it: PKCS #7 1.5 (RFC 2315) and CMS (RFC 5652)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from policyc.readers import der
from policyc.readers.limits import Limits
from policyc.readers.reader import MalformedError

SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_CONTEXT_0, _CONTEXT_1 = 0xA0, 0xA1
_MAX_SIGNERS = 16

DIGESTS = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""Digest algorithms by object identifier, under hashlib's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One SignerInfo.

    ``issuer`` is the encoded name and ``serial`` the content octets of the serial number;
    both are empty when the signer is named by ``key_identifier``. ``signed`` are the bytes
    under the signature when there are signed attributes (as an explicit SET OF), else empty.
    Attribute values are encoded elements by attribute type.
    """

    issuer: bytes
    serial: bytes
    key_identifier: bytes
    digest: str
    signature_algorithm: str
    signature: bytes
    signed: bytes
    signed_attributes: dict[str, tuple[bytes, ...]]
    unsigned_attributes: dict[str, tuple[bytes, ...]]

    @property
    def message_digest(self) -> bytes | None:
        """The messageDigest attribute; None if there is not exactly one."""
        values = self.signed_attributes.get(MESSAGE_DIGEST, ())
        if len(values) != 1:
            return None
        item = der.element(values[0])
        return item.content if item.tag == der.OCTET_STRING else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedMessage:
    """A SignedData. ``content`` is the encoded eContent element, None when detached."""

    content_type: str
    content: der.Element | None
    certificates: tuple[bytes, ...]
    signers: tuple[Signer, ...]


def parse(data: bytes, limits: Limits) -> SignedMessage:
    """Read a ContentInfo that holds SignedData; raises MalformedError for anything else."""
    outer = der.expect(der.element(data), der.SEQUENCE, "ContentInfo")
    if len(outer) < 2 or der.oid(outer[0]) != SIGNED_DATA:
        raise MalformedError("ContentInfo: not SignedData")
    wrapped = der.expect(outer[1], _CONTEXT_0, "ContentInfo content")
    if not wrapped:
        raise MalformedError("ContentInfo: empty content")
    fields = der.expect(wrapped[0], der.SEQUENCE, "SignedData")
    if len(fields) < 4:
        raise MalformedError("SignedData: fields are missing")
    content = der.expect(fields[2], der.SEQUENCE, "encapsulated content")
    if not content:
        raise MalformedError("SignedData: no content type")
    inner = der.expect(content[1], _CONTEXT_0, "eContent") if len(content) > 1 else ()
    certificates: tuple[bytes, ...] = ()
    signers: tuple[Signer, ...] = ()
    for field in fields[3:]:
        if field.tag == _CONTEXT_0:
            certificates = _certificates(field, limits)
        elif field.tag == der.SET:
            signers = tuple(signer(item) for item in der.children(field)[:_MAX_SIGNERS])
    return SignedMessage(
        content_type=der.oid(content[0]),
        content=inner[0] if inner else None,
        certificates=certificates,
        signers=signers,
    )


def _certificates(field: der.Element, limits: Limits) -> tuple[bytes, ...]:
    found = [item.encoded for item in der.children(field) if item.tag == der.SEQUENCE]
    if len(found) > limits.max_certificates:
        raise MalformedError(f"SignedData: {len(found)} certificates")
    return tuple(found)


def signer(item: der.Element) -> Signer:
    """Read one SignerInfo; raises MalformedError."""
    fields = der.expect(item, der.SEQUENCE, "SignerInfo")
    if len(fields) < 5:
        raise MalformedError("SignerInfo: fields are missing")
    issuer = serial = key_identifier = b""
    if fields[1].tag == der.SEQUENCE:
        pair = der.children(fields[1])
        if len(pair) != 2:
            raise MalformedError("SignerInfo: no issuer and serial number")
        issuer, serial = pair[0].encoded, pair[1].content
    else:
        key_identifier = fields[1].content
    digest = der.expect(fields[2], der.SEQUENCE, "digestAlgorithm")
    rest = list(fields[3:])
    signed = b""
    attributes: dict[str, tuple[bytes, ...]] = {}
    if rest[0].tag == _CONTEXT_0:
        raw = rest.pop(0)
        attributes = _attributes(raw)
        # RFC 5652, 5.4: the digest covers an explicit SET OF, not the implicit [0].
        signed = bytes([der.SET]) + raw.encoded[1:]
    if len(rest) < 2:
        raise MalformedError("SignerInfo: no signature")
    algorithm = der.expect(rest[0], der.SEQUENCE, "signatureAlgorithm")
    unsigned = _attributes(rest[2]) if len(rest) > 2 and rest[2].tag == _CONTEXT_1 else {}
    if not digest or not algorithm:
        raise MalformedError("SignerInfo: an algorithm is missing")
    return Signer(
        issuer=issuer,
        serial=serial,
        key_identifier=key_identifier,
        digest=DIGESTS.get(der.oid(digest[0]), der.oid(digest[0])),
        signature_algorithm=der.oid(algorithm[0]),
        signature=der.octets(rest[1]),
        signed=signed,
        signed_attributes=attributes,
        unsigned_attributes=unsigned,
    )


def _attributes(item: der.Element) -> dict[str, tuple[bytes, ...]]:
    """Values by type; the values of a type that occurs twice are joined."""
    found: dict[str, tuple[bytes, ...]] = {}
    for attribute in der.children(item):
        pair = der.expect(attribute, der.SEQUENCE, "attribute")
        if len(pair) != 2 or pair[1].tag != der.SET:
            raise MalformedError("attribute: not a type and a set of values")
        name = der.oid(pair[0])
        values = tuple(value.encoded for value in der.children(pair[1]))
        found[name] = found.get(name, ()) + values
    return found


def digest(algorithm: str, data: bytes) -> bytes:
    """Hash ``data``; raises MalformedError for an algorithm outside DIGESTS."""
    if algorithm not in DIGESTS.values():
        raise MalformedError(f"digest algorithm {algorithm} is not supported")
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()
