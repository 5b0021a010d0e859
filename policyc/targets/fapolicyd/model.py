"""A fapolicyd policy as values: rules in their order, sets, trust entries, configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ALLOW, DENY = "allow", "deny_audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDefinition:
    """``%name=a,b``: a named list of values."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaRule:
    """``decision perm=P subject : object``.

    Fields of one side are ANDed, the comma-separated values of one field ORed; no fields is
    ``all``.
    """

    decision: str
    perm: str
    subject: tuple[tuple[str, str], ...] = ()
    object: tuple[tuple[str, str], ...] = ()


class TrustEntry(NamedTuple):
    """A trusted file: real path, size in bytes, lower-case SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FapolicydPolicy:
    """Everything the daemon loads. ``conf`` holds key and value in the file's order."""

    sets: tuple[SetDefinition, ...] = ()
    rules: tuple[FaRule, ...] = ()
    trust: tuple[TrustEntry, ...] = ()
    conf: tuple[tuple[str, str], ...] = ()
