"""A baseline rule that App Control can express."""

from __future__ import annotations

from dataclasses import dataclass

from policyc.model.ir import Rule, RuleId
from policyc.targets.wdac.conditions import SignerTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeRule:
    """``source`` is the baseline rule it stands for; ``signer`` is set for signer rules."""

    rule: Rule
    source: RuleId
    signer: SignerTerms | None = None
