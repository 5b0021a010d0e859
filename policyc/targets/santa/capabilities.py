"""What Santa can say."""

from __future__ import annotations

import re

from policyc.model.facts import Collection, FileFacts, MachoKind, Platform
from policyc.model.identity import SigningId, TeamId
from policyc.model.ir import SignedBy
from policyc.targets.base import (
    Capabilities,
    Probe,
    SettingKind,
    SettingSpec,
    Support,
    Supports,
)
from policyc.targets.santa.critical import CRITICAL

_EXACT = Supports(permit=Support.EXACT, forbid=Support.EXACT)
_VACUOUS = Supports(permit=Support.VACUOUS, forbid=Support.VACUOUS)


def _lossy(note: str) -> Supports:
    return Supports(permit=Support.LOSSY, forbid=Support.LOSSY, note=note)


_RELEASE = re.compile(r"(20[0-9]{2})\.(1[0-2]|[1-9])", re.ASCII)
_OLDEST = (2024, 4)
"""The first release with CDHASH rules, which a policy may need."""


def release(text: str) -> tuple[int, int]:
    """A release of Santa by year and number; raises ValueError."""
    found = _RELEASE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no release of Santa, such as 2026.5")
    own = int(found[1]), int(found[2])
    if own < _OLDEST:
        raise ValueError("releases before 2024.4 have no CDHASH rules")
    return own


def must_run(text: str) -> SignedBy:
    """The condition that a Team ID or a signing ID names; raises ValueError."""
    if ":" in text:
        return SignedBy(signing_id=SigningId(text))
    return SignedBy(team=TeamId(text))


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
        Probe.SIGNER_PLATFORM_BINARY: Supports(
            permit=Support.EXACT,
            forbid=Support.LOSSY,
            note="no rule names all of it: a forbid takes the signing IDs seen, as does a permit "
            "before min_version 2026.5 (L030)",
        ),
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
    special=(
        SignedBy(platform_binary=True),
        *(SignedBy(signing_id=SigningId(text)) for text in sorted(CRITICAL)),
    ),
    settings=(
        SettingSpec(
            name="organization",
            kind=SettingKind.TEXT,
            doc="shown as the profile's organisation",
            default="policyc",
        ),
        SettingSpec(
            name="min_version",
            kind=SettingKind.TEXT,
            doc="the oldest release of Santa on the machines, 2024.4 or later; newer ones may be "
            "there, too",
            default="2026.5",
            check=release,
        ),
        SettingSpec(
            name="must_run",
            kind=SettingKind.LIST,
            doc="Team IDs and signing IDs that must be permitted, such as the MDM agent's",
            default=(),
            check=must_run,
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
