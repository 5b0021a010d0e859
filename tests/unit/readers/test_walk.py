"""Walking a tree."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyc.model.inventory import Skipped, SkipReason
from policyc.readers.limits import Limits
from policyc.readers.walk import Entry, endpoint_path, walk


def entries(*roots: Path, limits: Limits = Limits()) -> list[str]:  # noqa: B008
    return [found.relative for found in walk(roots, limits) if isinstance(found, Entry)]


def skipped(*roots: Path, limits: Limits = Limits()) -> list[tuple[str, SkipReason]]:  # noqa: B008
    return [
        (found.path, found.reason) for found in walk(roots, limits) if isinstance(found, Skipped)
    ]


def test_order_is_by_byte_name(tmp_path: Path) -> None:
    for name in ("b", "a", "A", "é", "a.d"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "a.c").mkdir()
    (tmp_path / "a.c" / "x").write_bytes(b"")
    assert entries(tmp_path) == ["A", "a", "a.d", "b", "é", "a.c/x"]


def test_links_are_passed_over_but_a_root_is_resolved(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "file").write_bytes(b"x")
    (real / "again").symlink_to(real)
    (real / "broken").symlink_to("nowhere")
    (tmp_path / "link").symlink_to(real)
    assert entries(tmp_path / "link") == ["file"]
    assert skipped(tmp_path / "link") == []


def test_overlapping_roots_are_walked_once(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"")
    assert entries(tmp_path / "d", tmp_path) == ["f"]
    assert skipped(tmp_path / "d", tmp_path) == []


def test_a_directory_below_itself_is_a_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a bind mount of an ancestor looks like: another path, the same device and inode."""
    (tmp_path / "d" / "again").mkdir(parents=True)
    (tmp_path / "d" / "f").write_bytes(b"")
    top = (tmp_path / "d").stat()

    class Mounted:
        def __init__(self, entry: os.DirEntry[bytes]) -> None:
            self.name, self.path, self.is_symlink = entry.name, entry.path, entry.is_symlink
            self._entry = entry

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            return (
                top if self.name == b"again" else self._entry.stat(follow_symlinks=follow_symlinks)
            )

    @contextlib.contextmanager
    def mounted(path: bytes) -> Iterator[list[Mounted]]:
        with real(path) as listing:
            yield [Mounted(entry) for entry in listing]

    real = os.scandir
    monkeypatch.setattr(os, "scandir", mounted)
    assert entries(tmp_path) == ["d/f"]
    assert skipped(tmp_path) == [("d/again", SkipReason.SYMLINK_LOOP)]


def test_a_file_as_root(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    (found,) = list(walk([tmp_path / "f"]))
    assert isinstance(found, Entry)
    assert (found.relative, found.size) == ("f", 3)
    status = (tmp_path / "f").stat()
    assert found.stamp[3:5] == (status.st_ino, status.st_dev)
    assert found.stamp[1:3] == (status.st_mtime_ns, status.st_ctime_ns)
    assert (found.mode, found.uid) == (status.st_mode, status.st_uid)


def test_special_files_are_skipped_with_a_reason(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert skipped(tmp_path) == [("fifo", SkipReason.NOT_A_FILE)]
    assert skipped(tmp_path / "none")[0][1] is SkipReason.UNREADABLE


def test_unreadable_directories_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "file").write_bytes(b"")
    real = os.scandir

    def refuse(path: bytes) -> object:
        if path.endswith(b"closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert skipped(tmp_path) == [("closed", SkipReason.UNREADABLE)]
    assert entries(tmp_path) == ["file"]


def test_depth_is_bounded(tmp_path: Path) -> None:
    deep = tmp_path / "1" / "2" / "3"
    deep.mkdir(parents=True)
    (deep / "f").write_bytes(b"")
    assert skipped(tmp_path, limits=Limits(max_walk_depth=2)) == [("1/2/3", SkipReason.NESTING)]
    assert entries(tmp_path, limits=Limits(max_walk_depth=3)) == ["1/2/3/f"]


def test_hostile_names_survive(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/new\nline\xff"
    with open(raw, "wb") as stream:  # noqa: PTH123
        stream.write(b"x")
    (found,) = list(walk([tmp_path]))
    assert isinstance(found, Entry)
    assert found.path == raw
    assert os.fsencode(found.relative) == b"new\nline\xff"


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("C:\\", "C:\\a\\b.exe"),
        ("C:/", "C:\\a\\b.exe"),
        ("D:\\Program Files\\", "D:\\Program Files\\a\\b.exe"),
        ("/", "/a/b.exe"),
        ("/opt", "/opt/a/b.exe"),
        ("/opt/", "/opt/a/b.exe"),
    ],
)
def test_endpoint_paths(prefix: str, expected: str) -> None:
    assert endpoint_path("a/b.exe", prefix) == expected


def test_a_relative_prefix_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        endpoint_path("a", "opt")
