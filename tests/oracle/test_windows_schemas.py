"""Whatever the baseline says, both Windows artifacts are valid against Microsoft's schemas."""

from __future__ import annotations

from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from policyc.lowering.specialise import specialise
from policyc.model.facts import FileFacts, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR
from policyc.targets import load_target
from tests.property.windows import files, policies
from tests.requires import require_shared

pytestmark = pytest.mark.oracle
SETTINGS = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@lru_cache(maxsize=2)
def schema(path: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(require_shared(path))))


def assert_valid(name: str, path: str, policy: PolicyIR, known: list[FileFacts]) -> None:
    target = load_target(name)
    own = specialise(
        policy,
        tuple(facts for facts in known if target.governs(facts)),
        target=name,
        platform=Platform.WINDOWS,
        collections=target.capabilities.collections,
    ).policy
    lowered = target.lower(own, Inventory(files=tuple(known)))
    artifact = target.emit(lowered.model)[0]
    schema(path).assertValid(etree.fromstring(artifact.data))


@pytest.mark.slow
@SETTINGS
@given(
    policy=policies("wdac", {"runtime_path_protection": [True, False]}),
    known=st.lists(files(), max_size=4),
)
def test_app_control(policy: PolicyIR, known: list[FileFacts]) -> None:
    assert_valid("wdac", "wdac/xsd/cipolicy-linux.xsd", policy, known)


@pytest.mark.slow
@SETTINGS
@given(
    policy=policies("applocker", {"services": [True, False]}), known=st.lists(files(), max_size=4)
)
def test_applocker(policy: PolicyIR, known: list[FileFacts]) -> None:
    assert_valid("applocker", "applocker/xsd/AppIdPolicy.HotCakeX.xsd", policy, known)
