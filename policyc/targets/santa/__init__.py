"""Santa: configuration profile and rules for macOS."""

from __future__ import annotations

from policyc.targets.base import Target
from policyc.targets.santa.capabilities import CAPABILITIES, governs
from policyc.targets.santa.describe import describe
from policyc.targets.santa.emit import emit
from policyc.targets.santa.evaluate import evaluate
from policyc.targets.santa.lift import lift
from policyc.targets.santa.lower import lower
from policyc.targets.santa.model import SantaPolicy
from policyc.targets.santa.parse import parse

TARGET: Target[SantaPolicy] = Target(
    capabilities=CAPABILITIES,
    governs=governs,
    lower=lower,
    emit=emit,
    parse=parse,
    evaluate=evaluate,
    describe=describe,
    lift=lift,
)
