"""A compiled policy in the signed container that Windows accepts.

PKCS#7 SignedData of version 1: content type 1.3.6.1.4.1.311.79.1, the raw policy as an octet
string, one SignerInfo of version 1 named by issuer and serial number, SHA-256 and RSA with PKCS#1
v1.5, signed attributes content type and message digest and no others, no time stamp. Windows
refuses version 3, which openssl and .NET write for such content. Source: the signed attributes
equal those of Microsoft's own signed driver policy.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from asn1crypto import core, pem, x509

from policyc.targets.base import ArtifactError
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.lint_boot import allows_all
from policyc.targets.wdac.model import KERNEL, USER
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.restore import restore

_SIZES = (2048, 3072, 4096)
_CODE_SIGNING = "code_signing"
_NULL = b"\x05\x00"
_SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo of SHA-256 (RFC 8017, section 9.2)."""


class SignError(Exception):
    """A policy that must not be signed so, or a signature that is none; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningCertificate:
    """The signer's certificate and its issuers, parsed; the first one is the signer's."""

    chain: tuple[x509.Certificate, ...]

    @property
    def leaf(self) -> x509.Certificate:
        """The signer's own certificate."""
        return self.chain[0]


def read_certificates(data: bytes) -> SigningCertificate:
    """PEM or DER, the signer's certificate first; SignError for anything else."""
    try:
        if pem.detect(data):
            found = [der for kind, _, der in pem.unarmor(data, multiple=True) if "CERT" in kind]
        else:
            found = [data]
        chain = tuple(x509.Certificate.load(der, strict=True) for der in found)
        for certificate in chain:
            certificate.public_key.native  # noqa: B018  # parses it, or says that it cannot
    except (ValueError, TypeError, KeyError) as error:
        raise SignError("the certificate cannot be read") from error
    if not chain:
        raise SignError("there is no certificate")
    return SigningCertificate(chain=chain)


def check_signable(
    policy: bytes,
    certificate: SigningCertificate,
    replaces: bytes | None = None,
    *,
    removal: bool = False,
) -> None:
    """Refuse what would keep a machine from starting, or could never be updated.

    With ``removal`` the option for unsigned policies is wanted, and that every file is allowed:
    so a signed policy is taken back.

    ``policy`` and ``replaces`` are raw binaries. Raises SignError and, for what is no policy,
    ArtifactError.
    """
    model = restore(decode(policy))
    leaf = certificate.leaf
    if leaf.public_key.algorithm != "rsa":
        raise SignError("Windows takes RSA keys only, not " + leaf.public_key.algorithm)
    if leaf.public_key.bit_size not in _SIZES:
        raise SignError(f"an RSA key of {leaf.public_key.bit_size} bits; 2048, 3072 or 4096 load")
    usage = leaf.extended_key_usage_value
    if usage is not None and _CODE_SIGNING not in usage.native:
        raise SignError("the certificate is not for code signing")
    if removal:
        if not all(allows_all(model, value) for value in (KERNEL, USER)):
            raise SignError("it does not allow every file, so it is no way back")
    elif Option.UNSIGNED_POLICY in model.options:
        raise SignError(f"the policy has the option {Option.UNSIGNED_POLICY.value}; remove it")
    if model.is_supplemental:
        if model.supplemental_signers:
            raise SignError("a supplemental policy must not have SupplementalPolicySigners")
    else:
        signers = {item.id: item for item in model.signers}
        roots = {
            signers[name].root for name in model.update_signers if not signers[name].well_known
        }
        if _tbs(leaf) not in roots:
            raise SignError("no UpdatePolicySigner has the TBS hash of the signing certificate")
        takes = Option.SUPPLEMENTAL_POLICIES in model.options
        if takes and not model.supplemental_signers:
            raise SignError("supplementals are allowed, and no SupplementalPolicySigners are named")
    if replaces is not None:
        _check_replaces(policy, replaces)


def _check_replaces(policy: bytes, replaces: bytes) -> None:
    new, old = restore(decode(policy)), restore(decode(replaces))
    if new.own_id != old.own_id:
        raise SignError(f"it does not replace {old.own_id}: its own id is {new.own_id}")
    if new.version < old.version:
        raise SignError(f"its version {new.version} is lower than {old.version}, which is deployed")


def _tbs(certificate: x509.Certificate) -> str:
    """With the digest of the certificate's own signature."""
    try:
        algorithm = certificate["signature_algorithm"].hash_algo
        return hashlib.new(algorithm, certificate["tbs_certificate"].dump()).hexdigest()
    except ValueError as error:
        raise SignError("the certificate is signed with an unknown algorithm") from error


def attributes_to_sign(policy: bytes) -> bytes:
    """The DER of the signed attributes: what the key signs, with SHA-256."""
    return _der(0x31, _attributes(policy))


def _attributes(policy: bytes) -> bytes:
    kind = _der(0x30, _oid("1.2.840.113549.1.9.3"), _der(0x31, _CONTENT))
    digest = _der(0x04, hashlib.sha256(policy).digest())
    parts = (kind, _der(0x30, _oid("1.2.840.113549.1.9.4"), _der(0x31, digest)))
    return b"".join(sorted(parts))


def signed_container(policy: bytes, certificate: SigningCertificate, signature: bytes) -> bytes:
    """The container around a raw policy; SignError if the signature is not the certificate's."""
    _verify(certificate.leaf, attributes_to_sign(policy), signature)
    leaf = certificate.leaf
    name = _der(0x30, leaf.issuer.dump(), leaf["tbs_certificate"]["serial_number"].dump())
    signer = _der(
        0x30,
        _integer(1),
        name,
        _SHA256,
        _der(0xA0, _attributes(policy)),
        _RSA,
        _der(0x04, signature),
    )
    data = _der(
        0x30,
        _integer(1),
        _der(0x31, _SHA256),
        _der(0x30, _CONTENT, _der(0xA0, _der(0x04, policy))),
        _der(0xA0, *(item.dump() for item in certificate.chain)),
        _der(0x31, signer),
    )
    container = _der(0x30, _oid("1.2.840.113549.1.7.2"), _der(0xA0, data))
    if unwrap(container).body != policy:
        raise ArtifactError("the container read back does not hold the policy")
    return container


def _verify(leaf: x509.Certificate, message: bytes, signature: bytes) -> None:
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.2)."""
    key = leaf.public_key["public_key"].parsed
    modulus, exponent = key["modulus"].native, key["public_exponent"].native
    size = (modulus.bit_length() + 7) // 8
    tail = _SHA256_PREFIX + hashlib.sha256(message).digest()
    wanted = b"\0\1" + b"\xff" * (size - len(tail) - 3) + b"\0" + tail
    value = int.from_bytes(signature, "big")
    if len(signature) != size:
        raise SignError("the signature is not of the certificate's key size")
    small = value < modulus
    if not small or pow(value, exponent, modulus).to_bytes(size, "big") != wanted:
        raise SignError("the signature is not the certificate's, or not over this policy")


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def _oid(dotted: str) -> bytes:
    data: bytes = core.ObjectIdentifier(dotted).dump()
    return data


def _integer(number: int) -> bytes:
    data: bytes = core.Integer(number).dump()
    return data


_CONTENT = _oid("1.3.6.1.4.1.311.79.1")
_SHA256 = _der(0x30, _oid("2.16.840.1.101.3.4.2.1"), _NULL)
_RSA = _der(0x30, _oid("1.2.840.113549.1.1.1"), _NULL)
