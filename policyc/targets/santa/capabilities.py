"""What Santa can say."""

from __future__ import annotations

from policyc.model.facts import Collection, FileFacts, MachoKind, Platform
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
_LEAVES = "the certificates seen in the inventory (L016)"

CAPABILITIES = Capabilities(
    target="santa",
    title="Santa (macOS)",
    platform=Platform.MACOS,
    collections=frozenset({Collection.EXECUTABLE}),
    supports={
        Probe.HASH_SHA256: _EXACT,
        Probe.HASH_AUTHENTICODE: _VACUOUS,
        Probe.HASH_PAGE: _VACUOUS,
        Probe.HASH_CDHASH: _lossy("only slices with hardened runtime, hard or kill (L025)"),
        Probe.SIGNER_PUBLISHER: _lossy(_LEAVES),
        Probe.SIGNER_COMMON_NAME: _lossy(_LEAVES),
        Probe.SIGNER_ISSUER: _lossy(_LEAVES),
        Probe.SIGNER_LEAF: _EXACT,
        Probe.SIGNER_TEAM: _EXACT,
        Probe.SIGNER_SIGNING_ID: _EXACT,
        Probe.PRODUCT_NAME: _VACUOUS,
        Probe.PRODUCT_ORIGINAL_FILENAME: _VACUOUS,
        Probe.PUBLISHER_PRODUCT_VERSION: _VACUOUS,
        Probe.CHAIN_PRODUCT_VERSION: _VACUOUS,
        Probe.PATH_EXACT: _EXACT,
        Probe.PATH_TREE: _EXACT,
        Probe.PATH_GLOB: _EXACT,
        Probe.PACKAGE: _lossy(_HASHES),
        Probe.TYPE: _lossy(_HASHES),
        Probe.MASQUERADE: _lossy(_HASHES),
        Probe.UNLESS_PATH: _lossy(_HASHES),
        Probe.PRINCIPALS: _lossy("Santa knows no users (L040)"),
    },
    settings=(
        SettingSpec(
            name="organization",
            kind=SettingKind.TEXT,
            doc="shown as the profile's organisation",
            default="policyc",
        ),
    ),
)


def governs(facts: FileFacts) -> bool:
    """Whether Santa is asked about the file: a Mach-O with a main executable in it.

    Libraries, bundles and scripts are out of its scope (Santa documentation, "Limitations").
    """
    return facts.macho is not None and any(
        piece.kind is MachoKind.EXECUTABLE for piece in facts.macho.slices
    )
