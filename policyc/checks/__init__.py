"""Masquerade checks: what a file is against what its name claims."""

from __future__ import annotations

from policyc.checks import content, hidden, icons, identity, members, names
from policyc.checks.registry import CHECKS, Check, check_file, judged

__all__ = [
    "CHECKS",
    "Check",
    "check_file",
    "content",
    "hidden",
    "icons",
    "identity",
    "judged",
    "members",
    "names",
]
