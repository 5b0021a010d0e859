"""One function a check, one code a function; its docstring is its manual page."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

from policyc.model.diagnostic import Finding, Level, Proof
from policyc.model.facts import UNKNOWN, FileFacts, FindingMark
from policyc.readers.claims import usual_extensions

Body: TypeAlias = Callable[[FileFacts], Iterator["Hit"]]
_PLAIN = re.compile(r"[A-Za-z0-9_+\-]*(?:\.[A-Za-z0-9_+\-]*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a check saw; the registry adds what every finding has."""

    level: Level
    message: str
    proofs: tuple[Proof, ...] = ()


class When(enum.Enum):
    """Which files a check is asked about."""

    ALWAYS = "always"
    ODD_NAME = "odd-name"
    TRAITS = "traits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A registered check. ``techniques`` are ATT&CK ids, ``manual`` the docstring.

    ``when`` says which files the check can have something to say about: asking it first
    keeps a scan fast.
    """

    code: str
    name: str
    techniques: tuple[str, ...]
    body: Body
    manual: str
    when: When


CHECKS: dict[str, Check] = {}
"""Every check by code, in the order of the codes once all modules are imported."""


def check(
    code: str, name: str, *techniques: str, when: When = When.ALWAYS
) -> Callable[[Body], Body]:
    """Register a check; raises ValueError for a code that is taken or an empty docstring."""

    def register(body: Body) -> Body:
        if code in CHECKS or not body.__doc__:
            raise ValueError(f"{code} is taken or has no manual")
        CHECKS[code] = Check(
            code=code,
            name=name,
            techniques=techniques,
            body=body,
            manual=body.__doc__,
            when=when,
        )
        return body

    return register


def is_plain(name: str) -> bool:
    """Whether a name is letters, digits and at most one dot, so that it cannot deceive."""
    return _PLAIN.fullmatch(name) is not None and "____" not in name


@cache
def _concerned(*, odd: bool, traits: bool) -> tuple[Check, ...]:
    """The checks to ask about a file with such a name and with or without traits."""
    asked = {When.ALWAYS: True, When.ODD_NAME: odd, When.TRAITS: traits}
    return tuple(item for item in CHECKS.values() if asked[item.when])


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
            permitted=usual_extensions(facts.actual),
        )
        for item in _concerned(odd=not is_plain(facts.name), traits=bool(facts.traits))
        for hit in item.body(facts)
    ]
    return tuple(sorted(found, key=lambda finding: (finding.level.rank, finding.code)))


def judged(facts: FileFacts) -> FileFacts:
    """The facts with what all checks say about them."""
    found = check_file(facts)
    worst = found[0].level.value if found else None
    return replace(facts, masquerade=worst, findings=marks(found))


def marks(found: Iterable[Finding]) -> tuple[FindingMark, ...]:
    """Findings by code and level, sorted."""
    own = {FindingMark(code=item.code, level=item.level.value) for item in found}
    return tuple(sorted(own))


def codepoints(name: str) -> tuple[str, ...]:
    """``U+XXXX`` of every character of a name that is not printable ASCII, in order."""
    return tuple(f"U+{ord(char):04X}" for char in name if not (" " < char <= "~"))
