"""What App Control can say at this stage."""

from __future__ import annotations

import uuid

from policyc.model.facts import Collection, FileFacts, PeKind, Platform
from policyc.model.formats import FileFormat
from policyc.model.version import FileVersion
from policyc.targets.base import (
    Capabilities,
    Probe,
    SettingKind,
    SettingSpec,
    Support,
    Supports,
)

_EXACT = Supports(permit=Support.EXACT, forbid=Support.EXACT)
_VACUOUS = Supports(permit=Support.VACUOUS, forbid=Support.VACUOUS)


def _lossy(note: str) -> Supports:
    return Supports(permit=Support.LOSSY, forbid=Support.LOSSY, note=note)


def tag_of(text: str) -> tuple[str, str]:
    """Key and value of ``Key=Value``; raises ValueError for anything else."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip() or not value.strip() or not text.isprintable():
        raise ValueError(f"{text!r} is not Key=Value")
    return key.strip(), value.strip()


_HASHES = "expanded to the inventory's hashes (L010, L012)"
_ECC = "ECDSA signatures are ignored (L029)"
_LEAVES = "the certificates seen in the inventory (L016)"
_PATHS = "ignored where users can write (L017); exact without runtime_path_protection"

CAPABILITIES = Capabilities(
    target="wdac",
    title="App Control for Business, formerly WDAC (Windows)",
    platform=Platform.WINDOWS,
    collections=frozenset(
        {
            Collection.EXECUTABLE,
            Collection.LIBRARY,
            Collection.SCRIPT,
            Collection.INSTALLER,
            Collection.DRIVER,
        }
    ),
    supports={
        Probe.HASH_SHA256: _lossy("PE files by Authenticode hash (L013)"),
        Probe.HASH_AUTHENTICODE: _EXACT,
        Probe.HASH_PAGE: _EXACT,
        Probe.HASH_CDHASH: _VACUOUS,
        Probe.SIGNER_PUBLISHER: _lossy(_LEAVES),
        Probe.SIGNER_COMMON_NAME: _lossy(_ECC),
        Probe.SIGNER_ISSUER: _lossy(_ECC),
        Probe.SIGNER_LEAF: _EXACT,
        Probe.SIGNER_TEAM: _VACUOUS,
        Probe.SIGNER_SIGNING_ID: _VACUOUS,
        Probe.SIGNER_PLATFORM_BINARY: _VACUOUS,
        Probe.PRODUCT_NAME: _EXACT,
        Probe.PRODUCT_ORIGINAL_FILENAME: _EXACT,
        Probe.PUBLISHER_PRODUCT_VERSION: _lossy(_LEAVES),
        Probe.CHAIN_PRODUCT_VERSION: _lossy(_ECC),
        Probe.PATH_EXACT: _lossy(_PATHS),
        Probe.PATH_TREE: _lossy(_PATHS),
        Probe.PATH_GLOB: _lossy(_HASHES),
        Probe.PACKAGE: _lossy(_HASHES),
        Probe.TYPE: _lossy(_HASHES),
        Probe.MASQUERADE: _lossy(_HASHES),
        Probe.UNLESS_PATH: _lossy(_HASHES),
        Probe.PRINCIPALS: _lossy("App Control knows no users (L040)"),
    },
    settings=(
        SettingSpec(
            name="version",
            kind=SettingKind.TEXT,
            doc="VersionEx; must not fall for a policy that is deployed",
            default="10.0.0.0",
            check=FileVersion.parse,
        ),
        SettingSpec(
            name="policy_id",
            kind=SettingKind.TEXT,
            doc="GUID of the policy; by default it follows from the baseline's name",
            default="",
            check=uuid.UUID,
        ),
        SettingSpec(
            name="kind",
            kind=SettingKind.CHOICE,
            doc="base decides; supplemental adds permits to a base policy; tagging blocks nothing "
            "and tags the processes of what it permits",
            default="base",
            choices=("base", "supplemental", "tagging"),
        ),
        SettingSpec(
            name="base",
            kind=SettingKind.TEXT,
            doc="what a supplemental adds to: the name of the base policy's baseline, or its GUID",
            default="",
        ),
        SettingSpec(
            name="allow_supplementals",
            kind=SettingKind.FLAG,
            doc="true writes option 17: supplemental policies may add permits",
            default=False,
        ),
        SettingSpec(
            name="tags",
            kind=SettingKind.LIST,
            doc="Key=Value pairs of a tagging policy",
            default=(),
            check=tag_of,
        ),
        SettingSpec(
            name="managed_installer",
            kind=SettingKind.FLAG,
            doc="true writes option 13: what a managed installer wrote may run; needs AppLocker's "
            "rules on what one is (policyc wdac deploy --managed-installer)",
            default=False,
        ),
        SettingSpec(
            name="intelligent_security_graph",
            kind=SettingKind.FLAG,
            doc="true writes options 14 and 15: Microsoft's reputation service may allow",
            default=False,
        ),
        SettingSpec(
            name="max_bytes",
            kind=SettingKind.NUMBER,
            doc="a base policy above it is split into supplementals; 0 never splits. Intune takes "
            "350000",
            default=350_000,
        ),
        SettingSpec(
            name="runtime_path_protection",
            kind=SettingKind.FLAG,
            doc="false writes option 18: path rules count where users can write, too",
            default=True,
        ),
        SettingSpec(
            name="min_os",
            kind=SettingKind.CHOICE,
            doc="oldest Windows the policy goes to; from win11 on paths have wildcards anywhere",
            default="1903",
            choices=("1903", "2022", "win11"),
        ),
        SettingSpec(
            name="publishers",
            kind=SettingKind.CHOICE,
            doc="what stands for a publisher: the certificates seen, or their issuer and name, "
            "which outlive them (ConfigCI's level Publisher)",
            default="certificate",
            choices=("certificate", "issuer"),
        ),
        SettingSpec(
            name="also_hash",
            kind=SettingKind.LIST,
            doc="digests written beside the Authenticode SHA-256 of a known image; with all "
            "three, the four that ConfigCI writes",
            default=(),
            choices=("page-sha1", "page-sha256", "sha1"),
        ),
        SettingSpec(
            name="signer_sets",
            kind=SettingKind.LIST,
            doc="built-in signers to allow: an enforced machine starts with windows or microsoft",
            default=(),
            choices=("microsoft", "store", "whql", "windows"),
        ),
    ),
)

_SCRIPTS = frozenset({"ps1", "psm1", "vbs", "vbe", "js", "jse", "wsf", "wsh"})


def governs(facts: FileFacts) -> bool:
    """Whether App Control is asked about the file: drivers, and in user mode what asks.

    Source: "Script enforcement with App Control": PowerShell and Windows Script Host ask,
    as does Windows Installer; cmd, Python and Java do not.
    """
    if facts.pe is not None:
        return facts.pe.kind in (PeKind.EXECUTABLE, PeKind.LIBRARY, PeKind.DRIVER)
    if facts.actual is FileFormat.MSI:
        return True
    return facts.script is not None and facts.extension in _SCRIPTS
