"""Enumerations that are quick to look up."""

from __future__ import annotations

import enum


class Enumeration(enum.Enum):
    """An enumeration whose members are hashed by identity: there is one of each.

    The standard library makes the hash of the name, in Python, at every look into a table.
    """

    __hash__ = object.__hash__
