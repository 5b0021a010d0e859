"""Signatures of installers, scripts and catalogs that osslsigncode made or accepts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from policyc.inventory.catalogs import load_catalogs
from policyc.inventory.scan import scan
from policyc.inventory.schema import from_row
from policyc.inventory.worker import ScanOptions
from policyc.model.facts import FileFacts
from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.readers.file import read_bytes
from tests.corpus import signing
from tests.corpus.build import pe
from tests.requires import PROJECT, require_shared, require_tool

RECORDED = sorted((PROJECT / "tests" / "data").glob("signed-*.ps1"))


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key files of a test signer."""
    folder = tmp_path_factory.mktemp("keys")
    signer = signing.identity()
    key = folder / "key.pem"
    key.write_bytes(signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    cert = folder / "cert.pem"
    chain = (signer.certificate, *signer.issuers)
    cert.write_bytes(b"".join(item.public_bytes(Encoding.PEM) for item in chain))
    return cert, key


def only(data: bytes, name: str) -> Signature:
    facts = read_bytes(data, name)
    assert isinstance(facts.signatures, tuple)
    (signature,) = facts.signatures
    return signature


def test_a_signed_installer(pems: tuple[Path, Path], tmp_path: Path) -> None:
    require_tool("osslsigncode")
    source = require_shared("masquerade/seeds/msi/demo2.msi")
    target = tmp_path / "signed.msi"
    command = [
        "osslsigncode",
        "sign",
        "-certs",
        str(pems[0]),
        "-key",
        str(pems[1]),
        "-n",
        "My Tool",
    ]
    subprocess.run(
        [*command, "-in", str(source), "-out", str(target)], check=True, capture_output=True
    )
    data = target.read_bytes()
    signature = only(data, "C:\\a.msi")
    assert (signature.grade, signature.detail) == (SignatureGrade.PRODUCTION, "")
    assert signature.program == "My Tool"
    installer = read_bytes(data, "C:\\a.msi").installer
    assert installer is not None
    assert (installer.product_name, installer.product_version) == ("Demo2", "1.0.0")
    assert installer.product_code == "{67459A1D-1C33-46A6-89ED-7B7DFA4C41D3}"
    at = data.index(b"policyc test")
    changed = only(data[:at] + b"P" + data[at + 1 :], "C:\\a.msi")
    assert changed.grade is SignatureGrade.INVALID


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_signed_script(path: Path) -> None:
    data = path.read_bytes()
    signature = only(data, "C:\\a.ps1")
    assert (signature.grade, signature.detail) == (SignatureGrade.PRODUCTION, "")
    assert signature.leaf is not None
    assert signature.leaf.common_name == "Test Signer"
    assert signature.program == "Prog"
    at = data.index(b"W") + (2 if data[:2] == b"\xff\xfe" else 1)
    changed = only(data[:at] + b"R" + data[at + 1 :], "C:\\a.ps1")
    assert (changed.grade, changed.detail) == (
        SignatureGrade.INVALID,
        "the signed digest is not the file's",
    )


def test_text_behind_the_block_is_not_signed() -> None:
    data = RECORDED[0].read_bytes() + b"\r\nStart-Process evil\r\n"
    assert only(data, "C:\\a.ps1").detail == "there is text behind the signature block"


def test_recorded_scripts_are_there() -> None:
    assert len(RECORDED) == 4


# --- catalogs ---------------------------------------------------------------------------


def test_files_of_a_catalog_are_signed_by_it(tmp_path: Path) -> None:
    """The catalog is made here; osslsigncode accepts it for the same file."""
    tool = require_tool("osslsigncode")
    program = pe()
    folder = tmp_path / "cats"
    folder.mkdir()
    facts = read_bytes(program, "C:\\a.exe")
    digest = bytes.fromhex(str(facts.hashes.authenticode_sha256))
    script = b"Write-Host hello\r\n"
    flat = bytes.fromhex(str(read_bytes(script, "C:\\s.ps1").hashes.sha256))
    signer = signing.identity()
    catalog = folder / "one.cat"
    catalog.write_bytes(signing.catalog(signer, [("sha256", digest), ("sha256", flat)]))
    (folder / "broken.cat").write_bytes(b"not a catalog")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.exe").write_bytes(program)
    (tmp_path / "tree" / "s.ps1").write_bytes(script)
    (tmp_path / "tree" / "other.exe").write_bytes(program + b"\0")

    loaded = load_catalogs(folder)
    assert [problem.partition(":")[0] for problem in loaded.problems] == ["broken.cat"]
    rows = scan(
        [tmp_path / "tree"], ScanOptions(prefix="C:\\", catalogs=loaded.digest), catalogs=loaded
    )
    found = {
        item.name: item
        for item in map(from_row, map(msgspec.json.decode, rows))
        if isinstance(item, FileFacts)
    }
    for name in ("a.exe", "s.ps1"):
        signatures = found[name].signatures
        assert isinstance(signatures, tuple)
        (signature,) = signatures
        assert (signature.kind, signature.catalog) == (SignatureKind.CATALOG, "one.cat")
        assert signature.grade is SignatureGrade.PRODUCTION
        assert str(signature.publisher) == "O=EXAMPLE, INC., L=DARMSTADT, S=HESSEN, C=DE"
    assert found["other.exe"].signatures == ()

    root = tmp_path / "root.pem"
    root.write_bytes(signer.issuers[0].public_bytes(Encoding.PEM))
    program_path = str(tmp_path / "tree" / "a.exe")
    command = [tool, "verify", "-CAfile", str(root), "-catalog", str(catalog), "-in", program_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Signature verification: ok" in done.stdout, done.stdout


def test_a_changed_catalog_vouches_for_nothing(tmp_path: Path) -> None:
    signer = signing.identity()
    data = signing.catalog(signer, [("sha256", bytes(32))])
    at = data.index(bytes(32))
    (tmp_path / "one.cat").write_bytes(data[:at] + b"\1" + data[at + 1 :])
    (signature,) = load_catalogs(tmp_path).signatures
    assert signature.grade is SignatureGrade.INVALID
