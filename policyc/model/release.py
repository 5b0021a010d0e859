"""Which policyc this is."""

from __future__ import annotations

VERSION = "0.1.0"
"""The release, as in pyproject.toml."""
