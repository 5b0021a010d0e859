"""The folders that ship beside the code: in a wheel inside the package, else in the source tree."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def root(name: Literal["templates", "baselines"]) -> Path:
    """The folder ``templates`` or ``baselines``; raises FileNotFoundError if it is nowhere."""
    package = Path(__file__).resolve().parent
    for candidate in (package / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{name}: not installed with policyc")
