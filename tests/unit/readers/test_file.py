"""Opening files: what is read, what is skipped, and that nothing is ever followed or waited for."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from policyc.model.facts import FileFacts
from policyc.model.formats import FileFormat
from policyc.model.inventory import Skipped, SkipReason
from policyc.readers.file import READERS, read_bytes, read_file
from policyc.readers.limits import Limits
from tests.corpus import build


def reason(found: FileFacts | Skipped) -> SkipReason:
    assert isinstance(found, Skipped)
    return found.reason


@pytest.mark.parametrize("name", sorted(build.samples()))
def test_pieces_give_the_same_facts_as_the_whole(tmp_path: Path, name: str) -> None:
    data = build.samples()[name]
    path = tmp_path / name
    path.write_bytes(data)
    whole = read_bytes(data, f"/x/{name}")
    assert read_file(path, f"/x/{name}") == whole
    assert read_file(os.fsencode(path), f"/x/{name}", Limits(whole_read=0)) == whole
    assert str(whole.hashes.sha256) == hashlib.sha256(data).hexdigest()
    assert whole.size == len(data)


def test_links_and_directories_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "link").symlink_to("target")
    assert reason(read_file(tmp_path / "link", "/link")) is SkipReason.NOT_A_FILE
    assert reason(read_file(tmp_path, "/dir")) is SkipReason.NOT_A_FILE


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert reason(read_file(tmp_path / "fifo", "/fifo")) is SkipReason.NOT_A_FILE


def test_sockets_and_devices(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(tmp_path / "s"))
        assert reason(read_file(tmp_path / "s", "/s")) is SkipReason.NOT_A_FILE
    assert reason(read_file("/dev/null", "/dev/null")) is SkipReason.NOT_A_FILE


def test_absent_and_impossible_paths(tmp_path: Path) -> None:
    assert reason(read_file(tmp_path / "none", "/none")) is SkipReason.UNREADABLE
    assert reason(read_file("a\0b", "/nul")) is SkipReason.UNREADABLE


def test_a_file_that_shrinks_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shrinking"
    path.write_bytes(bytes(100_000))
    real = os.pread

    def shorten(descriptor: int, length: int, offset: int) -> bytes:
        os.truncate(path, 10)
        return real(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", shorten)
    for limits in (Limits(), Limits(whole_read=0)):
        assert reason(read_file(path, "/x", limits)) is SkipReason.CHANGED
        path.write_bytes(bytes(100_000))


def test_names_survive(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff\nb.exe")
    (tmp_path / name).write_bytes(build.pe())
    found = read_file(tmp_path / name, f"C:\\{name}")
    assert isinstance(found, FileFacts)
    assert (found.path, found.extension, found.actual) == (f"C:\\{name}", "exe", FileFormat.PE)


def test_readers_are_one_a_format() -> None:
    formats = [reader.format for reader in READERS]
    assert len(formats) == len(set(formats))
    assert {FileFormat.PE, FileFormat.ELF, FileFormat.MACHO, FileFormat.SCRIPT} <= set(formats)


def test_importing_the_readers_is_cheap() -> None:
    code = (
        "import sys, policyc.readers;"
        "heavy = ('lief', 'pefile', 'elftools', 'macholib', 'asn1crypto');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
