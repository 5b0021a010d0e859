"""The scan cache: what is reused, what is not, and what an interruption leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from policyc.inventory import read_inventory
from policyc.inventory.cache import Cache, CacheError
from policyc.inventory.fingerprint import tree_digest
from policyc.inventory.scan import ScanSummary, scan
from policyc.inventory.table import write_rows
from policyc.inventory.worker import ScanOptions
from policyc.model.inventory import HostInfo
from policyc.readers.limits import Limits
from tests.corpus.containers import zipped

OLD = 1_700_000_000


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some files; files count as settled at once."""
    monkeypatch.setattr("policyc.inventory.cache._SETTLED_NS", -(10**18))
    root = tmp_path / "tree"
    root.mkdir()
    for index in range(20):
        (root / f"f{index}.sh").write_text(f"#!/bin/sh\necho {index}\n")
    (root / "a.zip").write_bytes(zipped([("in.sh", b"#!/bin/sh\n")]))
    return root


def run(tree: Path, cache_path: Path, output: Path, **change: object) -> ScanSummary:
    options = ScanOptions(jobs=1, **change)  # type: ignore[arg-type]
    last = ScanSummary()

    def seen(summary: ScanSummary) -> None:
        nonlocal last
        last = summary

    cache = Cache(cache_path, [tree], options)
    write_rows(scan([tree], options, seen, cache=cache), HostInfo(), output)
    cache.keep_output(b"walk", output.suffix, b"counts", output)
    cache.close()
    return last


def test_only_what_changed_is_read_again(tree: Path, tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.jsonl" for name in "abc")
    store = tmp_path / "c"
    assert run(tree, store, first).reused == 0
    whole = run(tree, store, second)
    assert (whole.files, whole.members, whole.reused) == (21, 1, 21)
    assert first.read_bytes() == second.read_bytes()
    (tree / "f3.sh").write_text("#!/bin/sh\necho changed\n")
    (tree / "f4.sh").unlink()
    (tree / "new.sh").write_text("#!/bin/sh\n")
    assert run(tree, store, third).reused == 19
    uncached = tmp_path / "d.jsonl"
    write_rows(scan([tree], ScanOptions(jobs=1)), HostInfo(), uncached)
    assert third.read_bytes() == uncached.read_bytes()


def test_a_forged_modification_time_is_noticed(tree: Path, tmp_path: Path) -> None:
    target = tree / "f3.sh"
    before = target.stat()
    store = tmp_path / "c"
    run(tree, store, tmp_path / "a.jsonl")
    text = target.read_text()
    time.sleep(0.02)
    target.write_text(text.replace("3", "9"))
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert target.stat().st_size == before.st_size
    assert run(tree, store, tmp_path / "b.jsonl").reused == 20


def test_other_options_do_not_share_rows(tree: Path, tmp_path: Path) -> None:
    store = tmp_path / "c"
    run(tree, store, tmp_path / "a.jsonl")
    assert run(tree, store, tmp_path / "b.jsonl", prefix="/opt").reused == 0
    assert run(tree, store, tmp_path / "b.jsonl", prefix="/opt").reused == 21


def test_files_that_just_changed_are_not_kept(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("policyc.inventory.cache._SETTLED_NS", 3600 * 10**9)
    store = tmp_path / "c"
    run(tree, store, tmp_path / "a.jsonl")
    assert run(tree, store, tmp_path / "b.jsonl").reused == 0


def test_changed_code_reads_everything_again(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "c"
    run(tree, store, tmp_path / "a.jsonl")
    monkeypatch.setattr("policyc.inventory.cache.SCHEMA_VERSION", 999)
    assert run(tree, store, tmp_path / "b.jsonl").reused == 0


def test_the_whole_inventory_is_kept_for_the_same_walk(tree: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    run(tree, tmp_path / "c", output)
    cache = Cache(tmp_path / "c", [tree], ScanOptions(jobs=1))
    assert cache.output(b"walk", ".jsonl") == (b"counts", output.read_bytes())
    assert cache.output(b"other", ".jsonl") is None
    assert cache.output(b"walk", ".parquet") is None
    cache.close()


@pytest.mark.parametrize("processes", [1, 2])
def test_the_fingerprint_sees_every_change(tree: Path, processes: int) -> None:
    for index in range(80):
        (tree / f"d{index}" / "in").mkdir(parents=True)
        (tree / f"d{index}" / "in" / "x").write_text("x")

    def digest() -> bytes:
        return tree_digest([tree], Limits(), processes)

    seen = {digest()}
    assert digest() in seen
    for change in (
        lambda: (tree / "f0.sh").chmod(0o700),
        lambda: os.utime(tree / "f1.sh", (OLD, OLD)),
        lambda: (tree / "f2.sh").rename(tree / "g2.sh"),
        (tree / "f5.sh").unlink,
        lambda: os.mkfifo(tree / "pipe"),
        lambda: (tree / "d3" / "in" / "x").write_text("y"),
        lambda: (tree / "d4" / "in" / "y").write_text("y"),
        (tree / "d5" / "in" / "x").unlink,
    ):
        change()
        now = digest()
        assert now not in seen
        seen.add(now)


def test_a_file_that_is_no_cache_is_refused(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"not a database" * 100)
    with pytest.raises(CacheError, match="delete it"):
        Cache(tmp_path / "c", [tree], ScanOptions())


@pytest.mark.slow
def test_an_interrupted_scan_goes_on_from_its_cache(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    for index in range(6000):
        path = root / f"f{index}.sh"
        path.write_text(f"#!/bin/sh\necho {index}\n")
    time.sleep(2.1)  # until the files count as settled
    output, store = tmp_path / "i.jsonl", tmp_path / "c"
    command = [
        sys.executable, "-m", "policyc", "scan", str(root), "-o", str(output),
        "--cache", str(store), "-j", "1",
    ]  # fmt: skip
    process = subprocess.Popen(
        # Whoever runs the tests may ignore the signal, as a shell does in the background.
        ["env", "--default-signal=INT", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while process.poll() is None and _kept(store) == 0:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 1, complaint
    assert b"interrupted" in complaint
    assert b"Traceback" not in complaint
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != "c") == ["tree"]
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    reused = int(
        next(line for line in again.stdout.splitlines() if "reused" in line)
        .split()[0]
        .replace(",", "")
    )
    assert 0 < reused < 6000
    assert len(read_inventory(output).files) == 6000
    third = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "6,000 reused" in third.stdout


def _kept(store: Path) -> int:
    wal = store.with_name(store.name + "-wal")
    return wal.stat().st_size // 300_000 if wal.exists() else 0
