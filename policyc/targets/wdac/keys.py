"""Signing keys in files. Needs the extra ``policyc[sign]``; keys elsewhere sign by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policyc.targets.wdac.sign import SignError, SigningCertificate, read_certificates

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def _module() -> Any:  # noqa: ANN401
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    except ImportError as error:
        raise SignError("signing with a key in a file needs policyc[sign]") from error
    return serialization


def read_pem_key(data: bytes, password: bytes | None) -> RSAPrivateKey:
    """A private RSA key in PEM; SignError says why it cannot be used."""
    serialization = _module()
    try:
        key = serialization.load_pem_private_key(data, password)
    except (ValueError, TypeError) as error:
        raise SignError("the key cannot be read, or its password is wrong") from error
    return _rsa(key)


def read_pkcs12(data: bytes, password: bytes | None) -> tuple[RSAPrivateKey, SigningCertificate]:
    """Key and certificates of a PKCS#12 file; SignError says why it cannot be used."""
    serialization = _module()
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415

    try:
        store = pkcs12.load_pkcs12(data, password)
    except ValueError as error:
        raise SignError("the PKCS#12 file cannot be read, or its password is wrong") from error
    if store.key is None or store.cert is None:
        raise SignError("the PKCS#12 file has no key with a certificate")
    pem = serialization.Encoding.PEM
    chain = (store.cert, *store.additional_certs)
    text = b"".join(item.certificate.public_bytes(pem) for item in chain)
    return _rsa(store.key), read_certificates(text)


def _rsa(key: object) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    if not isinstance(key, rsa.RSAPrivateKey):
        raise SignError("Windows takes RSA keys only")
    return key


def sign_attributes(key: RSAPrivateKey, attributes: bytes) -> bytes:
    """RSASSA-PKCS1-v1_5 with SHA-256."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

    return key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())
