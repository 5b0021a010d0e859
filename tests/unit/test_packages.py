"""Provenance: dpkg, rpm and Python databases of a scanned tree, and the state of the files."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import struct
import subprocess
from pathlib import Path

import msgspec
import pytest

from policyc.inventory.packages import Packages, for_roots
from policyc.inventory.rpm_header import installed_files
from policyc.inventory.scan import scan
from policyc.inventory.schema import from_row
from policyc.inventory.worker import ScanOptions
from policyc.model.facts import UNKNOWN, FileFacts, PackageRef, PackageState
from tests.requires import require_tool

GOOD, CHANGED = b"#!/bin/sh\necho good\n", b"#!/bin/sh\necho changed\n"


def put(root: Path, path: str, data: bytes) -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def rpm_header(name: str, files: dict[str, bytes], ghost: str = "") -> bytes:
    """A header as rpm keeps it: counts, index, data."""
    folders = sorted({path.rpartition("/")[0] + "/" for path in [*files, *filter(None, [ghost])]})
    paths = [*files, *([ghost] if ghost else [])]
    tags: list[tuple[int, int, int, bytes]] = []

    def strings(tag: int, kind: int, values: list[str]) -> None:
        tags.append((tag, kind, len(values), b"".join(v.encode() + b"\0" for v in values)))

    def numbers(tag: int, values: list[int]) -> None:
        tags.append((tag, 4, len(values), struct.pack(f">{len(values)}I", *values)))

    strings(1000, 6, [name])
    strings(1001, 6, ["1.2"])
    strings(1002, 6, ["3.el9"])
    digests = [hashlib.sha256(data).hexdigest() for data in files.values()]
    strings(1035, 8, digests + ([""] if ghost else []))
    numbers(1037, [0] * len(files) + ([64] if ghost else []))
    numbers(1116, [folders.index(path.rpartition("/")[0] + "/") for path in paths])
    strings(1117, 8, [path.rpartition("/")[2] for path in paths])
    strings(1118, 8, folders)
    numbers(5011, [8])
    index, data = b"", b""
    for tag, kind, count, raw in tags:
        if kind == 4:
            data += bytes(-len(data) % 4)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += raw
    return struct.pack(">II", len(tags), len(data)) + index + data


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with all three databases; one file of each package is changed."""
    top = tmp_path / "image"
    for path in ("bin/tool", "opt/r/one", "usr/lib/python3/site-packages/pkg/a.py"):
        put(top, path, GOOD)
    for path in ("bin/other", "opt/r/two", "usr/lib/python3/site-packages/pkg/b.py"):
        put(top, path, CHANGED)
    put(top, "usr/local/mine", GOOD)
    put(top, "var/lib/dpkg/status", b"Package: acme\nStatus: ok\nVersion: 1:2.0-1\n\n")
    put(top, "var/lib/dpkg/info/acme:amd64.list", b"/.\n/bin\n/bin/tool\n/bin/other\n")
    stated = hashlib.md5(GOOD, usedforsecurity=False).hexdigest()
    sums = f"{stated}  bin/tool\n{stated}  bin/other\n"
    put(top, "var/lib/dpkg/info/acme:amd64.md5sums", sums.encode())
    put(top, "var/lib/rpm/rpmdb.sqlite", b"")
    database = sqlite3.connect(top / "var/lib/rpm/rpmdb.sqlite")
    database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
    blob = rpm_header("acme-rpm", {"/opt/r/one": GOOD, "/opt/r/two": GOOD}, "/opt/r/ghost")
    database.execute("INSERT INTO Packages VALUES (1, ?)", [blob])
    database.commit()
    database.close()
    digest = base64.urlsafe_b64encode(hashlib.sha256(GOOD).digest()).rstrip(b"=").decode()
    record = (
        f"pkg/a.py,sha256={digest},20\npkg/b.py,sha256={digest},20\npkg-3.1.dist-info/RECORD,,\n"
    )
    put(top, "usr/lib/python3/site-packages/pkg-3.1.dist-info/RECORD", record.encode())
    return top


def owners(root: Path, *, verify: bool) -> dict[str, PackageRef | None]:
    options = ScanOptions(prefix="/", jobs=1, verify_packages=verify)
    packages = for_roots([root], "/")
    found = (from_row(msgspec.json.decode(row)) for row in scan([root], options, packages=packages))
    return {
        item.path: item.package
        for item in found
        if isinstance(item, FileFacts) and item.package is not UNKNOWN
    }


def test_every_manager_with_its_states(root: Path) -> None:
    found = owners(root, verify=True)

    def ref(manager: str, name: str, version: str, state: str) -> PackageRef:
        return PackageRef(manager=manager, name=name, version=version, state=PackageState(state))

    assert found["/bin/tool"] == ref("dpkg", "acme", "1:2.0-1", "verified")
    assert found["/bin/other"] == ref("dpkg", "acme", "1:2.0-1", "modified")
    assert found["/opt/r/one"] == ref("rpm", "acme-rpm", "1.2-3.el9", "verified")
    assert found["/opt/r/two"] == ref("rpm", "acme-rpm", "1.2-3.el9", "modified")
    site = "/usr/lib/python3/site-packages/pkg"
    assert found[site + "/a.py"] == ref("python", "pkg", "3.1", "verified")
    assert found[site + "/b.py"] == ref("python", "pkg", "3.1", "modified")
    assert found["/usr/local/mine"] is None


def test_md5_sums_cost_a_second_pass_and_are_only_compared_on_demand(root: Path) -> None:
    found = owners(root, verify=False)
    states = {path: item.state.value for path, item in found.items() if item is not None}
    assert states["/bin/other"] == "unverified"
    assert states["/opt/r/two"] == "modified"


def test_merged_usr_is_followed(root: Path) -> None:
    packages = Packages(root)
    assert packages.owner("/usr/bin/tool") == packages.owner("/bin/tool")
    assert packages.owner("/usr/bin/nothing") is None


def test_only_the_databases_of_the_tree_count(root: Path, tmp_path: Path) -> None:
    assert for_roots([root / "usr"], "/usr") is not None
    assert for_roots([root / "usr"], "/opt") is None
    assert for_roots([tmp_path], "C:\\") is None
    other = tmp_path / "other"
    other.mkdir()
    assert for_roots([other], "/") is None


def test_damaged_databases_are_reported_and_the_others_still_count(root: Path) -> None:
    (root / "var/lib/rpm/rpmdb.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 4000)
    packages = Packages(root)
    assert packages.owner("/bin/tool") is not None
    assert len(packages.problems) == 1


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_cut_headers_are_refused_or_read(cut: int) -> None:
    header = rpm_header("a", {"/x/y": GOOD, "/x/z": GOOD})
    try:
        found = list(installed_files(header[:cut]))
    except ValueError:
        return
    assert len(found) <= 2


def test_this_machine_agrees_with_dpkg() -> None:
    """The owner of every program in /usr/bin, against ``dpkg -S``."""
    require_tool("dpkg")
    packages = for_roots([Path("/usr/bin")], None)
    assert packages is not None
    names = sorted(str(path) for path in Path("/usr/bin").iterdir() if not path.is_symlink())[:400]
    done = subprocess.run(["dpkg", "-S", *names], capture_output=True, text=True, check=False)
    expected: dict[str, set[str]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("diversion"):
            continue
        owner, _, path = line.rpartition(": ")
        expected[path] = {name.partition(":")[0] for name in owner.split(", ")}
    assert len(expected) > 20
    for path, names_of in expected.items():
        owned = packages.owner(path)
        assert owned is not None, path
        assert owned.package.name in names_of, path
