"""An IPE policy as values (security/ipe/policy.h)."""

from __future__ import annotations

from dataclasses import dataclass

EXECUTE = "EXECUTE"
ALLOW, DENY = "ALLOW", "DENY"


@dataclass(frozen=True, slots=True, kw_only=True)
class IpeRule:
    """``op=OP name=value … action=ACTION``: every property must hold; the first rule decides."""

    op: str
    properties: tuple[tuple[str, str], ...]
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IpePolicy:
    """A whole policy. ``defaults`` are (operation, or None for all, and action), in order."""

    name: str
    version: tuple[int, int, int]
    defaults: tuple[tuple[str | None, str], ...]
    rules: tuple[IpeRule, ...] = ()
