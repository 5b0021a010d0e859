"""docs/language.md says what each target makes of a path pattern, and that is what it writes."""

from __future__ import annotations

import re

import pytest

from policyc.baseline import parse_baseline
from policyc.baseline.layers import DEFAULT_GOVERNS
from policyc.compiler import compile_target
from policyc.model.inventory import Inventory
from policyc.targets import load_target
from tests.requires import PROJECT

PAGE = (PROJECT / "docs" / "language.md").read_text()
COLUMNS = {
    "App Control": "wdac",
    "AppLocker": "applocker",
    "fapolicyd": "fapolicyd",
    "Santa": "santa",
}


def _rows() -> list[tuple[str, str, str]]:
    """Pattern, target and cell of every row of the two tables."""
    found = []
    names: list[str] = []
    for line in PAGE.partition("## Paths")[2].partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            continue
        if cells[0] == "pattern":
            names = [COLUMNS[cell.strip("| ")] for cell in cells[1:]]
        elif cells[0].startswith("`"):
            pattern = cells[0].strip("`")
            found += [(pattern, name, cell) for name, cell in zip(names, cells[1:], strict=True)]
    return found


@pytest.mark.parametrize(("pattern", "name", "cell"), _rows())
def test_a_pattern_becomes_what_the_page_says(pattern: str, name: str, cell: str) -> None:
    own = load_target(name).capabilities.collections & set(DEFAULT_GOVERNS)
    collections = sorted(item.value for item in own)
    text = (
        f"policyc: 1\nname: Paths\ngoverns: [{', '.join(collections)}]\n"
        f"rules:\n  - permit: {{path: '{pattern}'}}\n"
    )
    policy = parse_baseline(text, "policyc.yaml", lambda _: Inventory()).policy
    assert policy is not None
    result = compile_target(policy, Inventory(), name)
    assert result.failure is None
    codes = {item.code for item in result.losses if item.rule is not None}
    assert codes == set(re.findall(r"L[0-9]{3}", cell))
    written = "\n".join(
        item.data.decode("utf-8", "replace") for item in result.artifacts if item.enforced
    )
    match = re.match(r"`(.*)`", cell)
    if match is None:
        assert cell.startswith("hashes")
        assert result.rules == 0
    else:
        assert match[1] in written
        assert match[1] + "*" not in written


def test_both_tables_are_read() -> None:
    assert len(_rows()) == 18
