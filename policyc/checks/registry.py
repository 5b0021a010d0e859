"""One function a check, one code a function; its docstring is its manual page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from policyc.model.diagnostic import Finding, Level, Proof
from policyc.model.facts import UNKNOWN, FileFacts

Body: TypeAlias = Callable[[FileFacts], Iterator["Hit"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a check saw; the registry adds what every finding has."""

    level: Level
    message: str
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A registered check. ``techniques`` are ATT&CK ids, ``manual`` the docstring."""

    code: str
    name: str
    techniques: tuple[str, ...]
    body: Body
    manual: str


CHECKS: dict[str, Check] = {}
"""Every check by code, in the order of the codes once all modules are imported."""


def check(code: str, name: str, *techniques: str) -> Callable[[Body], Body]:
    """Register a check; raises ValueError for a code that is taken or an empty docstring."""

    def register(body: Body) -> Body:
        if code in CHECKS or not body.__doc__:
            raise ValueError(f"{code} is taken or has no manual")
        CHECKS[code] = Check(
            code=code, name=name, techniques=techniques, body=body, manual=body.__doc__
        )
        return body

    return register


def check_file(facts: FileFacts) -> tuple[Finding, ...]:
    """All findings about one file, the most serious first, then by code."""
    sha256 = facts.hashes.sha256
    digest = None if sha256 is None or sha256 is UNKNOWN else sha256.value
    found = [
        Finding(
            code=item.code,
            level=hit.level,
            path=facts.path,
            message=hit.message,
            techniques=item.techniques,
            claimed=tuple(claim.value for claim in facts.claimed),
            actual=facts.actual.value,
            sha256=digest,
            proofs=hit.proofs,
            codepoints=codepoints(facts.name),
        )
        for item in CHECKS.values()
        for hit in item.body(facts)
    ]
    return tuple(sorted(found, key=lambda finding: (finding.level.rank, finding.code)))


def worst_level(facts: FileFacts) -> str | None:
    """The level of the worst finding, or None without one."""
    found = check_file(facts)
    return found[0].level.value if found else None


def codepoints(name: str) -> tuple[str, ...]:
    """``U+XXXX`` of every character of a name that is not printable ASCII, in order."""
    return tuple(f"U+{ord(char):04X}" for char in name if not (" " < char <= "~"))
