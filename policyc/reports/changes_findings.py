"""A comparison of two policies as findings about places in policy files."""

from __future__ import annotations

from collections.abc import Iterator

from policyc.model.change import Comparison, FileGroup, RuleChange, SettingChange, Turn
from policyc.model.diagnostic import Level
from policyc.model.span import NOWHERE, Span
from policyc.reports.changes import (
    WORDS,
    because,
    modes_text,
    rule_text,
    setting_text,
    shown_text,
)
from policyc.reports.policy_sarif import PolicyFinding


def changes_findings(found: Comparison, failing: frozenset[Turn]) -> list[PolicyFinding]:
    """One finding a group, changed rule and setting, the worst first.

    What is ``failing`` is an error. Each is at the rule of the new policy, if there is one.
    """
    listed = [
        *(_of_group(item, found, failing) for item in found.groups),
        *(one for item in found.rules for one in _of_rule(item, found, failing)),
        *(_of_setting(item, found, failing) for item in found.settings),
    ]
    return sorted(listed, key=lambda item: item.level.rank)


def _level(turn: Turn, failing: frozenset[Turn]) -> Level:
    if turn in failing:
        return Level.ERROR
    return Level.INFO if turn is Turn.OTHER_RULE else Level.WARNING


def in_tree(span: Span) -> Span:
    """A position without the ``git:REV:`` that its file may begin with."""
    if not span.file.startswith("git:"):
        return span
    return span._replace(file=span.file.split(":", 2)[-1])


def _at(
    turn: Turn,
    spans: Iterator[Span],
    found: Comparison,
    failing: frozenset[Turn],
    message: str,
    identity: str,
) -> PolicyFinding:
    places = [in_tree(item) for item in spans if item != NOWHERE] or [in_tree(found.place)]
    return PolicyFinding(
        path=places[0].file,
        line=places[0].line,
        column=places[0].column,
        code=turn.code,
        level=_level(turn, failing),
        message=message,
        related=tuple(places[1:4]),
        identity=identity,
    )


def _of_group(group: FileGroup, found: Comparison, failing: frozenset[Turn]) -> PolicyFinding:
    count = len(group.files)
    files = ", ".join(item.path for item in group.files[:3]) + (", …" if count > 3 else "")
    message = (
        f"{count:,} file{'' if count == 1 else 's'} {WORDS[group.turn]} "
        f"({', '.join(group.targets)}{modes_text(group)}): {because(group)}: {files}"
    )
    names = [item.text for item in (*group.old[:1], *group.new[:1])]
    identity = "|".join(("files", *group.targets, *group.modes, *names))
    # What is decided by no rule of the new policy has no place in it but its beginning.
    spans = [*(item.origin for item in group.new[:1]), *([] if group.new else [found.place])]
    spans += [item.origin for item in group.old[:1]]
    return _at(group.turn, iter(spans), found, failing, message, identity)


def _of_rule(
    change: RuleChange, found: Comparison, failing: frozenset[Turn]
) -> Iterator[PolicyFinding]:
    for turn in change.turns:
        shown = next((item for item in change.shown if item.turn is turn), None)
        example = "no file shows what it does" if shown is None else shown_text(shown)
        message = f"{rule_text(change)}; {WORDS[turn]}: {example}"
        causes = [item for item in (change.new, change.old) if item is not None]
        spans = [item.origin for item in causes]
        if change.new is None:
            spans.insert(0, found.place)
        identity = "|".join(("rule", change.relation.value, *(item.text for item in causes)))
        yield _at(turn, iter(spans), found, failing, message, identity)


def _of_setting(
    change: SettingChange, found: Comparison, failing: frozenset[Turn]
) -> PolicyFinding:
    identity = "|".join(("setting", *change.targets, change.what))
    spans = iter((change.origin,))
    return _at(change.turn, spans, found, failing, setting_text(change), identity)
