"""What is known about a signature and the certificates under it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from policyc.model.identity import (
    CertSha256,
    DistinguishedName,
    Oid,
    PublisherName,
    SigningId,
    TbsHash,
    TeamId,
)


class SignatureKind(enum.Enum):
    """Which signing system a signature belongs to."""

    AUTHENTICODE = "authenticode"
    CATALOG = "catalog"
    APPLE = "apple"


class SignatureGrade(enum.Enum):
    """How far a signature can carry a rule.

    PRODUCTION, DEVELOPMENT, ADHOC and INVALID are Santa's static signing statuses
    (SigningStatus in CertificateHelpers.mm). Authenticode uses PRODUCTION for a signature
    whose digest matches the file and INVALID for one whose digest does not.
    """

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    ADHOC = "adhoc"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What policies ask about a certificate. ``key`` is ``rsa``, ``ec`` … with its size in bits."""

    subject: DistinguishedName
    issuer: DistinguishedName
    sha256: CertSha256
    tbs: TbsHash
    key: str = ""
    key_bits: int = 0
    ekus: tuple[Oid, ...] = ()

    @property
    def common_name(self) -> str | None:
        """The subject's CN."""
        return self.subject.first("CN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature of a file.

    ``chain`` holds the leaf first, then its issuers as far as the file carries them; it is
    empty for ad hoc code. ``detail`` says why a signature is INVALID. ``program`` is the name
    in the publisher's own words (SpcSpOpusInfo), ``signed_at`` the time a countersignature or
    time-stamp token over this signature states (RFC 3339, UTC; whether its authority is
    trusted is the endpoint's affair), ``catalog`` the name of the catalog that lists the file.
    """

    kind: SignatureKind
    grade: SignatureGrade
    chain: tuple[Certificate, ...] = ()
    digest_algorithm: str = ""
    team: TeamId | None = None
    signing_id: SigningId | None = None
    detail: str = ""
    program: str = ""
    signed_at: str = ""
    catalog: str = ""

    @property
    def platform_binary(self) -> bool:
        """Whether it names Apple's own code: a signing ID without a team."""
        return self.signing_id is not None and self.signing_id.team is None

    @property
    def leaf(self) -> Certificate | None:
        """The signer's own certificate."""
        return self.chain[0] if self.chain else None

    @property
    def publisher(self) -> PublisherName | None:
        """The signer as AppLocker names it."""
        return self.chain[0].subject.publisher() if self.chain else None
