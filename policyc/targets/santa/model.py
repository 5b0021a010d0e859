"""A Santa configuration as values: static rules, path expressions, client mode."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class RuleType(enum.IntEnum):
    """Rule types by precedence: a smaller number is more specific (SNTCommonEnums.h)."""

    CDHASH = 500
    BINARY = 1000
    SIGNINGID = 2000
    CERTIFICATE = 3000
    TEAMID = 4000


class RulePolicy(enum.Enum):
    """What a rule does (SNTSyncConstants.mm). TRANSITIVE is made on the Mac, never written."""

    ALLOWLIST = "ALLOWLIST"
    ALLOWLIST_COMPILER = "ALLOWLIST_COMPILER"
    ALLOWLIST_LOCAL_BINARY = "ALLOWLIST_LOCAL_BINARY"
    ALLOWLIST_LOCAL_SIGNINGID = "ALLOWLIST_LOCAL_SIGNINGID"
    BLOCKLIST = "BLOCKLIST"
    SILENT_BLOCKLIST = "SILENT_BLOCKLIST"
    SILENT_GUI_BLOCKLIST = "SILENT_GUI_BLOCKLIST"
    SILENT_TTY_BLOCKLIST = "SILENT_TTY_BLOCKLIST"
    REMOVE = "REMOVE"
    CEL = "CEL"
    TRANSITIVE = "TRANSITIVE"


class ClientMode(enum.IntEnum):
    """Values of ClientMode in a profile."""

    MONITOR = 1
    LOCKDOWN = 2
    STANDALONE = 3


PLATFORM_SINCE = (2026, 5)
"""The release from which platform code that no rule names is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SantaRule:
    """One static rule; ``identifier`` is normalised as Santa normalises it."""

    type: RuleType
    identifier: str
    policy: RulePolicy
    comment: str = ""
    cel: str = ""
    """The expression of a CEL rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SantaPolicy:
    """A whole configuration. Rules are sorted by type, then identifier; both are unique.

    ``synced`` are the rules of the database, which are asked after the static ones.
    ``min_version`` is the oldest release that meets the configuration.
    """

    name: str
    organization: str
    mode: ClientMode
    rules: tuple[SantaRule, ...] = ()
    allowed_path_regex: str = ""
    blocked_path_regex: str = ""
    synced: tuple[SantaRule, ...] = ()
    fail_closed: bool = False
    bad_signature_protection: bool = False
    transitive_rules: bool = False
    min_version: tuple[int, int] = PLATFORM_SINCE


def release_text(release: tuple[int, int]) -> str:
    """A release as Santa writes it."""
    return f"{release[0]}.{release[1]}"
