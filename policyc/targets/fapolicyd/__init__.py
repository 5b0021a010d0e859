"""fapolicyd: rules, trust and configuration for Linux."""

from __future__ import annotations

from policyc.targets.base import Target
from policyc.targets.fapolicyd.capabilities import CAPABILITIES, governs
from policyc.targets.fapolicyd.describe import describe
from policyc.targets.fapolicyd.emit import emit
from policyc.targets.fapolicyd.evaluate import evaluate
from policyc.targets.fapolicyd.lower import lower
from policyc.targets.fapolicyd.model import FapolicydPolicy
from policyc.targets.fapolicyd.parse import parse

TARGET: Target[FapolicydPolicy] = Target(
    capabilities=CAPABILITIES,
    governs=governs,
    lower=lower,
    emit=emit,
    parse=parse,
    evaluate=evaluate,
    describe=describe,
)
