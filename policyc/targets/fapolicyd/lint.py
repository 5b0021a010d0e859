"""What is wrong with a machine's rules, trust and settings: coded, explained, by version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from policyc.targets.fapolicyd import lint_files, lint_meaning, lint_rules
from policyc.targets.fapolicyd.daemon import DaemonVersion
from policyc.targets.fapolicyd.lint_context import EVERY_VERSION, REGISTER, Context
from policyc.targets.lint_register import LintFinding, Place

__all__ = ["MANUALS", "lint"]
_MODULES = (lint_files, lint_meaning, lint_rules)
"""Modules that fill the register when they are imported."""

MANUALS = {code: f"{rule.manual}\n\nFix: {rule.fix}" for code, rule in REGISTER.rules.items()}
"""The page of each code."""


def lint(
    files: Mapping[str, str],
    versions: Sequence[DaemonVersion] = EVERY_VERSION,
    writable: frozenset[str] = frozenset(),
) -> tuple[LintFinding[Place], ...]:
    """Findings about the texts of ``/etc/fapolicyd``, by name; ``writable`` are users' files.

    ``compiled.rules`` is left out where ``rules.d`` is there, as it is made from it.
    """
    rules = {name: text for name, text in files.items() if name.endswith(".rules")}
    parts = {name: text for name, text in rules.items() if not name.endswith("compiled.rules")}
    conf = {name: text for name, text in files.items() if name.endswith("fapolicyd.conf")}
    trust = {name: text for name, text in files.items() if name not in rules and name not in conf}
    return REGISTER.run(Context(parts or rules, trust, conf, tuple(versions), writable))
