"""A baseline rule that App Control can express, in one signing scenario."""

from __future__ import annotations

from dataclasses import dataclass

from policyc.model.ir import AllOf, Rule, RuleId, canonical_atom
from policyc.targets.wdac.conditions import SignerTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeRule:
    """``source`` is the baseline rule it stands for; ``signer`` is set for signer rules.

    ``scenario`` is 12 or 131, ``label`` a text for people. The exceptions of a signer rule are
    conditions that file rules can express.
    """

    rule: Rule
    source: RuleId
    scenario: int
    signer: SignerTerms | None = None
    label: str = ""

    @property
    def exceptions(self) -> tuple[AllOf, ...]:
        """In an order that is always the same."""
        return tuple(
            sorted(self.rule.unless, key=lambda item: sorted(map(canonical_atom, item.atoms)))
        )
