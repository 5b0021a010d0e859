"""A comparison of two policies as a comment for a pull request, within the platform's limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policyc.model.change import Comparison, FileGroup, Turn
from policyc.reports.changes import (
    WORDS,
    closing,
    machines_text,
    rule_text,
    setting_text,
    shown_text,
)
from policyc.reports.changes import because as because_text
from policyc.reports.escapes import markdown

LIMIT = 65_000
"""Characters; GitHub refuses a comment of more than 65,536."""
_ROOM = 60_000
"""Characters of the details; the rest is for headings and closing tags."""
_LONGEST = 160
"""Characters of one text before it is escaped, which can make it eight times as long."""
_FILES = 20
"""Files of a group."""


def changes_markdown(found: Comparison, *, failing: frozenset[Turn], fails: bool) -> str:
    """The plan, then what happens in parts that open; always under ``LIMIT``."""
    head = "**policyc diff**: nothing changes." if not found.turns else "**policyc diff**"
    if fails:
        head += " — stopped"
    lines = [head, ""]
    lines += [f"{markdown(line)}  " for line in closing(found)]
    left = _ROOM
    for title, count, rows in _sections(found, failing):
        part, used = _section(title, count, rows, left)
        left -= used
        lines += part
    lines += [f"> {_cut(note)}" for note in found.notes[:5]]
    return "\n".join(lines)


def _sections(
    found: Comparison, failing: frozenset[Turn]
) -> Iterator[tuple[str, int, Iterable[str]]]:
    """Title, number of things, and lines, what stops the pipeline first."""
    for turn in sorted(Turn, key=lambda item: item not in failing):
        groups = [item for item in found.groups if item.turn is turn]
        if groups:
            yield f"Files {WORDS[turn]}", found.files(turn), _group_rows(groups)
        rules = [item for item in found.rules if turn in item.turns]
        if rules:
            rows = (
                f"- {_cut(rule_text(item))}"
                + "".join(
                    f"  \n  for example {_cut(shown_text(one), 3 * _LONGEST)}"
                    for one in item.shown
                    if one.turn is turn
                )
                for item in rules
            )
            yield f"Rules: {WORDS[turn]}", found.changed_rules(turn), rows
    if found.settings:
        rows = (f"- {_cut(setting_text(item))}" for item in found.settings)
        yield "Settings", len(found.settings), rows


def _group_rows(groups: Iterable[FileGroup]) -> Iterator[str]:
    for group in groups:
        targets = _cut(", ".join(group.targets))
        yield f"- {len(group.files):,} ({targets}): {_cut(because_text(group), 2 * _LONGEST)}"
        for item in group.files[:_FILES]:
            machines = f" on {_cut(machines_text(item.machines))}" if item.machines else ""
            yield f"  - {_cut(item.path)}{machines}"
        if len(group.files) > _FILES:
            yield f"  - … and {len(group.files) - _FILES:,} more"


def _section(title: str, count: int, rows: Iterable[str], left: int) -> tuple[list[str], int]:
    """A part that opens, with as many lines as there is room for."""
    lines = ["", "<details>", f"<summary>{title}: {count:,}</summary>", ""]
    used = 0
    for row in rows:
        if used + len(row) + 1 > left:
            lines.append("- … more than a comment can hold; the job's JSON report has all")
            break
        lines.append(row)
        used += len(row) + 1
    return [*lines, "", "</details>"], used


def _cut(text: str, most: int = _LONGEST) -> str:
    return markdown(text if len(text) <= most else text[: most - 1] + "…")
