"""For whom a policy is decided, beside somebody that no rule names."""

from __future__ import annotations

from typing import Any

from policyc.model.ir import PolicyIR
from policyc.targets.base import People

MOST = 20
"""Principals that are tried alone; each costs as much as the rest of the verification."""


def personas(policy: PolicyIR, people: People[Any] | None) -> list[frozenset[str]]:
    """Each principal that rules name, with its other names, and somebody who is all of them.

    A principal that the target cannot name is tried too: what is lost with it must be told.
    """
    names = sorted({name for rule in policy.rules for name in rule.principals})
    alike: dict[tuple[bool, str], set[str]] = {}
    for name in names:
        known = None if people is None else people.identify(name)
        alike.setdefault((known is None, known or name), set()).add(name)
    single = [frozenset(alike[key]) for key in sorted(alike)][:MOST]
    everything = frozenset(names)
    return [*single, everything] if len(single) > 1 else single
