"""PE facts: kinds, digests, version resource."""

from __future__ import annotations

import hashlib
import struct

import pytest

from policyc.model.facts import Collection, FileFacts, PeKind, VersionInfo
from policyc.model.version import FileVersion
from policyc.readers import version_resource
from policyc.readers.file import read_bytes
from policyc.readers.limits import Limits
from tests.corpus import build
from tests.corpus.pe_files import version_resource as resource_of


def facts(data: bytes, name: str = "tool.exe") -> FileFacts:
    return read_bytes(data, f"C:\\{name}")


@pytest.mark.parametrize(
    ("kind", "expected", "collection"),
    [
        ("exe", PeKind.EXECUTABLE, Collection.EXECUTABLE),
        ("dll", PeKind.LIBRARY, Collection.LIBRARY),
        ("driver", PeKind.DRIVER, Collection.DRIVER),
        ("efi", PeKind.EFI, None),
        ("resource-only", PeKind.RESOURCE_ONLY, None),
    ],
)
@pytest.mark.parametrize("machine", [0x14C, 0x8664, 0xAA64])
def test_kinds(kind: str, expected: PeKind, collection: Collection | None, machine: int) -> None:
    found = facts(build.pe(kind, machine=machine, strings={"ProductName": "P"}))
    assert found.pe is not None
    assert (found.pe.kind, found.pe.machine) == (expected, machine)
    assert found.collection is collection


def test_a_library_that_hides_its_code_is_not_resource_only() -> None:
    image = bytearray(build.pe("dll"))
    struct.pack_into("<I", image, 0x80 + 24 + 4, 0)
    struct.pack_into("<I", image, 0x80 + 24 + 16, 0)
    found = facts(bytes(image)).pe
    assert found is not None
    assert found.kind is PeKind.LIBRARY


def test_authenticode_leaves_out_checksum_and_table() -> None:
    image = build.pe(overlay=b"odd")
    changed = bytearray(image)
    changed[0x80 + 24 + 64 : 0x80 + 24 + 68] = b"\x11\x22\x33\x44"
    for data in (image, bytes(changed)):
        hashes = facts(data).hashes
        assert str(hashes.authenticode_sha256) == build.authentihash(image).hex()
        assert str(hashes.authenticode_sha1) == build.authentihash(image, "sha1").hex()
        assert str(hashes.sha256) == hashlib.sha256(data).hexdigest()


def test_first_page_hash() -> None:
    image = build.pe()
    head = image[:0x400]
    covered = head[: 0x80 + 88] + head[0x80 + 92 : 0x128] + head[0x130:]
    expected = hashlib.sha256(covered + bytes(0x1000 - 0x400)).hexdigest()
    assert str(facts(image).hashes.page_sha256) == expected


def test_low_alignment_has_a_page_hash_only_in_pe32() -> None:
    assert facts(build.pe(alignment=0x200)).hashes.page_sha256 is None
    assert facts(build.pe(alignment=0x200, machine=0x14C)).hashes.page_sha1 is not None


def test_absurd_alignment_costs_nothing() -> None:
    assert facts(build.pe(alignment=0xFFFFFFFF)).hashes.page_sha256 is None


def test_a_pe_that_ends_in_its_header_is_still_pe() -> None:
    found = facts(build.pe()[: 0x80 + 40])
    assert found.pe is not None
    assert found.collection is not None


def test_version_resource() -> None:
    strings = {
        "CompanyName": "Example",
        "ProductName": "Tool ™",
        "OriginalFilename": "tool.exe",
        "FileDescription": "",
        "InternalName": "tool",
    }
    found = facts(build.pe(strings=strings, version=(24, 9, 0, 70)))
    assert found.version_info == VersionInfo(
        product_name="Tool ™",
        original_filename="tool.exe",
        internal_name="tool",
        company_name="Example",
        file_version=FileVersion.parse("24.9.0.70"),
    )


def test_only_the_translated_block_counts() -> None:
    data = resource_of({"ProductName": "P"}, table="080904b0", translation="040904b0")
    found = version_resource.parse(data, Limits())
    assert found is not None
    assert found.product_name is None
    assert found.file_version == FileVersion.parse("1.2.3.4")
    same = version_resource.parse(resource_of({"ProductName": "P"}, table="040904B0"), Limits())
    assert same is not None
    assert same.product_name == "P"


def test_no_resource_is_no_version_info() -> None:
    assert facts(build.pe()).version_info is None
    assert version_resource.parse(b"\xff" * 64, Limits()) is None
    assert version_resource.parse(b"", Limits()) is None
