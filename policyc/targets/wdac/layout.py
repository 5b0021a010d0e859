"""A compiled policy as the binary holds it: numbers, texts and indices, nothing interpreted.

Source: the layout was read off public binaries and holds byte for byte on formats 5, 7 and 8
and, where XML and binary are both public, on Microsoft's compiler's output. Formats 9 to 11
are known from one open implementation only: they are read and written, and never proved.
A text is None where the binary has none; an empty one is the same. Versions are 64-bit.
"""

from __future__ import annotations

from dataclasses import dataclass

OLDEST, NEWEST, PROVED = 5, 11, 8
"""Formats that are read, and the last one proved."""
BODY_OFFSET = 0x40
"""What the header's last field says, in every known binary."""


@dataclass(frozen=True, slots=True)
class RawRule:
    """A file rule; ``type`` is 0 Deny, 1 Allow, 2 FileAttrib."""

    type: int
    file_name: str | None = None
    low: int = 0
    hash: bytes = b""
    high: int = 0
    app_ids: tuple[str | None, ...] = ()
    internal_name: str | None = None
    file_description: str | None = None
    product_name: str | None = None
    package_family: str | None = None
    package_version: int = 0
    file_path: str | None = None


@dataclass(frozen=True, slots=True)
class RawSigner:
    """A signer; ``root`` is a TBS hash, or the number of a well-known root."""

    root: bytes | int
    ekus: tuple[int, ...] = ()
    issuer: str | None = None
    publisher: str | None = None
    oem_id: str | None = None
    file_attribs: tuple[int, ...] = ()
    sign_time_after: int = 0


@dataclass(frozen=True, slots=True)
class RawReference:
    """A signer and the file rules that lift it."""

    signer: int
    exceptions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RawGroup:
    """Allowed signers, denied signers, file rules."""

    allowed: tuple[RawReference, ...] = ()
    denied: tuple[RawReference, ...] = ()
    rules: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RawScenario:
    """A signing scenario; ``groups`` are product, test and test signing signers."""

    value: int
    inherited: tuple[int, ...] = ()
    minimum_hash: int = 0x800C
    groups: tuple[RawGroup, RawGroup, RawGroup] = (RawGroup(), RawGroup(), RawGroup())
    artifact: RawGroup = RawGroup()


@dataclass(frozen=True, slots=True)
class RawSetting:
    """A secure setting: a number for types 0 (boolean) and 1, bytes for 2, a text for 3."""

    provider: str | None
    key: str | None
    name: str | None
    type: int
    value: int | bytes | str | None


@dataclass(frozen=True, slots=True)
class RawAppSetting:
    """A setting of an application: a number for types 0 and 1, a text for 3, texts for 4."""

    name: str | None
    type: int
    value: int | str | tuple[str | None, ...] | None
    audit: int = 0


@dataclass(frozen=True, slots=True)
class RawArtifact:
    """A rule on a CIM image (0) or a catalog (1), denied (0) or allowed (1)."""

    type: int
    action: int
    name: str | None
    description: str | None
    low: int
    high: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPolicy:
    """The whole binary. GUIDs are their 16 bytes. Blocks of later formats stay empty."""

    format: int
    type_id: bytes
    platform_id: bytes
    flags: int
    version: int
    ekus: tuple[bytes, ...] = ()
    rules: tuple[RawRule, ...] = ()
    signers: tuple[RawSigner, ...] = ()
    update_signers: tuple[int, ...] = ()
    ci_signers: tuple[int, ...] = ()
    scenarios: tuple[RawScenario, ...] = ()
    hvci: int = 0
    settings: tuple[RawSetting, ...] = ()
    policy_id: bytes = bytes(16)
    base_policy_id: bytes = bytes(16)
    supplemental_signers: tuple[int, ...] = ()
    apps: tuple[tuple[str | None, tuple[RawAppSetting, ...]], ...] = ()
    hotpatches: tuple[tuple[int, int, int, int], ...] = ()
    artifacts: tuple[RawArtifact, ...] = ()
    signer_artifacts: tuple[tuple[int, tuple[int, ...]], ...] = ()
    except_ekus: tuple[tuple[int, tuple[int, ...]], ...] = ()
