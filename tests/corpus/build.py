"""Builders of small files of every kind, made in code so that no binary is checked in."""

from __future__ import annotations

import io
import struct
import zipfile

from tests.corpus.elf_files import elf
from tests.corpus.macho_files import macho, signed_macho, universal
from tests.corpus.pe_files import attach, authenticode, authentihash, pe, signed_pe
from tests.corpus.signing import Identity, ec_identity, identity, impostor

__all__ = [
    "Identity",
    "attach",
    "authenticode",
    "authentihash",
    "ec_identity",
    "elf",
    "identity",
    "impostor",
    "java_class",
    "lnk",
    "macho",
    "msi",
    "pe",
    "pyc",
    "samples",
    "signed_macho",
    "signed_pe",
    "tar",
    "universal",
    "zip_of",
]


def zip_of(*names: str, first: tuple[str, bytes] | None = None) -> bytes:
    """A ZIP of empty members; ``first`` is a stored member in front of them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in ((first,) if first else ()) + tuple((name, b"") for name in names):
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def java_class() -> bytes:
    """The head of a class file of Java 8."""
    return struct.pack(">IHHH", 0xCAFEBABE, 0, 52, 10) + bytes(64)


def lnk() -> bytes:
    """A shell link header."""
    return bytes.fromhex("4c0000000114020000000000c000000000000046") + bytes(56)


def msi(last_clsid_byte: int = 0x84, *, signed: bool = False) -> bytes:
    """A compound file whose root storage has the CLSID of an installer database."""
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<HH", header, 28, 0xFFFE, 9)
    struct.pack_into("<I", header, 48, 1)
    root = bytearray(128)
    root[:20] = "Root Entry".encode("utf-16-le")
    root[80:96] = bytes([last_clsid_byte, 0x10, 0x0C, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46])
    entry = "\x05DigitalSignature".encode("utf-16-le").ljust(128, b"\0") if signed else b""
    return bytes(header) + bytes(512) + bytes(root) + entry + bytes(512)


def pyc() -> bytes:
    """The head of Python 3.11 byte code."""
    return struct.pack("<H2sIII", 3495, b"\r\n", 0, 0, 0) + b"\xe3" + bytes(40)


def tar(name: str = "member.txt") -> bytes:
    """An old (v7) tar without the ustar magic."""
    header = bytearray(512)
    header[: len(name)] = name.encode()
    header[124:136] = b"00000000000\0"
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(1024)


def samples() -> dict[str, bytes]:
    """One or more files of each format with a reader, by name; used by mutation tests."""
    return {
        "plain.exe": pe("exe", strings={"ProductName": "Tool", "OriginalFilename": "tool.exe"}),
        "signed.exe": signed_pe("exe", strings={"ProductName": "Tool"}),
        "library.dll": pe("dll", machine=0x14C),
        "pie": elf("pie"),
        "shared.so": elf("shared", bits=32, order=">", machine=20),
        "thin": signed_macho(),
        "certified": signed_macho(team="ABCDE12345", signer=identity(), hash_types=(1, 2)),
        "universal": universal(("x86_64", macho("x86_64")), ("arm64", signed_macho("arm64"))),
        "archive.zip": zip_of("a", "b/c"),
        "library.jar": zip_of("META-INF/MANIFEST.MF", "A.class"),
        "script.sh": b"#!/bin/sh\nset -e\n",
        "script.ps1": b"param($x)\nWrite-Host $x\n",
        "package.msi": msi(signed=True),
    }
