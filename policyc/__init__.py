"""policyc: one application-control baseline, four platforms, proved.

The public names load what they need when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from policyc.model.release import VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from policyc.baseline import load_baseline as load_baseline
    from policyc.checks import check_file as check_file
    from policyc.compiler import compile_policy as compile_policy
    from policyc.compiler import verify_artifacts as verify_artifacts
    from policyc.inventory import read_inventory as read_inventory
    from policyc.inventory.scan import scan as scan
    from policyc.model.decision import decide as decide

_PUBLIC = {
    "check_file": "policyc.checks",
    "compile_policy": "policyc.compiler",
    "decide": "policyc.model.decision",
    "load_baseline": "policyc.baseline",
    "read_inventory": "policyc.inventory",
    "scan": "policyc.inventory.scan",
    "verify_artifacts": "policyc.compiler",
}

__all__ = [
    "__version__",
    "check_file",
    "compile_policy",
    "decide",
    "load_baseline",
    "read_inventory",
    "scan",
    "verify_artifacts",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (each name has its own type, see above)
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module 'policyc' has no attribute {name!r}")
    return getattr(importlib.import_module(module), name)
