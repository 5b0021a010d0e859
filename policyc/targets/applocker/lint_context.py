"""What AppLocker's lint rules look at: one file, with its lines, and the other files given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from policyc.targets.applocker.host import THIS, fits
from policyc.targets.applocker.known import BROAD
from policyc.targets.applocker.model import (
    Action,
    AppRule,
    CollectionType,
    Condition,
    EnforcementMode,
    PathCondition,
    RuleCollection,
)
from policyc.targets.applocker.read import Placed, Reading
from policyc.targets.lint_register import Place, Register

Found: TypeAlias = Iterator[tuple[Place, str]]

CODE = (CollectionType.EXE, CollectionType.DLL, CollectionType.SCRIPT)
"""Collections whose files are run as they lie in a folder."""


@dataclass(frozen=True)
class Context:
    """One file. ``data`` are its bytes; ``registry`` says that it is a registry.pol."""

    name: str
    data: bytes
    reading: Reading
    registry: bool = False
    others: Mapping[str, Reading] = field(default_factory=dict)

    @property
    def whole(self) -> Place:
        """The file."""
        return Place(self.name)

    def at(self, line: int) -> Place:
        """A line of it."""
        return Place(self.name, line)

    @cached_property
    def rules(self) -> tuple[tuple[RuleCollection, AppRule, Place], ...]:
        """Every rule with its collection and place."""
        return tuple(
            (item.collection, rule, self.at(line))
            for item in self.reading.placed
            for rule, line in zip(item.collection.rules, item.lines, strict=True)
        )

    def allows(self, *kinds: CollectionType) -> Iterator[tuple[RuleCollection, AppRule, Place]]:
        """The allow rules of some collections, of all without a name."""
        for own, rule, place in self.rules:
            if rule.action is Action.ALLOW and (not kinds or own.type in kinds):
                yield own, rule, place

    def placed(self, kind: CollectionType) -> Placed | None:
        """A collection that has rules."""
        found = (item for item in self.reading.placed if item.collection.type is kind)
        return next((item for item in found if item.collection.rules), None)

    @cached_property
    def conditions(self) -> tuple[tuple[RuleCollection, AppRule, Condition, Place], ...]:
        """Every condition, exceptions among them, with its rule."""
        return tuple(
            (own, rule, condition, place)
            for own, rule, place in self.rules
            for condition in (rule.condition, *rule.exceptions)
        )


REGISTER: Register[Context, Place] = Register()
"""The rules of AppLocker, by code."""


def enforced(own: RuleCollection) -> bool:
    """Whether the collection blocks: not configured, but with rules, does."""
    return bool(own.rules) and own.mode is not EnforcementMode.AUDIT_ONLY


def is_broad(sid: str) -> bool:
    """Whether a rule is for ordinary users: a well-known group, or Domain Users (…-513)."""
    return sid in BROAD or (sid.startswith("S-1-5-21-") and sid.endswith("-513"))


def places(path: str) -> tuple[str, ...]:
    """The paths that a path with a variable stands for: %SYSTEM32% is two folders."""
    return tuple(pieces[0] for pieces in THIS.patterns(path))


def reaches(condition: Condition, path: str) -> bool:
    """Whether a path condition holds for a path, which may begin with a variable."""
    if not isinstance(condition, PathCondition):
        return False
    own = THIS.patterns(condition.path)
    return all(any(fits(pieces, place) for pieces in own) for place in places(path))


def taken_out(own: RuleCollection, rule: AppRule, path: str) -> bool:
    """Whether an exception of the rule, or a deny for ordinary users, is about a path."""
    denies = (
        item
        for item in own.rules
        if item.action is Action.DENY and (is_broad(item.sid) or item.sid == rule.sid)
    )
    return any(reaches(item, path) for item in rule.exceptions) or any(
        reaches(item.condition, path) and not any(reaches(e, path) for e in item.exceptions)
        for item in denies
    )


def shown(rule: AppRule) -> str:
    """The rule as a message names it."""
    name = rule.name if len(rule.name) <= 60 else rule.name[:57] + "..."
    return f"{name!r}"
