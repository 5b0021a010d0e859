"""What other tools say: asked rarely, believed only where measured, never deciding alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from policyc.checks import check_file
from policyc.model.facts import Trait
from policyc.readers.file import read_bytes
from policyc.readers.opinion import MIN_SIZE, file_says, is_asked, magika_trait
from tests.corpus import build
from tests.requires import require_module, require_tool
from tests.unit.test_cli import policyc

PERL = (
    b"open(my $in, '<', $ARGV[0]) or die $!;\nwhile (<$in>) {\n  chomp;\n  next unless /^id=./;\n"
    b"  print join(',', map { sprintf '%02x', ord } split //, $1), qq{\\n};\n}\nclose $in;\n" * 4
)


def test_file_is_asked_about_what_is_there(tmp_path: Path) -> None:
    require_tool("file")
    program, script = tmp_path / "a b.pdf", tmp_path / "-b\n.txt"
    program.write_bytes(build.elf())
    script.write_bytes(b"#!/bin/sh\necho hi\n")
    said = file_says([str(program), str(script)])
    assert said[str(program)].says.startswith("application/x-")
    assert said[str(script)].says == "text/x-shellscript"
    assert file_says([]) == {}


@pytest.mark.parametrize(
    ("name", "data", "asked"),
    [
        ("a.txt", PERL, True),
        ("a", PERL, True),
        ("a.pl", PERL, False),
        ("a.md", PERL, False),
        ("a.txt", PERL[: MIN_SIZE - 1], False),
        ("a.txt", b"#!/usr/bin/perl\n" + PERL, False),
        ("a.txt", build.elf(), False),
    ],
)
def test_magika_is_asked_about_texts_under_text_names(
    name: str, data: bytes, *, asked: bool
) -> None:
    assert is_asked(read_bytes(data, f"/d/{name}")) is asked


def test_magikas_word_makes_a_warning_of_a_silent_text() -> None:
    facts = read_bytes(b"plain words, nothing else\n" * 20, "/d/a.txt")
    assert check_file(facts) == ()
    heard = replace(facts, traits=(Trait(kind="magika", detail="0.99 perl"),))
    (finding,) = check_file(heard)
    assert (finding.code, finding.level.value) == ("M004", "warning")
    assert "a perl script" in finding.message


def test_magika_knows_a_language_and_prose() -> None:
    require_module("magika")
    power = (
        b"function Get-It { param($Uri) Invoke-WebRequest -Uri $Uri -OutFile $env:TEMP\\a.exe }\n"
    )
    trait = magika_trait(power * 8)
    assert trait is not None
    assert trait.detail.endswith(" powershell")
    assert magika_trait(b"The quick brown fox jumps over the lazy dog.\n" * 20) is None


def test_check_shows_second_opinions_and_asks_magika(tmp_path: Path) -> None:
    require_tool("file")
    require_module("magika")
    (tmp_path / "invoice.pdf").write_bytes(build.elf())
    value = json.loads(
        policyc("check", tmp_path, "-f", "json", "--second-opinion", "--magika").stdout
    )
    (finding,) = value["findings"]
    (opinion,) = finding["evidence"]["opinions"]
    assert opinion["tool"] == "file(1)"
    assert finding["evidence"]["sha256"] == hashlib.sha256(build.elf()).hexdigest()


@pytest.mark.slow
def test_own_extensions_are_used_by_check_and_scan(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "plan.acmedoc").write_bytes(build.elf())
    table = tmp_path / "own.tsv"
    table.write_text("extension\tformats\nacmedoc\tpdf\n")
    assert policyc("check", tree).returncode == 0
    result = policyc("check", tree, "--extensions", table)
    assert result.returncode == 1
    assert "the extension .acmedoc claims pdf" in result.stdout
    inventory = tmp_path / "i.jsonl"
    assert policyc("scan", tree, "-o", inventory).returncode == 0
    assert policyc("check", inventory).returncode == 0
    assert policyc("check", inventory, "--extensions", table).returncode == 1
    done = policyc("scan", tree, "-o", inventory, "--extensions", table)
    assert done.returncode == 0
    assert policyc("check", inventory).returncode == 1
    table.write_text("extension\tformats\nacmedoc\tnonsense\n")
    bad = policyc("check", tree, "--extensions", table)
    assert bad.returncode == 2
    assert f"{table}:2: 'nonsense' is not a valid FileFormat" in bad.stderr
