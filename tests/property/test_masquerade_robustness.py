"""Broken seeds: every cut and flip gives findings, never an exception or a hang."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from policyc.checks import check_file
from policyc.readers.file import read_bytes
from tests.requires import require_shared

_CUTS, _FLIPS, _LARGEST, _SECONDS = 50, 200, 256 * 1024, 5.0
_NAMES = ("a.pdf", "a.jpg", "a.docx", "a.txt", "a.html", "a")


def _seeds() -> list[Path]:
    return sorted(require_shared("masquerade/seeds").glob("*/*"))


def _look(data: bytes, name: str, path: Path) -> None:
    start = time.monotonic()
    check_file(read_bytes(data, f"/d/{name}"))
    assert time.monotonic() - start < _SECONDS, path


@pytest.mark.slow
@pytest.mark.parametrize("name", _NAMES)
def test_seeds_cut_at_fifty_places_never_raise_or_hang(name: str) -> None:
    for path in _seeds():
        data = path.read_bytes()[:_LARGEST]
        for cut in range(_CUTS):
            _look(data[: len(data) * cut // _CUTS], name, path)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_seeds_with_two_hundred_flips_never_raise_or_hang(part: int) -> None:
    """Each flip is in the file together with those before it, so that damage grows."""
    for number, path in enumerate(_seeds()):
        if number % 4 != part:
            continue
        chance = random.Random(path.name)  # noqa: S311
        damaged = bytearray(path.read_bytes()[:_LARGEST])
        for flip in range(_FLIPS):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            # Half of the flips go where the headers are.
            damaged[chance.randrange(min(512, len(damaged)))] ^= 1 << chance.randrange(8)
            _look(bytes(damaged), _NAMES[flip % len(_NAMES)], path)
