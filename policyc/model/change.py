"""What differs between two policies: files decided otherwise, rules, settings."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from policyc.model.decision import Verdict
from policyc.model.facts import FileFacts
from policyc.model.span import NOWHERE, Span


class Turn(enum.Enum):
    """What a change does. A file that a policy does not govern runs.

    UNKNOWN: one side cannot decide, or no proof and no file shows what a change does.
    """

    ALLOWED = "newly-allowed"
    DENIED = "newly-denied"
    UNKNOWN = "unknown"
    OTHER_RULE = "other-rule"

    @property
    def code(self) -> str:
        """The stable code that reports and ``policyc explain`` use."""
        return _CODES[self.value]

    @property
    def widens(self) -> bool:
        """Whether it may let run what did not; what is unknown may."""
        return self in (Turn.ALLOWED, Turn.UNKNOWN)

    @property
    def narrows(self) -> bool:
        """Whether it may stop what ran; what is unknown may."""
        return self in (Turn.DENIED, Turn.UNKNOWN)


_CODES = {
    "newly-allowed": "D001",
    "newly-denied": "D002",
    "unknown": "D003",
    "other-rule": "D004",
}


def turn_of(old: Verdict, new: Verdict) -> Turn | None:
    """What becomes of a file by its two verdicts; None if it runs or is stopped as before."""
    if old is new:
        return None
    if Verdict.UNDETERMINED in (old, new):
        return Turn.UNKNOWN
    ran, runs = old is not Verdict.DENY, new is not Verdict.DENY
    if ran == runs:
        return None
    return Turn.ALLOWED if runs else Turn.DENIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A rule that decides, or the default.

    ``key`` is equal for the same rule on both sides, whatever its name and place; ``family``
    is shared by rules that are shown together, such as the hashes of one list.
    """

    text: str
    key: str
    family: str
    origin: Span = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """A file that is decided otherwise; ``machines`` are named where there are several."""

    path: str
    sha256: str | None
    machines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGroup:
    """Files, sorted by path, to which the same happens for the same reason.

    ``modes`` are the enforcement modes before and after, "" where nothing is governed.
    ``old`` and ``new`` stand for all rules of their families.
    """

    turn: Turn
    targets: tuple[str, ...]
    modes: tuple[str, str]
    verdicts: tuple[Verdict, Verdict]
    old: tuple[Cause, ...]
    new: tuple[Cause, ...]
    files: tuple[ChangedFile, ...]


class Relation(enum.Enum):
    """How a new rule relates to the old one that it is compared with."""

    EQUAL = "equal"
    NARROWER = "narrower"
    WIDER = "wider"
    OVERLAPPING = "overlapping"
    DISJOINT = "disjoint"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A file that shows what a changed rule does; ``about`` are the facts that matter."""

    turn: Turn
    facts: FileFacts
    about: tuple[str, ...]
    targets: tuple[str, ...]
    verdicts: tuple[Verdict, Verdict]
    old: tuple[Cause, ...]
    new: tuple[Cause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """A rule of one side without its equal on the other, or a pair of such rules.

    ``shown`` has at most one file a turn. Without one, ``same`` says that the change is proved
    to decide nothing; if it is false, what the change does is unknown. ``count`` rules of one
    family are one change.
    """

    relation: Relation
    old: Cause | None
    new: Cause | None
    shown: tuple[Shown, ...] = ()
    same: bool = False
    count: int = 1

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What it does; empty if that is nothing."""
        if self.shown:
            return tuple(item.turn for item in self.shown)
        return () if self.same else (Turn.UNKNOWN,)

    @property
    def place(self) -> Span:
        """Where it stands: in the new policy if it can be."""
        for cause in (self.new, self.old):
            if cause is not None and cause.origin != NOWHERE:
                return cause.origin
        return NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """Something beside the rules: a mode, a governed collection, an accepted finding."""

    what: str
    targets: tuple[str, ...]
    old: str
    new: str
    turn: Turn
    origin: Span = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two policies compared. ``unchanged`` counts files that every target decides as before.

    ``rules`` and ``settings`` are known without an inventory. ``place`` is where a change is
    shown that has no position of its own. ``notes`` say what could not be compared.
    """

    old: str
    new: str
    targets: tuple[str, ...]
    groups: tuple[FileGroup, ...] = ()
    rules: tuple[RuleChange, ...] = ()
    settings: tuple[SettingChange, ...] = ()
    unchanged: int = 0
    unchanged_rules: int = 0
    with_inventory: bool = False
    notes: tuple[str, ...] = ()
    place: Span = NOWHERE

    @property
    def turns(self) -> frozenset[Turn]:
        """Everything that happens anywhere; empty if the two decide alike."""
        return frozenset(
            (
                *(item.turn for item in self.groups),
                *(turn for item in self.rules for turn in item.turns),
                *(item.turn for item in self.settings),
            )
        )

    def files(self, turn: Turn) -> int:
        """How many decisions about files of the inventories turn so."""
        return len(
            {
                (file.path, file.sha256)
                for item in self.groups
                if item.turn is turn
                for file in item.files
            }
        )

    def changed_rules(self, turn: Turn) -> int:
        """How many rules turn so."""
        return sum(item.count for item in self.rules if turn in item.turns)


def causes_text(causes: Iterable[Cause], *, otherwise: str = "no rule") -> str:
    """Causes for people: the first with its place, and how many more; not yet safe to print."""
    found = list(causes)
    if not found:
        return otherwise
    first = found[0]
    place = "" if first.origin == NOWHERE else f" ({first.origin})"
    more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
    return f"{first.text}{place}{more}"
