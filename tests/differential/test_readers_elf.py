"""ELF facts against pyelftools and readelf on this machine's programs and libraries."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from policyc.model.facts import FileFacts
from policyc.readers.crosscheck import cross_check
from policyc.readers.file import read_file
from tests.corpus import build
from tests.requires import absent, require_tool

pytestmark = pytest.mark.oracle


def system_files(pattern: str, count: int) -> list[tuple[Path, FileFacts]]:
    found: list[tuple[Path, FileFacts]] = []
    for path in sorted(Path("/usr").glob(pattern)):
        if len(found) < count and path.is_file() and not path.is_symlink():
            facts = read_file(path, str(path))
            if isinstance(facts, FileFacts) and facts.elf is not None:
                found.append((path, facts))
    if not found:
        absent(f"ELF files as /usr/{pattern}")
    return found


@pytest.mark.parametrize("pattern", ["bin/*", "lib/*/*.so*", "lib/*/*.o", "sbin/*"])
def test_system_files_have_no_second_opinion(pattern: str) -> None:
    for path, facts in system_files(pattern, 200):
        assert cross_check(path, facts) == (), path


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["exec", "pie", "shared", "static", "static-pie", "core"])
def test_synthetic_files_have_no_second_opinion(
    tmp_path: Path, kind: str, bits: int, order: str
) -> None:
    path = tmp_path / kind
    path.write_bytes(build.elf(kind, bits=bits, order=order))
    facts = read_file(path, str(path))
    assert isinstance(facts, FileFacts)
    assert cross_check(path, facts) == ()


def test_readelf_names_the_same_interpreter_and_libraries() -> None:
    tool = require_tool("readelf")
    for path, facts in system_files("bin/*", 40):
        assert facts.elf is not None
        command = [tool, "--wide", "--program-headers", "--dynamic", str(path)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        interpreter = re.search(r"Requesting program interpreter: (.*)\]", text)
        assert facts.elf.interpreter == (interpreter[1] if interpreter else None)
        assert list(facts.elf.needed) == re.findall(r"\(NEEDED\).*\[(.*)\]", text)
