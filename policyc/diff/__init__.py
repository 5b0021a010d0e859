"""Semantic difference of two policies: decisions that change, not lines."""

from __future__ import annotations

from policyc.diff.compare import Machine, compare_sides
from policyc.diff.sides import Side, SideError, open_side

__all__ = ["Machine", "Side", "SideError", "compare_sides", "open_side"]
