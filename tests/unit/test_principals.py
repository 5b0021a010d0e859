"""``principals``: names of a directory become ids, in every file, and wrong ones are told."""

from __future__ import annotations

import pytest

from policyc.baseline import parse_baseline
from policyc.compiler import compile_policy
from policyc.model.inventory import Inventory
from policyc.targets.applocker import TARGET

SID = "S-1-5-21-1004336348-1177238915-682003330-1110"
TEXT = """policyc: 1
name: Example
governs: [executable]
principals:
  CONTOSO\\Helpdesk: {identifier}
rules:
  - id: helpdesk
    {effect}: {{path: 'C:\\Support\\**'}}
    principals: [contoso\\helpdesk, Administrators]
    platforms: [windows]
profiles:
  more:
    rules: [{{id: more, permit: {{path: 'D:\\**'}}, principals: [Contoso\\HELPDESK]}}]
"""


@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_a_domain_group_is_written_as_its_sid(effect: str) -> None:
    loaded = parse_baseline(
        TEXT.format(identifier=SID, effect=effect), "policyc.yaml", lambda _: Inventory()
    )
    assert loaded.policy is not None, loaded.diagnostics
    (result,) = compile_policy(loaded.policy, Inventory(), ("applocker",))
    assert (result.failure, result.losses) == (None, ())
    model = TARGET.parse(tuple(item for item in result.artifacts if item.enforced))
    sids = {rule.sid for own in model.collections for rule in own.rules}
    assert {SID, "S-1-5-32-544"} <= sids


def test_profiles_and_the_rules_as_written_have_ids_too() -> None:
    loaded = parse_baseline(
        TEXT.format(identifier=SID, effect="permit"),
        "policyc.yaml",
        lambda _: Inventory(),
        profile="more",
    )
    assert loaded.policy is not None
    assert {name for rule in loaded.policy.rules for name in rule.principals} == {
        SID,
        "Administrators",
    }
    assert {rule.id for rule in loaded.written} == {rule.id for rule in loaded.policy.rules}


@pytest.mark.parametrize(
    "identifier", ["Sales", "S-1", "S-1-5-ABC-1", "uid:x", "gid:01", "S-1-5-21-1\u0662"]
)
def test_what_is_no_id_is_refused(identifier: str) -> None:
    loaded = parse_baseline(
        TEXT.format(identifier=identifier, effect="permit"), "policyc.yaml", lambda _: Inventory()
    )
    assert [item.code for item in loaded.diagnostics] == ["B007"]
    assert loaded.diagnostics[0].span is not None
    assert loaded.diagnostics[0].span.line == 5


def test_a_table_that_is_none_is_refused() -> None:
    text = "policyc: 1\nname: X\nprincipals: [a]\nrules: []\n"
    loaded = parse_baseline(text, "policyc.yaml", lambda _: Inventory())
    assert "B004" in {item.code for item in loaded.diagnostics}


def test_ids_of_linux_are_taken() -> None:
    text = (
        "policyc: 1\nname: X\nprincipals: {devs: gid:100}\nrules:\n"
        "  - {id: a, permit: {path: /opt/**}, principals: [Devs], platforms: [linux]}\n"
    )
    loaded = parse_baseline(text, "policyc.yaml", lambda _: Inventory())
    assert loaded.policy is not None, loaded.diagnostics
    (rule,) = loaded.policy.rules
    assert rule.principals == {"gid:100"}
