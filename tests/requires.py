"""What a test needs beyond the project; absent means a counted skip, or a failure in CI."""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SHARED = PROJECT.parent / "shared" / "data"


def absent(what: str) -> NoReturn:
    """Skip with the reason, or fail where POLICYC_REQUIRE_ALL=1 forbids skips."""
    if os.environ.get("POLICYC_REQUIRE_ALL") == "1":
        pytest.fail(f"POLICYC_REQUIRE_ALL=1 and {what} is absent")
    pytest.skip(f"{what} is absent")


def require_shared(relative: str) -> Path:
    """Return a file or folder of the data folder that stands beside the project."""
    path = SHARED / relative
    if not path.exists():
        absent(f"test data {relative}")
    return path


def require_tool(name: str) -> str:
    """Return the path of a program."""
    path = shutil.which(name)
    if path is None:
        absent(f"the program {name}")
    return path


def require_module(name: str) -> ModuleType:
    """Return an importable module."""
    try:
        return importlib.import_module(name)
    except ImportError:
        absent(f"the Python module {name}")
