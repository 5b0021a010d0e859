"""Synthetic Mach-O files: thin and universal, unsigned, ad hoc and signed with certificates."""

from __future__ import annotations

import hashlib
import plistlib
import struct

from tests.corpus.signing import PKCS7_DATA, Identity, oid, signed_data, tlv

CPU = {"i386": (7, 3), "x86_64": (0x01000007, 3), "arm64": (0x0100000C, 0)}
_TYPES = {"execute": 2, "dylib": 6, "bundle": 8}
_CODE = 0x1000
_HASHES = {1: ("sha1", 20), 2: ("sha256", 32), 4: ("sha384", 48)}


def macho(arch: str = "arm64", kind: str = "execute", *, signature: bytes = b"") -> bytes:
    """A thin file of one page of code; ``signature`` is what LC_CODE_SIGNATURE points to."""
    cpu, subtype = CPU[arch]
    wide = arch != "i386"
    command = struct.pack("<IIII", 0x1D, 16, _CODE, len(signature)) if signature else b""
    segments = _segment("__TEXT", 0, _CODE, wide=wide)
    segments += _segment("__LINKEDIT", _CODE, len(signature), wide=wide)
    header = struct.pack(
        "<IiiIIII",
        0xFEEDFACF if wide else 0xFEEDFACE,
        cpu,
        subtype,
        _TYPES[kind],
        3 if command else 2,
        len(command + segments),
        0x85,
    )
    head = header + (bytes(4) if wide else b"") + command + segments
    return head.ljust(_CODE, b"\x90") + signature


def _segment(name: str, offset: int, size: int, *, wide: bool) -> bytes:
    layout = "<II16sQQQQiiII" if wide else "<II16sIIIIiiII"
    command, length = (0x19, 72) if wide else (0x1, 56)
    where = (0x1000000 + offset, (size + 0xFFF) & ~0xFFF, offset, size)
    return struct.pack(layout, command, length, name.encode(), *where, 5, 5, 0, 0)


def code_directory(
    code: bytes,
    identifier: str,
    *,
    team: str = "",
    flags: int = 0,
    platform: int = 0,
    hash_type: int = 2,
) -> bytes:
    """A version 0x20400 CodeDirectory over ``code`` in pages of 4 KiB."""
    algorithm, size = _HASHES[hash_type]
    pages = [code[start : start + 4096] for start in range(0, len(code), 4096)]
    hashes = b"".join(hashlib.new(algorithm, page).digest()[:size] for page in pages)
    strings = identifier.encode() + b"\0" + (team.encode() + b"\0" if team else b"")
    team_offset = 88 + len(identifier.encode()) + 1 if team else 0
    hash_offset = 88 + len(strings)
    return (
        struct.pack(
            ">IIIIIIIIIBBBBIIIIQQQQ",
            0xFADE0C02,
            hash_offset + len(hashes),
            0x20400,
            flags,
            hash_offset,
            88,
            0,
            len(pages),
            len(code),
            size,
            hash_type,
            platform,
            12,
            0,
            0,
            team_offset,
            0,
            0,
            0,
            0,
            0,
        )
        + strings
        + hashes
    )


def super_blob(blobs: dict[int, bytes]) -> bytes:
    """An embedded signature of these blobs by slot."""
    offset, index, body = 12 + 8 * len(blobs), b"", b""
    for slot, blob in blobs.items():
        index += struct.pack(">II", slot, offset + len(body))
        body += blob
    return struct.pack(">III", 0xFADE0CC0, offset + len(body), len(blobs)) + index + body


def _cms(signer: Identity, directories: list[bytes]) -> bytes:
    digests = [hashlib.sha256(item).digest()[:20] for item in directories]
    listed = plistlib.dumps({"cdhashes": digests})
    attribute = tlv(0x30, oid("1.2.840.113635.100.9.1"), tlv(0x31, tlv(0x04, listed)))
    cms = signed_data(signer, PKCS7_DATA, b"", directories[0], attributes=(attribute,))
    return struct.pack(">II", 0xFADE0B01, len(cms) + 8) + cms


def signed_macho(
    arch: str = "arm64",
    *,
    identifier: str = "com.example.tool",
    team: str = "",
    flags: int = 0,
    platform: int = 0,
    signer: Identity | None = None,
    hash_types: tuple[int, ...] = (2,),
    listed: bool = True,
    kind: str = "execute",
) -> bytes:
    """A signed thin file; ad hoc without ``signer``.

    ``hash_types`` makes one CodeDirectory each; with ``listed`` false the CMS does not name
    the second and later ones.
    """
    if signer is None:
        flags |= 0x2
    # The load command counts the signature's size, which depends on itself only in length.
    size = 0
    for _ in range(3):
        code = macho(arch, kind, signature=bytes(max(size, 1)))[:_CODE]
        directories = [
            code_directory(
                code, identifier, team=team, flags=flags, platform=platform, hash_type=hash_type
            )
            for hash_type in hash_types
        ]
        blobs = {0 if index == 0 else 0xFFF + index: cd for index, cd in enumerate(directories)}
        if signer is not None:
            blobs[0x10000] = _cms(signer, directories if listed else directories[:1])
        signature = super_blob(blobs)
        if len(signature) == size:
            break
        size = len(signature)
    return macho(arch, kind, signature=signature)


def universal(*slices: tuple[str, bytes], wide: bool = False) -> bytes:
    """A universal file of (architecture, thin file) pairs, with 64-bit offsets if ``wide``."""
    offset = 0x1000
    layout = ">iiQQII" if wide else ">iiIII"
    table, body = b"", b""
    for arch, data in slices:
        fields = (*CPU[arch], offset + len(body), len(data), 12)
        table += struct.pack(layout, *fields, *((0,) if wide else ()))
        body += data + bytes(-len(data) % 0x1000)
    magic = 0xCAFEBABF if wide else 0xCAFEBABE
    return (struct.pack(">II", magic, len(slices)) + table).ljust(0x1000, b"\0") + body
