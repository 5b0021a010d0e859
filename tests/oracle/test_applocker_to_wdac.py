"""The open AppLocker policies as App Control, over 5,000 files: other decisions are told."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
from lxml import etree

from policyc.compiler import compile_target
from policyc.model.artifact import Artifact
from policyc.model.decider import Decider
from policyc.model.decision import Verdict
from policyc.model.facts import FileFacts, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import TargetSettings
from policyc.targets.applocker.decide import Answer, decide
from policyc.targets.applocker.host import THIS
from policyc.targets.applocker.lift import lift
from policyc.targets.applocker.match import matches
from policyc.targets.applocker.model import AppLockerPolicy
from policyc.targets.applocker.parse import parse
from policyc.targets.lifted import Lifted
from policyc.targets.wdac.build import build
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.encode import encode
from policyc.targets.wdac.read import read_xml
from policyc.verify.compare import Agreement, relate
from tests.oracle.test_applocker_policies import NAMES
from tests.oracle.windows_world import windows_world
from tests.requires import require_shared

pytestmark = pytest.mark.oracle
VALID = [name for name, entry in NAMES.items() if "error" not in entry]
SIZE = 5_000
_GUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")


@lru_cache(maxsize=64)
def _policy(name: str) -> AppLockerPolicy:
    data = require_shared(f"applocker/policies/{name}").read_bytes()
    return parse((Artifact(name=name, data=data, media_type="application/xml"),))


@lru_cache(maxsize=1)
def world() -> tuple[FileFacts, ...]:
    """The files, the same for all policies, so that each also meets what it does not name."""
    return windows_world([_policy(name) for name in VALID], SIZE)


def _told(policy: AppLockerPolicy, lifted: Lifted, facts: FileFacts) -> bool:
    """Whether a rule or exception that a note names as lost is about the file."""
    lost = {found[0].lower() for item in lifted.lost if (found := _GUID.match(item.message))}
    return any(
        matches(condition, facts, THIS) is not False
        for own in policy.collections
        for rule in own.rules
        if rule.id.lower() in lost
        for condition in (rule.condition, *rule.exceptions)
    )


def _compared(policy: AppLockerPolicy, lifted: Lifted) -> Counter[str]:
    """The policy as AppLocker decides and as the baseline does, for nobody in particular."""
    decider = Decider(lifted.policy, platform=Platform.WINDOWS)
    found: Counter[str] = Counter()
    for facts in world():
        outcome = decide(policy, facts)
        if outcome.own is None or outcome.answer is Answer.ALLOWED_BY_DEFAULT:
            found["not governed"] += 1
            assert facts.collection not in lifted.policy.governs or _governs_nothing(lifted)
            continue
        wanted = Verdict.UNDETERMINED if outcome.answer is None else Verdict.ALLOW
        wanted = Verdict.DENY if outcome.denies else wanted
        agreement = relate(wanted, decider.decide(facts).verdict)
        if agreement in (Agreement.AGREE, Agreement.UNKNOWN):
            found["same"] += 1
        else:
            assert _told(policy, lifted, facts), (facts.path, outcome)
            found["told"] += 1
    return found


def _governs_nothing(lifted: Lifted) -> bool:
    """A policy without rules has no baseline; a note says so."""
    return any("decides about no kind of file" in item.message for item in lifted.lost)


@pytest.mark.slow
@pytest.mark.parametrize("name", VALID)
def test_an_open_policy_as_app_control(name: str) -> None:
    assert len(world()) == SIZE
    policy = _policy(name)
    lifted = lift(policy)
    counts = _compared(policy, lifted)
    assert sum(counts.values()) == SIZE
    baseline = replace(lifted.policy, targets={"wdac": TargetSettings()})
    result = compile_target(baseline, Inventory(files=world()), "wdac", reduce=False)
    assert result.failure is None, "every difference is covered by a loss"
    assert result.report.mismatches == ()
    (document,) = [item for item in result.artifacts if _is_xml(item)]
    schema = require_shared("wdac/xsd/cipolicy-linux.xsd")
    _schema(str(schema)).assertValid(etree.fromstring(document.data))
    (compiled,) = [
        item for item in result.artifacts if item.enforced and item.name.endswith(".cip")
    ]
    assert build(read_xml(document.data).policy) == compiled.data
    assert encode(decode(unwrap(compiled.data).body)) == compiled.data


def _is_xml(item: Any) -> bool:
    return bool(item.enforced and item.media_type == "application/xml")


@lru_cache(maxsize=1)
def _schema(path: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))
