"""What is wrong with a policy although it loads, or before it is tried: coded and explained."""

from __future__ import annotations

from policyc.model.diagnostic import Level
from policyc.targets.lint_register import LintFinding, in_order
from policyc.targets.wdac import lint_boot, lint_rules
from policyc.targets.wdac.lint_register import OS_NAMES, REGISTER, Context, rank_of
from policyc.targets.wdac.model import SiPolicy
from policyc.targets.wdac.read import Document

__all__ = ["OS_NAMES", "RULES", "lint_document", "lint_policy"]
_MODULES = (lint_rules, lint_boot)
"""Modules that fill the register when they are imported."""

RULES = REGISTER.rules
"""Every rule by its code."""


def lint_document(document: Document, min_os: str = "1903") -> tuple[LintFinding[int], ...]:
    """Findings of a document: its own problems (W000), and those of the policy in it."""
    own = tuple(
        LintFinding(
            code="W000",
            level=Level.ERROR if item.fatal else Level.WARNING,
            place=item.line,
            message=item.message,
            fix="write what the schema and the compiler accept",
        )
        for item in document.problems
    )
    return in_order((*own, *lint_policy(document.policy, min_os)))


def lint_policy(policy: SiPolicy, min_os: str = "1903") -> tuple[LintFinding[int], ...]:
    """Findings of a policy for machines from ``min_os`` on; KeyError for an unknown name."""
    return REGISTER.run(Context(policy=policy, min_os=rank_of(min_os)))
