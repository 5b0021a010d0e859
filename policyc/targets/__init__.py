"""The targets, one line each, loaded when they are first used."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from policyc.targets.base import Target

TARGETS: dict[str, str] = {
    "wdac": "policyc.targets.wdac:TARGET",
    "applocker": "policyc.targets.applocker:TARGET",
    "fapolicyd": "policyc.targets.fapolicyd:TARGET",
    "santa": "policyc.targets.santa:TARGET",
    "ipe": "policyc.targets.ipe:TARGET",
}
"""Target name → ``module:attribute``. Plug-ins add to it by entry point ``policyc.targets``."""


def target_names() -> tuple[str, ...]:
    """Every known target, built-in ones first, plug-ins by name."""
    extra = sorted(point.name for point in entry_points(group="policyc.targets"))
    return (*TARGETS, *(name for name in extra if name not in TARGETS))


def default_targets() -> tuple[str, ...]:
    """Every target that is compiled without being named: all but experimental ones."""
    return tuple(name for name in target_names() if not load_target(name).capabilities.experimental)


def load_target(name: str) -> Target[Any]:
    """Import one target; raises KeyError for an unknown name."""
    reference = TARGETS.get(name)
    if reference is None:
        for point in entry_points(group="policyc.targets"):
            if point.name == name:
                reference = point.value
    if reference is None:
        raise KeyError(name)
    module, _, attribute = reference.partition(":")
    target: Target[Any] = getattr(importlib.import_module(module), attribute)
    return target
