"""Golden pairs: a baseline that a target cannot say exactly, and what a user is told.

A case is `<code>-<target>.yaml`, compiled for that target with a few made files; the output
holds what has the code. `POLICYC_UPDATE_GOLDEN=1 pytest tests/errors` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policyc.baseline import parse_baseline
from policyc.compiler import compile_target
from policyc.lowering.losses import LOSSES
from policyc.model.facts import Platform
from policyc.model.inventory import Inventory
from policyc.reports.text import Style, diagnostic_text, loss_diagnostic
from tests.conformance.probes import file_on

CASES = Path(__file__).parent / "losses"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))
INVENTORY = Inventory(
    files=tuple(file_on(platform, number) for platform in Platform for number in (1, 2, 3))
)


@pytest.mark.parametrize("name", NAMES)
def test_message(name: str) -> None:
    code, target = name.split("-")
    text = (CASES / f"{name}.yaml").read_text()
    loaded = parse_baseline(text, "policyc.yaml", lambda _: INVENTORY)
    assert loaded.policy is not None, loaded.diagnostics
    result = compile_target(loaded.policy, INVENTORY, target)
    assert result.failure is None
    found = [loss_diagnostic(item, accepted=None) for item in result.losses if item.code == code]
    assert found
    style = Style(colour=False)
    got = "\n\n".join(diagnostic_text(item, loaded.sources, style) for item in found) + "\n"
    expected = CASES / f"{name}.out"
    if os.environ.get("POLICYC_UPDATE_GOLDEN") == "1":
        expected.write_text(got)
    assert got == expected.read_text()
    assert all(item.remedy for item in found), "every loss says what to do next"


def test_every_loss_has_a_case() -> None:
    assert {name.split("-")[0] for name in NAMES} == set(LOSSES)
