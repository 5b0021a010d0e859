"""What file names promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policyc.model.formats import FileFormat as F
from policyc.readers import claims
from policyc.readers.claims import ExtensionsError, claimed_by, read_extensions
from policyc.readers.file import read_bytes

SHIPPED = Path(claims.__file__).with_name("extensions.tsv")


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


def test_the_shipped_table_is_sorted_and_names_a_source_for_every_row() -> None:
    rows = read_extensions(SHIPPED)
    names = [row.name for row in rows]
    assert names == sorted(set(names))
    assert [row.name for row in rows if not row.sources] == []
    assert len(rows) > 700
    assert {row.name for row in rows if row.hidden} >= {"lnk", "url", "pif", "scf", "search-ms"}


def test_users_add_and_replace_rows(tmp_path: Path) -> None:
    table = tmp_path / "own.tsv"
    table.write_text("extension\tclass\tformats\nacme\truns\tpe\n.Pdf2\t\tpdf\n", encoding="utf-8")
    rows = read_extensions(table)
    assert [(row.name, row.kind, row.formats) for row in rows] == [
        ("acme", "runs", (F.PE,)),
        ("pdf2", "", (F.PDF,)),
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "no header"),
        ("extension\tcolour\n", ":1: no column is named 'colour'"),
        ("class\nruns\n", ":1: the column extension is missing"),
        ("extension\tclass\n# a remark\nacme\twalks\n", ":3: 'walks' is no class"),
        ("extension\tformats\nacme\tpdq\n", ":2: 'pdq' is not a valid FileFormat"),
        ("extension\na.b\n", ":2: 'a.b' is no extension"),
        ("extension\na\tb\n", ":2: 2 cells, 1 columns"),
        ("extension\tlure\na\tno\n", ":2: 'no' is neither yes nor empty"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path: Path, text: str, where: str) -> None:
    table = tmp_path / "own.tsv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(ExtensionsError, match=re.escape(where)):
        read_extensions(table)


def test_the_claim_is_a_fact_of_the_file() -> None:
    assert read_bytes(b"MZ", "C:\\Invoice.PDF").claimed == (F.PDF,)
    assert read_bytes(b"x", "/a/.pdf").claimed == ()
