"""Golden pairs: a faulty baseline and the exact text a user sees.

A case is one YAML file or, where several files are at fault, a folder with a `policyc.yaml`.
What compiles is linted and compiled, too, so that warnings have their pairs.
`POLICYC_UPDATE_GOLDEN=1 pytest tests/errors` writes the outputs anew. Do that only after
reading the difference: a changed message must be a better one.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from policyc.baseline import LoadedBaseline, load_baseline, parse_baseline
from policyc.baseline.acceptance import unused_acceptances
from policyc.baseline.codes import BASELINE_CODES
from policyc.baseline.lint import lint_dates, lint_rules
from policyc.compiler import compile_policy
from policyc.inventory import InventoryError
from policyc.model.diagnostic import Diagnostic, Level
from policyc.model.facts import Platform
from policyc.model.inventory import Inventory
from policyc.reports.text import Style, diagnostic_text
from policyc.targets import target_names
from tests.conformance.probes import file_on

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.iterdir() if path.is_dir() or path.suffix == ".yaml")
DAY = dt.date(2026, 12, 1)
"""The day the cases are linted on."""


def inventory(name: str) -> Inventory:
    if name != "known.parquet":
        raise InventoryError(f"{name}: no such inventory")
    return Inventory(files=(file_on(Platform.LINUX, 1),))


def _load(name: str, monkeypatch: pytest.MonkeyPatch) -> LoadedBaseline:
    if (CASES / name).is_dir():
        monkeypatch.chdir(CASES / name)
        return load_baseline(Path("policyc.yaml"))
    text = (CASES / f"{name}.yaml").read_text()
    return parse_baseline(text, "policyc.yaml", inventory)


def _warnings(loaded: LoadedBaseline) -> tuple[Diagnostic, ...]:
    """What lint and compile say about a baseline without an error."""
    policy = loaded.policy
    if policy is None:
        return ()
    results = compile_policy(policy, Inventory(), target_names())
    used = frozenset(item for result in results for item in result.accepted)
    return (
        *lint_rules(loaded.written),
        *loaded.remarks,
        *lint_dates(loaded.written, (*policy.accepted, *policy.waivers), DAY),
        *unused_acceptances(policy, used),
    )


@pytest.mark.parametrize("name", NAMES)
def test_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = _load(name, monkeypatch)
    found = (*loaded.diagnostics, *_warnings(loaded))
    assert found
    style = Style(colour=False)
    got = "\n\n".join(diagnostic_text(item, loaded.sources, style) for item in found) + "\n"
    expected = CASES / f"{name}.out"
    if os.environ.get("POLICYC_UPDATE_GOLDEN") == "1":
        expected.write_text(got)
    assert got == expected.read_text()
    for item in found:
        assert item.remedy, "every diagnostic says what to do next"
        assert item.span is not None
    assert (loaded.policy is None) == any(item.level is Level.ERROR for item in found)
    if name[0] == "B":
        assert name[:4] in {item.code for item in found}


def test_every_code_has_a_case() -> None:
    assert {name[:4] for name in NAMES if name[0] == "B"} == set(BASELINE_CODES)


def test_every_error_is_reported_in_one_run() -> None:
    text = (CASES / "all-at-once.yaml").read_text()
    loaded = parse_baseline(text, "policyc.yaml", inventory)
    lines = [item.span.line for item in loaded.diagnostics if item.span is not None]
    assert lines == sorted(lines)
    assert {1, 3, 4, 5} <= set(lines)
