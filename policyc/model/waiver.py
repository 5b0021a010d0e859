"""Findings that a baseline accepts: who says so, for which files, and until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from policyc.model.diagnostic import Finding
from policyc.model.identity import Sha256Flat
from policyc.model.path import PathPattern
from policyc.model.span import NOWHERE, Span


def _past(until: dt.date | None, on: dt.date | None) -> bool:
    return on is not None and until is not None and until < on


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One accepted finding: its code, a scope of a hash or a path or both, and the reason.

    ``until`` is the last day on which it holds; None means that it holds for good.
    """

    code: str
    reason: str
    sha256: Sha256Flat | None = None
    path: PathPattern | None = None
    owner: str = ""
    until: dt.date | None = None
    origin: Span = field(default=NOWHERE, compare=False)

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is the one accepted, on a file in scope."""
        if finding.code != self.code:
            return False
        if self.sha256 is not None and finding.sha256 != self.sha256.value:
            return False
        return self.path is None or self.path.matches(finding.path)

    def expired(self, on: dt.date | None) -> bool:
        """Whether its last day is before ``on``; without a day nothing is expired."""
        return _past(self.until, on)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedLint:
    """One accepted result of ``lint``: about a rule of the baseline, or about policy files.

    ``path`` is a pattern for the end of a file's name, in which ``*`` stays in a component.
    """

    code: str
    reason: str
    rule: str | None = None
    path: str | None = None
    owner: str = ""
    until: dt.date | None = None
    origin: Span = field(default=NOWHERE, compare=False)

    def covers(self, code: str, *, rule: str | None = None, path: str | None = None) -> bool:
        """Whether it accepts a result about a rule or a file."""
        if code != self.code or (self.rule is not None and self.rule != rule):
            return False
        return self.path is None or (path is not None and PurePosixPath(path).match(self.path))

    def expired(self, on: dt.date | None) -> bool:
        """Whether its last day is before ``on``; without a day nothing is expired."""
        return _past(self.until, on)


def accepted_text(item: Waiver | AcceptedLint) -> str:
    """Why something is accepted, by whom, until when, and where that is written."""
    owner = f" ({item.owner})" if item.owner else ""
    until = f", until {item.until}" if item.until else ""
    return f"{item.reason}{owner}{until}; {item.origin}"


def first_covering(finding: Finding, waivers: tuple[Waiver, ...]) -> Waiver | None:
    """The waiver that accepts a finding, the first in the order given; None without one."""
    return next((item for item in waivers if item.covers(finding)), None)


def parse_day(text: str) -> dt.date:
    """``2027-03-01`` as a day; raises ValueError for anything else (ISO 8601, calendar date)."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or text != day.isoformat():
        msg = f"{text!r} is no day; write it as 2027-03-01"
        raise ValueError(msg)
    return day
