"""IPE, the kernel's Integrity Policy Enforcement, for Linux; experimental."""

from __future__ import annotations

from policyc.targets.base import Target
from policyc.targets.ipe.capabilities import CAPABILITIES, governs
from policyc.targets.ipe.emit import emit
from policyc.targets.ipe.evaluate import evaluate
from policyc.targets.ipe.lower import lower
from policyc.targets.ipe.model import IpePolicy
from policyc.targets.ipe.parse import parse

TARGET: Target[IpePolicy] = Target(
    capabilities=CAPABILITIES,
    governs=governs,
    lower=lower,
    emit=emit,
    parse=parse,
    evaluate=evaluate,
)
