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
from policyc.reports.comment import LONGEST, ROOM, cut, section
from policyc.reports.escapes import markdown

_FILES = 20
"""Files of a group."""


def changes_markdown(found: Comparison, *, failing: frozenset[Turn], fails: bool) -> str:
    """The plan, then what happens in parts that open; always under ``comment.LIMIT``."""
    head = "**policyc diff**: nothing changes." if not found.turns else "**policyc diff**"
    if fails:
        head += " — stopped"
    lines = [head, ""]
    lines += [f"{markdown(line)}  " for line in closing(found)]
    left = ROOM
    for title, count, rows in _sections(found, failing):
        part, used = section(title, count, rows, left)
        left -= used
        lines += part
    lines += [f"> {cut(note)}" for note in found.notes[:5]]
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
                f"- {cut(rule_text(item))}"
                + "".join(
                    f"  \n  for example {cut(shown_text(one), 3 * LONGEST)}"
                    for one in item.shown
                    if one.turn is turn
                )
                for item in rules
            )
            yield f"Rules: {WORDS[turn]}", found.changed_rules(turn), rows
    if found.settings:
        rows = (f"- {cut(setting_text(item))}" for item in found.settings)
        yield "Settings", len(found.settings), rows


def _group_rows(groups: Iterable[FileGroup]) -> Iterator[str]:
    for group in groups:
        targets = cut(", ".join(group.targets))
        yield f"- {len(group.files):,} ({targets}): {cut(because_text(group), 2 * LONGEST)}"
        for item in group.files[:_FILES]:
            machines = f" on {cut(machines_text(item.machines))}" if item.machines else ""
            yield f"  - {cut(item.path)}{machines}"
        if len(group.files) > _FILES:
            yield f"  - … and {len(group.files) - _FILES:,} more"
