"""Members of containers: what is listed, what the limits cut off, and with which reason."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import time
from dataclasses import replace
from pathlib import Path

import pytest

from policyc.model.facts import UNKNOWN, Collection, FileFacts
from policyc.model.inventory import Skipped, SkipReason
from policyc.readers.file import read_tree
from policyc.readers.limits import Limits
from tests.corpus import containers as made
from tests.corpus.build import pe
from tests.requires import require_module, require_shared

EXE = pe()
SCRIPT = b"#!/bin/sh\necho\n"
LIMITS = Limits()


def listing(
    tmp_path: Path,
    name: str,
    data: bytes,
    limits: Limits = LIMITS,
    *,
    as_image: bool = False,
) -> dict[str, FileFacts | SkipReason]:
    """What is inside the file, by the path behind its own."""
    path = tmp_path / name
    path.write_bytes(data)
    items = list(read_tree(path, "/" if as_image else f"/{name}", limits, as_image=as_image))
    found: dict[str, FileFacts | SkipReason] = {}
    for item in items if as_image else items[1:]:
        short = item.path if as_image else item.path.removeprefix(f"/{name}!/")
        assert short not in found
        found[short] = item.reason if isinstance(item, Skipped) else item
    return found


def kinds(found: dict[str, FileFacts | SkipReason]) -> dict[str, str]:
    return {
        name: item.actual.value if isinstance(item, FileFacts) else item.value
        for name, item in found.items()
    }


def test_zip_in_tar_in_gzip(tmp_path: Path) -> None:
    inner = made.zipped([("a/setup.exe", EXE), ("b.sh", SCRIPT)])
    data = gzip.compress(made.files_tar(**{"down__in.zip": inner}))
    assert kinds(listing(tmp_path, "x.tar.gz", data)) == {
        "down/in.zip": "zip",
        "down/in.zip!/a/setup.exe": "pe",
        "down/in.zip!/b.sh": "script",
    }


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_tar_and_single_file(tmp_path: Path, compress: object) -> None:
    assert callable(compress)
    packed = compress(made.files_tar(t=EXE))
    assert kinds(listing(tmp_path, "a.tgz", packed)) == {"t": "pe"}
    assert kinds(listing(tmp_path, "tool.gz", compress(EXE))) == {"tool": "pe"}
    assert listing(tmp_path, "text.gz", compress(b"just text " * 100)) == {}
    cut = listing(tmp_path, "cut.tgz", compress(made.files_tar(t=EXE))[:-20])
    assert SkipReason.MALFORMED in cut.values()


def test_the_member_is_the_file(tmp_path: Path) -> None:
    (outer,) = read_tree(_written(tmp_path / "s.exe", EXE), "/s.exe")
    (member,) = listing(tmp_path, "s.zip", made.zipped([("s.exe", EXE)])).values()
    assert isinstance(outer, FileFacts)
    assert member == replace(outer, path="/s.zip!/s.exe")


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_an_encrypted_member_is_known_by_name_only(tmp_path: Path) -> None:
    (member,) = listing(tmp_path, "e.zip", made.encrypted_zip("bill.pdf.exe", EXE)).values()
    assert isinstance(member, FileFacts)
    assert (member.name, member.extension, member.size) == ("bill.pdf.exe", "exe", len(EXE))
    assert member.hashes.sha256 is UNKNOWN
    assert [trait.kind for trait in member.traits] == ["encrypted"]


def test_names_that_leave_the_folder_are_marked(tmp_path: Path) -> None:
    names = ["/etc/cron.d/x", "../../up", "a/../../b", "C:\\x.exe", "fine..name"]
    found = listing(tmp_path, "n.tar", made.tarred([(name, SCRIPT, "") for name in names]))
    marked = {
        name: [trait.kind for trait in item.traits]
        for name, item in found.items()
        if isinstance(item, FileFacts)
    }
    assert marked == {
        "etc/cron.d/x": ["traversal"],
        "../../up": ["traversal"],
        "a/../../b": ["traversal"],
        "C:/x.exe": ["traversal"],
        "fine..name": [],
    }


def test_hard_links_repeat_and_symbolic_links_do_not_count(tmp_path: Path) -> None:
    data = made.tarred(
        [
            ("a.exe", EXE, ""),
            ("b.txt", None, "hard:a.exe"),
            ("c", None, "a.exe"),
            ("d", None, "hard:no"),
        ]
    )
    found = listing(tmp_path, "l.tar", data)
    assert kinds(found) == {"a.exe": "pe", "b.txt": "pe", "d": "link"}
    linked = found["b.txt"]
    assert isinstance(linked, FileFacts)
    assert [claim.value for claim in linked.claimed] == ["text", "html", "xml"]


def test_debian_package(tmp_path: Path) -> None:
    control = gzip.compress(made.tarred([("./postinst", SCRIPT, "")]))
    data = gzip.compress(made.tarred([("./usr/bin/tool", EXE, "")]))
    assert kinds(listing(tmp_path, "p.deb", made.deb(data, control))) == {
        "DEBIAN/postinst": "script",
        "usr/bin/tool": "pe",
    }


LOWER = made.tarred(
    [
        ("bin/a", SCRIPT, ""),
        ("bin/b", SCRIPT, ""),
        ("opt/x/old", SCRIPT, ""),
        ("etc/gone", SCRIPT, ""),
        ("lib", None, "usr/lib"),
        ("srv/f", SCRIPT, ""),
    ]
)
UPPER = made.tarred(
    [
        ("bin/a", EXE, ""),
        ("etc/.wh.gone", b"", ""),
        ("opt/x/.wh..wh..opq", b"", ""),
        ("opt/x/new", EXE, ""),
        ("bin/b", None, "a"),
        ("srv", SCRIPT, ""),
    ]
)


@pytest.mark.parametrize("make", [made.docker_image, made.oci_image])
def test_container_image_shows_what_the_container_sees(tmp_path: Path, make: object) -> None:
    assert callable(make)
    image = make(LOWER, UPPER)
    seen = {"bin/a": "pe", "opt/x/new": "pe", "srv": "script"}
    assert kinds(listing(tmp_path, "i.tar", image)) == seen
    rooted = kinds(listing(tmp_path, "i.tar", image, as_image=True))
    assert rooted == {f"/{name}": kind for name, kind in seen.items()}


def test_images_only_from_containers(tmp_path: Path) -> None:
    assert kinds(listing(tmp_path, "x.exe", EXE, as_image=True)) == {"/": "unsupported"}


def test_applications_list_only_what_runs(tmp_path: Path) -> None:
    jar = made.zipped(
        [
            ("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n"),
            ("A.class", b"\xca\xfe\xba\xbe\0\0\0\x34\0\x10"),
            ("native/x.dll", EXE),
        ]
    )
    assert kinds(listing(tmp_path, "a.jar", jar)) == {"native/x.dll": "pe"}


def test_installer_files_have_their_target_path(tmp_path: Path) -> None:
    require_module("libarchive")
    data = require_shared("masquerade/seeds/msi/demo2.msi").read_bytes()
    found = listing(tmp_path, "d.msi", data)
    assert kinds(found) == {"ProgramFilesFolder/Demo2/setup.exe": "pe"}
    binary = require_shared("masquerade/seeds/msi/T1218.007_EXE.msi").read_bytes()
    assert kinds(listing(tmp_path, "b.msi", binary)) == {"Binary/EmbeddedExe": "pe"}


def test_zstandard(tmp_path: Path) -> None:
    libarchive = require_module("libarchive")
    buffer = io.BytesIO()
    with libarchive.custom_writer(
        lambda data: buffer.write(data) or len(data), "ustar", filter_name="zstd"
    ) as archive:
        archive.add_file_from_memory("t/a.exe", len(EXE), EXE)
    assert kinds(listing(tmp_path, "a.tar.zst", buffer.getvalue())) == {"t/a.exe": "pe"}


# --- limits ------------------------------------------------------------------------------


def test_bomb_in_the_manner_of_42_zip(tmp_path: Path) -> None:
    start = time.monotonic()
    found = listing(tmp_path, "42.zip", made.bomb())
    assert SkipReason.NESTING in found.values()
    found = listing(tmp_path, "42.zip", made.bomb(levels=2))
    assert found[""] is SkipReason.RATIO
    assert time.monotonic() - start < 60


def test_a_zip_that_contains_itself() -> None:
    """Each level of the quine holds the same file; the depth limit ends it."""
    packed = require_shared("masquerade/crafted/corkami_pocs/c42075/THI_2018_files.zip")
    items = list(read_tree(packed, "/t.zip"))
    inner = [item for item in items if "/r.zip" in item.path]
    assert inner
    assert inner[-1] == Skipped(
        path=inner[-1].path,
        reason=SkipReason.NESTING,
        detail="more than 3 containers in each other",
    )


def test_ten_thousand_archives_in_each_other(tmp_path: Path) -> None:
    found = listing(tmp_path, "deep.tar", made.nested_tar(10_000, EXE))
    assert list(found.values())[-1] is SkipReason.NESTING
    found = listing(tmp_path, "deep.zip", made.nested_zip(500, EXE))
    assert list(found.values())[-1] is SkipReason.NESTING
    deep = listing(
        tmp_path, "deep.zip", made.nested_zip(9, EXE), replace(LIMITS, container_depth=9)
    )
    assert "pe" in kinds(deep).values()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"container_members": 5}, SkipReason.TOO_MANY),
        ({"container_bytes": 4000}, SkipReason.TOO_LARGE),
        ({"container_seconds": -1.0}, SkipReason.TIMEOUT),
        ({"container_ratio": 1, "container_ratio_floor": 100}, SkipReason.RATIO),
    ],
)
def test_limits_for_everything_inside(
    tmp_path: Path, change: dict[str, object], reason: SkipReason
) -> None:
    data = made.zipped([(f"{index}.txt", b"text " * 200) for index in range(10)])
    found = listing(tmp_path, "m.zip", data, replace(LIMITS, **change))  # type: ignore[arg-type]
    assert found[""] is reason


def test_large_members_go_through_a_file(tmp_path: Path) -> None:
    data = made.zipped([("big.exe", EXE + bytes(200_000))])
    small = replace(LIMITS, member_memory=1000)
    one = listing(tmp_path, "b.zip", data, small)
    assert one == listing(tmp_path, "b.zip", data)
    assert isinstance(one["big.exe"], FileFacts)
    assert one["big.exe"].collection is Collection.EXECUTABLE


def test_depth_zero_opens_nothing(tmp_path: Path) -> None:
    data = made.zipped([("a.exe", EXE)])
    assert listing(tmp_path, "a.zip", data, replace(LIMITS, container_depth=0)) == {}


@pytest.mark.parametrize("make", [made.zipped, None])
def test_damage_ends_in_a_recorded_reason(tmp_path: Path, make: object) -> None:
    """Every prefix and many flips of an archive: never an exception, never a loop."""
    members = [("a.exe", EXE), ("d/b.txt", b"text" * 50)]
    data = made.zipped(members) if make else made.tarred([(*item, "") for item in members])
    for cut in range(0, len(data), 97):
        listing(tmp_path, "c.bin", data[:cut])
    for at in range(0, len(data), 31):
        flipped = bytearray(data)
        flipped[at] ^= 0xFF
        listing(tmp_path, "f.bin", bytes(flipped))
