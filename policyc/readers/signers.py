"""Who signed: the certificate that a SignerInfo names, and whether its key made the signature."""

from __future__ import annotations

from policyc.readers import certificates, cms, publickey


def find_leaf(
    parsed: tuple[certificates.Parsed, ...], signer: cms.Signer
) -> certificates.Parsed | None:
    """The certificate that ``signer`` names by issuer and serial number or key identifier."""
    for item in parsed:
        if signer.key_identifier:
            if item.key_identifier == signer.key_identifier:
                return item
        elif item.serial == signer.serial and item.issuer_der == signer.issuer:
            return item
    return None


def signature_error(signer: cms.Signer, leaf: certificates.Parsed, covered: bytes) -> str:
    """What keeps ``signer`` from having signed content with digest ``covered``, or "".

    Raises MalformedError for an algorithm that is not supported.
    """
    if signer.signed:
        if signer.message_digest != covered:
            return "messageDigest does not cover the content"
        covered = cms.digest(signer.digest, signer.signed)
    if leaf.key is None:
        return f"a signature with {leaf.facts.key or 'unknown'} keys is not verified"
    if not publickey.verify(leaf.key, signer.digest, covered, signer.signature):
        return "the signature was not made with the leaf's key"
    return ""
