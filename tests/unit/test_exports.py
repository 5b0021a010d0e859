"""Inventories from other tools' exports: what is taken over, what stays unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policyc.inventory.exports import ExportError, read_export
from policyc.model.facts import UNKNOWN, Collection, FileFacts, PackageRef
from policyc.model.formats import FileFormat
from policyc.model.signatures import SignatureGrade

DIGEST = "ab" * 32
OTHER = "cd" * 32


def imported(tmp_path: Path, name: str, content: object) -> dict[str, FileFacts]:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return {facts.path: facts for facts in read_export(path)}


OSQUERY = [
    {"path": "C:\\app\\tool.exe", "sha256": DIGEST, "size": "12"},
    {"path": "C:\\app\\tool.exe", "issuer_name": "CA", "subject_name": "X", "result": "trusted"},
    {"path": "C:\\app\\plain.dll", "sha256": OTHER, "issuer_name": "", "result": "missing"},
    {"path": "C:\\app\\run.ps1", "sha256": DIGEST},
    {"path": "relative", "sha256": DIGEST},
    {
        "path": "/Applications/A.app/Contents/MacOS/A", "arch": "arm64", "signed": "1",
        "identifier": "com.acme.a", "cdhash": "1" * 40, "team_identifier": "ABCDE12345",
        "authority": "Developer ID Application: Acme (ABCDE12345)",
    },
    {"path": "/usr/bin/x", "sha256": DIGEST},
]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        OSQUERY,
        "\n".join(json.dumps({"name": "q", "columns": row, "action": "added"}) for row in OSQUERY),
        json.dumps({"name": "q", "snapshot": OSQUERY}),
    ],
    ids=["list", "log", "snapshot"],
)
def test_osquery(tmp_path: Path, content: object) -> None:
    found = imported(tmp_path, "o.json", content)
    assert sorted(found) == sorted(
        {str(row["path"]) for row in OSQUERY if row["path"] != "relative"}
    )
    tool = found["C:\\app\\tool.exe"]
    assert (tool.actual, tool.collection, tool.size) == (FileFormat.PE, Collection.EXECUTABLE, 12)
    assert str(tool.hashes.sha256) == DIGEST
    assert tool.hashes.authenticode_sha256 is UNKNOWN
    assert tool.signatures is UNKNOWN
    assert tool.version_info is UNKNOWN
    assert found["C:\\app\\plain.dll"].signatures == ()
    assert found["C:\\app\\run.ps1"].collection is Collection.SCRIPT
    mac = found["/Applications/A.app/Contents/MacOS/A"].macho
    assert mac is not None
    (piece,) = mac.slices
    assert (str(piece.team), piece.identifier, piece.grade) == (
        "ABCDE12345", "com.acme.a", SignatureGrade.PRODUCTION,
    )  # fmt: skip
    linux = found["/usr/bin/x"]
    assert (linux.actual, linux.collection) == (FileFormat.UNKNOWN, None)


def test_removed_rows_do_not_count(tmp_path: Path) -> None:
    rows = [
        {"columns": {"path": "/a", "sha256": DIGEST}, "action": "removed"},
        {"columns": {"path": "/b", "sha256": DIGEST}, "action": "added"},
    ]
    assert list(imported(tmp_path, "o.json", rows)) == ["/b"]


def test_defender(tmp_path: Path) -> None:
    text = (
        "Timestamp,DeviceName,FileName,FolderPath,SHA256,FileSize,IsSigned\r\n"
        f'1,pc,a.exe,"C:\\Program Files\\A\\a.exe",{DIGEST.upper()},10,\r\n'
        f"1,pc,b.dll,C:\\x\\,{OTHER},,false\r\n"
        "1,pc,b.dll,C:\\x\\b.dll,,,\r\n"
        f"1,pc,t.sh,/opt,{DIGEST},,\r\n"
    )
    found = imported(tmp_path, "mde.csv", text)
    assert sorted(found) == ["/opt/t.sh", "C:\\Program Files\\A\\a.exe", "C:\\x\\b.dll"]
    assert str(found["C:\\Program Files\\A\\a.exe"].hashes.sha256) == DIGEST
    assert found["C:\\x\\b.dll"].signatures == ()
    assert found["C:\\x\\b.dll"].collection is Collection.LIBRARY


def test_cyclonedx(tmp_path: Path) -> None:
    bom = {
        "bomFormat": "CycloneDX",
        "components": [
            {
                "type": "file",
                "name": "/usr/bin/a",
                "hashes": [{"alg": "SHA-256", "content": DIGEST}],
            },
            {
                "type": "library",
                "name": "coreutils",
                "purl": "pkg:deb/debian/core%2Butils@9.1-1?arch=amd64",
                "hashes": [{"alg": "SHA-256", "content": OTHER}],
                "evidence": {"occurrences": [{"location": "/usr/bin/cat"}]},
                "components": [{"type": "file", "name": "/deep"}],
            },
            {"type": "library", "name": "nowhere"},
        ],
    }
    found = imported(tmp_path, "bom.json", bom)
    assert sorted(found) == ["/deep", "/usr/bin/a", "/usr/bin/cat"]
    assert str(found["/usr/bin/a"].hashes.sha256) == DIGEST
    cat = found["/usr/bin/cat"]
    assert cat.hashes.sha256 is UNKNOWN
    assert cat.package == PackageRef(manager="dpkg", name="core+utils", version="9.1-1")
    assert found["/deep"].package is UNKNOWN


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b\n1,2\n", ":1: none of the exports"),
        ("", "none of the exports"),
        ("[]", "no file with an absolute path"),
        ("[1]", "a row|an object"),
        ('{"path": "/a"}\n{"path": \n', ":2:"),
        ('{"bomFormat": "CycloneDX", "components": 5}', "components is not a list"),
    ],
)
def test_what_is_no_export_is_refused_with_the_place(
    tmp_path: Path, content: str, says: str
) -> None:
    with pytest.raises(ExportError, match=says):
        imported(tmp_path, "x.json", content)


def test_nested_components_are_bounded(tmp_path: Path) -> None:
    inner: dict[str, object] = {"type": "file", "name": "/a"}
    for _ in range(60):
        inner = {"components": [inner]}
    with pytest.raises(ExportError, match="nested"):
        imported(tmp_path, "x.json", {"bomFormat": "CycloneDX", **inner})
