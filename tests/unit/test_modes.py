"""A mode for each collection."""

from __future__ import annotations

import pytest

from policyc.baseline import parse_baseline
from policyc.inventory import InventoryError
from policyc.model.facts import Collection
from policyc.model.inventory import Inventory
from policyc.model.ir import Mode

HEAD = "policyc: 1\nname: Modes\nmode: audit\nrules: []\n"


def _none(name: str) -> Inventory:
    raise InventoryError(name)


def test_each_collection_has_its_mode() -> None:
    text = HEAD + "governs: {script: audit, executable: enforce}\n"
    policy = parse_baseline(text, "policyc.yaml", _none).policy
    assert policy is not None
    assert policy.governs == {Collection.EXECUTABLE: Mode.ENFORCE, Collection.SCRIPT: Mode.AUDIT}
    assert list(policy.governs) == [Collection.EXECUTABLE, Collection.SCRIPT]


def test_a_list_takes_the_mode_of_the_baseline() -> None:
    policy = parse_baseline(HEAD + "governs: [library]\n", "policyc.yaml", _none).policy
    assert policy is not None
    assert policy.governs == {Collection.LIBRARY: Mode.AUDIT}


@pytest.mark.parametrize("wrong", ["{scripts: audit}", "{script: adit}"])
def test_a_misspelt_word_is_an_error_with_the_nearest(wrong: str) -> None:
    loaded = parse_baseline(HEAD + f"governs: {wrong}\n", "policyc.yaml", _none)
    assert loaded.policy is None
    assert "did you mean" in loaded.diagnostics[0].remedy
