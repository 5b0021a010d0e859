"""Every fuzz target, briefly; ``make fuzz`` runs them longer (POLICYC_FUZZ examples each)."""

from __future__ import annotations

import contextlib
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

EXAMPLES = int(os.environ.get("POLICYC_FUZZ", "150"))
LONGEST = 10.0
_NUMBERS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\1\0\0\0")


def _edits() -> st.SearchStrategy[list[tuple[str, float, bytes]]]:
    kinds = st.sampled_from(["cut", "flip", "put", "insert", "remove", "repeat"])
    piece = st.one_of(st.sampled_from(_NUMBERS), st.binary(min_size=1, max_size=32))
    # Half of the places are near the start, where the structures are.
    place = st.one_of(st.floats(0, 1), st.floats(0, 0.05))
    return st.lists(st.tuples(kinds, place, piece), min_size=0, max_size=6)


def edited(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    """The seed with these changes."""
    changed = bytearray(data)
    for kind, part, piece in edits:
        at = int(part * len(changed))
        if kind == "cut":
            del changed[at:]
        elif kind == "flip" and at < len(changed):
            changed[at] ^= piece[0] or 1
        elif kind == "put":
            changed[at : at + len(piece)] = piece
        elif kind == "insert":
            changed[at:at] = piece
        elif kind == "remove":
            del changed[at : at + len(piece)]
        elif kind == "repeat":
            changed[at:at] = changed[at : at + 64 * len(piece)]
    return bytes(changed)


@pytest.mark.parametrize("name", sorted(TARGETS))
@pytest.mark.timeout(7200 if EXAMPLES > 1000 else 300)
def test_target(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()
    assert seeds
    for seed in seeds:
        with contextlib.suppress(*target.raises):
            target.feed(seed)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES <= 1000,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(range(len(seeds))), _edits())
    def run(index: int, edits: list[tuple[str, float, bytes]]) -> None:
        data = edited(seeds[index], edits)
        started = time.perf_counter()
        with contextlib.suppress(*target.raises):
            target.feed(data)
        assert time.perf_counter() - started < LONGEST

    run()
