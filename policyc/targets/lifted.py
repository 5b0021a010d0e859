"""A native policy as a baseline: what every target's ``lift`` gives."""

from __future__ import annotations

from dataclasses import dataclass

from policyc.model.ir import PolicyIR
from policyc.model.loss import Drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something the baseline says otherwise than the native policy; ``line`` 0 is unknown.

    ``lost`` is false for what any baseline of the target shares, such as a condition that only
    the endpoint knows. ``what`` is all that was said natively, wherever it stands: two notes with
    the same say that the same is lost. Empty where that is not known. ``drift`` is which way the
    baseline's decisions may differ for it, None where that is not known; ``artifact`` is the file
    of the line, empty where there is one only.
    """

    message: str
    line: int = 0
    lost: bool = True
    what: str = ""
    drift: Drift | None = None
    artifact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """The baseline of a native policy, and what became of the rest, in the order of lines."""

    policy: PolicyIR
    notes: tuple[Note, ...] = ()

    @property
    def lost(self) -> tuple[Note, ...]:
        """The notes on lost meaning."""
        return tuple(item for item in self.notes if item.lost)
