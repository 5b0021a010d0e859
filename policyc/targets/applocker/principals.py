"""Users and groups as security identifiers."""

from __future__ import annotations

import re

_SID = re.compile(r"S-1(?:-[0-9]+){2,15}", re.ASCII)

WELL_KNOWN = {
    "everyone": "S-1-1-0",
    "creator owner": "S-1-3-0",
    "authenticated users": "S-1-5-11",
    "interactive": "S-1-5-4",
    "system": "S-1-5-18",
    "local service": "S-1-5-19",
    "network service": "S-1-5-20",
    "administrators": "S-1-5-32-544",
    "users": "S-1-5-32-545",
    "guests": "S-1-5-32-546",
    "power users": "S-1-5-32-547",
}
"""Names that mean the same on every machine ("Well-known SIDs", Windows documentation)."""


def sid_of(name: str) -> str | None:
    """The SID of a well-known name or of a SID itself, or None."""
    if _SID.fullmatch(name):
        return name
    return WELL_KNOWN.get(name.lower())
