"""Member lists of real archives against bsdtar, 7z and dpkg-deb."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from policyc.model.facts import FileFacts
from policyc.model.formats import FileFormat
from policyc.model.inventory import Skipped, SkipReason
from policyc.readers.file import read_tree
from policyc.readers.limits import Limits
from tests.requires import require_module, require_shared, require_tool

SHALLOW = Limits(container_depth=1)
_BSDTAR = (
    FileFormat.TAR, FileFormat.SEVENZIP, FileFormat.CAB, FileFormat.ISO, FileFormat.XAR,
    FileFormat.RPM,
)  # fmt: skip


def archives(*formats: FileFormat) -> list[tuple[Path, list[FileFacts | Skipped]]]:
    """The files of the corpus with one of these formats, with what is inside."""
    found = []
    for folder in ("masquerade/benign", "masquerade/seeds"):
        for path in sorted(require_shared(folder).rglob("*")):
            if not path.is_file() or path.stat().st_size > 4 << 20:
                continue
            items = list(read_tree(path, "/x", SHALLOW))
            head = items[0]
            if isinstance(head, FileFacts) and head.actual in formats:
                found.append((path, items[1:]))
    return found


def names(items: list[FileFacts | Skipped]) -> set[str]:
    return {
        item.path.removeprefix("/x!/")
        for item in items
        if not (isinstance(item, Skipped) and item.path.endswith("!/"))
    }


def whole(items: list[FileFacts | Skipped]) -> bool:
    return not any(isinstance(item, Skipped) and item.path == "/x!/" for item in items)


def clean(name: str) -> str:
    name = name.replace("\\", "/")
    while name.startswith(("./", "/")):
        name = name[2:] if name.startswith("./") else name[1:]
    return name


@pytest.mark.slow
def test_bsdtar_lists_the_same_files() -> None:
    require_module("libarchive")
    tool = require_tool("bsdtar")
    compared = 0
    for path, items in archives(*_BSDTAR):
        done = subprocess.run(
            [tool, "--numeric-owner", "-tvf", str(path)],
            capture_output=True,
            check=False,
            env={"LC_ALL": "C.UTF-8"},
        )
        if done.returncode != 0:
            # What it cannot read through, neither can we, or we say that something is left.
            continue
        lines = done.stdout.decode("utf-8", "replace").splitlines()
        if not lines:
            # It takes a file that it does not know for an empty archive.
            continue
        files = {
            clean(line.split(None, 8)[8].split(" link to ")[0]) for line in lines if line[0] in "-h"
        }
        assert whole(items), path
        own = {name.encode("utf-8", "replace").decode() for name in names(items)}
        assert own == files, path
        compared += 1
    assert compared >= 20


@pytest.mark.slow
@pytest.mark.parametrize("fmt", [FileFormat.ZIP, FileFormat.SEVENZIP])
def test_seven_zip_lists_the_same_files(fmt: FileFormat) -> None:
    require_module("libarchive")
    tool = require_tool("7z")
    compared = 0
    for path, items in archives(fmt):
        done = subprocess.run(
            [tool, "l", "-slt", "-ba", "-p-", str(path)],
            capture_output=True,
            check=False,
            env={"LC_ALL": "C.UTF-8"},
        )
        if done.returncode != 0 or not whole(items):
            continue
        files, encrypted = set(), set()
        for block in done.stdout.decode("utf-8", "replace").split("\n\n"):
            fields = dict(line.partition(" = ")[::2] for line in block.splitlines())
            folder = (
                fields.get("Folder") == "+" or "D" in fields.get("Attributes", "").split("_")[0]
            )
            if "Path" not in fields or folder or fields["Path"].endswith("/"):
                continue
            files.add(clean(fields["Path"]))
            if fields.get("Encrypted") == "+":
                encrypted.add(clean(fields["Path"]))
        if any(not name.isascii() for name in files | names(items)):
            # Without the UTF-8 flag the code page of a name is anybody's guess.
            continue
        assert names(items) == files, path
        own = {
            item.path.removeprefix("/x!/")
            for item in items
            if (isinstance(item, FileFacts) and any(t.kind == "encrypted" for t in item.traits))
            or (isinstance(item, Skipped) and item.reason is SkipReason.ENCRYPTED)
        }
        assert own == encrypted, path
        compared += 1
    assert compared >= (20 if fmt is FileFormat.ZIP else 3)


def test_dpkg_deb_lists_the_same_files(tmp_path: Path) -> None:
    """A package that dpkg-deb builds, in each compression it has."""
    tool = require_tool("dpkg-deb")
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: acme\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.com>\n"
        "Description: a test\n"
    )
    (tree / "DEBIAN/postinst").write_text("#!/bin/sh\n")
    (tree / "DEBIAN/postinst").chmod(0o755)
    (tree / "usr/bin/tool").write_text("#!/bin/sh\necho tool\n")
    (tree / "usr/bin/link").symlink_to("tool")
    for kind in ("gzip", "xz", "none", "zstd"):
        package = tmp_path / f"{kind}.deb"
        done = subprocess.run(
            [tool, f"-Z{kind}", "--root-owner-group", "-b", str(tree), str(package)],
            capture_output=True,
            check=False,
        )
        if kind == "zstd":
            require_module("libarchive")
        assert done.returncode == 0, done.stderr
        items = list(read_tree(package, "/x"))[1:]
        assert names(items) == {"DEBIAN/control", "DEBIAN/postinst", "usr/bin/tool"}, kind
