"""An App Control policy as values: the whole SiPolicy schema.

Source: cipolicy.xsd; "Understand App Control policy rules and file rules". Every value that
stands somewhere carries its ``line``, which takes no part in comparisons; 0 is unknown.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from policyc.model.version import FileVersion
from policyc.targets.wdac.options import Option

PLATFORM_ID = "{2E07F7E4-194C-4D20-B7C9-6F44A6C5A234}"
ENTERPRISE_ID = "{A244370E-44C9-4C06-B551-F6016E563076}"
"""The PolicyTypeID of a policy in the format of before Windows 1903."""
KERNEL, USER = 131, 12
"""Values of the two signing scenarios: drivers, and everything in user mode."""
BASE, SUPPLEMENTAL, TAGGING = "Base Policy", "Supplemental Policy", "AppID Tagging Policy"


class FileRuleKind(enum.Enum):
    """The element a file rule is written as."""

    ALLOW = "Allow"
    DENY = "Deny"
    ATTRIBUTE = "FileAttrib"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRule:
    """A rule on a file, or the attributes a signer rule refers to.

    ``hash`` is lower-case hexadecimal and excludes everything else. ``*`` as a name stands
    for any. Versions are None where the attribute is absent. ``generic`` is true for the
    spelling ``<FileRule Type=…>``. ``extras`` are attributes that the schema does not know
    or whose value it does not allow, as they stand; a policy with some cannot be compiled.
    """

    kind: FileRuleKind
    id: str
    friendly_name: str | None = None
    hash: str | None = None
    file_name: str | None = None
    internal_name: str | None = None
    file_description: str | None = None
    product_name: str | None = None
    package_family: str | None = None
    package_version: FileVersion | None = None
    file_path: str | None = None
    low: FileVersion | None = None
    high: FileVersion | None = None
    app_ids: str | None = None
    hotpatch: tuple[tuple[str, str], ...] = ()
    generic: bool = False
    extras: tuple[tuple[str, str], ...] = ()
    line: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eku:
    """An extended key usage in App Control's encoding, lower-case hexadecimal."""

    id: str
    value: str
    friendly_name: str | None = None
    oid: str | None = None
    line: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Certificates: one in the chain, and what the leaf must satisfy too.

    ``root`` is lower-case hexadecimal: a TBS hash, or with ``well_known`` the number of one of
    Microsoft's roots. ``except_ekus`` are those with ``Condition="Except"``.
    """

    id: str
    root: str
    name: str | None = None
    well_known: bool = False
    issuer: str | None = None
    publisher: str | None = None
    oem_id: str | None = None
    ekus: tuple[str, ...] = ()
    except_ekus: tuple[str, ...] = ()
    file_attribs: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    sign_time_after: str | None = None
    line: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerRef:
    """A signer listed as allowed or denied, and the file rules that lift it."""

    signer: str
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerGroup:
    """What one purpose of a scenario allows and denies: signers by reference, rules by id."""

    allowed: tuple[SignerRef, ...] = ()
    denied: tuple[SignerRef, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppIdTags:
    """Tags that an AppID tagging policy gives to processes."""

    tags: tuple[tuple[str, str], ...] = ()
    enforce_dll: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What counts in kernel (131) or user mode (12). A group is None where it is absent."""

    id: str
    value: int
    friendly_name: str | None = None
    inherited: tuple[str, ...] = ()
    minimum_hash: int | None = None
    product: SignerGroup = SignerGroup()
    artifact: SignerGroup | None = None
    test: SignerGroup | None = None
    test_signing: SignerGroup | None = None
    app_id_tags: AppIdTags | None = None
    line: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRule:
    """A rule on a CIM image or a catalog (Windows 11 24H2); ``digest`` is (algorithm, hex)."""

    id: str
    artifact_type: str
    action: str
    friendly_name: str | None = None
    name: str | None = None
    description: str | None = None
    low: FileVersion | None = None
    high: FileVersion | None = None
    digest: tuple[str, str] | None = None
    line: int = field(default=0, compare=False, repr=False)


class SettingType(enum.Enum):
    """The element a setting's value is written as."""

    BOOLEAN = "Boolean"
    DWORD = "DWord"
    BINARY = "Binary"
    STRING = "String"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySetting:
    """A secure setting; ``value`` is its text, of a binary lower-case hexadecimal."""

    provider: str
    key: str
    name: str
    type: SettingType
    value: str
    line: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppManifest:
    """Settings of one application: ``settings`` are names with their values."""

    manifest: str
    settings: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SiPolicy:
    """A policy: base, supplemental, tagging, or in the format of before Windows 1903.

    ``extra_options`` are options that the schema does not know, as they stand.
    ``supplementals`` are policies of their own that stand beside a base. ``compiled`` is the
    policy that a binary beside the XML holds; it takes no part in comparisons.
    """

    version: FileVersion
    policy_type: str | None = BASE
    policy_type_id: str | None = None
    policy_id: str | None = None
    base_policy_id: str | None = None
    platform_id: str = PLATFORM_ID
    friendly_name: str | None = None
    options: tuple[Option, ...] = ()
    extra_options: tuple[str, ...] = ()
    ekus: tuple[Eku, ...] = ()
    file_rules: tuple[FileRule, ...] = ()
    artifact_rules: tuple[ArtifactRule, ...] = ()
    signers: tuple[Signer, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    update_signers: tuple[str, ...] = ()
    ci_signers: tuple[str, ...] = ()
    supplemental_signers: tuple[str, ...] = ()
    hvci: int | None = None
    settings: tuple[PolicySetting, ...] = ()
    macros: tuple[tuple[str, str], ...] = ()
    app_settings: tuple[AppManifest, ...] = ()
    supplementals: tuple[SiPolicy, ...] = ()
    compiled: SiPolicy | None = field(default=None, compare=False, repr=False)

    @property
    def own_id(self) -> str:
        """The GUID that tells the policy from others; the PolicyTypeID in the old format."""
        return self.policy_id or self.policy_type_id or ENTERPRISE_ID

    @property
    def is_supplemental(self) -> bool:
        """Whether the policy only adds to a base policy."""
        return self.policy_type == SUPPLEMENTAL

    @property
    def is_legacy(self) -> bool:
        """Whether the policy is in the format of before Windows 1903."""
        return self.policy_id is None

    @property
    def name(self) -> str:
        """The name that events and ``citool -lp`` show; empty without one."""
        return self.information("Name")

    def information(self, name: str) -> str:
        """``PolicyInfo/Information/<name>``, or the empty string."""
        for item in self.settings:
            if (item.provider, item.key, item.name) == ("PolicyInfo", "Information", name):
                return item.value
        return ""
