"""What policyc tells a person: diagnostics about its inputs, findings about scanned files."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from policyc.model.span import Span


class Level(enum.Enum):
    """How serious a diagnostic or a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the most serious level; sorts findings worst first."""
        return _RANKS[self.value]


_RANKS = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A marked range of source text with what is to be said about it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One problem with a baseline, an artifact or a compilation.

    ``code`` is stable (``B012``); ``remedy`` is the next step and never empty for an error.
    ``accepted`` is the reason for which a baseline accepts it, empty if none does.
    """

    code: str
    level: Level
    message: str
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    remedy: str = ""
    accepted: str = ""

    @property
    def span(self) -> Span | None:
        """The primary position, if there is one."""
        return self.labels[0].span if self.labels else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Bytes that prove a claim: ``data`` stands at byte ``offset`` of the file."""

    offset: int
    data: bytes
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What another tool says the content is; shown as evidence, never deciding."""

    tool: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A masquerade finding about one file, with the evidence that lets anybody check it.

    ``techniques`` are ATT&CK ids; ``claimed`` and ``actual`` are format names; ``permitted``
    are the extensions that are usual for the actual format. ``accepted`` is the reason for
    which a baseline accepts it, empty if none does.
    """

    code: str
    level: Level
    path: str
    message: str
    techniques: tuple[str, ...]
    claimed: tuple[str, ...]
    actual: str
    sha256: str | None
    proofs: tuple[Proof, ...] = ()
    codepoints: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    accepted: str = ""
