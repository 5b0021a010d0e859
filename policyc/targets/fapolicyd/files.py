"""Which files of a machine are fapolicyd's."""

from __future__ import annotations


def is_ours(name: str) -> bool:
    """Whether a file, by its name, is one of fapolicyd's."""
    base = name.rpartition("/")[2]
    return base.endswith((".rules", ".trust")) or base == "fapolicyd.conf" or "/trust.d/" in name
