"""The AppLocker policy as values (AppIdPolicy.xsd)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TypeAlias

from policyc.model.version import HIGHEST, LOWEST, FileVersion

EVERYONE = "S-1-1-0"


class CollectionType(enum.Enum):
    """Rule collection types; the order is that of the Group Policy editor's export."""

    APPX = "Appx"
    DLL = "Dll"
    EXE = "Exe"
    MSI = "Msi"
    SCRIPT = "Script"
    MANAGED_INSTALLER = "ManagedInstaller"


class EnforcementMode(enum.Enum):
    """NotConfigured with rules is enforced on the endpoint; policyc never writes it."""

    NOT_CONFIGURED = "NotConfigured"
    AUDIT_ONLY = "AuditOnly"
    ENABLED = "Enabled"


class Action(enum.Enum):
    """What a rule does."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherCondition:
    """``*`` stands for any value; anything else is compared whole, without case.

    ``written`` are the two ends of the range as a document had them: ``*`` and 0.0.0.0 mean the
    same.
    """

    publisher: str
    product: str = "*"
    binary: str = "*"
    low: FileVersion = LOWEST
    high: FileVersion = HIGHEST
    written: tuple[str, str] = field(default=("", ""), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathCondition:
    """A path; ``*`` stands for any run of characters, separators included."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FileHash:
    """``kind`` is SHA256, SHA256Flat or SHA1; ``data`` lower-case hexadecimal.

    ``source`` are the name and the length that a document gives the file; they mean nothing.
    """

    kind: str
    data: str
    source: tuple[str | None, str | None] = field(default=(None, None), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HashCondition:
    """Any of the hashes."""

    hashes: tuple[FileHash, ...]


Condition: TypeAlias = PublisherCondition | PathCondition | HashCondition


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRule:
    """One rule: one condition, and exceptions that take files out of this rule only."""

    id: str
    name: str
    description: str
    sid: str
    action: Action
    condition: Condition
    exceptions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """RuleCollectionExtensions; None where the element is absent."""

    services: str | None = None
    system_apps: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCollection:
    """The rules for one kind of file."""

    type: CollectionType
    mode: EnforcementMode
    rules: tuple[AppRule, ...] = ()
    extensions: Extensions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppLockerPolicy:
    """A whole policy: at most one collection of a type."""

    collections: tuple[RuleCollection, ...] = ()
