"""Mach-O files made and signed in the run by apple-platform-py: every signing status, thin and fat.

What we read is the oracle's own reading, and the status is what Santa's rules make of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from policyc.model.facts import FileFacts
from policyc.model.signatures import SignatureGrade
from policyc.readers.file import read_file
from policyc.targets.santa.evaluate import identifiers
from policyc.targets.santa.model import RuleType
from tests.differential.test_readers_macho import compare
from tests.requires import require_module

pytestmark = pytest.mark.oracle

TEAM, OTHER = "ABCDE12345", "ZYXWV98765"
DEVELOPER_ID, DEVELOPMENT, DISTRIBUTION = (
    *("developer-id-application", "apple-development"),
    "apple-distribution",
)
B, CD, SID, CERT, TID = (
    *(RuleType.BINARY, RuleType.CDHASH, RuleType.SIGNINGID),
    *(RuleType.CERTIFICATE, RuleType.TEAMID),
)
ALL = {B, CD, SID, CERT, TID}


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One slice: how it is signed, and by whom. No ``profile`` is ad hoc, ``signed`` false none."""

    arch: str = "aarch64"
    signed: bool = True
    profile: str = ""
    team: str = TEAM
    digests: tuple[str, ...] = ("sha256",)
    flags: tuple[str, ...] = ("runtime",)
    kind: str = "executable"
    broken: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file, its status by slice, the identifiers Santa looks up, whether its slices differ."""

    name: str
    pieces: tuple[Piece, ...]
    status: tuple[str, ...]
    usable: set[RuleType]
    mixed: bool = False


def one(name: str, status: str, usable: set[RuleType], **keys: Any) -> Case:
    return Case(name=name, pieces=(Piece(**keys),), status=(status,), usable=usable)


def fat(
    name: str,
    left: dict[str, Any],
    right: dict[str, Any],
    status: str,
    usable: set[RuleType],
    *,
    mixed: bool = False,
) -> Case:
    pieces = (Piece(arch="x86_64", **left), Piece(arch="aarch64", **right))
    states = tuple(status.split())
    return Case(name=name, pieces=pieces, status=states, usable=usable, mixed=mixed)


HASH_TYPES = {"sha1": 1, "sha256": 2, "sha384": 4}
UNSIGNED: dict[str, Any] = {"signed": False}
ID: dict[str, Any] = {"profile": DEVELOPER_ID}
DEV: dict[str, Any] = {"profile": DEVELOPMENT}
CASES = [
    one("unsigned", "unsigned", {B}, signed=False),
    one("unsigned-intel", "unsigned", {B}, signed=False, arch="x86_64"),
    one("adhoc", "adhoc", {B, CD}),
    one("adhoc-lax", "adhoc", {B}, flags=()),
    one("adhoc-hard", "adhoc", {B, CD}, flags=("hard",)),
    one("adhoc-kill", "adhoc", {B, CD}, flags=("kill",)),
    one("adhoc-intel", "adhoc", {B, CD}, arch="x86_64"),
    one("production", "production", ALL, **ID),
    one("production-intel", "production", ALL, arch="x86_64", **ID),
    one("production-lax", "production", ALL - {CD}, flags=(), **ID),
    one("production-library-validation", "production", ALL - {CD}, flags=("library",), **ID),
    one("production-sha1-and-sha256", "production", ALL, digests=("sha1", "sha256"), **ID),
    one("production-sha384", "production", ALL, digests=("sha256", "sha384"), **ID),
    one("production-three", "production", ALL, digests=("sha1", "sha256", "sha384"), **ID),
    one("production-other-team", "production", ALL, team=OTHER, **ID),
    one("production-library", "production", ALL, kind="dylib", **ID),
    one("production-broken", "invalid", {B}, broken=True, **ID),
    one("adhoc-broken", "invalid", {B}, broken=True),
    one("development", "development", {B, CD, CERT}, **DEV),
    one("development-lax", "development", {B, CERT}, flags=(), **DEV),
    one("development-two", "development", {B, CD, CERT}, digests=("sha1", "sha256"), **DEV),
    one("distribution", "development", {B, CD, CERT}, profile=DISTRIBUTION),
    fat("fat-unsigned", UNSIGNED, UNSIGNED, "unsigned unsigned", {B}),
    fat("fat-adhoc", {}, {}, "adhoc adhoc", {B, CD}),
    fat("fat-production", ID, ID, "production production", ALL),
    fat("fat-development", DEV, DEV, "development development", {B, CD, CERT}),
    fat("fat-unsigned-adhoc", UNSIGNED, {}, "unsigned adhoc", {B}, mixed=True),
    fat("fat-unsigned-production", UNSIGNED, ID, "unsigned production", {B}, mixed=True),
    fat("fat-adhoc-production", {}, ID, "adhoc production", {B}, mixed=True),
    fat("fat-two-certificates", DEV, ID, "development production", {B}, mixed=True),
]


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """A certificate of each profile and team, as PEM."""
    certificates = require_module("apple_platform.certificates")
    folder = tmp_path_factory.mktemp("signers")
    found = {}
    for profile, team in {
        (piece.profile, piece.team) for case in CASES for piece in case.pieces if piece.profile
    }:
        path = folder / f"{profile}-{team}.pem"
        made = certificates.generate_self_signed("Test Corp", profile=profile, team_id=team)
        made.write_pem_bundle(str(path))
        found[profile, team] = path
    return found


def make(case: Case, folder: Path, signers: dict[tuple[str, str], Path]) -> Path:
    """Make, sign and join the slices of a case."""
    macho = require_module("apple_platform.macho")
    made = []
    for number, piece in enumerate(case.pieces):
        plain = folder / f"plain{number}"
        plain.write_bytes(macho.create_synthetic(piece.arch, piece.kind))
        made.append(sign(piece, plain, folder / f"signed{number}", signers))
    if len(made) == 1:
        return made[0]
    whole = folder / "universal"
    macho.create_universal([str(path) for path in made], str(whole))
    return whole


def sign(piece: Piece, plain: Path, signed: Path, signers: dict[tuple[str, str], Path]) -> Path:
    if not piece.signed:
        return plain
    platform = require_module("apple_platform")
    who: dict[str, Any] = {}
    if piece.profile:
        key = platform.PemKey(files=[str(signers[piece.profile, piece.team])])
        who = {"signer": platform.Signer(pem=key), "team_name": piece.team}
    platform.sign(
        *(str(plain), str(signed)),
        binary_identifier="com.example.app",
        digests=list(piece.digests),
        code_signature_flags=list(piece.flags),
        timestamp_url="none",
        **who,
    )
    if piece.broken:
        data = bytearray(signed.read_bytes())
        data[0x20 + data[0x14]] ^= 0xFF  # behind the load commands' first bytes: code, not header
        signed.write_bytes(data)
    return signed


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_made_file(case: Case, tmp_path: Path, signers: dict[tuple[str, str], Path]) -> None:
    path = make(case, tmp_path, signers)
    broken = any(piece.broken for piece in case.pieces)
    if not broken:
        assert compare(path) == len(case.pieces)
    facts = read_file(path, "/opt/x")
    assert isinstance(facts, FileFacts)
    assert facts.macho is not None
    pairs = zip(facts.macho.slices, case.pieces, case.status, strict=True)
    for own, piece, status in pairs:
        assert (own.grade.value if own.grade else "unsigned") == status
        assert own.identifier == ("com.example.app" if piece.signed else None)
        assert str(own.team or "") == (piece.team if piece.profile else "")
        assert own.hash_type == (HASH_TYPES[piece.digests[-1]] if piece.signed else 0)
        assert set(identifiers(facts, own, mixed=facts.macho.mixed)) == case.usable
    assert facts.macho.mixed is case.mixed
    if not broken:
        assert [len(own.cdhashes) for own in facts.macho.slices] == directories(path)


def directories(path: Path) -> list[int]:
    """How many CodeDirectories the oracle sees in each slice; it adds SHA-1 for old systems."""
    reading = require_module("apple_platform.reading")
    slices = [item["entity"]["mach_o"] for item in reading.read_signature(str(path))]
    return [
        sum(blob["magic"] == "fade0c02" for blob in own["signature"]["blobs"])
        if own.get("signature")
        else 0
        for own in slices
    ]


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 20
    states = {state for case in CASES for state in case.status}
    assert states == {"unsigned"} | {grade.value for grade in SignatureGrade}
