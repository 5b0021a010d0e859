"""What the lint rules of App Control look at, and the register that their modules fill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policyc.targets.lint_register import Register
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


REGISTER: Register[Context, int] = Register()
"""Every rule by its code; filled by the modules with the rules."""

lint_rule = REGISTER.rule


def rank_of(name: str) -> int:
    """The rank of a Windows version; KeyError for an unknown name."""
    return _RANKS[name]
