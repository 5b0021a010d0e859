"""Synthetic PE images, with and without a version resource and signatures."""

from __future__ import annotations

import hashlib
import struct

from tests.corpus.signing import (
    SPC_INDIRECT_DATA,
    Identity,
    identity,
    indirect_data,
    signed_data,
)

_START = 0x80
_HEADERS = 0x400
_FLAGS = {"exe": 0x0022, "dll": 0x2022, "driver": 0x0022, "efi": 0x0022, "resource-only": 0x2022}
_SUBSYSTEMS = {"exe": 3, "dll": 2, "driver": 1, "efi": 10, "resource-only": 2}


def _pad(data: bytes, size: int) -> bytes:
    return data + bytes(-len(data) % size)


def _block(key: str, value: bytes, children: bytes, *, text: bool, length: int) -> bytes:
    head = key.encode("utf-16-le") + b"\0\0"
    body = _pad(bytes(6) + head, 4)[6:] + value
    if children:
        body = _pad(bytes(6) + body, 4)[6:] + children
    return struct.pack("<HHH", 6 + len(body), length, int(text)) + body


def version_resource(
    strings: dict[str, str],
    version: tuple[int, int, int, int] = (1, 2, 3, 4),
    *,
    table: str = "040904b0",
    translation: str = "040904b0",
) -> bytes:
    """A VS_VERSIONINFO; ``translation`` may name another block than the ``table`` it holds."""
    entries = b""
    for name, text in strings.items():
        value = text.encode("utf-16-le") + b"\0\0"
        entries += _pad(_block(name, value, b"", text=True, length=len(value) // 2), 4)
    string_table = _block(table, b"", entries, text=True, length=0)
    string_info = _pad(_block("StringFileInfo", b"", string_table, text=True, length=0), 4)
    pair = struct.pack("<HH", int(translation[:4], 16), int(translation[4:], 16))
    variable = _block("Translation", pair, b"", text=False, length=4)
    var_info = _block("VarFileInfo", b"", variable, text=True, length=0)
    fixed = struct.pack(
        "<13I",
        0xFEEF04BD,
        0x10000,
        version[0] << 16 | version[1],
        version[2] << 16 | version[3],
        *(0,) * 9,
    )
    return _block("VS_VERSION_INFO", fixed, string_info + var_info, text=False, length=52)


def _resource_section(resource: bytes, rva: int) -> bytes:
    def directory(entry: tuple[int, int]) -> bytes:
        return struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1) + struct.pack("<II", *entry)

    tree = directory((16, 0x80000018)) + directory((1, 0x80000030)) + directory((0x409, 0x48))
    return tree + struct.pack("<IIII", rva + 0x58, len(resource), 0, 0) + resource


def pe(
    kind: str = "exe",
    *,
    machine: int = 0x8664,
    strings: dict[str, str] | None = None,
    version: tuple[int, int, int, int] = (1, 2, 3, 4),
    alignment: int = 0x1000,
    code: bytes = b"\xc3",
    overlay: bytes = b"",
) -> bytes:
    """A PE32+ image (PE32 for i386) of one code section and, with ``strings``, a resource."""
    plus = machine != 0x14C
    executable = kind != "resource-only"
    sections: list[tuple[bytes, int, int, bytes]] = []
    if executable:
        sections.append((b".text", 0x1000, 0x60000020, code))
    resource_rva = 0
    if strings is not None:
        resource_rva = 0x1000 + 0x1000 * len(sections)
        data = _resource_section(version_resource(strings, version), resource_rva)
        sections.append((b".rsrc", resource_rva, 0x40000040, data))
    directories = [(0, 0)] * 16
    if strings is not None:
        directories[2] = (resource_rva, len(sections[-1][3]))
    optional = struct.pack(
        "<HBBIIIII",
        0x20B if plus else 0x10B,
        14,
        0,
        0x200 if executable else 0,
        0,
        0,
        0x1000 if executable else 0,
        0x1000,
    )
    optional += struct.pack("<Q", 0x140000000) if plus else struct.pack("<II", 0, 0x400000)
    optional += struct.pack("<IIHHHHHHI", alignment, 0x200, 6, 0, 0, 0, 6, 0, 0)
    optional += struct.pack("<IIIHH", 0x4000, _HEADERS, 0, _SUBSYSTEMS[kind], 0x8160)
    optional += struct.pack("<QQQQ" if plus else "<IIII", 0x100000, 0x1000, 0x100000, 0x1000)
    optional += struct.pack("<II", 0, 16) + b"".join(struct.pack("<II", *d) for d in directories)
    header = struct.pack(
        "<4sHHIIIHH", b"PE\0\0", machine, len(sections), 0, 0, 0, len(optional), _FLAGS[kind]
    )
    table, body, offset = b"", b"", _HEADERS
    for name, rva, flags, data in sections:
        raw = _pad(data, 0x200)
        table += struct.pack(
            "<8sIIIIIIHHI", name, len(data), rva, len(raw), offset, 0, 0, 0, 0, flags
        )
        body += raw
        offset += len(raw)
    dos = b"MZ" + bytes(58) + struct.pack("<I", _START)
    head = (dos.ljust(_START, b"\0") + header + optional + table).ljust(_HEADERS, b"\0")
    return head + body + overlay


def security_entry(image: bytes) -> int:
    """File offset of the security directory entry."""
    plus = image[_START + 24 : _START + 26] == b"\x0b\x02"
    return _START + 24 + (112 if plus else 96) + 32


def authentihash(image: bytes, digest: str = "sha256") -> bytes:
    """The Authenticode digest of an unsigned image, the long way round."""
    entry = security_entry(image)
    checksum = _START + 24 + 64
    covered = image[:checksum] + image[checksum + 4 : entry] + image[entry + 8 :]
    return hashlib.new(digest, covered + bytes(-len(image) % 8)).digest()


def attach(image: bytes, *blobs: bytes) -> bytes:
    """Append a certificate table with one WIN_CERTIFICATE entry a blob."""
    image = _pad(image, 8)
    table = b"".join(
        _pad(struct.pack("<IHH", len(blob) + 8, 0x0200, 2) + blob, 8) for blob in blobs
    )
    entry = security_entry(image)
    located = struct.pack("<II", len(image), len(table))
    return image[:entry] + located + image[entry + 8 :] + table


def authenticode(
    image: bytes,
    signer: Identity | None = None,
    digest: str = "sha256",
    nested: tuple[bytes, ...] = (),
    *,
    image_digest: bytes | None = None,
) -> bytes:
    """The PKCS #7 of an Authenticode signature over ``image``."""
    hashed = authentihash(_pad(image, 8), digest) if image_digest is None else image_digest
    content = indirect_data(hashed, digest)
    # The message digest leaves out the outer tag and length, which take 2 to 4 bytes.
    head = 2 if content[1] < 0x80 else 2 + (content[1] & 0x7F)
    return signed_data(
        signer or identity(),
        SPC_INDIRECT_DATA,
        content,
        content[head:],
        digest=digest,
        nested=nested,
    )


def signed_pe(kind: str = "exe", *, strings: dict[str, str] | None = None) -> bytes:
    """A PE image signed by the test identity."""
    image = pe(kind, strings=strings)
    return attach(image, authenticode(image))
