"""Masquerade checks at this stage: each code fires where it must and not beside it."""

from __future__ import annotations

import pytest

from policyc.checks import CHECKS, check_file
from policyc.model.diagnostic import Level
from policyc.readers.file import read_bytes
from tests.corpus import build

SHELL = b"#!/bin/sh\necho hello\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde"


def codes(data: bytes, name: str) -> dict[str, Level]:
    return {item.code: item.level for item in check_file(read_bytes(data, f"/d/{name}"))}


@pytest.mark.parametrize("name", ["invoice.pdf", "photo.jpg", "sheet.xlsx", "clip.mp4", "a.zip"])
def test_a_program_behind_a_passive_name_is_an_error(name: str) -> None:
    for data in (build.pe(), build.elf()):
        assert codes(data, name)["M003"] is Level.ERROR


@pytest.mark.parametrize("name", ["tool.exe", "tool.dll", "tool", "libx.so.1.2", "vim.basic"])
def test_an_honest_name_is_silent(name: str) -> None:
    data = build.pe() if name.endswith(("exe", "dll")) else build.elf()
    assert codes(data, name) == {}


def test_a_script_behind_a_name() -> None:
    assert codes(SHELL, "photo.jpg") == {"M004": Level.ERROR}
    assert codes(SHELL, "notes.txt") == {"M004": Level.WARNING}
    assert codes(SHELL, "run.sh") == {}
    assert codes(SHELL, "run") == {}


def test_missing_structure_and_siblings() -> None:
    assert codes(b"@echo off\r\ndel x\r\n", "report.pdf") == {"M004": Level.ERROR}
    assert codes(b"hello there\r\n", "report.pdf") == {"M005": Level.WARNING}
    assert codes(PNG, "photo.jpg") in ({}, {"M005": Level.INFO})


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("invoice.pdf.exe", "M002"),
        ("invoice\u202efdp.exe", "M001"),
        ("report.exe ", "M007"),
        ("setup.msi", "M006"),
    ],
)
def test_names_that_deceive(name: str, code: str) -> None:
    assert code in codes(build.pe(), name)


@pytest.mark.parametrize("name", ["archive.tar.gz", "app.min.js", "v1.2.exe", "7z.exe.config"])
def test_names_that_do_not(name: str) -> None:
    assert not {"M001", "M002", "M007"} & set(codes(b"text\n", name))


def test_every_finding_can_be_checked() -> None:
    (finding,) = check_file(read_bytes(build.pe(), "/d/invoice.pdf"))
    data = build.pe()
    assert finding.proofs
    for proof in finding.proofs:
        assert data[proof.offset : proof.offset + len(proof.data)] == proof.data
    assert finding.sha256 is not None
    assert finding.techniques == ("T1036.008", "T1204.002")
    assert finding.claimed == ("pdf",)
    assert finding.actual == "pe"


def test_every_check_has_a_manual() -> None:
    for check in CHECKS.values():
        assert len(check.manual.strip().splitlines()) >= 3
        assert "Why:" in check.manual


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("report.pdf\u200b.exe", "M008"),
        ("report.pdf\r.exe", "M009"),
        ("report.\u0435\u0445\u0435", "M010"),
        ("report.exe\u2024pdf", "M011"),
        ("notes.txt:tool.exe", "M012"),
        ("shell.exe;.jpg", "M013"),
        ("x.{20D04FE0-3AEA-1069-A2D8-08002B30309D}", "M014"),
        ("report.pdf\udcff.exe", "M015"),
        ("report.pdf" + " " * 40 + ".exe", "M016"),
        ("svch0st.exe", "M017"),
    ],
)
def test_each_deception_of_a_name_has_its_code(name: str, code: str) -> None:
    assert code in codes(build.pe(), name)


@pytest.mark.parametrize("name", ["می\u200cخواهم.txt", "👩\u200d💻 photo.jpg", "日本語　資料.txt"])
def test_joiners_and_wide_blanks_of_real_scripts_are_honest(name: str) -> None:
    assert not {"M008", "M016"} & set(codes(b"", name))


def test_programs_and_text_behind_a_picture() -> None:
    gif = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
    assert codes(gif, "a.gif") == {}
    assert codes(gif + build.pe(), "a.gif") == {"M030": Level.ERROR}
    assert "M032" in codes(b"GIF89a;\n<?php system($_GET['c']); ?>" + b" " * 40, "a.gif")
    assert codes(b"MZ is a person\n", "a.txt") == {}
