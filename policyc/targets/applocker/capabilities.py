"""What AppLocker can say."""

from __future__ import annotations

from policyc.model.facts import Collection, FileFacts, PeKind, Platform
from policyc.model.formats import FileFormat
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


_HASHES = "expanded to the inventory's hashes (L010, L012)"

CAPABILITIES = Capabilities(
    target="applocker",
    title="AppLocker (Windows)",
    platform=Platform.WINDOWS,
    collections=frozenset(
        {
            Collection.EXECUTABLE,
            Collection.LIBRARY,
            Collection.SCRIPT,
            Collection.INSTALLER,
            Collection.PACKAGED_APP,
        }
    ),
    supports={
        Probe.HASH_SHA256: _lossy("PE files by Authenticode hash (L013)"),
        Probe.HASH_AUTHENTICODE: _EXACT,
        Probe.HASH_PAGE: _lossy(_HASHES),
        Probe.HASH_CDHASH: _VACUOUS,
        Probe.SIGNER_PUBLISHER: _EXACT,
        Probe.SIGNER_COMMON_NAME: _lossy(_HASHES),
        Probe.SIGNER_ISSUER: _lossy(_HASHES),
        Probe.SIGNER_LEAF: _lossy(_HASHES),
        Probe.SIGNER_TEAM: _VACUOUS,
        Probe.SIGNER_SIGNING_ID: _VACUOUS,
        Probe.SIGNER_PLATFORM_BINARY: _VACUOUS,
        Probe.PRODUCT_NAME: _lossy("signed files only (L019)"),
        Probe.PRODUCT_ORIGINAL_FILENAME: _lossy("signed files only (L019)"),
        Probe.PUBLISHER_PRODUCT_VERSION: _EXACT,
        Probe.CHAIN_PRODUCT_VERSION: _lossy(_HASHES),
        Probe.PATH_EXACT: _EXACT,
        Probe.PATH_TREE: _EXACT,
        Probe.PATH_GLOB: _lossy("* crosses directories (L018)"),
        Probe.PACKAGE: _lossy(_HASHES),
        Probe.TYPE: _lossy(_HASHES),
        Probe.MASQUERADE: _lossy(_HASHES),
        Probe.UNLESS_PATH: _EXACT,
        Probe.PRINCIPALS: _lossy("well-known groups and SIDs exactly, other names not (L040)"),
    },
    settings=(
        SettingSpec(
            name="services",
            kind=SettingKind.FLAG,
            doc="true applies program and library rules to services, too, not only to users",
            default=False,
        ),
    ),
)

_SCRIPTS = frozenset({"ps1", "bat", "cmd", "vbs", "js"})
_WIN32 = (2, 3)
"""IMAGE_SUBSYSTEM_WINDOWS_GUI and _CUI; AppLocker leaves the others alone."""


def governs(facts: FileFacts) -> bool:
    """Whether AppLocker is asked about the file.

    Source: "Working with AppLocker rules" for the script extensions; PEFileInfo.cpp of
    AaronLockerV2 for PE files: Win32 subsystems, whatever the extension.
    """
    if facts.pe is not None:
        kinds = (PeKind.EXECUTABLE, PeKind.LIBRARY)
        return facts.pe.kind in kinds and facts.pe.subsystem in _WIN32
    if facts.actual is FileFormat.MSI:
        return True
    return facts.script is not None and facts.extension in _SCRIPTS
