"""What is wrong with an AppLocker policy, XML or registry.pol: coded traps with their evidence."""

from __future__ import annotations

from collections.abc import Mapping

from policyc.targets.applocker import lint_deploy, lint_redundant, lint_schema, lint_security
from policyc.targets.applocker.lint_context import REGISTER, Context
from policyc.targets.applocker.read import Placed, Reading, read
from policyc.targets.applocker.registry import is_registry_policy, policy_of, read_entries
from policyc.targets.applocker.tree import load
from policyc.targets.base import ArtifactError
from policyc.targets.lint_register import LintFinding, Place, in_order

_MODULES = (lint_schema, lint_security, lint_deploy, lint_redundant)
"""Modules that fill the register when they are imported."""

_HEAD = 1 << 16
_ROOTS = (b"<AppLockerPolicy", b"<RuleCollection")

MANUALS = {code: f"{rule.manual}\n\nFix: {rule.fix}" for code, rule in REGISTER.rules.items()}
"""The page of each code."""


def is_ours(data: bytes) -> bool:
    """Whether bytes look like an AppLocker policy, XML of any encoding or registry.pol."""
    head = data[:_HEAD].replace(b"\0", b"")
    return is_registry_policy(data) or any(root in head for root in _ROOTS)


def lint(files: Mapping[str, bytes]) -> tuple[LintFinding[Place], ...]:
    """Findings about some files; ArtifactError for one that cannot be read."""
    readings = {name: _reading(name, data) for name, data in files.items()}
    found: list[LintFinding[Place]] = []
    for name, data in files.items():
        others = {other: own for other, own in readings.items() if other != name}
        registry = is_registry_policy(data)
        found += REGISTER.run(Context(name, data, readings[name], registry, others))
    return in_order(found)


def _reading(name: str, data: bytes) -> Reading:
    try:
        if not is_registry_policy(data):
            return read(load(data))
        collections = policy_of(read_entries(data)).collections
    except ArtifactError as error:
        error.artifact = name
        raise
    return Reading(tuple(Placed(item, 0, (0,) * len(item.rules)) for item in collections))
