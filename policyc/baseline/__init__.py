"""Reading a baseline: YAML text to a policy, every error at its line and column."""

from __future__ import annotations

from policyc.baseline.layers import UnknownProfileError
from policyc.baseline.load import LoadedBaseline, load_baseline, parse_baseline
from policyc.baseline.schema import json_schema

__all__ = [
    "LoadedBaseline",
    "UnknownProfileError",
    "json_schema",
    "load_baseline",
    "parse_baseline",
]
