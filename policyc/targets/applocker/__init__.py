"""AppLocker: Group Policy XML for Windows."""

from __future__ import annotations

from policyc.targets.applocker.capabilities import CAPABILITIES, governs
from policyc.targets.applocker.emit import emit
from policyc.targets.applocker.evaluate import cause, evaluate, evaluate_for
from policyc.targets.applocker.lift import lift_artifact
from policyc.targets.applocker.lower import lower
from policyc.targets.applocker.model import AppLockerPolicy
from policyc.targets.applocker.parse import parse
from policyc.targets.applocker.principals import sid_of
from policyc.targets.base import People, Target

TARGET: Target[AppLockerPolicy] = Target(
    capabilities=CAPABILITIES,
    governs=governs,
    lower=lower,
    emit=emit,
    parse=parse,
    evaluate=evaluate,
    people=People(identify=sid_of, evaluate=evaluate_for),
    cause=cause,
    lift=lift_artifact,
)
