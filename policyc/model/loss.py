"""A Loss: one way in which a target's policy is not the baseline's, with its direction."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from policyc.model.facts import Collection
from policyc.model.ir import AllOf, RuleId
from policyc.model.span import NOWHERE, Span


class Drift(enum.Enum):
    """Which way decisions may differ. WIDENS: the target may allow what the baseline denies."""

    WIDENS = "widens"
    NARROWS = "narrows"
    COSMETIC = "cosmetic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A typed loss of meaning.

    ``covers`` describes the files whose decision may differ: a difference in the direction
    of ``drift`` on a file of ``collections`` that satisfies one of ``covers`` is explained
    by this loss.
    ``inventory_hits`` counts such files in the inventory; ``rule`` is None when the loss
    belongs to the policy as a whole. A ``grave`` loss makes machines unusable: it is refused
    until it is accepted, as one that widens is.
    """

    code: str
    target: str
    drift: Drift
    message: str
    remedy: str
    covers: tuple[AllOf, ...]
    collections: frozenset[Collection] = frozenset(Collection)
    rule: RuleId | None = None
    rule_name: str = ""
    inventory_hits: int = 0
    grave: bool = False
    origin: Span = field(default=NOWHERE, compare=False)

    @property
    def refused(self) -> bool:
        """Whether nothing is written until the baseline accepts it."""
        return self.grave or self.drift is Drift.WIDENS
