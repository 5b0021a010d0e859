"""Lint rules: what one is, and the register that the modules with the rules fill."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policyc.model.diagnostic import Level
from policyc.targets.wdac.model import SiPolicy

OS_NAMES = ("1607", "1709", "1803", "1809", "1903", "2016", "2019", "2022", "win11")
"""Windows versions a policy can be checked for, by the name people use."""
_RANKS = {
    "1607": 1607,
    "2016": 1607,
    "1709": 1709,
    "1803": 1803,
    "1809": 1809,
    "2019": 1809,
    "1903": 1903,
    "2022": 2022,
    "win11": 2100,
}

Found = Iterator[tuple[int, str]]
"""Lines (0 is unknown) and what was found there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a rule looks at; ``min_os`` is a rank, see ``rank_of``."""

    policy: SiPolicy
    min_os: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LintRule:
    """A rule. Its docstring is its manual: the title, and why it matters."""

    code: str
    level: Level
    fix: str
    check: Callable[[Context], Found]

    @property
    def title(self) -> str:
        """The first line of the manual."""
        return self.manual.partition("\n")[0].rstrip(".")

    @property
    def manual(self) -> str:
        """What the rule is about."""
        return inspect.getdoc(self.check) or ""


RULES: dict[str, LintRule] = {}
"""Every rule by its code; filled by the modules with the rules."""


def lint_rule(
    code: str, level: Level, fix: str
) -> Callable[[Callable[[Context], Found]], Callable[[Context], Found]]:
    """Register a rule under a code; ValueError if the code is taken."""

    def register(check: Callable[[Context], Found]) -> Callable[[Context], Found]:
        if code in RULES:
            raise ValueError(f"{code} is taken")
        RULES[code] = LintRule(code=code, level=level, fix=fix, check=check)
        return check

    return register


def rank_of(name: str) -> int:
    """The rank of a Windows version; KeyError for an unknown name."""
    return _RANKS[name]
