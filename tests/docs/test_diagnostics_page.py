"""docs/diagnostics.md holds the page of every code, with what a user sees."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from policyc.baseline import LoadedBaseline, parse_baseline
from policyc.baseline.codes import BASELINE_CODES
from policyc.baseline.lint import lint_rules
from policyc.checks import CHECKS
from policyc.cli.manual import page_of
from policyc.lowering.losses import LOSSES
from policyc.model.diagnostic import Diagnostic
from policyc.reports.text import Style, diagnostic_text
from policyc.targets.applocker.lint import MANUALS
from policyc.targets.wdac.lint import RULES
from tests.errors.test_baseline_errors import inventory
from tests.requires import PROJECT

PAGE = PROJECT / "docs" / "diagnostics.md"
LOSS_CASES = Path(__file__).parents[1] / "errors" / "losses"
HEAD = """# Diagnostics

Every code, as `policyc explain CODE` prints it, with an example of what is shown. Codes of
masquerade findings (M) are in [masquerade.md](masquerade.md).

"""
START = "policyc: 1\nname: Example\n"


def _found(text: str) -> tuple[LoadedBaseline, list[Diagnostic]]:
    loaded = parse_baseline(START + text, "policyc.yaml", inventory)
    if loaded.policy is None:
        return loaded, list(loaded.diagnostics)
    return loaded, [*loaded.diagnostics, *lint_rules(loaded.written), *loaded.remarks]


@pytest.mark.parametrize("code", BASELINE_CODES)
def test_the_wrong_lines_are_wrong_and_the_right_ones_right(code: str) -> None:
    page = BASELINE_CODES[code]
    if page.wrong:
        assert code in {item.code for item in _found(page.wrong)[1]}
    if page.right:
        loaded, found = _found(page.right)
        assert loaded.policy is not None
        assert found == []


@pytest.mark.parametrize("code", [*CHECKS, *LOSSES, *BASELINE_CODES, *RULES, *MANUALS])
def test_every_code_has_a_page_with_a_next_step(code: str) -> None:
    page = page_of(code)
    assert page is not None
    title, _, text = page.partition("\n\n")
    assert title.startswith(code)
    assert len(text.split()) >= 3
    assert all(len(line) <= 100 for line in page.splitlines())


def _fenced(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```\n"


def _section(code: str) -> str:
    page = page_of(code) or ""
    title, _, text = page.partition("\n\n")
    parts = [f"## {title}\n", f"{text}\n"]
    if code in LOSSES:
        for case in sorted(LOSS_CASES.glob(f"{code}-*.yaml")):
            shown = case.read_text() + "\n" + case.with_suffix(".out").read_text()
            parts.append(_fenced(shown))
    if code in BASELINE_CODES and BASELINE_CODES[code].wrong:
        loaded, found = _found(BASELINE_CODES[code].wrong)
        own = next(item for item in found if item.code == code)
        parts.append(_fenced(diagnostic_text(own, loaded.sources, Style(colour=False))))
    return "\n".join(parts)


def page() -> str:
    codes = sorted([*BASELINE_CODES, *LOSSES, *RULES, *MANUALS])
    return HEAD + "\n".join(_section(code) for code in codes)


def test_the_page_is_what_the_program_says() -> None:
    if os.environ.get("POLICYC_UPDATE_GOLDEN") == "1":
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


def test_code_is_not_in_two_tables() -> None:
    tables = ([*CHECKS], [*LOSSES], [*BASELINE_CODES], [*RULES], [*MANUALS])
    everything = [code for table in tables for code in table]
    assert len(everything) == len(set(everything))
    assert all(re.fullmatch(r"[A-Z][0-9]{3}", code) for code in everything)
