"""The inventory table: both forms, the same bytes twice, hostile names, every path accounted."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyc.inventory import InventoryError, read_inventory, write_inventory
from policyc.inventory.scan import scan
from policyc.inventory.schema import COLUMNS, Cast, RowReader, from_row, to_row
from policyc.inventory.table import encode_row, write_rows
from policyc.inventory.worker import ScanOptions
from policyc.model.facts import (
    UNKNOWN,
    FileFacts,
    Hashes,
    InstallerFacts,
    MachoFacts,
    MachoKind,
    MachoSlice,
    PackageRef,
    Platform,
    PosixFacts,
    ScriptFacts,
    VersionInfo,
)
from policyc.model.formats import FileFormat
from policyc.model.inventory import HostInfo, Inventory, Skipped, SkipReason
from tests.corpus.containers import zipped
from tests.property.strategies import files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "inner").mkdir(parents=True)
    (root / "run.sh").write_text("#!/bin/sh\necho hi\n")
    (root / "empty").write_bytes(b"")
    (root / "inner" / "notes.txt").write_text("hello\n")
    (root / "new\nline.txt").write_text("x")
    (root / "right\u202eto-left.txt").write_text("x")
    os.close(os.open(os.fsencode(root) + b"/bad\xff\xfename", os.O_CREAT | os.O_WRONLY))
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe")
    return root


def _scan(root: Path, path: Path, **options: object) -> Inventory:
    rows = scan([root], ScanOptions(**options))  # type: ignore[arg-type]
    write_rows(rows, HostInfo(platform=Platform.LINUX), path)
    return read_inventory(path)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_two_scans_give_the_same_bytes(tree: Path, tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    _scan(tree, first)
    _scan(tree, second, jobs=2)
    assert first.read_bytes() == second.read_bytes()


def test_nothing_of_a_scan_is_left_for_the_end_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    before = threading.active_count()
    assert len(list(scan([tmp_path], ScanOptions(jobs=2)))) == 1
    assert threading.active_count() == before


def test_both_forms_hold_the_same(tree: Path, tmp_path: Path) -> None:
    assert _scan(tree, tmp_path / "a.jsonl") == _scan(tree, tmp_path / "a.parquet")


def test_every_path_is_a_row_or_a_recorded_skip(tree: Path, tmp_path: Path) -> None:
    inventory = _scan(tree, tmp_path / "a.jsonl")
    names = {facts.name for facts in inventory.files}
    raw = b"bad\xff\xfename".decode("utf-8", "surrogateescape")
    assert names == {
        "run.sh", "empty", "notes.txt", "new\nline.txt", "right\u202eto-left.txt", raw,
    }  # fmt: skip
    skipped = {(item.path.rpartition("/")[2], item.reason) for item in inventory.skipped}
    assert skipped == {("pipe", SkipReason.NOT_A_FILE)}
    assert inventory.host.platform is Platform.LINUX


def test_the_root_is_mapped(tree: Path, tmp_path: Path) -> None:
    inventory = _scan(tree, tmp_path / "a.jsonl", prefix="C:\\Golden")
    by_path = {facts.path: facts for facts in inventory.files}
    assert by_path["C:\\Golden\\inner\\notes.txt"].actual is FileFormat.TEXT
    assert by_path["C:\\Golden\\run.sh"].writable_by_users is UNKNOWN


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_inventory(Inventory(), path)
    before = path.read_bytes()

    def rows() -> object:
        yield b'{"path":"/a"}'
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rows(rows(), HostInfo(), path)  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.jsonl"]


@given(files())
def test_a_row_keeps_every_fact(facts: FileFacts) -> None:
    row = to_row(facts)
    assert from_row(row) == facts
    assert set(row) <= set(COLUMNS)


@given(st.lists(files(), max_size=4), st.randoms(use_true_random=False))
def test_a_row_reads_the_same_however_it_is_written(found: list[FileFacts], random: Random) -> None:
    """Rows alike but for their digests share a mould; others order and space as they like."""
    reader = RowReader()

    def made(value: Cast | Skipped) -> FileFacts:
        assert isinstance(value, Cast)
        return value.file()

    for facts in found:
        row = to_row(facts)
        other = replace(facts, path="/another", size=facts.size + 1)
        names = list(row)
        random.shuffle(names)
        shuffled = {name: row[name] for name in names}
        assert made(reader.read_line(encode_row(facts))) == facts
        assert made(reader.read_line(encode_row(other))) == other
        assert made(reader.read_line(json.dumps(shuffled).encode())) == facts
        assert made(reader.read(shuffled)) == facts


def test_a_skip_keeps_its_reason(tmp_path: Path) -> None:
    skipped = (Skipped(path="/x", reason=SkipReason.TIMEOUT, detail="more than 60 s"),)
    for suffix in (".jsonl", ".parquet"):
        path = tmp_path / f"s{suffix}"
        write_inventory(Inventory(skipped=skipped), path)
        assert read_inventory(path).skipped == skipped


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", ":1"),
        ("not json\n", ":1"),
        ('{"policyc_inventory":99}\n', "schema"),
        ('{"policyc_inventory":1}\n{"size":1}\n', ":2"),
        ('{"policyc_inventory":1}\n{"path":"/a","sha256":"zz"}\n', ":2"),
        ('{"policyc_inventory":1}\n{"path":"/a","size":1,"sha256":5}\n', ":2: a SHA-256 is a text"),
        ('{"policyc_inventory":1}\n{"path":"/a"}\n', ":2: a row has a size"),
        ('{"policyc_inventory":1}\n{"path":"/a","size":"1"}\n', ":2: a row has a size"),
        ('{"policyc_inventory":1}\n{"path":"/a","size":1,"ftype":5}\n', ":2"),
        ('{"policyc_inventory":1}\n{"path":"/a","size":1}x\n', ":2"),
        ('{"policyc_inventory":1}\n{"path":"/a","unknown":["colour"]}\n', ":2"),
        ('{"policyc_inventory":1,"platform":"vms"}\n', "vms"),
    ],
)
def test_a_broken_inventory_names_the_line(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(text)
    with pytest.raises(InventoryError, match=place):
        read_inventory(path)


def test_a_broken_parquet_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(InventoryError, match="broken"):
        read_inventory(path)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("most", [0, 1 << 20])
def test_a_table_is_read_here_and_elsewhere(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, most: int
) -> None:
    """A process of its own reads it where no other thread is in the way; sorted or not."""
    monkeypatch.setattr("policyc.inventory.parquet._SORTED", most)
    expected = _scan(tree, tmp_path / "a.jsonl")
    path = tmp_path / "a.parquet"
    write_inventory(expected, path)
    monkeypatch.setattr(threading, "active_count", lambda: threads)
    assert read_inventory(path) == expected
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InventoryError, match=r"a\.parquet"):
        read_inventory(path)
    assert not multiprocessing.active_children()


EMPTY = FileFacts(
    path="/a", size=1, actual=FileFormat.UNKNOWN, package=None, posix=None, ftype=None
)


@pytest.mark.parametrize(
    "facts",
    [
        EMPTY,
        replace(EMPTY, version_info=VersionInfo()),
        replace(EMPTY, installer=InstallerFacts()),
        replace(EMPTY, macho=MachoFacts(slices=(MachoSlice(arch="", kind=MachoKind.OTHER),))),
        replace(EMPTY, script=ScriptFacts(language="")),
        replace(EMPTY, package=PackageRef(manager="", name="")),
        replace(EMPTY, posix=PosixFacts(mode=0, uid=0, gid=0)),
        replace(EMPTY, signatures=UNKNOWN, findings=()),
        replace(EMPTY, path="/\udcff", hashes=Hashes(sha256=UNKNOWN)),
    ],
)
def test_columns_that_no_row_fills_are_left_out_and_no_others(
    tmp_path: Path, facts: FileFacts
) -> None:
    """A value without a single part is still a value."""
    known = replace(facts, masquerade=None, findings=())
    for suffix in (".jsonl", ".parquet"):
        path = tmp_path / f"a{suffix}"
        write_inventory(Inventory(files=(known,)), path)
        assert read_inventory(path).files == (known,)


def test_a_malformed_row_of_a_table_is_named(tmp_path: Path) -> None:
    connection = duckdb.connect()
    path = tmp_path / "a.parquet"
    size = "CASE i WHEN 3 THEN NULL ELSE 1 END AS size"
    rows = f"SELECT '/' || (9 - i) AS path, {size} FROM range(5) t(i)"  # noqa: S608
    metadata = "KV_METADATA {policyc_inventory: '{\"policyc_inventory\":3}'}"
    connection.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet, {metadata})")
    connection.close()
    with pytest.raises(InventoryError, match=r"a\.parquet:4: a row has a size"):
        read_inventory(path)


def test_a_table_that_stops_its_reader_is_an_error(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _scan(tree, tmp_path / "a.parquet")
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr("policyc.inventory.parquet._messages", _dies)
    with pytest.raises(InventoryError, match="may be damaged"):
        read_inventory(tmp_path / "a.parquet")
    assert not multiprocessing.active_children()


def test_a_table_of_something_else_is_an_error(tmp_path: Path) -> None:
    connection = duckdb.connect()
    for number, more in enumerate(("", ", KV_METADATA {policyc_inventory: '{'}")):
        path = tmp_path / f"other{number}.parquet"
        connection.execute(f"COPY (SELECT 1 AS size) TO '{path}' (FORMAT parquet{more})")
        with pytest.raises(InventoryError, match=r"not a policyc inventory|its metadata"):
            read_inventory(path)
    connection.close()


def _dies(*_: object, **__: object) -> Iterator[FileFacts]:
    os._exit(11)
    yield


def test_a_reader_that_dies_costs_only_the_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process of a few files is forked, so that a patched reader dies in it."""
    (tmp_path / "bad.zip").write_bytes(zipped([("a.txt", b"x")]))
    (tmp_path / "good.sh").write_text("#!/bin/sh\n")
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr("policyc.readers.containers.zips.members", _dies)
    inventory = _scan(tmp_path, tmp_path.parent / "died.jsonl")
    assert sorted(facts.name for facts in inventory.files) == ["bad.zip", "good.sh"]
    (skipped,) = inventory.skipped
    assert skipped.path.endswith("bad.zip!/")
    assert skipped.reason is SkipReason.CRASHED


def test_a_reader_that_always_dies_is_a_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.sh").write_text("#!/bin/sh\n")
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr("policyc.inventory.worker.read_tree", _dies)
    inventory = _scan(tmp_path, tmp_path.parent / "died.jsonl")
    assert inventory.files == ()
    assert [item.reason for item in inventory.skipped] == [SkipReason.CRASHED]


def test_a_table_that_needs_more_memory_gets_it(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _scan(tree, tmp_path / "a.parquet")
    monkeypatch.setattr("policyc.inventory.parquet._MEMORY", ("1MB", "4GB"))
    _scan(tree, tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
