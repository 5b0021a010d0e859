"""Mach-O facts against apple-platform-py (apple-codesign), LIEF and macholib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policyc.model.facts import FileFacts
from policyc.model.signatures import SignatureGrade
from policyc.readers.crosscheck import cross_check
from policyc.readers.file import read_file
from tests.corpus import build
from tests.requires import require_module, require_shared

pytestmark = pytest.mark.oracle


def read(path: Path) -> FileFacts:
    found = read_file(path, f"/{path.name}")
    assert isinstance(found, FileFacts)
    assert found.macho is not None
    return found


def compare(path: Path) -> int:
    """Compare each slice with the oracle; returns how many there were."""
    reading = require_module("apple_platform.reading")
    entities: list[dict[str, Any]] = reading.read_signature(str(path))
    theirs = [
        item["entity"]["mach_o"]
        for item in entities
        if isinstance(item["entity"], dict) and "mach_o" in item["entity"]
    ]
    macho = read(path).macho
    assert macho is not None
    assert len(theirs) == len(macho.slices)
    for piece, other in zip(macho.slices, theirs, strict=True):
        signature = other.get("signature")
        assert (signature is None) is (piece.grade is None)
        if signature is None:
            continue
        directory = signature["code_directory"]
        assert piece.identifier == directory["identifier"]
        assert str(piece.team or "") == (directory.get("team_name") or "")
        hashes = {1: "sha1", 2: "sha256", 3: "sha256", 4: "sha384"}
        blobs = [blob for blob in signature["blobs"] if blob["magic"] == "fade0c02"]
        name = hashes[piece.hash_type]
        if name in blobs[0]:
            assert str(piece.cdhash) in [blob[name][:40] for blob in blobs]
        signers = (signature.get("cms") or {}).get("signers", [])
        if piece.leaf is not None and signers:
            verified = all(item["signature_verifies"] for item in signers)
            assert verified is (piece.grade is not SignatureGrade.INVALID)
    return len(theirs)


def test_santa_test_data_against_the_oracle() -> None:
    root = require_shared("santa/santa-testdata")
    slices = 0
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            found = read_file(path, "/x")
            if isinstance(found, FileFacts) and found.macho is not None:
                slices += compare(path)
                assert cross_check(path, found) == (), path.name
    assert slices > 30


@pytest.mark.parametrize("profile", ["developer-id-application", "apple-development"])
@pytest.mark.parametrize("digests", [["sha256"], ["sha1", "sha256"], ["sha256", "sha384"]])
def test_files_signed_by_the_oracle(tmp_path: Path, profile: str, digests: list[str]) -> None:
    platform = require_module("apple_platform")
    macho = require_module("apple_platform.macho")
    certificates = require_module("apple_platform.certificates")
    plain, signed, bundle = tmp_path / "plain", tmp_path / "signed", tmp_path / "key.pem"
    plain.write_bytes(macho.create_synthetic("aarch64", "executable"))
    made = certificates.generate_self_signed("Test Corp", profile=profile, team_id="ABCDE12345")
    made.write_pem_bundle(str(bundle))
    platform.sign(
        str(plain),
        str(signed),
        signer=platform.Signer(pem=platform.PemKey(files=[str(bundle)])),
        binary_identifier="com.example.app",
        team_name="ABCDE12345",
        digests=digests,
        code_signature_flags=["runtime"],
        timestamp_url="none",
    )
    assert compare(signed) == 1
    facts = read(signed)
    production = profile == "developer-id-application"
    expected = SignatureGrade.PRODUCTION if production else SignatureGrade.DEVELOPMENT
    assert isinstance(facts.signatures, tuple)
    (signature,) = facts.signatures
    assert (signature.grade, signature.detail) == (expected, "")
    assert str(signature.signing_id) == "ABCDE12345:com.example.app"
    assert signature.digest_algorithm == digests[-1]
    assert facts.macho is not None
    assert facts.macho.slices[0].flags & 0x10000


def test_ad_hoc_code_of_the_oracle(tmp_path: Path) -> None:
    platform = require_module("apple_platform")
    macho = require_module("apple_platform.macho")
    plain, signed = tmp_path / "plain", tmp_path / "signed"
    plain.write_bytes(macho.create_synthetic("x86_64", "dylib"))
    platform.sign(str(plain), str(signed), binary_identifier="com.example.adhoc")
    assert compare(plain) == compare(signed) == 1
    facts = read(signed)
    assert isinstance(facts.signatures, tuple)
    assert [item.grade for item in facts.signatures] == [SignatureGrade.ADHOC]


def test_synthetic_files_against_the_oracle(tmp_path: Path) -> None:
    thin = {"x86_64": build.macho("x86_64"), "arm64": build.signed_macho(team="ABCDE12345")}
    signed = build.signed_macho("x86_64", signer=build.identity(), hash_types=(1, 2))
    for name, data in (
        *thin.items(),
        ("fat", build.universal(*thin.items())),
        ("signed", signed),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        found = read(path)
        assert cross_check(path, found) == (), name
        compare(path)
