"""Every seeded fault is found, and the documentation says by what."""

from __future__ import annotations

import pytest

from tests.requires import PROJECT
from tests.seeded.detect import found_by
from tests.seeded.mutate import seeded
from tests.seeded.seeds import SEEDS, Seed

PAGE = PROJECT / "docs" / "verification.md"
MISSED = "nothing"


def documented() -> dict[tuple[str, str, str], str]:
    """The rows of the table: target, part and fault, with what found it."""
    rows = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and cells[0] in {s.target for s in SEEDS}:
            rows[cells[0], cells[1], cells[2]] = cells[3]
    return rows


def test_there_are_enough_and_the_page_lists_them_all() -> None:
    assert len(SEEDS) >= 30
    assert set(documented()) == {(seed.target, seed.part, seed.what) for seed in SEEDS}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({seed.target for seed in SEEDS}))
def test_without_a_fault_nothing_is_found(name: str) -> None:
    assert found_by(name) is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS, ids=[f"{s.target} {s.part}: {s.what}" for s in SEEDS])
def test_each_fault_is_found(seed: Seed) -> None:
    with seeded(seed):
        rung = found_by(seed.target)
    assert rung is not None, seed.what
    row = documented().get((seed.target, seed.part, seed.what))
    assert row == rung, f"docs/verification.md says {row}: | {seed.target} | {seed.part} | …"
