"""Formats are told by structure: what looks alike is told apart."""

from __future__ import annotations

import struct

import pytest

from policyc.model.formats import FileFormat as F
from policyc.readers.magic import is_text, recognise
from tests.corpus import build


def test_every_sample_has_its_format() -> None:
    expected = {
        "exe": F.PE,
        "dll": F.PE,
        "zip": F.ZIP,
        "jar": F.JAR,
        "sh": F.SCRIPT,
        "ps1": F.TEXT,
        "msi": F.MSI,
        "so": F.ELF,
        "pie": F.ELF,
        "thin": F.MACHO,
        "certified": F.MACHO,
        "universal": F.MACHO,
    }
    for name, data in build.samples().items():
        assert recognise(data)[0] is expected[name.rpartition(".")[2]], name


def test_a_proof_is_in_the_file() -> None:
    for name, data in build.samples().items():
        for proof in recognise(data)[1]:
            found = data[proof.offset : proof.offset + len(proof.data)]
            assert found == proof.data, (name, proof)


def test_pe_needs_more_than_mz() -> None:
    image = build.pe()
    assert recognise(b"MZ;a;csv\n1;2;3\n" * 20)[0] is F.TEXT
    assert recognise(image[:0x80] + b"NE\0\0" + image[0x84:])[0] is F.UNKNOWN
    assert recognise(image[:0x84] + b"\x34\x12" + image[0x86:])[0] is F.UNKNOWN
    assert recognise(image[:0x98] + b"\0\0" + image[0x9A:])[0] is F.UNKNOWN
    assert recognise(b"MZ" + bytes(58) + b"\xff\xff\xff\x7f" + bytes(64))[0] is F.UNKNOWN


def test_a_pe_with_a_zip_behind_it_is_pe() -> None:
    assert recognise(build.pe() + build.zip_of("a.txt"))[0] is F.PE


def test_cafebabe_is_a_class_or_a_universal_binary() -> None:
    assert recognise(build.java_class())[0] is F.JAVA_CLASS
    assert recognise(build.universal(("arm64", build.macho())))[0] is F.MACHO
    assert recognise(build.universal(("arm64", build.macho()), wide=True))[0] is F.MACHO
    assert recognise(struct.pack(">II", 0xCAFEBABE, 2) + bytes(100))[0] is F.UNKNOWN


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"#!/bin/sh\n", F.SCRIPT),
        (b"#! \t/usr/bin/env python3\n", F.SCRIPT),
        (b"#!AMR\n\x01\x02", F.UNKNOWN),
        (b"#!comment: words\n", F.TEXT),
        (b"# plain\n", F.TEXT),
    ],
)
def test_a_shebang_needs_a_path(head: bytes, expected: F) -> None:
    assert recognise(head)[0] is expected


@pytest.mark.parametrize(
    ("names", "first", "expected"),
    [
        (("a.txt",), None, F.ZIP),
        (("META-INF/MANIFEST.MF",), None, F.JAR),
        (("com/example/Main.class",), None, F.JAR),
        (("AndroidManifest.xml", "META-INF/MANIFEST.MF"), None, F.APK),
        (("[Content_Types].xml", "word/document.xml"), None, F.OOXML),
        (("[Content_Types].xml", "AppxManifest.xml"), None, F.ZIP),
        ((), ("mimetype", b"application/vnd.oasis.opendocument.text"), F.ODF),
        ((), ("mimetype", b"application/epub+zip"), F.EPUB),
    ],
)
def test_zip_members_decide(
    names: tuple[str, ...], first: tuple[str, bytes] | None, expected: F
) -> None:
    assert recognise(build.zip_of(*names, first=first))[0] is expected


def test_a_zip_without_its_directory_is_told_by_local_headers() -> None:
    whole = build.zip_of("META-INF/MANIFEST.MF", "a")
    assert recognise(whole[: whole.index(b"PK\x01\x02")])[0] is F.JAR


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", F.EMPTY),
        (build.lnk(), F.LNK),
        (build.pyc(), F.PYC),
        (b"\n\r\r\n" + bytes(60), F.UNKNOWN),
        (build.tar(), F.TAR),
        (build.msi(0x84), F.MSI),
        (build.msi(0x86), F.MSI),
        (build.msi(0x85), F.OLE),
        (b"!<arch>\ndebian-binary   ", F.DEB),
        (b"!<arch>\nfoo.o/  ", F.AR),
        (b"dex\n035\0" + bytes(100), F.DEX),
        (b"\0asm\x01\0\0\0", F.WASM),
        (b"BZh91AY&SY" + bytes(20), F.BZIP2),
        (b"BZhang wrote\n", F.TEXT),
        (b"\0\0\0\x18ftypmp42" + bytes(20), F.MP4),
        (b"RIFF\x10\0\0\0WEBPVP8 ", F.WEBP),
        (b"RIFF\x10\0\0\0WAVEfmt ", F.RIFF),
        (b"ID3\x04\0\0\0\0\0\0", F.MP3),
        (bytes(0x8001) + b"CD001\x01" + bytes(100), F.ISO),
        (bytes(2048) + b"conectix" + bytes(504), F.VHD),
        (b"%PDF-1.7\n", F.PDF),
        (b"\xef\xbb\xbfhello %PDF-1.4 world", F.PDF),
        (b"<?xml version='1.0'?><a/>", F.XML),
        (b"\xef\xbb\xbf  <!DOCTYPE html><p>", F.HTML),
        (b"<!-- c --><HTML>", F.HTML),
        (b"<svg xmlns='x'/>", F.XML),
        ("\ufeff@echo off\r\n".encode("utf-16-le"), F.TEXT),
        ("größe\n".encode("cp1252"), F.TEXT),
        ("Привет, мир, как дела\n".encode(), F.TEXT),
        (bytes(range(256)), F.UNKNOWN),
    ],
)
def test_other_formats(data: bytes, expected: F) -> None:
    assert recognise(data)[0] is expected


def test_bmp_and_ico_are_checked_by_structure() -> None:
    bmp = b"BM" + struct.pack("<IHHII", 100, 0, 0, 54, 40) + bytes(80)
    icon = struct.pack("<HHH", 0, 1, 1) + bytes(8) + struct.pack("<II", 40, 22) + bytes(40)
    assert recognise(bmp)[0] is F.BMP
    assert recognise(b"BM is two letters\n")[0] is F.TEXT
    assert recognise(icon)[0] is F.ICO
    assert recognise(icon[:-1])[0] is F.UNKNOWN


def test_text_is_not_binary() -> None:
    assert is_text(b"line\r\n\ttab\x1b[0m")
    assert not is_text(b"nul\0byte")
    assert not is_text(bytes(range(0x80, 0x100)) * 4)
    assert is_text("日本語のテキスト".encode() * 20)
