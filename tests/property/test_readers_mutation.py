"""Damaged files of every format: facts always, an exception or a long wait never."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyc.model.facts import FileFacts
from policyc.readers.file import read_bytes
from policyc.readers.limits import Limits
from tests.corpus import build
from tests.requires import require_shared

_LONGEST = 2.0
_NUMBERS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\1\0\0\0")


def mutants(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Truncations, flipped bits, extreme numbers, noise, moved and repeated pieces."""
    rng = random.Random(seed)  # noqa: S311  (reproducible, not secret)
    for _ in range(count):
        changed = bytearray(data)
        match rng.randrange(6):
            case 0:
                del changed[rng.randrange(len(changed) + 1) :]
            case 1:
                for _ in range(rng.randint(1, 16)):
                    changed[_place(rng, len(data))] ^= 1 << rng.randrange(8)
            case 2:
                for _ in range(rng.randint(1, 4)):
                    place = _place(rng, len(data)) & ~1
                    changed[place : place + 4] = rng.choice(_NUMBERS)
            case 3:
                place = _place(rng, len(data))
                size = rng.randint(1, 64)
                changed[place : place + size] = rng.randbytes(size)
            case 4:
                place, source = _place(rng, len(data)), _place(rng, len(data))
                changed[place:place] = data[source : source + rng.randint(1, 4096)]
            case _:
                place = _place(rng, len(data))
                del changed[place : place + rng.randint(1, 64)]
        yield bytes(changed)


def _place(rng: random.Random, size: int) -> int:
    """A position, half of the time among the headers."""
    return rng.randrange(min(size, 1024)) if rng.random() < 0.5 else rng.randrange(size)


def check(data: bytes, name: str) -> None:
    started = time.perf_counter()
    found = read_bytes(data, f"/x/{name}")
    assert time.perf_counter() - started < _LONGEST
    assert isinstance(found, FileFacts)
    assert found.size == len(data)
    assert hash(found) is not None
    for proof in found.proofs:
        assert data[proof.offset : proof.offset + len(proof.data)] == proof.data


@pytest.mark.parametrize("name", sorted(build.samples()))
def test_mutants_of_synthetic_files(name: str) -> None:
    data = build.samples()[name]
    for mutant in mutants(data, 250, seed=len(name)):
        check(mutant, name)


def test_random_bytes_behind_every_magic() -> None:
    rng = random.Random(20)  # noqa: S311
    for data in build.samples().values():
        for keep in (4, 64, 512):
            for _ in range(10):
                check(data[:keep] + rng.randbytes(2048), "noise.bat")


@pytest.mark.parametrize("signed", [False, True])
def test_mutants_of_the_signature_blob(*, signed: bool) -> None:
    """Only the CMS is damaged, so that every mutant reaches its parser."""
    image = build.pe()
    if signed:
        blob = build.authenticode(image, nested=(build.authenticode(image),))
        for mutant in mutants(blob, 300, seed=1):
            check(build.attach(image, mutant), "a.exe")
        return
    data = build.signed_macho(signer=build.identity(), hash_types=(1, 2, 4))
    start = 0x1000
    for mutant in mutants(data[start:], 300, seed=2):
        check(data[:start] + mutant, "a")


def test_deep_and_wide_encodings_end_quickly() -> None:
    image = build.pe()
    for blob in (
        b"\x30\x80" * 500_000,
        b"\x30\x82\xff\xf0" * 100_000,
        b"\xa0\x80\x30\x80" * 200_000 + b"\0\0" * 400_000,
        b"\x30\x83\x0f\xff\xf0" + b"\x05\x00" * 500_000,
    ):
        check(build.attach(image, blob), "a.exe")


def test_extreme_counts_end_quickly() -> None:
    limits = Limits()
    many = build.zip_of(*(f"name{index}" for index in range(limits.max_members + 100)))
    check(many, "many.zip")
    check(b"#!" + b" " * 1_000_000, "a.sh")
    check(b"#!/" + b"x" * 1_000_000, "a.sh")
    check(b"<!--" * 300_000, "a.html")
    check(b"@if not exist " * 100_000, "a.txt")
    check(b"def a" * 300_000, "noext")
    check(b"PK\x05\x06" * 20_000, "a.zip")
    check(b"\x7fELF" + b"\x02\x01\x01" + bytes(9) + b"\xff" * 400_000, "a")


@pytest.mark.slow
def test_mutants_of_real_files() -> None:
    roots = [require_shared("masquerade/seeds"), require_shared("santa/santa-testdata")]
    files = sorted(path for root in roots for path in root.rglob("*") if path.is_file())
    for index, path in enumerate(files):
        data = Path(path).read_bytes()
        if 0 < len(data) <= 200_000:
            for mutant in mutants(data, 20, seed=index):
                check(mutant, path.name)
