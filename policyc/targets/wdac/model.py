"""An App Control policy as values: the part of the SiPolicy schema that policyc writes.

Source: cipolicy.xsd; "Understand App Control policy rules and file rules".
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from policyc.model.version import FileVersion

PLATFORM_ID = "{2E07F7E4-194C-4D20-B7C9-6F44A6C5A234}"
KERNEL, USER = 131, 12
"""Values of the two signing scenarios: drivers, and everything in user mode."""


class Option(enum.Enum):
    """Policy rule options policyc knows, as their text stands in the policy."""

    UMCI = "Enabled:UMCI"
    AUDIT_MODE = "Enabled:Audit Mode"
    UNSIGNED_POLICY = "Enabled:Unsigned System Integrity Policy"
    ADVANCED_BOOT_MENU = "Enabled:Advanced Boot Options Menu"
    UPDATE_NO_REBOOT = "Enabled:Update Policy No Reboot"
    NO_SCRIPT_ENFORCEMENT = "Disabled:Script Enforcement"
    NO_PATH_PROTECTION = "Disabled:Runtime FilePath Rule Protection"
    BOOT_AUDIT_ON_FAILURE = "Enabled:Boot Audit On Failure"
    SUPPLEMENTAL_POLICIES = "Enabled:Allow Supplemental Policies"
    INHERIT_DEFAULT = "Enabled:Inherit Default Policy"
    BOOT_MENU_PROTECTION = "Enabled:Boot Menu Protection"
    WHQL = "Required:WHQL"
    NO_FLIGHT_SIGNING = "Disabled:Flight Signing"
    STORE_APPLICATIONS = "Required:Enforce Store Applications"
    DYNAMIC_CODE_SECURITY = "Enabled:Dynamic Code Security"
    EV_SIGNERS = "Required:EV Signers"
    INVALIDATE_EAS = "Enabled:Invalidate EAs on Reboot"
    REVOKED_EXPIRED = "Enabled:Revoked Expired As Unsigned"


class FileRuleKind(enum.Enum):
    """The element a file rule is written as."""

    ALLOW = "Allow"
    DENY = "Deny"
    ATTRIBUTE = "FileAttrib"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRule:
    """A rule on a file, or the attributes a signer rule refers to.

    ``hash`` is lower-case hexadecimal and excludes everything else. ``*`` as a name stands
    for any. ``low`` and ``high`` are None where the attribute is absent.
    """

    kind: FileRuleKind
    id: str
    friendly_name: str = ""
    hash: str | None = None
    file_name: str | None = None
    internal_name: str | None = None
    file_description: str | None = None
    product_name: str | None = None
    file_path: str | None = None
    low: FileVersion | None = None
    high: FileVersion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eku:
    """An extended key usage in App Control's encoding, lower-case hexadecimal."""

    id: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Certificates: a TBS hash somewhere in the chain, and what the leaf must satisfy too."""

    id: str
    name: str
    root: str
    publisher: str | None = None
    ekus: tuple[str, ...] = ()
    file_attribs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What counts in kernel (131) or user mode (12). Ids refer to signers and file rules."""

    value: int
    allowed_signers: tuple[str, ...] = ()
    denied_signers: tuple[str, ...] = ()
    file_rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SiPolicy:
    """A base policy in the multiple-policy format."""

    policy_id: str
    version: FileVersion
    name: str
    options: tuple[Option, ...]
    ekus: tuple[Eku, ...] = ()
    file_rules: tuple[FileRule, ...] = ()
    signers: tuple[Signer, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
