"""Content that hides in or behind other content: what was seen, as traits for the checks."""

from __future__ import annotations

from policyc.readers.embedded.look import look

__all__ = ["look"]
