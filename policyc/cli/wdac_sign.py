"""``policyc wdac sign``."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from policyc.cli.console import fail, out
from policyc.reports.safe import printable
from policyc.targets.base import ArtifactError
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.keys import read_pem_key, read_pkcs12, sign_attributes
from policyc.targets.wdac.sign import (
    SignError,
    attributes_to_sign,
    check_signable,
    read_certificates,
    signed_container,
)


def run_sign(
    policy: Path,
    output: Path | None,
    key: Path | None,
    cert: Path | None,
    pkcs12: Path | None,
    signature: Path | None,
    replaces: Path | None,
    *,
    removal: bool,
) -> None:
    """Sign, or print what another signer has to sign."""
    if pkcs12 is None and cert is None:
        fail("say who signs: --cert FILE with --key, or --pkcs12 FILE")
    try:
        _sign(policy, output, key, cert, pkcs12, signature, replaces, removal=removal)
    except (SignError, ArtifactError) as error:
        fail(f"{policy}: {printable(str(error))}")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")


def _sign(
    policy: Path,
    output: Path | None,
    key: Path | None,
    cert: Path | None,
    pkcs12: Path | None,
    signature: Path | None,
    replaces: Path | None,
    *,
    removal: bool,
) -> None:
    body = unwrap(policy.read_bytes()).body
    password = os.environ.get("POLICYC_KEY_PASSWORD")
    secret = None if password is None else password.encode()
    private = None
    if pkcs12 is not None:
        private, certificate = read_pkcs12(pkcs12.read_bytes(), secret)
    else:
        assert cert is not None
        certificate = read_certificates(cert.read_bytes())
        private = None if key is None else read_pem_key(key.read_bytes(), secret)
    old = None if replaces is None else unwrap(replaces.read_bytes()).body
    check_signable(body, certificate, old, removal=removal)
    attributes = attributes_to_sign(body)
    if signature is not None:
        made = signature.read_bytes()
    elif private is not None:
        made = sign_attributes(private, attributes)
    else:
        out(f"attributes {attributes.hex()}")
        out(f"sha256 {hashlib.sha256(attributes).hexdigest()}")
        return
    if output is None:
        fail("name the file to write with -o")
    output.write_bytes(signed_container(body, certificate, made))
    out(f"{output}: signed")
