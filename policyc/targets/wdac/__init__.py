"""App Control for Business (WDAC): SiPolicy XML for Windows."""

from __future__ import annotations

from policyc.targets.base import Target
from policyc.targets.wdac.capabilities import CAPABILITIES, governs
from policyc.targets.wdac.emit import emit
from policyc.targets.wdac.evaluate import evaluate
from policyc.targets.wdac.lift import lift_artifact
from policyc.targets.wdac.lower import lower
from policyc.targets.wdac.model import SiPolicy
from policyc.targets.wdac.parse import parse

TARGET: Target[SiPolicy] = Target(
    capabilities=CAPABILITIES,
    governs=governs,
    lower=lower,
    emit=emit,
    parse=parse,
    evaluate=evaluate,
    lift=lift_artifact,
)
