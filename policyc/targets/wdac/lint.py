"""What is wrong with a policy although it loads, or before it is tried: coded and explained."""

from __future__ import annotations

from dataclasses import dataclass

from policyc.model.diagnostic import Level
from policyc.targets.wdac import lint_boot, lint_rules
from policyc.targets.wdac.lint_register import OS_NAMES, RULES, Context, rank_of
from policyc.targets.wdac.model import SiPolicy
from policyc.targets.wdac.read import Document

__all__ = ["OS_NAMES", "RULES", "LintFinding", "lint_document", "lint_policy"]
_MODULES = (lint_rules, lint_boot)
"""Modules that fill the register when they are imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintFinding:
    """One finding; ``code`` is ``W001``…, W000 for what the document itself is wrong in."""

    code: str
    level: Level
    line: int
    message: str
    fix: str


def lint_document(document: Document, min_os: str = "1903") -> tuple[LintFinding, ...]:
    """Findings of a document: its own problems, then those of the policy in it."""
    own = tuple(
        LintFinding(
            code="W000",
            level=Level.ERROR if item.fatal else Level.WARNING,
            line=item.line,
            message=item.message,
            fix="write what the schema and the compiler accept",
        )
        for item in document.problems
    )
    return _sorted((*own, *lint_policy(document.policy, min_os)))


def lint_policy(policy: SiPolicy, min_os: str = "1903") -> tuple[LintFinding, ...]:
    """Findings of a policy for machines from ``min_os`` on; KeyError for an unknown name."""
    context = Context(policy=policy, min_os=rank_of(min_os))
    return _sorted(
        tuple(
            LintFinding(code=rule.code, level=rule.level, line=line, message=text, fix=rule.fix)
            for _, rule in sorted(RULES.items())
            for line, text in rule.check(context)
        )
    )


def _sorted(findings: tuple[LintFinding, ...]) -> tuple[LintFinding, ...]:
    return tuple(sorted(findings, key=lambda item: (item.line, item.code, item.message)))
