"""Real signed files from PyPI and npm against recorded measurements, lief, and osslsigncode.

Every disagreement is one of those that docs/oracles.md explains; each has its own check, so
that one more is a failure.
"""

from __future__ import annotations

import csv
import hashlib
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from policyc.model.facts import FileFacts
from policyc.model.signatures import SignatureGrade
from policyc.readers.file import read_bytes, read_tree
from tests.corpus.registry import fetch, pins
from tests.requires import require_module, require_shared, require_tool

pytestmark = [pytest.mark.slow, pytest.mark.oracle]


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of an archive, by the standard library."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for info in wheel.infolist():
                if not info.is_dir():
                    yield info.filename, wheel.read(info)
        return
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if file is not None:
                yield member.name, file.read()


@lru_cache(maxsize=1)
def images() -> dict[bytes, str]:
    """Every different PE image of the pinned archives, with its name."""
    found: dict[bytes, str] = {}
    for pin in pins():
        for name, data in members(fetch(pin)):
            if data[:2] == b"MZ" and read_bytes(data[:4096], "x").pe is not None:
                found.setdefault(data, f"{pin.file}!/{name}")
    return found


def facts_of(data: bytes) -> FileFacts:
    return read_bytes(data, "C:\\x.exe")


def signatures_of(facts: FileFacts) -> tuple[Any, ...]:
    assert isinstance(facts.signatures, tuple)
    return facts.signatures


def rows(name: str) -> list[dict[str, str]]:
    with require_shared(name).open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_there_are_enough_of_them() -> None:
    signed = sum(1 for data in images() if facts_of(data).signatures)
    assert signed >= 150


def test_every_signature_proves_its_own_hash() -> None:
    for data, name in images().items():
        for signature in signatures_of(facts_of(data)):
            assert signature.grade is SignatureGrade.PRODUCTION, (name, signature.detail)
            assert signature.chain, name


def test_lief_agrees() -> None:
    lief = require_module("lief")
    lief.logging.disable()
    flags, sha256 = lief.PE.Signature.VERIFICATION_FLAGS, lief.PE.ALGORITHMS.SHA_256
    unpadded = nested = 0
    for data, name in images().items():
        facts, other = facts_of(data), lief.PE.parse(list(data))
        theirs = other.authentihash(sha256).hex()
        if theirs != str(facts.hashes.authenticode_sha256):
            # Exception 1: without a signature, lief does not pad to eight bytes.
            assert not signatures_of(facts), name
            assert len(data) % 8, name
            padded = lief.PE.parse(list(data + bytes(-len(data) % 8)))
            assert padded.authentihash(sha256).hex() == str(facts.hashes.authenticode_sha256)
            unpadded += 1
        mine, listed = signatures_of(facts), list(other.signatures)
        # Exception 2: lief lists the entries of the table, not the signatures in them.
        assert len(listed) <= len(mine), name
        nested += len(mine) - len(listed)
        if mine:
            assert other.verify_signature() == flags.OK, name
        assert (facts.pe.imphash or "") == lief.PE.get_imphash(  # type: ignore[union-attr]
            other, lief.PE.IMPHASH_MODE.PEFILE
        ), name
    assert unpadded <= 2
    assert nested > 0


def test_osslsigncode_agrees(tmp_path: Path) -> None:
    tool = require_tool("osslsigncode")
    checked = 0
    for data, name in images().items():
        facts = facts_of(data)
        if not signatures_of(facts):
            continue
        path = tmp_path / "x.exe"
        path.write_bytes(data)
        done = subprocess.run(
            [tool, "verify", "-in", str(path)], capture_output=True, text=True, check=False
        )
        found = re.findall(r"Calculated message digest\s*: ([0-9A-F]+)", done.stdout)
        assert found, (name, done.stdout)
        own = {str(facts.hashes.authenticode_sha256), str(facts.hashes.authenticode_sha1)}
        assert {digest.lower() for digest in found} <= own, name
        checked += 1
    assert checked >= 150


def test_recorded_images() -> None:
    recorded = {row["sha256"]: row for row in rows("santa/signed-pe.tsv")}
    seen = 0
    for data, name in images().items():
        row = recorded.get(hashlib.sha256(data).hexdigest())
        if row is None:
            continue
        seen += 1
        facts = facts_of(data)
        signatures = signatures_of(facts)
        assert bool(signatures) == (row["signed"] == "signed"), name
        if not signatures or not row["leaf_cert_sha256"]:
            # Exception 3: the recording tool saw a signature and could not read it.
            continue
        assert row["leaf_cert_sha256"] in {str(item.leaf.sha256) for item in signatures}, name
        assert (row["timestamped"] == "1") == any(item.signed_at for item in signatures), name
        if row["digest_alg"] == "SHA256":
            own = str(facts.hashes.authenticode_sha256)
            assert row["authenticode_hash"].lower() == own, name
    assert seen >= 55


def _publisher(subject: str) -> str:
    """AppLocker's publisher of a subject as lief prints it, by the recipe, written anew here."""
    parts = re.split(r"(?<!\\), (?=[A-Za-z_]+=)", subject)
    found = dict(part.replace("\\,", ",").split("=", 1) for part in parts)
    names = (("O", "O"), ("L", "L"), ("S", "ST"), ("C", "C"))
    return ", ".join(f"{name}={found[key].upper()}" for name, key in names if key in found)


def test_publisher_strings_are_those_of_an_independent_reader_and_of_public_policies() -> None:
    """Of every signed image, with lief's subject; most stand in policies made on Windows, too."""
    lief = require_module("lief")
    lief.logging.disable()
    folder = require_shared("applocker/policies")
    known = {
        name.upper()
        for path in folder.glob("*.xml")
        for name in re.findall(
            r'PublisherName="(O=[^"*]+)"', path.read_bytes().replace(b"\0", b"").decode("latin-1")
        )
    }
    checked = in_policies = 0
    for data, name in images().items():
        mine = signatures_of(facts_of(data))
        if not mine:
            continue
        image = lief.PE.parse(list(data))
        listed = list(image.signatures)
        own = str(mine[0].publisher)
        assert own == _publisher(listed[0].signers[0].cert.subject), name
        checked += 1
        in_policies += own in known
    assert checked >= 150
    assert in_policies >= 60


def test_recorded_macho_slices() -> None:
    """All members, also those of archives inside, as the inventory lists them."""
    wanted = rows("santa/machos.tsv")
    files: dict[tuple[str, str], FileFacts] = {}
    for pin in pins():
        if any(row["dist_file"] == pin.file for row in wanted):
            for item in read_tree(fetch(pin), "/x"):
                if isinstance(item, FileFacts) and item.macho is not None:
                    files[pin.file, item.path.removeprefix("/x!/")] = item
    checked = 0
    for row in wanted:
        name = row["member_path"]
        found = files.get((row["dist_file"], name))
        if found is None:
            assert row["package"] == "playwright", name  # 50 MB for one slice: not pinned
            continue
        assert found.macho is not None
        (piece,) = (piece for piece in found.macho.slices if piece.arch == row["arch"])
        checked += 1
        stated = row["all_cdhashes(hash:cdhash)"].split()
        grade = piece.grade.value if piece.grade else "unsigned"
        assert {
            "cdhash": str(piece.cdhash or ""),
            "team": str(piece.team or ""),
            "identifier": piece.identifier or "",
            "leaf": str(piece.leaf or ""),
            "entitlements": piece.entitlements,
            "status": grade,
            "oids": " ".join(map(str, piece.oids)),
            "cdhashes": sorted(map(str, piece.cdhashes)),
            "slices": len(found.macho.slices),
        } == {
            "cdhash": row["cdhash"],
            "team": row["team_id"],
            "identifier": row["signing_id"],
            "leaf": row["leaf_sha256"],
            "entitlements": int(row["n_entitlements"]),
            "status": row["santa_static_status"],
            "oids": row["apple_oids"],
            "cdhashes": sorted(item.partition(":")[2] for item in stated),
            "slices": int(row["n_slices"]),
        }, (row["dist_file"], name, row["arch"])
        status = "invalid" if found.macho.mixed else grade
        if row["santa_file_status"] in ("invalid", "unsigned"):
            assert status == row["santa_file_status"], name
    assert checked >= 90
