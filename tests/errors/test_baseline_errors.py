"""Golden pairs: a faulty baseline and the exact text a user sees.

`POLICYC_UPDATE_GOLDEN=1 pytest tests/errors` writes the outputs anew. Do that only after
reading the difference: a changed message must be a better one.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policyc.baseline import parse_baseline
from policyc.baseline.collector import BASELINE_CODES
from policyc.inventory import InventoryError
from policyc.model.facts import Inventory
from policyc.reports.text import Style, diagnostic_text

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))
NOT_ERRORS = {"B012", "B013", "B014", "B015"}


def _no_inventory(name: str) -> Inventory:
    raise InventoryError(f"{name}: no such inventory")


@pytest.mark.parametrize("name", NAMES)
def test_message(name: str) -> None:
    text = (CASES / f"{name}.yaml").read_text()
    loaded = parse_baseline(text, "policyc.yaml", _no_inventory)
    assert loaded.policy is None
    style = Style(colour=False)
    shown = [diagnostic_text(item, {"policyc.yaml": text}, style) for item in loaded.diagnostics]
    got = "\n\n".join(shown) + "\n"
    expected = CASES / f"{name}.out"
    if os.environ.get("POLICYC_UPDATE_GOLDEN") == "1":
        expected.write_text(got)
    assert got == expected.read_text()
    for item in loaded.diagnostics:
        assert item.remedy, "every error says what to do next"
        assert item.span is not None
    if name[0] == "B":
        assert name[:4] in {item.code for item in loaded.diagnostics}


def test_every_error_code_has_a_case() -> None:
    covered = {name[:4] for name in NAMES}
    assert set(BASELINE_CODES) - covered == NOT_ERRORS


def test_every_error_is_reported_in_one_run() -> None:
    text = (CASES / "all-at-once.yaml").read_text()
    loaded = parse_baseline(text, "policyc.yaml", _no_inventory)
    lines = [item.span.line for item in loaded.diagnostics if item.span is not None]
    assert lines == sorted(lines)
    assert {1, 3, 4, 5} <= set(lines)
