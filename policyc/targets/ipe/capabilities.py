"""What IPE can say: files by fs-verity digest, for execution and executable mappings."""

from __future__ import annotations

from policyc.model.facts import Collection, ElfKind, FileFacts, Platform
from policyc.targets.base import (
    Capabilities,
    Probe,
    SettingKind,
    SettingSpec,
    Support,
    Supports,
)

_VACUOUS = Supports(permit=Support.VACUOUS, forbid=Support.VACUOUS)
_HASHES = Supports(
    permit=Support.LOSSY,
    forbid=Support.LOSSY,
    note="expanded to the inventory's fs-verity digests (L010, L012)",
)
_EXPANDED = (
    Probe.PATH_EXACT,
    Probe.PATH_TREE,
    Probe.PATH_GLOB,
    Probe.PACKAGE,
    Probe.TYPE,
    Probe.MASQUERADE,
    Probe.UNLESS_PATH,
    Probe.PRINCIPALS,
)

CAPABILITIES = Capabilities(
    target="ipe",
    title="Integrity Policy Enforcement (Linux 6.12 and later), experimental",
    platform=Platform.LINUX,
    collections=frozenset({Collection.EXECUTABLE, Collection.LIBRARY}),
    supports={
        **dict.fromkeys(Probe, _VACUOUS),
        **dict.fromkeys(_EXPANDED, _HASHES),
        Probe.HASH_SHA256: Supports(
            permit=Support.LOSSY,
            forbid=Support.EXACT,
            note="by the fs-verity digest the inventory holds (L014), enabled there (L059)",
        ),
    },
    settings=(
        SettingSpec(
            name="version",
            kind=SettingKind.TEXT,
            doc="policy_version, three numbers; must rise for a policy that is deployed",
            default="0.0.1",
        ),
        SettingSpec(
            name="boot_verified",
            kind=SettingKind.FLAG,
            doc="true lets run what the boot loader verified, which is the initial file system",
            default=True,
        ),
    ),
    experimental=True,
)


def governs(facts: FileFacts) -> bool:
    """Whether IPE is asked about the file: ELF code that is executed or mapped executable.

    A script that is executed is checked too, one given to an interpreter is not, so scripts are
    not claimed (Documentation/admin-guide/LSM/ipe.rst, "known limitations").
    """
    return facts.elf is not None and facts.elf.kind in (
        ElfKind.EXECUTABLE,
        ElfKind.PIE,
        ElfKind.SHARED,
    )
