"""Test certificates and SignedData, encoded here so that no code under test is involved."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SPC_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
NESTED_SIGNATURE = "1.3.6.1.4.1.311.2.4.1"
DEVELOPER_ID = "1.2.840.113635.100.6.1.13"
PKCS7_DATA = "1.2.840.113549.1.7.1"
_DIGEST_OIDS = {
    "sha1": "1.3.14.3.2.26",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303  (old signatures use it)
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
}
_START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def oid(dotted: str) -> bytes:
    numbers = [int(part) for part in dotted.split(".")]
    numbers[:2] = [numbers[0] * 40 + numbers[1]]
    body = bytearray()
    for number in numbers:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        body += bytes(reversed(groups))
    return tlv(0x06, bytes(body))


def algorithm(dotted: str) -> bytes:
    return tlv(0x30, oid(dotted), b"\x05\x00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A key with its certificate and those of its issuers (nearest first)."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    issuers: tuple[x509.Certificate, ...] = ()

    @property
    def chain(self) -> tuple[bytes, ...]:
        return tuple(item.public_bytes(Encoding.DER) for item in (self.certificate, *self.issuers))


def _name(common_name: str, organization: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Hessen"),
            x509.NameAttribute(NameOID.LOCALITY_NAME, "Darmstadt"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    signing_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    serial: int,
    extension: str = "",
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(_START)
        .not_valid_after(_START + dt.timedelta(days=3650))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    )
    if serial == 1:
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
    if extension:
        value = x509.UnrecognizedExtension(x509.ObjectIdentifier(extension), b"\x05\x00")
        builder = builder.add_extension(value, critical=True)
    return builder.sign(signing_key, hashes.SHA256())


@lru_cache(maxsize=8)
def _rsa_key(_label: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache(maxsize=32)
def identity(
    common_name: str = "Example Signing", organization: str = "Example, Inc.", extension: str = ""
) -> Identity:
    """A code-signing certificate issued by a test authority, both with RSA keys."""
    authority_name = _name("Example Authority", "Example Authority Ltd")
    authority_key, key = _rsa_key("authority"), _rsa_key("leaf")
    authority = _certificate(authority_name, authority_name, authority_key, authority_key, serial=1)
    leaf = _certificate(
        _name(common_name, organization),
        authority_name,
        key,
        authority_key,
        serial=77,
        extension=extension,
    )
    return Identity(key=key, certificate=leaf, issuers=(authority,))


@lru_cache(maxsize=4)
def ec_identity(curve: str = "secp256r1") -> Identity:
    """A self-signed certificate with an elliptic-curve key."""
    curves = {"secp256r1": ec.SECP256R1(), "secp384r1": ec.SECP384R1()}
    key = ec.generate_private_key(curves[curve])
    name = _name("Example EC", "Example EC")
    return Identity(key=key, certificate=_certificate(name, name, key, key, serial=5))


def impostor() -> Identity:
    """A leaf that names the test authority as its issuer without having its signature."""
    key = _rsa_key("impostor")
    authority = identity().issuers[0]
    name = _name("Example Signing", "Example, Inc.")
    leaf = _certificate(name, authority.subject, key, key, serial=78)
    return Identity(key=key, certificate=leaf, issuers=(authority,))


def _sign(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, data: bytes, digest: str) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), _HASHES[digest])
    return key.sign(data, ec.ECDSA(_HASHES[digest]))


def indirect_data(image_digest: bytes, digest: str) -> bytes:
    """SpcIndirectDataContent with an empty SpcPeImageData."""
    link = tlv(0xA0, tlv(0xA2, tlv(0x80)))
    data = tlv(0x30, oid("1.3.6.1.4.1.311.2.1.15"), tlv(0x30, tlv(0x03, b"\0"), link))
    return tlv(0x30, data, tlv(0x30, algorithm(_DIGEST_OIDS[digest]), tlv(0x04, image_digest)))


def signed_data(
    signer: Identity,
    content_type: str,
    content: bytes,
    covered: bytes,
    *,
    digest: str = "sha256",
    attributes: tuple[bytes, ...] = (),
    nested: tuple[bytes, ...] = (),
) -> bytes:
    """A ContentInfo: ``content`` is the eContent (empty: detached), ``covered`` what it hashes."""
    message_digest = hashlib.new(digest, covered).digest()
    signed = b"".join(
        sorted(
            (
                tlv(0x30, oid("1.2.840.113549.1.9.3"), tlv(0x31, oid(content_type))),
                tlv(0x30, oid("1.2.840.113549.1.9.4"), tlv(0x31, tlv(0x04, message_digest))),
                *attributes,
            )
        )
    )
    certificate = signer.certificate
    serial = certificate.serial_number
    sid = tlv(
        0x30,
        certificate.issuer.public_bytes(),
        tlv(0x02, serial.to_bytes(serial.bit_length() // 8 + 1, "big")),
    )
    encryption = "1.2.840.113549.1.1.1"
    if not isinstance(signer.key, rsa.RSAPrivateKey):
        encryption = "1.2.840.10045.4.3.2"
    info = [
        tlv(0x02, b"\x01"),
        sid,
        algorithm(_DIGEST_OIDS[digest]),
        tlv(0xA0, signed),
        algorithm(encryption),
        tlv(0x04, _sign(signer.key, tlv(0x31, signed), digest)),
    ]
    if nested:
        info.append(tlv(0xA1, tlv(0x30, oid(NESTED_SIGNATURE), tlv(0x31, *nested))))
    body = tlv(
        0x30,
        tlv(0x02, b"\x01"),
        tlv(0x31, algorithm(_DIGEST_OIDS[digest])),
        tlv(0x30, oid(content_type), *([tlv(0xA0, content)] if content else [])),
        # The leaf comes last, as in many real signatures.
        tlv(0xA0, *reversed(signer.chain)),
        tlv(0x31, tlv(0x30, *info)),
    )
    return tlv(0x30, oid("1.2.840.113549.1.7.2"), tlv(0xA0, body))


def catalog(signer: Identity, members: list[tuple[str, bytes]]) -> bytes:
    """A security catalog that lists these (algorithm, digest) pairs, as a PE image each."""
    entries = []
    for digest, value in members:
        content = indirect_data(value, digest)
        attribute = tlv(0x30, oid(SPC_INDIRECT_DATA), tlv(0x31, content))
        tag = value.hex().upper().encode("utf-16-le") + b"\0\0"
        entries.append(tlv(0x30, tlv(0x04, tag), tlv(0x31, attribute)))
    ctl = tlv(
        0x30,
        tlv(0x30, oid("1.3.6.1.4.1.311.12.1.1")),
        tlv(0x04, bytes(16)),
        tlv(0x17, b"240101000000Z"),
        tlv(0x30, oid("1.3.6.1.4.1.311.12.1.2"), b"\x05\x00"),
        tlv(0x30, *entries),
    )
    # The digest is over the content of the eContent element, without its tag and length.
    header = 2 if ctl[1] < 0x80 else 2 + (ctl[1] & 0x7F)
    return signed_data(signer, "1.3.6.1.4.1.311.10.1", ctl, ctl[header:])
