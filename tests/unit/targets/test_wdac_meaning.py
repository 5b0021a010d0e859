"""Policies with the same meaning decide alike; the same policy under other names has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from policyc.model.artifact import Artifact
from policyc.model.decision import Verdict
from policyc.model.facts import Collection, Platform
from policyc.targets.wdac.evaluate import evaluate
from policyc.targets.wdac.meaning import meaning
from policyc.targets.wdac.model import (
    USER,
    FileRule,
    FileRuleKind,
    Scenario,
    SignerGroup,
    SiPolicy,
)
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.parse import parse
from policyc.verify.synthetic import blank, sealed

GOLDEN = Path(__file__).parents[2] / "golden"


def compiled(folder: Path) -> SiPolicy:
    files = [path for path in sorted(folder.iterdir()) if path.suffix in (".xml", ".cip")]
    assert len(files) > 1
    return parse(
        tuple(Artifact(name=path.name, data=path.read_bytes(), media_type="") for path in files)
    )


@pytest.fixture(params=["wdac", "wdac-levels/out"])
def policy(request: pytest.FixtureRequest) -> SiPolicy:
    return compiled(GOLDEN / str(request.param))


def test_a_binary_means_what_its_xml_means(policy: SiPolicy) -> None:
    assert policy.compiled is not None
    assert meaning(policy) == meaning(policy.compiled)


def _changes(policy: SiPolicy) -> dict[str, SiPolicy]:
    rule, *rules = policy.file_rules
    signer, *signers = policy.signers
    *others, scenario = policy.scenarios
    group = scenario.product
    fewer = replace(scenario, product=replace(group, rules=group.rules[1:]))
    unsigned = replace(scenario, product=replace(group, allowed=group.allowed[1:]))
    turned = replace(scenario, product=replace(group, allowed=(), denied=group.allowed))
    return {
        "a rule's name": replace(policy, file_rules=(replace(rule, file_name="x"), *rules)),
        "a signer's root": replace(policy, signers=(replace(signer, root="00" * 32), *signers)),
        "an option": replace(policy, options=(*policy.options, Option.WHQL)),
        "a rule less": replace(policy, scenarios=(*others, fewer)),
        "a signer less": replace(policy, scenarios=(*others, unsigned)),
        "denied instead": replace(policy, scenarios=(*others, turned)),
        "of another base": replace(policy, base_policy_id="{00000000-0000-0000-0000-000000000001}"),
    }


def test_what_decides_otherwise_has_another_meaning(policy: SiPolicy) -> None:
    for what, changed in _changes(policy).items():
        assert meaning(changed) != meaning(policy), what


def test_ids_names_and_order_mean_nothing(policy: SiPolicy) -> None:
    renamed = {item.id: f"ID_OTHER_{number}" for number, item in enumerate(policy.file_rules)}

    def ids(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(renamed[name] for name in reversed(names))

    changed = replace(
        policy,
        file_rules=tuple(
            replace(item, id=renamed[item.id], friendly_name="other")
            for item in reversed(policy.file_rules)
        ),
        signers=tuple(
            replace(item, name="other", file_attribs=ids(item.file_attribs))
            for item in reversed(policy.signers)
        ),
        scenarios=tuple(
            replace(
                item,
                friendly_name="other",
                product=replace(
                    item.product,
                    rules=ids(item.product.rules),
                    allowed=tuple(
                        replace(one, exceptions=ids(one.exceptions)) for one in item.product.allowed
                    ),
                    denied=tuple(
                        replace(one, exceptions=ids(one.exceptions)) for one in item.product.denied
                    ),
                ),
            )
            for item in reversed(policy.scenarios)
        ),
        options=tuple(reversed(policy.options)),
    )
    assert meaning(changed) == meaning(policy)


def test_a_binary_that_differs_still_decides(policy: SiPolicy) -> None:
    """The evaluator takes the XML's word only where the binary means the same."""
    everything = FileRule(kind=FileRuleKind.ALLOW, id="ID_ALLOW_ALL", file_name="*")
    scenario = Scenario(
        id="ID_SIGNINGSCENARIO_WINDOWS", value=USER, product=SignerGroup(rules=("ID_ALLOW_ALL",))
    )
    open_ = replace(policy, file_rules=(everything,), scenarios=(scenario,), signers=())
    facts = blank(Platform.WINDOWS, Collection.EXECUTABLE)
    assert facts is not None
    assert evaluate(policy, sealed(facts)).verdict is Verdict.DENY
    decision = evaluate(replace(policy, compiled=open_), sealed(facts))
    assert decision.verdict is Verdict.ALLOW
    assert decision.reason.startswith("the binary decides otherwise than the XML")
