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
    """What a rule does (SNTSyncConstants.mm); the words policyc writes."""

    ALLOWLIST = "ALLOWLIST"
    BLOCKLIST = "BLOCKLIST"


class ClientMode(enum.IntEnum):
    """Values of ClientMode in a profile."""

    MONITOR = 1
    LOCKDOWN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SantaRule:
    """One static rule; ``identifier`` is normalised as Santa normalises it."""

    type: RuleType
    identifier: str
    policy: RulePolicy
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SantaPolicy:
    """A whole configuration. Rules are sorted by type, then identifier; both are unique."""

    name: str
    organization: str
    mode: ClientMode
    rules: tuple[SantaRule, ...] = ()
    allowed_path_regex: str = ""
    blocked_path_regex: str = ""
