"""Collects problems while reading goes on, so that one run reports them all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from policyc.baseline.codes import BASELINE_CODES
from policyc.model.diagnostic import Diagnostic, Label, Level
from policyc.model.span import Span


class Collector:
    """A growing list of diagnostics. Nothing here raises; ``failed`` says if any is an error."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    @property
    def failed(self) -> bool:
        """True once an error was added."""
        return any(item.level is Level.ERROR for item in self.found)

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        remedy: str,
        label: str = "",
        other: Label | None = None,
        level: Level = Level.ERROR,
        accepted: str = "",
    ) -> None:
        """Add a diagnostic of a known code (KeyError otherwise) at ``span``."""
        BASELINE_CODES[code]
        labels = (Label(span=span, text=label), *(() if other is None else (other,)))
        self.found.append(
            Diagnostic(
                code=code,
                level=level,
                message=message,
                labels=labels,
                remedy=remedy,
                accepted=accepted,
            )
        )


def did_you_mean(word: str, possible: Iterable[str]) -> str:
    """A next step for an unknown word: the nearest possible one, or all of them."""
    names = sorted(possible)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"possible: {', '.join(names)}"
