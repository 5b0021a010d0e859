"""The rule of a fapolicyd policy that a decision names by its number."""

from __future__ import annotations

import re

from policyc.model.facts import FileFacts
from policyc.targets.fapolicyd.evaluate import evaluate
from policyc.targets.fapolicyd.model import FapolicydPolicy

_NUMBER = re.compile(r"rule=([0-9]+)")


def describe(policy: FapolicydPolicy, facts: FileFacts) -> tuple[str, ...]:
    """The deciding rule as it stands in the file, a set by its name."""
    text = cause(policy, evaluate(policy, facts).reason)
    return (text,) if text else ()


def cause(policy: FapolicydPolicy, reason: str) -> str:
    """The rule that a reason gives the number of; empty where none decided."""
    match = _NUMBER.match(reason)
    number = 0 if match is None else int(match[1])
    if not number:
        return ""
    rule = policy.rules[number - 1]
    sides = [
        " ".join(f"{name}={value}" for name, value in side) or "all"
        for side in (rule.subject, rule.object)
    ]
    return f"{rule.decision} perm={rule.perm} {sides[0]} : {sides[1]}"
