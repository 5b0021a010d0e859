"""X.509 certificates (RFC 5280): what policies ask about one, and chains within a signature.

Whether a chain ends in a root that an endpoint trusts is not decided here: that is the
endpoint's trust store. What is decided is that every certificate of a chain was signed by
the next one, so that nobody can borrow an issuer by putting its certificate in the bag.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policyc.model.identity import CertSha256, DistinguishedName, Oid, TbsHash
from policyc.model.signatures import Certificate
from policyc.readers import der, publickey
from policyc.readers.limits import Limits
from policyc.readers.md2 import md2
from policyc.readers.reader import MalformedError, one_line

_MAX_CERTIFICATE = 64 * 1024
_VERSION = 0xA0
_ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "S",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "T",
    "2.5.4.42": "G",
    "2.5.4.17": "PostalCode",
    "1.2.840.113549.1.9.1": "E",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}
"""Attribute names as Windows prints them (CertNameToStr)."""

_SIGNATURE_DIGESTS = {
    "1.2.840.113549.1.1.2": "md2",
    "1.2.840.113549.1.1.4": "md5",
    "1.2.840.113549.1.1.5": "sha1",
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.3.14.3.2.3": "md5",
    "1.3.14.3.2.29": "sha1",
    "1.2.840.10040.4.3": "sha1",
    "1.2.840.10045.4.1": "sha1",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
"""The hash of a certificate's own signature algorithm, by object identifier."""

_BROKEN = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What asn1crypto raises on hostile certificates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A certificate with what linking a chain needs.

    ``subject_der`` and ``issuer_der`` are encoded names, ``serial`` content octets;
    ``key`` is None for a key that is neither RSA nor on a supported curve.
    ``extensions`` are the object identifiers of all extensions.
    """

    facts: Certificate
    subject_der: bytes
    issuer_der: bytes
    serial: bytes
    key_identifier: bytes
    key: publickey.PublicKey | None
    digest: str
    tbs_digest: bytes
    signature: bytes
    extensions: frozenset[str]


@lru_cache(maxsize=1024)
def parse(encoded: bytes) -> Parsed:
    """Read one DER certificate; raises MalformedError, also for an unknown algorithm."""
    if len(encoded) > _MAX_CERTIFICATE:
        raise MalformedError(f"certificate of {len(encoded)} bytes")
    from asn1crypto import x509  # noqa: PLC0415  (costs 60 ms; files without signatures do not pay)

    top = der.expect(der.element(encoded), der.SEQUENCE, "certificate")
    if len(top) != 3:
        raise MalformedError("certificate: not three parts")
    named = der.expect(top[1], der.SEQUENCE, "signature algorithm")
    if not named:
        raise MalformedError("certificate: no signature algorithm")
    algorithm = der.oid(named[0])
    digest = _SIGNATURE_DIGESTS.get(algorithm)
    if digest is None:
        raise MalformedError(f"certificate: signature algorithm {algorithm} is not supported")
    try:
        return _parsed(x509.Certificate.load(encoded), encoded, top, digest)
    except MalformedError:
        raise
    except _BROKEN as error:
        raise MalformedError(f"certificate: {one_line(error, 120)}") from error


def _parsed(cert: Any, encoded: bytes, top: tuple[der.Element, ...], digest: str) -> Parsed:  # noqa: ANN401
    tbs_digest = _hash(digest, top[0].encoded)
    fields = der.expect(top[0], der.SEQUENCE, "TBSCertificate")
    fields = fields[1:] if fields and fields[0].tag == _VERSION else fields
    if len(fields) < 6:
        raise MalformedError("TBSCertificate: fields are missing")
    key, key_name, key_bits = _public_key(cert)
    extensions = frozenset(
        item["extn_id"].dotted for item in (cert["tbs_certificate"]["extensions"] or ())
    )
    usage = cert.extended_key_usage_value
    identifier = cert.key_identifier_value
    facts = Certificate(
        subject=_name(cert.subject),
        issuer=_name(cert.issuer),
        sha256=CertSha256(hashlib.sha256(encoded).hexdigest()),
        tbs=TbsHash(tbs_digest.hex()),
        key=key_name,
        key_bits=key_bits,
        ekus=tuple(Oid(item.dotted) for item in usage) if usage is not None else (),
    )
    return Parsed(
        facts=facts,
        subject_der=fields[4].encoded,
        issuer_der=fields[2].encoded,
        serial=fields[0].content,
        key_identifier=identifier.native if identifier is not None else b"",
        key=key,
        digest=digest,
        tbs_digest=tbs_digest,
        signature=cert["signature_value"].native,
        extensions=extensions,
    )


def _hash(algorithm: str, data: bytes) -> bytes:
    if algorithm == "md2":
        return md2(data)
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()


def _name(name: Any) -> DistinguishedName:  # noqa: ANN401
    attributes = []
    for relative in name.chosen:
        for pair in relative:
            dotted = pair["type"].dotted
            value = pair["value"].native
            text = value if isinstance(value, str) else str(value)
            # A lone surrogate can neither be stored nor printed.
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            attributes.append((_ATTRIBUTES.get(dotted, f"OID.{dotted}"), text))
    return DistinguishedName(attributes=tuple(attributes))


def _public_key(cert: Any) -> tuple[publickey.PublicKey | None, str, int]:  # noqa: ANN401
    info = cert.public_key
    name = info.algorithm
    if name == "rsa":
        parsed = info["public_key"].parsed
        modulus, exponent = parsed["modulus"].native, parsed["public_exponent"].native
        return publickey.RsaKey(modulus=modulus, exponent=exponent), name, modulus.bit_length()
    if name == "ec":
        kind, curve_name = info.curve
        curve = publickey.CURVES.get(curve_name) if kind == "named" else None
        if curve is None:
            return None, name, 0
        raw = info["public_key"].native
        size = (curve.p.bit_length() + 7) // 8
        if len(raw) != 1 + 2 * size or raw[0] != 4:
            return None, name, curve.p.bit_length()
        x, y = (int.from_bytes(part, "big") for part in (raw[1 : 1 + size], raw[1 + size :]))
        return publickey.EcKey(curve=curve, x=x, y=y), name, curve.p.bit_length()
    return None, name, 0


def bag(encoded: tuple[bytes, ...]) -> tuple[Parsed, ...]:
    """Every certificate that can be read; the others are left out, as no rule can name them."""
    found = []
    for item in encoded:
        try:
            found.append(parse(item))
        except MalformedError:
            continue
    return tuple(found)


def chain(leaf: Parsed, others: tuple[Parsed, ...], limits: Limits) -> tuple[Parsed, ...]:
    """The leaf and its issuers among ``others``, each link verified with the issuer's key."""
    links = [leaf]
    while len(links) < limits.max_chain:
        last = links[-1]
        if last.subject_der == last.issuer_der:
            break
        issuer = next((item for item in others if item not in links and _signed(last, item)), None)
        if issuer is None:
            break
        links.append(issuer)
    return tuple(links)


def _signed(child: Parsed, issuer: Parsed) -> bool:
    if issuer.key is None or child.issuer_der != issuer.subject_der:
        return False
    return _verified(issuer.key, child.digest, child.tbs_digest, child.signature)


@lru_cache(maxsize=4096)
def _verified(key: publickey.PublicKey, algorithm: str, digest: bytes, signature: bytes) -> bool:
    try:
        return publickey.verify(key, algorithm, digest, signature)
    except MalformedError:
        return False
