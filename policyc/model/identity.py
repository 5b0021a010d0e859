"""Identities that platforms match on. Four kinds of digest are four types, never four strings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, get_args

_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
_TEAM = re.compile(r"[A-Z0-9]{10}", re.ASCII)
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class _Digest:
    """Lower-case hexadecimal text of a fixed length; raises ValueError for anything else."""

    value: str
    lengths: ClassVar[tuple[int, ...]] = ()

    def __post_init__(self) -> None:
        if len(self.value) in self.lengths and _HEX.fullmatch(self.value):
            return
        lowered = self.value.lower()
        if len(lowered) not in self.lengths or not _HEX.fullmatch(lowered):
            sizes = " or ".join(str(size) for size in self.lengths)
            msg = f"{type(self).__name__} is {sizes} hexadecimal digits, got {self.value!r}"
            raise ValueError(msg)
        object.__setattr__(self, "value", lowered)

    def __str__(self) -> str:
        return self.value


class Sha256Flat(_Digest):
    """SHA-256 of all bytes of the file."""

    __slots__ = ()
    lengths: ClassVar[tuple[int, ...]] = (64,)


class AuthenticodeSha256(_Digest):
    """SHA-256 Authenticode digest of a PE image (Windows Authenticode PE Signature Format)."""

    __slots__ = ()
    lengths: ClassVar[tuple[int, ...]] = (64,)


class AuthenticodeSha1(_Digest):
    """SHA-1 Authenticode digest of a PE image."""

    __slots__ = ()
    lengths: ClassVar[tuple[int, ...]] = (40,)


class PageHash(_Digest):
    """SHA-1 or SHA-256 of the first page of a PE image, as App Control rules hold it."""

    __slots__ = ()
    lengths: ClassVar[tuple[int, ...]] = (40, 64)


class CdHash(_Digest):
    """First 20 bytes of the digest of a Mach-O CodeDirectory (xnu, ubc_subr.c)."""

    __slots__ = ()
    lengths: ClassVar[tuple[int, ...]] = (40,)


class CertSha256(_Digest):
    """SHA-256 of a certificate's DER bytes."""

    __slots__ = ()
    lengths: ClassVar[tuple[int, ...]] = (64,)


class TbsHash(_Digest):
    """Digest of a certificate's TBSCertificate by the hash of the certificate's own signature.

    32 digits for MD2 and MD5, 40 for SHA-1, 64, 96 and 128 for the SHA-2 family.
    """

    __slots__ = ()
    lengths: ClassVar[tuple[int, ...]] = (32, 40, 64, 96, 128)


Digest = Sha256Flat | AuthenticodeSha256 | AuthenticodeSha1 | PageHash | CdHash
DIGEST_KINDS: tuple[type[Digest], ...] = get_args(Digest)


@dataclass(frozen=True, slots=True, order=True)
class TeamId:
    """Apple developer team: ten upper-case letters and digits; raises ValueError."""

    value: str

    def __post_init__(self) -> None:
        upper = self.value.upper()
        if not _TEAM.fullmatch(upper):
            msg = f"a Team ID is ten letters and digits, got {self.value!r}"
            raise ValueError(msg)
        object.__setattr__(self, "value", upper)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class SigningId:
    """``TEAMID:identifier`` or ``platform:identifier`` (SNTRule.mm); raises ValueError.

    The part before the first colon is normalised as Santa does; the rest is kept.
    """

    value: str

    def __post_init__(self) -> None:
        team, colon, identifier = self.value.partition(":")
        if not colon or not identifier:
            msg = f"a signing ID is TEAMID:identifier or platform:identifier, got {self.value!r}"
            raise ValueError(msg)
        team = "platform" if team.lower() == "platform" else TeamId(team).value
        object.__setattr__(self, "value", f"{team}:{identifier}")

    @property
    def team(self) -> TeamId | None:
        """The team part, or None for Apple platform code."""
        team = self.value.partition(":")[0]
        return None if team == "platform" else TeamId(team)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class Oid:
    """A dotted object identifier; raises ValueError."""

    value: str

    def __post_init__(self) -> None:
        if not _OID.fullmatch(self.value):
            msg = f"{self.value!r} is not a dotted object identifier"
            raise ValueError(msg)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class PublisherName:
    """A publisher as AppLocker spells it: ``O=…, L=…, S=…, C=…``, upper case.

    Values are raw: a comma in a value is not escaped (AuthenticodeTrustInfo.cpp of
    AaronLockerV2). Comparing is exact after upper-casing. ``written`` is the text as it was
    given: packaged apps are named by their signer's subject with its own case.
    """

    value: str
    written: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.written:
            object.__setattr__(self, "written", self.value.strip())
        text = self.value.strip().upper()
        if not text:
            msg = "a publisher name must not be empty"
            raise ValueError(msg)
        object.__setattr__(self, "value", text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class DistinguishedName:
    """An X.501 name: (short attribute name, value) in the order of the certificate."""

    attributes: tuple[tuple[str, str], ...] = ()

    def first(self, attribute: str) -> str | None:
        """The first value of ``attribute`` (``CN``, ``O``, ``L``, ``S``, ``C``, ``OU`` …)."""
        for name, value in self.attributes:
            if name == attribute:
                return value
        return None

    def publisher(self) -> PublisherName | None:
        """The publisher string AppLocker derives from a signer's subject, or None if it is empty.

        With O and one of L, S, C: those four, missing ones left out. Otherwise the whole
        subject in reversed order (AuthenticodeTrustInfo.cpp of AaronLockerV2).
        """
        return _publisher(self.attributes)


@lru_cache(maxsize=4096)
def _publisher(attributes: tuple[tuple[str, str], ...]) -> PublisherName | None:
    first: dict[str, str] = {}
    for name, value in attributes:
        first.setdefault(name, value)
    organization = first.get("O")
    parts = [(key, first.get(key)) for key in ("O", "L", "S", "C")]
    if organization and any(value for key, value in parts if key != "O"):
        return PublisherName(", ".join(f"{key}={value}" for key, value in parts if value))
    text = ", ".join(f"{key}={value}" for key, value in reversed(attributes))
    return PublisherName(text) if text.strip() else None
