"""Write the table of seeded faults into docs/verification.md: ``python -m tests.seeded``."""

from __future__ import annotations

from tests.seeded.detect import found_by
from tests.seeded.mutate import seeded
from tests.seeded.seeds import SEEDS
from tests.seeded.test_seeded import MISSED, PAGE

HEAD = "| target | part | fault | found by |\n|---|---|---|---|\n"


def main() -> None:
    """Try every fault and put what found it in place of the old rows."""
    rows = []
    for seed in SEEDS:
        with seeded(seed):
            rows.append(f"| {seed.target} | {seed.part} | {seed.what} | {_rung(seed.target)} |\n")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(HEAD)
    after = rest[rest.index("\n\n") :].lstrip("\n")
    PAGE.write_text(f"{before}{HEAD}{''.join(rows)}\n{after}", encoding="utf-8")


def _rung(target: str) -> str:
    return found_by(target) or MISSED


if __name__ == "__main__":
    main()
