"""What a lint rule for native policies is, and the register its module fills."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from policyc.model.diagnostic import Level

C = TypeVar("C")
P = TypeVar("P")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A file, and a line in it that counts from 1; 0 is the whole file."""

    file: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LintRule(Generic[C, P]):
    """A rule. Its docstring is its manual: the title, why it matters, and the evidence."""

    code: str
    level: Level
    fix: str
    check: Callable[[C], Iterator[tuple[P, str]]]

    @property
    def title(self) -> str:
        """The first line of the manual."""
        return self.manual.partition("\n")[0].rstrip(".")

    @property
    def manual(self) -> str:
        """What the rule is about."""
        return inspect.getdoc(self.check) or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintFinding(Generic[P]):
    """One finding of a rule; ``place`` is a ``Place``, or a line where there is one file only."""

    code: str
    level: Level
    place: P
    message: str
    fix: str


class Register(Generic[C, P]):
    """The rules of one target by code."""

    def __init__(self) -> None:
        self.rules: dict[str, LintRule[C, P]] = {}

    def rule(
        self, code: str, level: Level, fix: str
    ) -> Callable[[Callable[[C], Iterator[tuple[P, str]]]], Callable[[C], Iterator[tuple[P, str]]]]:
        """Register a rule; ValueError if the code is taken or there is no manual."""

        def register(
            check: Callable[[C], Iterator[tuple[P, str]]],
        ) -> Callable[[C], Iterator[tuple[P, str]]]:
            if code in self.rules or not check.__doc__:
                raise ValueError(f"{code} is taken or has no manual")
            self.rules[code] = LintRule(code=code, level=level, fix=fix, check=check)
            return check

        return register

    def run(self, context: C) -> tuple[LintFinding[P], ...]:
        """What all rules find, by place and code."""
        found = [
            LintFinding(code=rule.code, level=rule.level, place=place, message=text, fix=rule.fix)
            for rule in self.rules.values()
            for place, text in rule.check(context)
        ]
        return in_order(found)


def in_order(found: Iterable[LintFinding[P]]) -> tuple[LintFinding[P], ...]:
    """Findings by place, code and message."""

    def key(item: LintFinding[P]) -> tuple[P, str, str]:
        return item.place, item.code, item.message

    return tuple(sorted(found, key=key))
