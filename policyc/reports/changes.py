"""A comparison of two policies as text, JSON, CSV, and as findings for the other formats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from policyc.model.change import (
    Cause,
    Comparison,
    FileGroup,
    RuleChange,
    SettingChange,
    Shown,
    Turn,
    causes_text,
)
from policyc.model.decision import Verdict
from policyc.model.span import NOWHERE, Span
from policyc.reports.json import dump
from policyc.reports.policy_tables import table_csv
from policyc.reports.safe import printable

_SIGNS: dict[Turn, str] = {
    Turn.ALLOWED: "+",
    Turn.DENIED: "-",
    Turn.UNKNOWN: "?",
    Turn.OTHER_RULE: "~",
}
WORDS = {
    Turn.ALLOWED: "newly allowed",
    Turn.DENIED: "newly denied",
    Turn.UNKNOWN: "unknown",
    Turn.OTHER_RULE: "decided by another rule",
}
_EFFECTS = {
    Turn.ALLOWED: "allow more",
    Turn.DENIED: "allow less",
    Turn.UNKNOWN: "unknown",
}
_FILES, _GROUPS, _RULES = 5, 20, 40
"""What text shows: files of a group, groups of a turn, rules."""
_JSON_CAUSES = 50
"""Rules that JSON names for one side of a group."""


def summary(found: Comparison) -> str:
    """One line like a plan: decisions about files, or rules where there is no inventory."""
    if found.with_inventory:
        counts = {turn: found.files(turn) for turn in Turn}
        unchanged = found.unchanged
    else:
        counts = {turn: found.changed_rules(turn) for turn in Turn}
        unchanged = found.unchanged_rules
    shown = (Turn.ALLOWED, Turn.DENIED, Turn.OTHER_RULE)
    parts = [f"{counts[turn]:,} {WORDS[turn]}" for turn in shown]
    if counts[Turn.UNKNOWN]:
        parts.append(f"{counts[Turn.UNKNOWN]:,} unknown")
    what = "Files" if found.with_inventory else "Rules"
    return f"{what}: {', '.join(parts)}, {unchanged:,} unchanged."


def closing(found: Comparison) -> list[str]:
    """The plan in one to four lines: files, rules, what is only written otherwise, settings."""
    lines = [summary(found)]
    if found.with_inventory:
        counts = [(turn, found.changed_rules(turn)) for turn in _EFFECTS]
        parts = [f"{count:,} {_EFFECTS[turn]}" for turn, count in counts if count]
        if parts:
            lines.append(f"Rules: {', '.join(parts)}, {found.unchanged_rules:,} unchanged.")
    same = sum(item.count for item in found.rules if item.same)
    if same:
        lines.append(f"Rules written otherwise that decide the same: {same:,}.")
    if found.settings:
        lines.append(f"Settings changed: {len(found.settings):,}.")
    return lines


def changes_text(found: Comparison) -> str:
    """For a terminal: what happens to which files and why, then rules, settings, the plan."""
    lines: list[str] = []
    for turn in Turn:
        own = [item for item in found.groups if item.turn is turn]
        for group in own[:_GROUPS]:
            lines += _group_lines(group)
        lines += _more(sum(len(item.files) for item in own[_GROUPS:]), "files in other groups")
    changed = [item for item in found.rules if item.turns]
    for change in changed[:_RULES]:
        lines += _rule_lines(change)
    lines += _more(len(changed) - _RULES, "changed rules")
    lines += [f"{_SIGNS[item.turn]} {setting_text(item)}" for item in found.settings]
    if lines:
        lines.append("")
    lines += closing(found)
    return "\n".join(printable(line) for line in lines)


def _more(count: int, what: str) -> list[str]:
    return [f"… and {count:,} {what}; --format json has all"] if count > 0 else []


def _group_lines(group: FileGroup) -> list[str]:
    count = len(group.files)
    head = f"{WORDS[group.turn]}: {count:,} file{'' if count == 1 else 's'}"
    lines = [f"{head} ({', '.join(group.targets)}{modes_text(group)}): {because(group)}"]
    for item in group.files[:_FILES]:
        machines = f"  on {machines_text(item.machines)}" if item.machines else ""
        lines.append(f"  {_SIGNS[group.turn]} {item.path}{machines}")
    if count > _FILES:
        lines.append(f"    … and {count - _FILES:,} more")
    return lines


def machines_text(machines: Sequence[str]) -> str:
    """The first three machines and how many more."""
    more = f" and {len(machines) - 3:,} more" if len(machines) > 3 else ""
    return ", ".join(machines[:3]) + more


def modes_text(group: FileGroup) -> str:
    """The mode, or both if it changes, with what separates it from what is before it."""
    old, new = group.modes[0] or "not governed", group.modes[1] or "not governed"
    return f"; {new}" if old == new else f"; {old} → {new}"


def because(group: FileGroup) -> str:
    """Both decisions of a group and the rules they rest on; not yet safe to print."""
    return f"{_side(group.verdicts[0], group.old)} -> {_side(group.verdicts[1], group.new)}"


def _side(verdict: Verdict, causes: Iterable[Cause]) -> str:
    otherwise = "no rule permits it" if verdict is Verdict.DENY else "no rule"
    if verdict is Verdict.NOT_GOVERNED:
        return "not governed"
    return f"{verdict.value}, {causes_text(causes, otherwise=otherwise)}"


def _rule_lines(change: RuleChange) -> list[str]:
    sign = "".join(_SIGNS[turn] for turn in change.turns)
    lines = [f"{sign} {rule_text(change)}"]
    lines += [
        f"    {WORDS[shown.turn]}, for example: {shown_text(shown)}" for shown in change.shown
    ]
    if not change.shown:
        lines.append("    no file was found that shows what it does: unknown")
    return lines


def rule_text(change: RuleChange) -> str:
    """A changed rule in one line; not yet safe to print."""
    cause = change.new or change.old
    assert cause is not None
    name = f"{change.count:,} rules {cause.text}" if change.count > 1 else cause.text
    if change.old is not None and change.new is not None and change.old.text != cause.text:
        name = f"{change.old.text} → {cause.text}"
    places = [
        f"{word}{item.origin}"
        for word, item in (("", change.new), ("before ", change.old))
        if item is not None and item.origin != NOWHERE
    ]
    place = f" ({'; '.join(places)})" if places else ""
    return f"{name}: {change.relation.value}{place}"


def shown_text(shown: Shown) -> str:
    """A made file, what is about it, and both decisions; not yet safe to print."""
    about = f" [{'; '.join(shown.about)}]" if shown.about else ""
    decided = f"{_side(shown.verdicts[0], shown.old)} -> {_side(shown.verdicts[1], shown.new)}"
    return f"{shown.facts.path}{about} ({', '.join(shown.targets)}): {decided}"


def setting_text(change: SettingChange) -> str:
    """A changed setting in one line; not yet safe to print."""
    targets = f"{', '.join(change.targets)}: " if change.targets else ""
    place = "" if change.origin == NOWHERE else f" ({change.origin})"
    return f"{targets}{change.what}: {change.old} → {change.new}{place}"


def changes_json(found: Comparison) -> str:
    """Everything, as docs/diff.schema.json describes it."""
    value = {
        "version": 1,
        "old": _text(found.old),
        "new": _text(found.new),
        "targets": list(found.targets),
        "summary": {
            "files": {
                **{turn.value: found.files(turn) for turn in Turn},
                "unchanged": found.unchanged,
            },
            "rules": {
                **{turn.value: found.changed_rules(turn) for turn in Turn},
                "unchanged": found.unchanged_rules,
            },
            "settings": len(found.settings),
        },
        "files": [_group_value(item) for item in found.groups],
        "rules": [_rule_value(item) for item in found.rules],
        "settings": [_setting_value(item) for item in found.settings],
        "notes": [_text(item) for item in found.notes],
    }
    return dump(value)


def _text(text: str) -> str:
    """Text that every JSON reader takes; bytes that were no UTF-8 become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _group_value(group: FileGroup) -> dict[str, Any]:
    return {
        "change": group.turn.value,
        "code": group.turn.code,
        "targets": list(group.targets),
        "modes": {"old": group.modes[0], "new": group.modes[1]},
        "old": _decision_value(group.verdicts[0], group.old),
        "new": _decision_value(group.verdicts[1], group.new),
        "files": [
            {
                "path": _text(item.path),
                "sha256": item.sha256,
                "machines": [_text(name) for name in item.machines],
            }
            for item in group.files
        ],
    }


def _decision_value(verdict: Verdict, causes: Sequence[Cause]) -> dict[str, Any]:
    return {
        "decision": verdict.value,
        "rules": [_cause_value(item) for item in causes[:_JSON_CAUSES]],
        "rule_count": len(causes),
    }


def _cause_value(cause: Cause) -> dict[str, Any]:
    return {"rule": _text(cause.text), "key": _text(cause.key), "origin": _origin(cause.origin)}


def _origin(span: Span) -> dict[str, Any] | None:
    if span == NOWHERE:
        return None
    return {"file": _text(span.file), "line": span.line, "column": span.column}


def _rule_value(change: RuleChange) -> dict[str, Any]:
    return {
        "relation": change.relation.value,
        "changes": [turn.value for turn in change.turns],
        "proved_same": change.same,
        "count": change.count,
        "old": None if change.old is None else _cause_value(change.old),
        "new": None if change.new is None else _cause_value(change.new),
        "shown_by": [
            {
                "change": item.turn.value,
                "path": _text(item.facts.path),
                "about": [_text(text) for text in item.about],
                "targets": list(item.targets),
                "old": _decision_value(item.verdicts[0], item.old),
                "new": _decision_value(item.verdicts[1], item.new),
            }
            for item in change.shown
        ],
    }


def _setting_value(change: SettingChange) -> dict[str, Any]:
    return {
        "change": change.turn.value,
        "code": change.turn.code,
        "what": _text(change.what),
        "targets": list(change.targets),
        "old": _text(change.old),
        "new": _text(change.new),
        "origin": _origin(change.origin),
    }


def changes_csv(found: Comparison) -> str:
    """One line a file, rule and setting."""
    header = ("kind", "change", "targets", "path", "sha256", "machines", "old", "new")
    rows: list[tuple[str, ...]] = []
    for group in found.groups:
        sides = _side(group.verdicts[0], group.old), _side(group.verdicts[1], group.new)
        targets = " ".join(group.targets)
        rows += [
            (
                "file",
                group.turn.value,
                targets,
                item.path,
                item.sha256 or "",
                " ".join(item.machines),
                *sides,
            )
            for item in group.files
        ]
    for change in found.rules:
        cells = (
            "" if change.old is None else causes_text([change.old], otherwise=""),
            ("" if change.new is None else causes_text([change.new], otherwise="")),
        )
        for turn in change.turns:
            shown = next((item for item in change.shown if item.turn is turn), None)
            path = "" if shown is None else shown.facts.path
            targets = "" if shown is None else " ".join(shown.targets)
            rows.append(("rule", turn.value, targets, path, "", "", *cells))
    rows += [
        ("setting", item.turn.value, " ".join(item.targets), item.what, "", "", item.old, item.new)
        for item in found.settings
    ]
    return table_csv(header, rows)
