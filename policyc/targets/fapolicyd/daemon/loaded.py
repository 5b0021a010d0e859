"""What a daemon holds after loading, and what it said meanwhile."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from policyc.targets.fapolicyd.daemon.version import DaemonVersion

Value: TypeAlias = frozenset[int] | frozenset[str] | int | str | None
"""Numbers, texts, the trust bit, a pattern's name, or nothing for ``all``."""


class RefusedError(Exception):
    """The daemon does not start, or keeps its old rules: the place and what it says."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class Effect(enum.Enum):
    """What a complaint means for the rule."""

    FIELD_DROPPED = "the field is dropped, the rest of the rule stays"
    REST_DROPPED = "the rest of the line is dropped, the rule stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A complaint that the daemon logs and goes on; line and column count from 1."""

    line: int
    column: int
    message: str
    effect: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One condition. ``raw`` is the text of the value as it stands in the file."""

    name: str
    value: Value
    raw: str = ""
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRule:
    """A rule; ``number`` counts rules only, from 1, as the daemon's log does."""

    number: int
    line: int
    decision: str
    perm: str
    subject: tuple[Field, ...]
    object: tuple[Field, ...]

    @property
    def allows(self) -> bool:
        """Whether the decision is an allow, logged or not."""
        return self.decision.startswith("allow")

    @property
    def text(self) -> str:
        """All it says, sets written out, in an order of its own."""
        sides = (" ".join(map(_said, side)) for side in (self.subject, self.object))
        return f"{self.decision} {self.perm} {' : '.join(sides)}"


def _said(item: Field) -> str:
    values = sorted(map(str, item.value)) if isinstance(item.value, frozenset) else item.value
    return f"{item.name}={values}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSet:
    """A set of values; ``numeric`` is None for texts, else whether a member is negative."""

    name: str
    line: int
    values: frozenset[int] | frozenset[str]
    numeric: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Rules in their order, sets, and what was complained about."""

    version: DaemonVersion
    rules: tuple[LoadedRule, ...]
    sets: tuple[LoadedSet, ...]
    notes: tuple[Note, ...]
