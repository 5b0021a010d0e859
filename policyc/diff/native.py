"""A native policy as one side: its evaluator, its way back to a baseline, where its rules stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from policyc.diff.artifacts import Lines
from policyc.model.artifact import Artifact
from policyc.model.change import Cause
from policyc.model.decision import Decision
from policyc.model.ir import PolicyIR
from policyc.model.span import NOWHERE, Span
from policyc.targets.base import ArtifactError, Target
from policyc.targets.lifted import Lifted, Note

_LOCATED = 2_000
"""Native rules whose place is looked for: each costs a search through the whole policy."""


@dataclass(kw_only=True)
class Native:
    """A policy as a target parsed it. ``policy`` is its baseline, None if it has none.

    ``lost`` says what the baseline does not hold of it; ``shown`` is put before the names of its
    files in positions.
    """

    target: Target[Any]
    artifacts: tuple[Artifact, ...]
    model: object
    policy: PolicyIR | None
    lost: tuple[Note, ...]
    provenance: Mapping[str, tuple[Cause, ...]]
    shown: str
    _known: dict[str, Span] = field(default_factory=dict)

    def causes(self, decision: Decision) -> tuple[Cause, ...]:
        """The native rule or default that decided; the baseline's rules where it is known."""
        reason = decision.reason
        words = {reason, *reason.split()}
        found = [
            item
            for word in sorted(words & self.provenance.keys())
            for item in self.provenance[word]
        ]
        if found:
            return tuple(dict.fromkeys(found))
        key = reason if self.target.cause is None else self.target.cause(self.model, reason)
        text = key if self.target.cause and key and reason.startswith("rule=") else reason
        family = reason.partition(" ")[0]
        return (Cause(text=text, key=key or reason, family=family, origin=self._place(key)),)

    def located(self, cause: Cause) -> Cause:
        """A rule that was read from this policy, with the place where its name stands."""
        name = cause.text.partition(" ")[2].partition(": ")[0]
        return replace(cause, origin=self._place(f'"{name}"'))

    def _place(self, key: str) -> Span:
        if key not in self._known:
            self._known[key] = NOWHERE
            if len(self._known) <= _LOCATED:
                self._known[key] = self._found(key)
        return self._known[key]

    def _found(self, key: str) -> Span:
        for words in (key, key.rpartition(" ")[2]):
            place = self._lines.find(words) if len(words) > 3 else None
            if place is not None:
                name, line, column = place
                end = column + len(words)
                return Span(
                    file=f"{self.shown}{name}",
                    line=line,
                    column=column,
                    end_line=line,
                    end_column=end,
                )
        return NOWHERE

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.artifacts)


def lifted(
    target: Target[Any], artifacts: tuple[Artifact, ...], model: object
) -> tuple[PolicyIR | None, tuple[Note, ...]]:
    """A native policy as a baseline; None, with the reason, where there is no way."""
    try:
        if target.lift_folder is not None:
            found = target.lift_folder.lift(artifacts)
        elif target.lift is not None:
            found = _one_of(target, artifacts, model)
        else:
            message = "has no way back to a baseline, so its rules are not compared"
            return None, (Note(message=message),)
    except ArtifactError as error:
        return None, (Note(message=f"its rules cannot be compared: {error.message}"),)
    return found.policy, found.lost


def _one_of(target: Target[Any], artifacts: tuple[Artifact, ...], model: object) -> Lifted:
    """The baseline of the file that says everything, where the others repeat it."""
    assert target.lift is not None
    if len(artifacts) == 1:
        return target.lift(artifacts[0])
    texts_first = sorted(artifacts, key=lambda item: (b"\0" in item.data, item.name))
    found = []
    for item in texts_first:
        try:
            lifted, alone = target.lift(item), target.parse((item,))
        except ArtifactError:
            continue  # not the policy itself, or not all of it
        if alone == model:
            return lifted
        found.append(lifted)
    if not found or any(item.policy.rules != found[0].policy.rules for item in found):
        raise ArtifactError("no single file of it says everything")
    return found[0]


def recorded(data: bytes) -> dict[str, tuple[Cause, ...]]:
    """Native ids to the rules of the baseline they come from; nothing if it is not readable."""
    try:
        table = json.loads(data)
        return {native: tuple(_recorded(item) for item in items) for native, items in table.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _recorded(item: Mapping[str, Any]) -> Cause:
    file, line, column = str(item.get("file", "")), int(item["line"]), int(item["column"])
    name = str(item["name"]) or str(item["rule"])
    origin = NOWHERE
    if file:
        origin = Span(file=file, line=line, column=column, end_line=line, end_column=column)
    text = name if file else f"{name} (baseline, line {line})"
    return Cause(text=text, key=str(item["rule"]), family=f"{name}|{line}", origin=origin)
