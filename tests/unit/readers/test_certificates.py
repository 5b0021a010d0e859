"""Digests, keys and certificates against published vectors and ``cryptography``."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from policyc.readers import certificates, der, publickey
from policyc.readers.limits import Limits
from policyc.readers.md2 import md2
from policyc.readers.reader import MalformedError
from tests.corpus import build


@pytest.mark.parametrize(
    ("text", "expected"),
    [  # RFC 1319, A.5
        (b"", "8350e5a3e24c153df2275c9f80692773"),
        (b"a", "32ec01ec4a6dac72c0ab96fb34c0b5d1"),
        (b"abc", "da853b0d3f88d99b30283a69e6ded6bb"),
        (b"message digest", "ab4f496bfb2a530b219ff33031fe06b0"),
        (b"1234567890" * 8, "d5976f79d83d3a0dc9806c3c66f3efd8"),
    ],
)
def test_md2(text: bytes, expected: str) -> None:
    assert md2(text).hex() == expected


def test_certificate_facts() -> None:
    identity = build.identity()
    encoded = identity.certificate.public_bytes(Encoding.DER)
    parsed = certificates.parse(encoded)
    tbs = hashlib.sha256(identity.certificate.tbs_certificate_bytes).hexdigest()
    assert str(parsed.facts.tbs) == tbs
    assert str(parsed.facts.sha256) == hashlib.sha256(encoded).hexdigest()
    assert parsed.facts.subject.attributes == (
        ("C", "DE"),
        ("S", "Hessen"),
        ("L", "Darmstadt"),
        ("O", "Example, Inc."),
        ("CN", "Example Signing"),
    )


def test_a_chain_is_linked_by_signatures() -> None:
    good = certificates.bag(build.identity().chain)
    assert len(certificates.chain(good[0], good, Limits())) == 2
    forged = certificates.bag(build.impostor().chain)
    assert len(certificates.chain(forged[0], forged, Limits())) == 1


@pytest.mark.parametrize("damage", [b"", b"\x30\x00", b"\x30\x03\x02\x01\x01", b"\xff" * 99])
def test_no_certificate(damage: bytes) -> None:
    with pytest.raises(MalformedError):
        certificates.parse(damage)
    assert certificates.bag((damage,)) == ()


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()])
@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384()])
def test_ecdsa(curve: ec.EllipticCurve, algorithm: hashes.HashAlgorithm) -> None:
    secret = ec.generate_private_key(curve)
    numbers = secret.public_key().public_numbers()
    key = publickey.EcKey(curve=publickey.CURVES[curve.name], x=numbers.x, y=numbers.y)
    for index in range(4):
        message = b"message %d" % index
        digest = hashlib.new(algorithm.name, message).digest()
        signature = secret.sign(message, ec.ECDSA(algorithm))
        assert publickey.verify(key, algorithm.name, digest, signature)
        assert not publickey.verify(key, algorithm.name, digest[::-1], signature)
    off_curve = publickey.EcKey(curve=key.curve, x=key.x, y=key.y ^ 1)
    assert not publickey.verify(off_curve, algorithm.name, digest, signature)


@pytest.mark.parametrize("bits", [0, 3, 20_000])
def test_absurd_rsa_keys_are_refused(bits: int) -> None:
    key = publickey.RsaKey(modulus=(1 << bits) - 1, exponent=65537)
    with pytest.raises(MalformedError):
        publickey.verify(key, "sha256", bytes(32), bytes(256))


def test_rsa_padding_is_compared_whole() -> None:
    """Signatures with exponent 3 can be forged when trailing bytes are ignored (CVE-2006-4339)."""
    modulus = (1 << 2048) - 159
    key = publickey.RsaKey(modulus=modulus, exponent=3)
    digest = hashlib.sha256(b"x").digest()
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    prefix = b"\0\1" + b"\xff" * 8 + b"\0" + info
    wanted = int.from_bytes(prefix.ljust(256, b"\xff"), "big")
    low, high = 0, 1 << 700
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= wanted else (low, middle - 1)
    assert (low**3).to_bytes(256, "big").startswith(prefix)
    assert not publickey.verify(key, "sha256", digest, low.to_bytes(256, "big"))


@pytest.mark.parametrize("dotted", ["1.2.840.113549.1.7.2", "2.16.840.1.101.3.4.2.1", "0.9.2342"])
def test_object_identifiers(dotted: str) -> None:
    from tests.corpus.signing import oid  # noqa: PLC0415

    assert der.oid(der.element(oid(dotted))) == dotted
