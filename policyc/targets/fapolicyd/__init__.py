"""fapolicyd: rules, trust and configuration for Linux."""

from __future__ import annotations

from policyc.targets.base import FolderLift, People, Target
from policyc.targets.fapolicyd.capabilities import CAPABILITIES, governs
from policyc.targets.fapolicyd.describe import cause, describe
from policyc.targets.fapolicyd.emit import emit
from policyc.targets.fapolicyd.evaluate import evaluate, evaluate_for
from policyc.targets.fapolicyd.files import is_ours
from policyc.targets.fapolicyd.lift import lift_artifacts
from policyc.targets.fapolicyd.lower import lower
from policyc.targets.fapolicyd.model import FapolicydPolicy
from policyc.targets.fapolicyd.parse import parse
from policyc.targets.fapolicyd.people import identify

TARGET: Target[FapolicydPolicy] = Target(
    capabilities=CAPABILITIES,
    governs=governs,
    lower=lower,
    emit=emit,
    parse=parse,
    evaluate=evaluate,
    people=People(identify=identify, evaluate=evaluate_for),
    lift=lambda artifact: lift_artifacts((artifact,)),
    lift_folder=FolderLift(reads=is_ours, lift=lift_artifacts),
    describe=describe,
    cause=cause,
)
