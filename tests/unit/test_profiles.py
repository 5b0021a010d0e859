"""Profiles: what one group of machines gets instead."""

from __future__ import annotations

import pytest

from policyc.baseline import UnknownProfileError, parse_baseline
from policyc.inventory import InventoryError
from policyc.model.facts import Collection
from policyc.model.inventory import Inventory
from policyc.model.ir import Mode, PolicyIR

TEXT = """policyc: 1
name: Profiles
mode: audit
governs: {executable: enforce, script: audit}
targets:
  fapolicyd: {version: "1.1", mode: enforce}
  wdac: {collections: [executable]}
rules:
  - {id: tools, permit: {path: /opt/**}}
  - {id: lab, permit: {path: /srv/**}}
profiles:
  site:
    drop: [lab]
    mode: enforce
    rules:
      - {id: site, permit: {path: /site/**}}
    accept:
      - {loss: L022, target: santa, reason: agreed}
  kiosk:
    extends: site
    drop: tools
    governs: [executable]
    targets:
      fapolicyd: {version: "1.3"}
      santa: {governs: {executable: audit}}
    rules:
      - {id: tools, permit: {path: /opt/kiosk/**}}
      - {permit: {from: kiosk.parquet}}
"""


def _load(name: str) -> Inventory:
    if name != "kiosk.parquet":
        raise InventoryError(name)
    return Inventory()


def _policy(profile: str | None) -> PolicyIR:
    loaded = parse_baseline(TEXT, "policyc.yaml", _load, profile=profile)
    assert loaded.policy is not None, loaded.diagnostics
    return loaded.policy


def _paths(policy: PolicyIR) -> dict[str, str]:
    return {rule.name: str(*rule.match.atoms) for rule in policy.rules}


def test_without_a_profile_none_counts() -> None:
    policy = _policy(None)
    assert _paths(policy).keys() == {"tools", "lab"}
    assert policy.governs == {Collection.EXECUTABLE: Mode.ENFORCE, Collection.SCRIPT: Mode.AUDIT}
    assert policy.accepted == ()


def test_a_profile_adds_drops_and_overrides() -> None:
    policy = _policy("site")
    assert _paths(policy).keys() == {"tools", "site"}
    assert set(policy.governs.values()) == {Mode.ENFORCE}
    assert policy.governs.keys() == {Collection.EXECUTABLE, Collection.SCRIPT}
    assert [item.code for item in policy.accepted] == ["L022"]


def test_a_profile_extends_another_and_may_replace_a_rule() -> None:
    policy = _policy("kiosk")
    assert _paths(policy).keys() == {"tools", "site"}
    assert "/opt/kiosk/" in _paths(policy)["tools"]
    assert policy.governs == {Collection.EXECUTABLE: Mode.ENFORCE}
    fapolicyd = policy.targets["fapolicyd"]
    assert (fapolicyd.values["version"], fapolicyd.mode) == ("1.3", Mode.ENFORCE)
    assert policy.targets["santa"].modes == {Collection.EXECUTABLE: Mode.AUDIT}
    assert policy.targets["wdac"].collections == frozenset({Collection.EXECUTABLE})
    assert [item.code for item in policy.accepted] == ["L022"]


def test_an_inventory_of_a_profile_is_read_only_for_it() -> None:
    asked: list[str] = []

    def load(name: str) -> Inventory:
        asked.append(name)
        return Inventory()

    parse_baseline(TEXT, "policyc.yaml", load, profile="site")
    assert asked == []
    parse_baseline(TEXT, "policyc.yaml", load, profile="kiosk")
    assert asked == ["kiosk.parquet"]


def test_an_unknown_profile_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownProfileError, match="did you mean `kiosk`"):
        parse_baseline(TEXT, "policyc.yaml", _load, profile="kisok")


def test_errors_of_a_profile_that_is_not_asked_for_are_told() -> None:
    text = TEXT.replace("/site/**", "site")
    for profile in (None, "kiosk"):
        loaded = parse_baseline(text, "policyc.yaml", _load, profile=profile)
        assert [item.code for item in loaded.diagnostics] == ["B007"]


def test_files_of_a_profile_count_only_for_it() -> None:
    text = TEXT.replace(
        "    drop: [lab]\n", "    drop: [lab]\n    include: [builtin:linux-distro]\n"
    )
    base = parse_baseline(text, "policyc.yaml", _load)
    site = parse_baseline(text, "policyc.yaml", _load, profile="site")
    assert base.policy is not None
    assert site.policy is not None
    assert not any(rule.origin.file.startswith("builtin:") for rule in base.policy.rules)
    assert any(rule.origin.file == "builtin:linux-distro" for rule in site.policy.rules)
