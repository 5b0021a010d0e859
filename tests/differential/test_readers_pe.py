"""PE facts against LIEF, pefile and osslsigncode on real files."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from policyc.model.facts import FileFacts
from policyc.model.signatures import SignatureGrade
from policyc.readers.crosscheck import cross_check
from policyc.readers.file import read_file
from tests.corpus import build
from tests.requires import require_shared, require_tool

pytestmark = pytest.mark.oracle


def read(path: Path) -> FileFacts:
    found = read_file(path, f"C:\\{path.name}")
    assert isinstance(found, FileFacts)
    return found


def launchers() -> list[Path]:
    """The launchers that pip and setuptools bring for Windows."""
    packages = Path(sysconfig.get_paths()["purelib"])
    found = [*packages.glob("pip/_vendor/distlib/*.exe"), *packages.glob("setuptools/*.exe")]
    assert len(found) >= 6
    return sorted(found)


@pytest.mark.slow
def test_launchers_have_no_second_opinion() -> None:
    for path in launchers():
        facts = read(path)
        assert facts.pe is not None
        assert cross_check(path, facts) == ()


@pytest.mark.slow
def test_real_images_have_no_second_opinion() -> None:
    """Tiny images with folded headers are left out: LIEF lays out a header they do not have."""
    seeds = require_shared("masquerade/seeds")
    files = sorted(path for path in seeds.glob("pe-*/*") if path.parent.name != "pe-tiny")
    assert len(files) > 30
    for path in files:
        if path.name != "foldedhdr.exe":
            assert cross_check(path, read(path)) == (), path.name


def test_unsigned_digests_against_osslsigncode(tmp_path: Path) -> None:
    tool = require_tool("osslsigncode")
    odd = tmp_path / "odd.exe"
    odd.write_bytes(build.pe(overlay=b"odd"))
    for path in [odd, *launchers()]:
        output = tmp_path / "digest.der"
        output.unlink(missing_ok=True)
        command = [tool, "extract-data", "-h", "sha256", "-in", str(path), "-out", str(output)]
        subprocess.run(command, check=True, capture_output=True)
        digest = bytes.fromhex(str(read(path).hashes.authenticode_sha256))
        assert digest in output.read_bytes(), path.name


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_synthetic_signatures_against_osslsigncode(tmp_path: Path, digest: str) -> None:
    tool = require_tool("osslsigncode")
    image = build.pe(strings={"ProductName": "Tool"})
    path = tmp_path / "signed.exe"
    path.write_bytes(build.attach(image, build.authenticode(image, digest=digest)))
    done = subprocess.run([tool, "verify", str(path)], capture_output=True, text=True, check=False)
    stated = re.search(r"Current message digest *: ([0-9A-F]+)", done.stdout)
    computed = re.search(r"Calculated message digest *: ([0-9A-F]+)", done.stdout)
    assert stated is not None
    assert computed is not None
    facts = read(path)
    ours = {"sha1": facts.hashes.authenticode_sha1, "sha256": facts.hashes.authenticode_sha256}
    assert stated[1].lower() == computed[1].lower() == str(ours[digest])
    assert cross_check(path, facts) == ()


def test_synthetic_signatures_against_lief(tmp_path: Path) -> None:
    import lief  # noqa: PLC0415

    good = build.signed_pe()
    bad = bytearray(good)
    bad[0x401] ^= 1
    for data, grade in ((good, SignatureGrade.PRODUCTION), (bytes(bad), SignatureGrade.INVALID)):
        path = tmp_path / "signed.exe"
        path.write_bytes(data)
        image = lief.PE.parse(str(path))
        assert image is not None
        flags = image.verify_signature(lief.PE.Signature.VERIFICATION_CHECKS.SKIP_CERT_TIME)
        verified = flags == lief.PE.Signature.VERIFICATION_FLAGS.OK
        facts = read(path)
        assert isinstance(facts.signatures, tuple)
        assert [item.grade for item in facts.signatures] == [grade]
        assert verified is (grade is SignatureGrade.PRODUCTION)
