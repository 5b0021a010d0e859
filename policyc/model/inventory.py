"""What a scan of a tree gives."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from policyc.model.facts import FileFacts, Platform


class SkipReason(enum.Enum):
    """Why a file is in no inventory row."""

    UNREADABLE = "unreadable"
    NOT_A_FILE = "not-a-file"
    SYMLINK_LOOP = "symlink-loop"
    CHANGED = "changed-while-reading"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "reader-crashed"
    NESTING = "too-deep"
    ENCRYPTED = "encrypted"
    MALFORMED = "malformed"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too-large"
    RATIO = "compression-ratio"
    TOO_MANY = "too-many-members"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A path that was met and not read, with the reason and one line of detail."""

    path: str
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInfo:
    """Where an inventory comes from. ``platform`` None means a mixed or unstated tree."""

    platform: Platform | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One scan: rows sorted by path, and what was skipped."""

    host: HostInfo = HostInfo()
    files: tuple[FileFacts, ...] = ()
    skipped: tuple[Skipped, ...] = ()
