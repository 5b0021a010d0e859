"""Signed policies: openssl accepts them, their structure is Microsoft's, traps are refused."""

from __future__ import annotations

import datetime as dt
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from typer.testing import CliRunner

from policyc.cli.app import app
from policyc.model.version import FileVersion
from policyc.targets.wdac.build import build
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.keys import sign_attributes
from policyc.targets.wdac.model import Signer, SiPolicy
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.sign import (
    SignError,
    SigningCertificate,
    attributes_to_sign,
    check_signable,
    read_certificates,
    signed_container,
)
from policyc.targets.wdac.twins import rollback
from tests.requires import require_tool
from tests.unit.targets.test_wdac_artifacts import policy

KEY = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def certificate(key: Any) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "policy signer")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(START)
        .not_valid_after(START.replace(year=2045))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .sign(key, hashes.SHA256())
    )


def as_pem(item: x509.Certificate) -> bytes:
    return item.public_bytes(serialization.Encoding.PEM)


OWN = read_certificates(as_pem(certificate(KEY)))


def tbs(item: x509.Certificate) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(item.tbs_certificate_bytes)
    return digest.finalize().hex()


def signable(**changes: Any) -> SiPolicy:
    model = read_xml(policy(options=("Enabled:UMCI",)).encode()).policy
    signer = Signer(id="ID_SIGNER_U", name="updates", root=tbs(certificate(KEY)))
    model = replace(model, signers=(signer,), update_signers=("ID_SIGNER_U",))
    return replace(model, **changes)


def test_openssl_accepts_the_container(tmp_path: Path) -> None:
    openssl = require_tool("openssl")
    body = build(signable())
    check_signable(body, OWN)
    made = signed_container(body, OWN, sign_attributes(KEY, attributes_to_sign(body)))
    (tmp_path / "p").write_bytes(made)
    (tmp_path / "c").write_bytes(as_pem(certificate(KEY)))
    command = [openssl, "cms", "-verify", "-binary", "-inform", "DER", "-in", str(tmp_path / "p")]
    more = ["-CAfile", str(tmp_path / "c"), "-purpose", "any", "-out", str(tmp_path / "o")]
    subprocess.run([*command, *more], check=True, capture_output=True)
    assert (tmp_path / "o").read_bytes() == body
    assert unwrap(made).body == body
    assert unwrap(made).signed


def test_the_structure_is_the_documented_one() -> None:
    body = build(signable())
    made = signed_container(body, OWN, sign_attributes(KEY, attributes_to_sign(body)))
    data = cms.ContentInfo.load(made, strict=True)["content"]
    (info,) = data["signer_infos"]
    assert (data["version"].native, info["version"].native) == ("v1", "v1")
    assert data["encap_content_info"]["content_type"].dotted == "1.3.6.1.4.1.311.79.1"
    assert info["sid"].name == "issuer_and_serial_number"
    assert [item["type"].native for item in info["signed_attrs"]] == [
        "content_type",
        "message_digest",
    ]
    assert info["digest_algorithm"]["algorithm"].native == "sha256"
    assert info["signature_algorithm"]["algorithm"].native == "rsassa_pkcs1v15"
    assert not info["unsigned_attrs"]


def refused(model: SiPolicy, who: SigningCertificate = OWN, old: SiPolicy | None = None) -> str:
    with pytest.raises(SignError) as caught:
        check_signable(build(model), who, None if old is None else build(old))
    return str(caught.value)


def test_what_would_brick_is_refused() -> None:
    assert "Unsigned" in refused(signable(options=(Option.UNSIGNED_POLICY,)))
    other = read_certificates(as_pem(certificate(OTHER)))
    assert "UpdatePolicySigner" in refused(signable(), other)
    curve = ec.generate_private_key(ec.SECP256R1())
    assert "RSA" in refused(signable(), read_certificates(as_pem(certificate(curve))))
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505  # too short on purpose
    assert "1024 bits" in refused(signable(), read_certificates(as_pem(certificate(short))))
    later = signable(version=FileVersion.parse("11.0.0.0"))
    assert "lower" in refused(signable(), old=later)
    check_signable(build(later), OWN, build(signable()))
    assert "SupplementalPolicySigners" in refused(signable(options=(Option.SUPPLEMENTAL_POLICIES,)))


def test_a_signature_of_another_key_is_refused() -> None:
    body = build(signable())
    with pytest.raises(SignError, match="not the certificate's"):
        signed_container(body, OWN, sign_attributes(OTHER, attributes_to_sign(body)))


def test_the_command_with_a_key_elsewhere(tmp_path: Path) -> None:
    body = build(signable())
    (tmp_path / "p.cip").write_bytes(body)
    (tmp_path / "c.pem").write_bytes(as_pem(certificate(KEY)))
    common = ["wdac", "sign", str(tmp_path / "p.cip"), "--cert", str(tmp_path / "c.pem")]
    printed = CliRunner().invoke(app, common)
    assert printed.exit_code == 0, printed.output
    attributes = bytes.fromhex(printed.stdout.split()[1])
    (tmp_path / "sig").write_bytes(sign_attributes(KEY, attributes))
    target = tmp_path / "signed.cip"
    more = ["--signature", str(tmp_path / "sig"), "-o", str(target)]
    assert CliRunner().invoke(app, [*common, *more]).exit_code == 0
    assert unwrap(target.read_bytes()).body == body


@pytest.mark.parametrize("form", ["pem", "pkcs12"])
def test_the_command_with_a_key_in_a_file(tmp_path: Path, form: str) -> None:
    (tmp_path / "p.cip").write_bytes(build(signable()))
    none = serialization.NoEncryption()
    if form == "pem":
        (tmp_path / "c.pem").write_bytes(as_pem(certificate(KEY)))
        encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        (tmp_path / "k.pem").write_bytes(KEY.private_bytes(encoding, kind, none))
        who = ["--cert", str(tmp_path / "c.pem"), "--key", str(tmp_path / "k.pem")]
    else:
        (tmp_path / "k.p12").write_bytes(
            serialize_key_and_certificates(b"x", KEY, certificate(KEY), None, none)
        )
        who = ["--pkcs12", str(tmp_path / "k.p12")]
    target = tmp_path / "signed.cip"
    command = ["wdac", "sign", str(tmp_path / "p.cip"), *who, "-o", str(target)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert unwrap(target.read_bytes()).signed


def test_a_way_back_is_signed_when_it_is_meant() -> None:
    back = rollback(signable())
    assert "Unsigned" in refused(back)
    check_signable(build(back), OWN, build(signable()), removal=True)
    with pytest.raises(SignError, match="no way back"):
        check_signable(build(signable()), OWN, removal=True)
