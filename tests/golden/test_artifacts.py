"""Whole artifacts a reviewer can read, from one small baseline and a made-up inventory.

`POLICYC_UPDATE_GOLDEN=1 pytest tests/golden` writes them anew. Do that only after reading
the difference as an administrator would: does the new policy still mean the baseline?
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from policyc.baseline import parse_baseline
from policyc.compiler import compile_target
from policyc.model.facts import Platform
from policyc.model.identity import AuthenticodeSha1, PageHash
from policyc.model.inventory import Inventory
from policyc.targets import default_targets
from tests.conformance.probes import file_on

HERE = Path(__file__).parent
INVENTORY = Inventory(
    files=tuple(file_on(platform, number) for platform in Platform for number in (1, 2, 3))
)
HASHED = Inventory(
    files=tuple(
        replace(
            facts,
            hashes=replace(
                facts.hashes,
                authenticode_sha1=AuthenticodeSha1(f"{number + 0xA10:040x}"),
                page_sha1=PageHash(f"{number + 0xB10:040x}"),
            ),
        )
        for number in (1, 2, 3)
        for facts in (file_on(Platform.WINDOWS, number),)
    )
)


@pytest.mark.parametrize("name", default_targets())
def test_artifacts(name: str) -> None:
    check(HERE / "policyc.yaml", HERE / name, name, INVENTORY)


def test_every_level_of_app_control() -> None:
    """One rule for every form that App Control has, drivers in their own scenario."""
    folder = HERE / "wdac-levels"
    check(folder / "policyc.yaml", folder / "out", "wdac", HASHED)


def check(baseline: Path, folder: Path, name: str, inventory: Inventory) -> None:
    loaded = parse_baseline(baseline.read_text(), "policyc.yaml", lambda _: inventory)
    assert loaded.policy is not None, loaded.diagnostics
    result = compile_target(loaded.policy, inventory, name)
    assert result.failure is None
    assert result.refused == ()
    losses = "".join(
        f"{item.code} {item.drift.value} line {item.origin.line}: {item.message}\n"
        for item in result.losses
    )
    produced = {item.name: item.data for item in result.artifacts}
    produced["losses.txt"] = losses.encode()
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
