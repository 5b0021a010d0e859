"""Broken seeds: every cut and flip gives findings, never an exception or a hang."""

from __future__ import annotations

import random
import time

import pytest

from policyc.checks import check_file
from policyc.readers import read_bytes
from tests.requires import require_shared

_CUTS, _FLIPS, _LARGEST, _SECONDS = 50, 200, 256 * 1024, 5.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.pdf", "a.jpg", "a.docx", "a.txt", "a.html", "a"])
def test_cut_and_flipped_seeds_never_raise_or_hang(name: str) -> None:
    chance = random.Random(name)  # noqa: S311
    for path in sorted(require_shared("masquerade/seeds").glob("*/*")):
        data = path.read_bytes()
        if len(data) > _LARGEST:
            data = data[:_LARGEST]
        variants = [data[: len(data) * cut // _CUTS] for cut in range(_CUTS)]
        flipped = bytearray(data)
        for _ in range(_FLIPS // 50):
            for _ in range(50):
                flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
            variants.append(bytes(flipped))
        for variant in variants:
            start = time.monotonic()
            check_file(read_bytes(variant, f"/d/{name}"))
            assert time.monotonic() - start < _SECONDS, path
