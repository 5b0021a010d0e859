"""Collects problems while reading goes on, so that one run reports them all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from policyc.model.diagnostic import Diagnostic, Label, Level
from policyc.model.span import Span

BASELINE_CODES: dict[str, str] = {
    "B001": "The file is not YAML, or not UTF-8. The position is where reading stopped.",
    "B002": "A key stands twice in one mapping. YAML readers would silently keep the last one.",
    "B003": "Anchors, aliases, merge keys and tags hide where a value comes from, so a baseline "
    "has none. Write the value out.",
    "B004": "A value has the wrong shape: a mapping, a list or a text was expected here.",
    "B005": "A key that the baseline language does not have.",
    "B006": "A key that must be there is missing.",
    "B007": "A value that cannot be read as what it should be, such as a hash of the wrong length.",
    "B008": "A value that is none of the possible ones.",
    "B009": "A rule needs exactly one of permit and forbid, and at least one condition.",
    "B010": "Two rules have the same id, or an accepted loss or a profile's `drop` names a rule "
    "that does not exist. Ids are unique over all files of a baseline.",
    "B011": "The inventory that a `from:` rule names cannot be read.",
    "B012": "A file of a `from:` inventory got no rule: it has an error-level masquerade finding, "
    "or none of the levels fits it.",
    "B013": "An accepted loss or finding that does not occur (any more). Remove it.",
    "B014": "A permit that can never allow anything, because one forbid covers all it names.",
    "B015": "A rule that changes no decision, because another of the same effect covers it.",
    "B020": "A file that `include` names cannot be read. Names are relative to the file that holds "
    "them; after every symbolic link the file must lie in the folder of the baseline, or in its "
    "repository. `builtin:NAME` is a set that ships with policyc. There are limits to the number, "
    "the depth and the size of files.",
    "B021": "An include, a group or a profile leads back to itself.",
    "B022": "An included file has a key that only the baseline itself may have: how strictly and "
    "where rules are enforced, and which losses are accepted, is said in one place.",
    "B023": "A condition stands for more alternatives than a policy can hold.",
    "B024": "A group that no rule uses.",
    "B025": "A rule or an accepted loss is past its date: `until` is before the day of "
    "`lint --on`. It still counts; nothing ever changes by itself. Decide anew and write another "
    "date, or remove it.",
    "B026": "A rule or an accepted loss reaches its date within 30 days of the day of `lint --on`.",
}
"""What each baseline diagnostic means; ``policyc explain CODE`` prints it."""


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
    ) -> None:
        """Add a diagnostic of a known code (KeyError otherwise) at ``span``."""
        BASELINE_CODES[code]
        labels = (Label(span=span, text=label), *(() if other is None else (other,)))
        self.found.append(
            Diagnostic(code=code, level=level, message=message, labels=labels, remedy=remedy)
        )


def did_you_mean(word: str, possible: Iterable[str]) -> str:
    """A next step for an unknown word: the nearest possible one, or all of them."""
    names = sorted(possible)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"possible: {', '.join(names)}"
