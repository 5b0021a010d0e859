"""Finished output of a target."""

from __future__ import annotations

from dataclasses import dataclass

COMPANIONS = "deploy/"
"""Where the files that only people and tools read stand below a target's folder."""

PROVENANCE = "provenance.json"
"""Which rule of the baseline each native id comes from, in a target's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file a target writes; ``name`` is relative, with ``/``, below the target's folder.

    ``enforced`` is false for files that only people read (README, scripts): they take no
    part in verification.
    """

    name: str
    data: bytes
    media_type: str
    enforced: bool = True
