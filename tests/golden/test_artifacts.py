"""Whole artifacts a reviewer can read, from one small baseline and a made-up inventory.

`POLICYC_UPDATE_GOLDEN=1 pytest tests/golden` writes them anew. Do that only after reading
the difference as an administrator would: does the new policy still mean the baseline?
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policyc.baseline import parse_baseline
from policyc.compiler import compile_target
from policyc.model.facts import Inventory, Platform
from policyc.targets import target_names
from tests.conformance.probes import file_on

HERE = Path(__file__).parent
INVENTORY = Inventory(
    files=tuple(file_on(platform, number) for platform in Platform for number in (1, 2, 3))
)


@pytest.mark.parametrize("name", target_names())
def test_artifacts(name: str) -> None:
    text = (HERE / "policyc.yaml").read_text()
    loaded = parse_baseline(text, "policyc.yaml", lambda _: INVENTORY)
    assert loaded.policy is not None, loaded.diagnostics
    result = compile_target(loaded.policy, INVENTORY, name)
    assert result.failure is None
    assert result.refused == ()
    losses = "".join(
        f"{item.code} {item.drift.value} line {item.origin.line}: {item.message}\n"
        for item in result.losses
    )
    produced = {item.name: item.data for item in result.artifacts}
    produced["losses.txt"] = losses.encode()
    folder = HERE / name
    if os.environ.get("POLICYC_UPDATE_GOLDEN") == "1":
        for relative, data in produced.items():
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    expected = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert produced == expected
