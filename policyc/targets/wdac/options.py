"""Policy rule options: text, number in Set-RuleOption, bit in a binary, and where they may stand.

Source: "Understand App Control policy rules and file rules" and Set-RuleOption for texts and
numbers; the bits are those of event 3099 and hold on every public pair of XML and binary.
"""

from __future__ import annotations

import enum


class Option(enum.Enum):
    """Policy rule options, as their text stands in the policy."""

    UMCI = "Enabled:UMCI"
    BOOT_MENU_PROTECTION = "Enabled:Boot Menu Protection"
    INTELLIGENT_SECURITY_GRAPH = "Enabled:Intelligent Security Graph Authorization"
    INVALIDATE_EAS = "Enabled:Invalidate EAs on Reboot"
    LOCKDOWN_TRIAL = "Enabled:Windows Lockdown Trial Mode"
    WHQL = "Required:WHQL"
    DEVELOPER_MODE_TRUST = "Enabled:Developer Mode Dynamic Code Trust"
    SUPPLEMENTAL_POLICIES = "Enabled:Allow Supplemental Policies"
    NO_PATH_PROTECTION = "Disabled:Runtime FilePath Rule Protection"
    REVOKED_EXPIRED = "Enabled:Revoked Expired As Unsigned"
    AUDIT_MODE = "Enabled:Audit Mode"
    NO_FLIGHT_SIGNING = "Disabled:Flight Signing"
    INHERIT_DEFAULT = "Enabled:Inherit Default Policy"
    UNSIGNED_POLICY = "Enabled:Unsigned System Integrity Policy"
    DYNAMIC_CODE_SECURITY = "Enabled:Dynamic Code Security"
    EV_SIGNERS = "Required:EV Signers"
    BOOT_AUDIT_ON_FAILURE = "Enabled:Boot Audit On Failure"
    ADVANCED_BOOT_MENU = "Enabled:Advanced Boot Options Menu"
    NO_SCRIPT_ENFORCEMENT = "Disabled:Script Enforcement"
    STORE_APPLICATIONS = "Required:Enforce Store Applications"
    SECURE_SETTINGS = "Enabled:Secure Setting Policy"
    MANAGED_INSTALLER = "Enabled:Managed Installer"
    UPDATE_NO_REBOOT = "Enabled:Update Policy No Reboot"
    CONDITIONAL_LOCKDOWN = "Enabled:Conditional Windows Lockdown Policy"
    NO_CERTIFICATE_REMAPPING = "Disabled:Default Windows Certificate Remapping"


BITS: dict[Option, int] = {
    Option.UMCI: 0x4,
    Option.BOOT_MENU_PROTECTION: 0x8,
    Option.INTELLIGENT_SECURITY_GRAPH: 0x10,
    Option.INVALIDATE_EAS: 0x20,
    Option.LOCKDOWN_TRIAL: 0x40,
    Option.WHQL: 0x80,
    Option.DEVELOPER_MODE_TRUST: 0x100,
    Option.SUPPLEMENTAL_POLICIES: 0x400,
    Option.NO_PATH_PROTECTION: 0x800,
    Option.REVOKED_EXPIRED: 0x2000,
    Option.AUDIT_MODE: 0x10000,
    Option.NO_FLIGHT_SIGNING: 0x20000,
    Option.INHERIT_DEFAULT: 0x40000,
    Option.UNSIGNED_POLICY: 0x80000,
    Option.DYNAMIC_CODE_SECURITY: 0x100000,
    Option.EV_SIGNERS: 0x200000,
    Option.BOOT_AUDIT_ON_FAILURE: 0x400000,
    Option.ADVANCED_BOOT_MENU: 0x800000,
    Option.NO_SCRIPT_ENFORCEMENT: 0x1000000,
    Option.STORE_APPLICATIONS: 0x2000000,
    Option.SECURE_SETTINGS: 0x4000000,
    Option.MANAGED_INSTALLER: 0x8000000,
    Option.UPDATE_NO_REBOOT: 0x10000000,
    Option.CONDITIONAL_LOCKDOWN: 0x20000000,
}
"""The bit of each option that has one; the last option is a setting in a binary."""

ALWAYS_SET = 0x80000000
"""A bit that every compiled policy has."""
SUPPLEMENTAL_BIT = 0x40000000
"""The bit of a supplemental policy."""

SUPPLEMENTAL_OPTIONS = frozenset(
    {
        Option.INHERIT_DEFAULT,
        Option.UNSIGNED_POLICY,
        Option.MANAGED_INSTALLER,
        Option.INTELLIGENT_SECURITY_GRAPH,
        Option.NO_PATH_PROTECTION,
    }
)
"""What a supplemental policy may say; the rest is its base policy's to say."""

BY_TEXT = {option.value.lower(): option for option in Option}
"""Options by their text in lower case: the documentation and the schema differ in case."""
