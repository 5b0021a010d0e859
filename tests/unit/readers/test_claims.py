"""What file names promise."""

from __future__ import annotations

import pytest

from policyc.model.formats import FileFormat as F
from policyc.readers import read_bytes
from policyc.readers.claims import claimed_by, known_extensions


@pytest.mark.parametrize(
    ("extension", "first"),
    [
        ("pdf", F.PDF),
        ("scr", F.PE),
        ("pyd", F.PE),
        ("jpg", F.JPEG),
        ("docx", F.OOXML),
        ("doc", F.OLE),
        ("txt", F.TEXT),
        ("ps1", F.SCRIPT),
        ("msi", F.MSI),
        ("dylib", F.MACHO),
    ],
)
def test_the_expected_format_comes_first(extension: str, first: F) -> None:
    assert claimed_by(extension)[0] is first


@pytest.mark.parametrize("extension", ["", "1", "xyz", "so", "node", "bin"])
def test_unknown_extensions_claim_nothing(extension: str) -> None:
    assert claimed_by(extension) == ()


def test_no_extension_is_listed_twice() -> None:
    from policyc.readers.claims import _TABLE  # noqa: PLC0415

    listed = [name for _, names in _TABLE for name in names.split()]
    assert sorted(listed) == list(known_extensions())


def test_the_claim_is_a_fact_of_the_file() -> None:
    assert read_bytes(b"MZ", "C:\\Invoice.PDF").claimed == (F.PDF,)
    assert read_bytes(b"x", "/a/.pdf").claimed == ()
