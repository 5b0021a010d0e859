"""Scripts by shebang, extension and content; and texts that are none."""

from __future__ import annotations

import pytest

from policyc.model.facts import UNKNOWN, Collection, ScriptFacts
from policyc.model.formats import FileFormat
from policyc.model.signatures import SignatureGrade
from policyc.readers.file import read_bytes
from tests.corpus import build


def script(data: bytes, name: str) -> ScriptFacts | None:
    return read_bytes(data, f"/data/{name}").script


@pytest.mark.parametrize(
    ("line", "language", "interpreter", "arguments"),
    [
        (b"#!/bin/sh -e\n", "shell", "/bin/sh", "-e"),
        (b"#! /usr/bin/env python3\n", "python", "/usr/bin/env", "python3"),
        (b"#!/usr/bin/env -S A=1 node --x\n", "javascript", "/usr/bin/env", "-S A=1 node --x"),
        (b"#!/opt/my tool\r\n", "my", "/opt/my", "tool"),
        (b"#!/bin/\xff\xfe\n", "\ufffd\ufffd", "/bin/\ufffd\ufffd", ""),
    ],
)
def test_shebang(line: bytes, language: str, interpreter: str, arguments: str) -> None:
    expected = ScriptFacts(language=language, interpreter=interpreter, arguments=arguments)
    assert script(line, "anything.pdf") == expected


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.ps1", "powershell"),
        ("A.BAT", "batch"),
        ("a.cmd", "batch"),
        ("a.vbs", "vbscript"),
        ("a.wsf", "wsf"),
        ("a.js", "javascript"),
        ("a.py", "python"),
        ("a.rb", "ruby"),
    ],
)
def test_extension(name: str, language: str) -> None:
    found = read_bytes(b"x = 1\n", f"/data/{name}")
    assert found.script == ScriptFacts(language=language)
    assert (found.actual, found.collection) == (FileFormat.SCRIPT, Collection.SCRIPT)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.c", "README", "a.json", "a", ".bat"])
def test_plain_text_is_no_script(name: str) -> None:
    found = read_bytes(b"Use `npm install` and then echo off the lamp.\n", f"/data/{name}")
    assert (found.script, found.actual, found.collection) == (None, FileFormat.TEXT, None)


def test_a_host_runs_by_extension_whatever_the_content() -> None:
    found = read_bytes(b"\x00\x01\x02\r\necho hi\r\n", "C:\\a.bat")
    assert (found.actual, found.collection) == (FileFormat.UNKNOWN, Collection.SCRIPT)
    image = read_bytes(build.pe(), "C:\\a.bat")
    assert (image.script, image.collection) == (None, Collection.EXECUTABLE)
    assert script(b"\x00\x01binary", "a.py") is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (b"@echo off\r\nset A=1\r\ngoto end\r\n", "batch"),
        (b"param($x)\n$env:PATH\nWrite-Host $x\n", "powershell"),
        (b'Set o = CreateObject("WScript.Shell")\r\nWScript.Echo 1\r\n', "vbscript"),
        (b"<?php echo $_GET['x']; ?>", "php"),
        ("\ufeff@echo off\r\nsetlocal\r\n".encode("utf-16-le"), "batch"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "invoice.pdf", "noext", "photo.jpg"])
def test_two_tokens_make_a_script(text: bytes, language: str, name: str) -> None:
    assert script(text, name) == ScriptFacts(language=language)


@pytest.mark.parametrize("name", ["a.txt", "noext"])
def test_one_token_does_not(name: str) -> None:
    assert script(b"Scripts begin with\n@echo off\nas everybody knows.\n", name) is None


def test_documentation_about_scripts_is_none() -> None:
    text = b"# Usage\n```\n@echo off\nset A=1\ngoto end\n```\n"
    assert script(text, "README.md") is None


def test_signature_blocks_are_read_in_powershell_and_unknown_elsewhere() -> None:
    block = b"\r\n# SIG # Begin signature block\r\n# MIIabc\r\n# SIG # End signature block\r\n"
    signatures = read_bytes(b"Get-Date" + block, "C:\\a.ps1").signatures
    assert isinstance(signatures, tuple)
    (broken,) = signatures
    assert broken.grade is SignatureGrade.INVALID
    assert read_bytes(b"Get-Date", "C:\\a.ps1").signatures == ()
    vbs = b"WScript.Echo 1\r\n'' SIG '' Begin signature block\r\n'' SIG '' MIIabc\r\n"
    assert read_bytes(vbs, "C:\\a.vbs").signatures is UNKNOWN


def test_an_installer_without_a_signature_stream_is_unsigned() -> None:
    found = read_bytes(build.msi(), "C:\\a.msi")
    assert (found.signatures, found.collection) == ((), Collection.INSTALLER)


def test_the_proof_of_tokens_stands_in_the_file() -> None:
    data = b"\xef\xbb\xbfhello\r\n@echo off\r\nset A=1\r\n"
    found = read_bytes(data, "/data/a.txt")
    for proof in found.proofs:
        assert data[proof.offset : proof.offset + len(proof.data)] == proof.data
    assert found.proofs[0].data == b"@echo off"
