"""Mach-O slices, code signatures and the grades Santa gives them."""

from __future__ import annotations

import hashlib
import struct

import pytest

from policyc.model.facts import Collection, MachoFacts, MachoKind
from policyc.model.signatures import Signature, SignatureGrade
from policyc.readers.file import read_bytes
from policyc.readers.limits import Limits
from tests.corpus import build
from tests.corpus.macho_files import code_directory, super_blob
from tests.corpus.signing import DEVELOPER_ID

TEAM = "ABCDE12345"
ADHOC, INVALID = SignatureGrade.ADHOC, SignatureGrade.INVALID
DEVELOPMENT, PRODUCTION = SignatureGrade.DEVELOPMENT, SignatureGrade.PRODUCTION


def read(data: bytes) -> tuple[MachoFacts, tuple[Signature, ...]]:
    found = read_bytes(data, "/Applications/Tool")
    assert found.macho is not None
    assert isinstance(found.signatures, tuple)
    return found.macho, found.signatures


@pytest.mark.parametrize("arch", ["i386", "x86_64", "arm64"])
@pytest.mark.parametrize(
    ("kind", "expected", "collection"),
    [
        ("execute", MachoKind.EXECUTABLE, Collection.EXECUTABLE),
        ("dylib", MachoKind.DYLIB, Collection.LIBRARY),
        ("bundle", MachoKind.BUNDLE, Collection.LIBRARY),
    ],
)
def test_unsigned(arch: str, kind: str, expected: MachoKind, collection: Collection) -> None:
    macho, signatures = read(build.macho(arch, kind))
    assert [(piece.arch, piece.kind, piece.grade) for piece in macho.slices] == [
        (arch, expected, None)
    ]
    assert signatures == ()
    assert read_bytes(build.macho(arch, kind), "/x").collection is collection


def test_ad_hoc_code_has_a_cdhash_and_no_signing_id() -> None:
    macho, (signature,) = read(build.signed_macho(flags=0x20000, team=TEAM))
    (piece,) = macho.slices
    assert (piece.grade, piece.flags, piece.identifier) == (ADHOC, 0x20002, "com.example.tool")
    assert (signature.grade, signature.chain, signature.signing_id) == (ADHOC, (), None)


def test_the_cdhash_is_the_digest_of_the_directory() -> None:
    data = build.signed_macho()
    start = data.index(struct.pack(">I", 0xFADE0C02), 0x1000)
    (length,) = struct.unpack_from(">I", data, start + 4)
    macho, _ = read(data)
    expected = hashlib.sha256(data[start : start + length]).hexdigest()[:40]
    assert str(macho.slices[0].cdhash) == expected


@pytest.mark.parametrize(
    ("extension", "platform", "grade"),
    [
        ("", 0, DEVELOPMENT),
        (DEVELOPER_ID, 0, PRODUCTION),
        ("1.2.840.113635.100.6.1.9", 0, PRODUCTION),
        ("1.2.840.113635.100.6.1.12", 0, DEVELOPMENT),
        ("", 4, PRODUCTION),
    ],
)
def test_grades(extension: str, platform: int, grade: SignatureGrade) -> None:
    signer = build.identity("Developer", extension=extension)
    data = build.signed_macho(signer=signer, team=TEAM, platform=platform)
    macho, (signature,) = read(data)
    assert (macho.slices[0].grade, signature.grade, signature.detail) == (grade, grade, "")
    assert str(signature.signing_id) == f"{TEAM}:com.example.tool"
    assert signature.leaf is not None
    assert macho.slices[0].leaf == signature.leaf.sha256


def test_platform_code_without_a_team() -> None:
    _, (signature,) = read(build.signed_macho(signer=build.identity(), platform=4))
    assert str(signature.signing_id) == "platform:com.example.tool"
    _, (signature,) = read(build.signed_macho(signer=build.identity()))
    assert signature.signing_id is None


def test_the_best_directory_counts_if_the_cms_lists_it() -> None:
    data = build.signed_macho(signer=build.identity(), hash_types=(1, 2))
    macho, (signature,) = read(data)
    assert (macho.slices[0].hash_type, signature.digest_algorithm) == (2, "sha256")
    assert signature.grade is DEVELOPMENT
    unlisted = build.signed_macho(signer=build.identity(), hash_types=(1, 2), listed=False)
    _, (signature,) = read(unlisted)
    assert signature.detail == "the best CodeDirectory is not covered by the CMS"


@pytest.mark.parametrize("signed", [False, True])
def test_changed_code_is_invalid(*, signed: bool) -> None:
    data = bytearray(build.signed_macho(signer=build.identity() if signed else None))
    data[0x800] ^= 1
    macho, (signature,) = read(bytes(data))
    assert (signature.grade, signature.detail) == (INVALID, "code page 0 does not match its hash")
    assert macho.slices[0].cdhash is not None


def test_without_cms_and_without_the_flag_it_is_invalid() -> None:
    data = build.signed_macho()
    code = data[:0x1000]
    blob = super_blob({0: code_directory(code, "com.example.tool")})
    (size,) = struct.unpack_from("<I", data, 32 + 12)
    _, (signature,) = read(code + blob.ljust(size, b"\0"))
    assert signature.detail == "no CMS signature, and not marked ad hoc"


@pytest.mark.parametrize(
    ("one", "two", "mixed"),
    [
        ({}, {}, False),
        ({"signer": True}, {"signer": True}, False),
        ({"signer": True}, {}, True),
        ({"signer": True}, None, True),
        ({}, None, True),
        (None, None, False),
    ],
)
@pytest.mark.parametrize("wide", [False, True])
def test_slices_that_are_not_signed_alike(
    one: dict[str, bool] | None, two: dict[str, bool] | None, *, mixed: bool, wide: bool
) -> None:
    def piece(arch: str, options: dict[str, bool] | None) -> bytes:
        if options is None:
            return build.macho(arch)
        return build.signed_macho(arch, signer=build.identity() if options else None)

    data = build.universal(
        ("x86_64", piece("x86_64", one)), ("arm64", piece("arm64", two)), wide=wide
    )
    macho, signatures = read(data)
    assert [item.arch for item in macho.slices] == ["x86_64", "arm64"]
    assert macho.mixed is mixed
    assert (INVALID in {item.grade for item in signatures}) is mixed


def test_slices_outside_the_file_are_left_out() -> None:
    data = build.universal(("x86_64", build.macho("x86_64")), ("arm64", build.macho("arm64")))
    macho, _ = read(data[:-1])
    assert [item.arch for item in macho.slices] == ["x86_64"]


def test_many_slices_are_refused() -> None:
    data = build.universal(*[("arm64", build.macho())] * 3)
    assert read_bytes(data, "/x", Limits(max_slices=2)).macho is None


@pytest.mark.parametrize(
    ("offset", "value", "detail"),
    [
        (0x1000, 0, "the code signature is not a SuperBlob"),
        (0x1008, 0xFFFF, "the code signature has 65535 blobs"),
        (0x1010, 0xFFFFFF00, "a code signature blob lies outside the SuperBlob"),
    ],
)
def test_damaged_super_blobs(offset: int, value: int, detail: str) -> None:
    data = bytearray(build.signed_macho())
    struct.pack_into(">I", data, offset, value)
    macho, (signature,) = read(bytes(data))
    assert (signature.grade, signature.detail) == (INVALID, detail)
    assert macho.slices[0].grade is INVALID
