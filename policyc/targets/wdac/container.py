"""The signed container of a compiled policy: PKCS#7 SignedData around the raw bytes."""

from __future__ import annotations

from dataclasses import dataclass

from asn1crypto import cms, core

from policyc.targets.base import ArtifactError

CONTENT_TYPE = "1.3.6.1.4.1.311.79.1"
"""The content type Windows wants around a policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwrapped:
    """The raw policy, and whether it was signed."""

    body: bytes
    signed: bool


def unwrap(data: bytes) -> Unwrapped:
    """The raw policy in a file, signed or not; ArtifactError for a container that is none.

    No signature is checked: that is the business of the machine that loads the policy.
    """
    if data[:1] != b"\x30":
        return Unwrapped(body=data, signed=False)
    try:
        info = cms.ContentInfo.load(data, strict=True)
        if info["content_type"].native != "signed_data":
            raise ArtifactError("a PKCS#7 container without signed data")
        inner = info["content"]["encap_content_info"]
        kind = inner["content_type"].dotted
        content = inner["content"]
        body = _octets(content)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise ArtifactError("a PKCS#7 container that cannot be read") from error
    if kind != CONTENT_TYPE:
        raise ArtifactError("a PKCS#7 container that holds no policy")
    return Unwrapped(body=body, signed=True)


def _octets(content: core.Any) -> bytes:
    """The octet string within ``[0] EXPLICIT``, whatever type the library gives it."""
    parsed = content.parsed if hasattr(content, "parsed") else content
    if not isinstance(parsed, core.OctetString):
        raise TypeError("no octet string")
    return bytes(parsed)
