"""Authenticode: what makes a signature good, and everything that makes it INVALID."""

from __future__ import annotations

import struct

import pytest

from policyc.model.identity import PublisherName
from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.readers.file import read_bytes
from policyc.readers.limits import Limits
from tests.corpus import build
from tests.corpus.pe_files import security_entry
from tests.corpus.signing import PKCS7_DATA, signed_data

GOOD, BAD = SignatureGrade.PRODUCTION, SignatureGrade.INVALID


def signatures(data: bytes, limits: Limits = Limits()) -> tuple[Signature, ...]:  # noqa: B008
    found = read_bytes(data, "C:\\tool.exe", limits).signatures
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384"])
def test_a_good_signature(digest: str) -> None:
    image = build.pe()
    (found,) = signatures(build.attach(image, build.authenticode(image, digest=digest)))
    assert (found.grade, found.detail, found.digest_algorithm) == (GOOD, "", digest)
    assert found.kind is SignatureKind.AUTHENTICODE
    names = [certificate.common_name for certificate in found.chain]
    assert names == ["Example Signing", "Example Authority"]
    expected = "O=EXAMPLE, INC., L=DARMSTADT, S=HESSEN, C=DE"
    assert found.publisher == PublisherName(expected)
    assert found.leaf is not None
    assert [str(eku) for eku in found.leaf.ekus] == ["1.3.6.1.5.5.7.3.3"]
    assert (found.leaf.key, found.leaf.key_bits) == ("rsa", 2048)


def test_a_changed_file_is_invalid() -> None:
    data = bytearray(build.signed_pe())
    data[0x401] ^= 1
    (found,) = signatures(bytes(data))
    assert (found.grade, found.detail) == (BAD, "the signed digest is not the file's")
    assert found.leaf is not None


def test_a_copied_certificate_table_is_invalid() -> None:
    stolen = build.authenticode(build.pe(strings={"ProductName": "Theirs"}))
    (found,) = signatures(build.attach(build.pe(), stolen))
    assert found.grade is BAD


def test_a_forged_digest_is_invalid() -> None:
    image = build.pe()
    good = build.authenticode(image)
    evil = build.pe(code=b"\xcc")
    old, new = build.authentihash(image), build.authentihash(evil)
    (found,) = signatures(build.attach(evil, good.replace(old, new)))
    assert (found.grade, found.detail) == (BAD, "messageDigest does not cover the content")


def test_a_foreign_key_is_invalid() -> None:
    image = build.pe()
    good = build.authenticode(image)
    position = good.rindex(b"\x04\x82\x01\x00") + 40
    broken = good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :]
    (found,) = signatures(build.attach(image, broken))
    assert (found.grade, found.detail) == (BAD, "the signature was not made with the leaf's key")


def test_an_issuer_cannot_be_borrowed() -> None:
    image = build.pe()
    (found,) = signatures(build.attach(image, build.authenticode(image, build.impostor())))
    assert found.grade is GOOD
    assert len(found.chain) == 1, "the authority did not sign this leaf"


@pytest.mark.parametrize("curve", ["secp256r1", "secp384r1"])
def test_elliptic_curves_are_verified(curve: str) -> None:
    image = build.pe()
    blob = build.authenticode(image, build.ec_identity(curve))
    (found,) = signatures(build.attach(image, blob))
    assert (found.grade, found.detail) == (GOOD, "")
    assert found.leaf is not None
    assert found.leaf.key == "ec"
    (wrong,) = signatures(build.attach(image, blob[:-1] + bytes([blob[-1] ^ 1])))
    assert wrong.grade is BAD


def test_two_entries_and_nested_signatures() -> None:
    image = build.pe()
    nested = build.authenticode(image, build.identity("Nested"))
    outer = build.authenticode(image, digest="sha1", nested=(nested,))
    found = signatures(build.attach(image, outer, build.authenticode(image)))
    names = [item.leaf.common_name for item in found if item.leaf is not None]
    assert names == ["Example Signing", "Nested", "Example Signing"]
    assert {item.grade for item in found} == {GOOD}


def test_signatures_are_bounded() -> None:
    image = build.pe()
    blob = build.authenticode(image)
    found = signatures(build.attach(image, *[blob] * 9), Limits(max_signatures=4))
    assert len(found) == 4


@pytest.mark.parametrize(
    ("blob", "detail"),
    [
        (b"\x30\x03\x02\x01\x00", "ContentInfo: not SignedData"),
        (b"\x30\x84\xff\xff\xff\xff", "DER: an element is longer than what holds it"),
        (b"\x30\x80" * 60, "BER: indefinite lengths are nested too deeply"),
    ],
)
def test_garbage_is_an_invalid_signature(blob: bytes, detail: str) -> None:
    found = signatures(build.attach(build.pe(), blob))
    assert [item.grade for item in found] == [BAD]
    assert found[0].detail in (detail, "DER: not an object identifier")


def test_a_signature_over_something_else_is_invalid() -> None:
    content = signed_data(build.identity(), PKCS7_DATA, b"\x04\x01x", b"x")
    (found,) = signatures(build.attach(build.pe(), content))
    assert found.detail == "the signed content is not SpcIndirectDataContent"


def test_a_table_outside_the_file_is_invalid() -> None:
    image = bytearray(build.pe())
    struct.pack_into("<II", image, security_entry(bytes(image)), len(image), 4096)
    (found,) = signatures(bytes(image))
    assert (found.grade, found.detail) == (BAD, "certificate table lies outside the file")


def test_an_unsigned_file_has_no_signatures() -> None:
    assert signatures(build.pe()) == ()
