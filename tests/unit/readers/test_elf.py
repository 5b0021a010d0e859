"""ELF facts and the type fapolicyd gives them."""

from __future__ import annotations

import pytest

from policyc.model.facts import UNKNOWN, Collection, ElfFacts, ElfKind, Fact
from policyc.readers.file import read_bytes
from tests.corpus import build
from tests.corpus.elf_files import LOADER


def elf_facts(data: bytes) -> ElfFacts:
    found = read_bytes(data, "/opt/tool").elf
    assert found is not None
    return found


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("kind", "expected", "static"),
    [
        ("exec", ElfKind.EXECUTABLE, False),
        ("pie", ElfKind.PIE, False),
        ("static", ElfKind.EXECUTABLE, True),
        ("static-pie", ElfKind.PIE, False),
        ("shared", ElfKind.SHARED, False),
        ("object", ElfKind.OBJECT, True),
        ("core", ElfKind.CORE, True),
    ],
)
def test_kinds(bits: int, order: str, kind: str, expected: ElfKind, *, static: bool) -> None:
    found = elf_facts(build.elf(kind, bits=bits, order=order, needed=("liba.so", "libb.so.1")))
    assert (found.kind, found.bits, found.static, found.machine) == (expected, bits, static, 62)
    dynamic = kind in ("exec", "pie", "shared")
    assert found.needed == (("liba.so", "libb.so.1") if dynamic else ())
    assert found.interpreter == (LOADER if kind in ("exec", "pie") else None)


@pytest.mark.parametrize(
    ("kind", "collection"),
    [
        ("exec", Collection.EXECUTABLE),
        ("pie", Collection.EXECUTABLE),
        ("shared", Collection.LIBRARY),
        ("object", None),
    ],
)
def test_collections(kind: str, collection: Collection | None) -> None:
    assert read_bytes(build.elf(kind), "/opt/tool").collection is collection


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("exec", "application/x-executable"),
        ("pie", "application/x-executable"),
        ("static", "application/x-executable"),
        ("static-pie", "application/x-sharedlib"),
        ("shared", "application/x-sharedlib"),
        ("object", "application/x-object"),
        ("core", "application/x-coredump"),
    ],
)
def test_ftype(kind: str, expected: str) -> None:
    assert read_bytes(build.elf(kind), "/opt/tool").ftype == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/usr/lib64/libc.so.6", "application/x-sharedlib"),
        ("/lib/libpthread-2.28.so", "application/x-sharedlib"),
        ("/lib/x86_64-linux-gnu/libc.so.6", "application/x-executable"),
    ],
)
def test_libc_is_a_library_only_where_fapolicyd_expects_it(path: str, expected: str) -> None:
    assert read_bytes(build.elf("pie"), path).ftype == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (build.elf("pie", interpreter="/lib/ld-musl-x86_64.so.1"), UNKNOWN),
        (build.elf("pie")[:60], "application/x-bad-elf"),
        (build.elf("pie")[:100], "application/x-bad-elf"),
        (build.elf("pie")[:-8], "application/x-bad-elf"),
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\3\0\x3e\0" + bytes(44), "application/x-bad-elf"),
    ],
)
def test_damaged_and_foreign_files(data: bytes, expected: Fact[str]) -> None:
    assert read_bytes(data, "/opt/tool").ftype == expected
