"""Make a reproducer small: fewest rules that still show a difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from policyc.model.ir import PolicyIR, Rule

_MAX_TRIES = 200
"""Each try is a compile; a reproducer that is not quite minimal is still a reproducer."""


def reduced(policy: PolicyIR, fails: Callable[[PolicyIR], bool]) -> PolicyIR:
    """Drop rules while ``fails`` holds: halves first, then ever smaller pieces.

    The result fails; it is minimal (no single rule can go) unless the tries ran out.
    """
    rules = list(policy.ordered())
    tries = 0
    size = max(1, len(rules) // 2)
    while rules:
        shorter = None
        for start in range(0, len(rules), size):
            if tries >= _MAX_TRIES:
                return _with(policy, rules)
            tries += 1
            kept = rules[:start] + rules[start + size :]
            if fails(_with(policy, kept)):
                shorter = kept
                break
        if shorter is not None:
            rules = shorter
            size = min(size, max(1, len(rules)))
        elif size == 1:
            break
        else:
            size //= 2
    return _with(policy, rules)


def _with(policy: PolicyIR, rules: list[Rule]) -> PolicyIR:
    return replace(policy, rules=frozenset(rules))
