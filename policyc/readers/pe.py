"""PE images: headers, kind, digests; signatures and the version resource by their own readers.

Source: "PE Format" and "Windows Authenticode Portable Executable Signature Format"
(Microsoft). Which images are executables, libraries or drivers follows PEFileInfo.cpp of
AaronLockerV2; the first-page hash is the one App Control rules hold.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from policyc.model.diagnostic import Proof
from policyc.model.facts import Hashes, PeFacts, PeKind, Trait
from policyc.model.formats import FileFormat
from policyc.model.identity import AuthenticodeSha1, AuthenticodeSha256, PageHash
from policyc.readers import authenticode, imports, version_resource
from policyc.readers.icon import icon_hash
from policyc.readers.limits import Limits
from policyc.readers.reader import Reader, Reading
from policyc.readers.resource_tree import ResourceTree
from policyc.readers.source import Sink, Source

MACHINES = {
    0x014C: "i386",
    0x0162: "R3000",
    0x0166: "R4000",
    0x0168: "R10000",
    0x0169: "MIPS WCE v2",
    0x0184: "Alpha",
    0x01A2: "SH3",
    0x01A3: "SH3 DSP",
    0x01A6: "SH4",
    0x01A8: "SH5",
    0x01C0: "ARM",
    0x01C2: "Thumb",
    0x01C4: "ARMv7 Thumb-2",
    0x01D3: "AM33",
    0x01F0: "PowerPC",
    0x01F1: "PowerPC FP",
    0x0200: "IA-64",
    0x0266: "MIPS16",
    0x0284: "Alpha64",
    0x0366: "MIPS FPU",
    0x0466: "MIPS16 FPU",
    0x0EBC: "EFI byte code",
    0x5032: "RISC-V 32",
    0x5064: "RISC-V 64",
    0x5128: "RISC-V 128",
    0x6232: "LoongArch 32",
    0x6264: "LoongArch 64",
    0x8664: "x64",
    0x9041: "M32R",
    0xA641: "ARM64EC",
    0xA64E: "ARM64X",
    0xAA64: "ARM64",
}
"""IMAGE_FILE_MACHINE_* values with the names people know them by."""

_PE32, _PE32_PLUS = 0x10B, 0x20B
_EXECUTABLE_IMAGE, _DLL = 0x0002, 0x2000
_NATIVE = 1
_EFI = range(10, 14)
_SECTION_CODE, _SECTION_EXECUTE = 0x00000020, 0x20000000
_PAGE = 0x1000
_MAX_ALIGNMENT = 1 << 20
_HEADER_BYTES = 24 + 112 + 16 * 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section header; ``offset`` and ``raw_size`` are in the file, ``address`` is an RVA."""

    address: int
    virtual_size: int
    offset: int
    raw_size: int
    flags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The fields of the PE headers that are used; offsets are in the file.

    ``security_offset`` is the file offset of the security directory *entry*, None if the
    image has no such entry. ``directories`` are (RVA, size) pairs.
    """

    start: int
    machine: int
    characteristics: int
    magic: int
    size_of_code: int
    entry_point: int
    section_alignment: int
    size_of_headers: int
    subsystem: int
    checksum_offset: int
    security_offset: int | None
    directories: tuple[tuple[int, int], ...]
    sections: tuple[Section, ...]

    @property
    def security(self) -> tuple[int, int]:
        """File offset and size of the certificate table; zeros if there is none."""
        return self.directories[4] if len(self.directories) > 4 else (0, 0)

    def file_offset(self, rva: int) -> int | None:
        """Where the byte at ``rva`` stands in the file, or None."""
        for section in self.sections:
            if (
                section.address
                <= rva
                < section.address + max(section.virtual_size, section.raw_size)
            ):
                delta = rva - section.address
                return section.offset + delta if delta < section.raw_size else None
        # Below page alignment the loader maps the file as it is.
        flat = rva < self.size_of_headers or self.section_alignment < _PAGE
        return rva if flat else None


def header(source: Source, limits: Limits) -> Header | None:
    """Read the headers; None unless MZ, e_lfanew, "PE\\0\\0", machine and magic agree."""
    dos = source.read(0, 64)
    if dos[:2] != b"MZ" or len(dos) < 64:
        return None
    (start,) = struct.unpack_from("<I", dos, 60)
    raw = source.read(start, _HEADER_BYTES)
    if raw[:4] != b"PE\0\0" or len(raw) < 26:
        return None
    # A tiny image may end inside its optional header; the loader sees zeros there.
    raw = raw.ljust(_HEADER_BYTES, b"\0")
    machine, section_count = struct.unpack_from("<HH", raw, 4)
    optional_size, characteristics, magic = struct.unpack_from("<HHH", raw, 20)
    if machine not in MACHINES or magic not in (_PE32, _PE32_PLUS):
        return None
    (size_of_code,) = struct.unpack_from("<I", raw, 28)
    (entry_point,) = struct.unpack_from("<I", raw, 40)
    (section_alignment,) = struct.unpack_from("<I", raw, 56)
    size_of_headers, _checksum, subsystem = struct.unpack_from("<IIH", raw, 84)
    directory = 24 + (112 if magic == _PE32_PLUS else 96)
    (count,) = struct.unpack_from("<I", raw, directory - 4)
    count = min(count, 16)
    directories = tuple(
        struct.unpack_from("<II", raw, directory + 8 * index) for index in range(count)
    )
    return Header(
        start=start,
        machine=machine,
        characteristics=characteristics,
        magic=magic,
        size_of_code=size_of_code,
        entry_point=entry_point,
        section_alignment=section_alignment,
        size_of_headers=size_of_headers,
        subsystem=subsystem,
        checksum_offset=start + 24 + 64,
        security_offset=start + directory + 32 if count > 4 else None,
        directories=tuple((int(rva), int(size)) for rva, size in directories),
        sections=_sections(
            source, start + 24 + optional_size, min(section_count, limits.max_sections)
        ),
    )


def _sections(source: Source, offset: int, count: int) -> tuple[Section, ...]:
    table = source.read(offset, 40 * count)
    found = []
    for start in range(0, len(table) - 39, 40):
        virtual_size, address, raw_size, raw_offset = struct.unpack_from("<4I", table, start + 8)
        (flags,) = struct.unpack_from("<I", table, start + 36)
        found.append(
            Section(
                address=address,
                virtual_size=virtual_size,
                # The loader rounds PointerToRawData down to the 512-byte sector.
                offset=raw_offset & ~0x1FF,
                raw_size=raw_size + (raw_offset & 0x1FF),
                flags=flags,
            )
        )
    return tuple(found)


def kind_of(head: Header) -> PeKind:
    """What the image is loaded as.

    RESOURCE_ONLY needs more than SizeOfCode == 0, which is only a statement of the linker:
    no entry point, no CLR header and no section that holds or maps code.
    """
    if head.subsystem in _EFI:
        return PeKind.EFI
    if head.subsystem == _NATIVE:
        return PeKind.DRIVER
    if not head.characteristics & _DLL:
        return PeKind.EXECUTABLE
    code = any(part.flags & (_SECTION_CODE | _SECTION_EXECUTE) for part in head.sections)
    if head.size_of_code == 0 and head.entry_point == 0 and not code and not is_dotnet(head):
        return PeKind.RESOURCE_ONLY
    return PeKind.LIBRARY


def is_dotnet(head: Header) -> bool:
    """Whether the image has a CLR header (data directory 14)."""
    return len(head.directories) > 14 and head.directories[14][0] != 0


def feed_image(source: Source, head: Header, sinks: tuple[Sink, ...]) -> None:
    """Feed what Authenticode covers: all but CheckSum, the security entry and the table.

    An image without a table is padded with zeros to a multiple of eight bytes.
    """
    offset, length = head.security
    signed = offset != 0 and length != 0
    after_checksum = head.checksum_offset + 4
    resume = after_checksum
    ranges = [(0, head.checksum_offset)]
    if head.security_offset is not None:
        ranges.append((after_checksum, head.security_offset))
        resume = head.security_offset + 8
    ranges.append((resume, min(offset, source.size) if signed else source.size))
    if signed:
        ranges.append((max(offset + length, resume), source.size))
    for sink in sinks:
        for start, end in ranges:
            source.feed(sink, start, end)
        if not signed:
            sink.update(bytes(-source.size % 8))


def _feed_page(source: Source, head: Header, sink: Sink) -> bool:
    """Feed the first page as App Control hashes it; False if the image has no page hash."""
    low = head.section_alignment < _PAGE
    if (low and head.magic != _PE32) or head.section_alignment > _MAX_ALIGNMENT:
        return False
    end = min(_PAGE if low else head.size_of_headers, source.size)
    resume = head.checksum_offset + 4
    source.feed(sink, 0, min(head.checksum_offset, end))
    if head.security_offset is not None:
        source.feed(sink, resume, min(head.security_offset, end))
        resume = head.security_offset + 8
    source.feed(sink, resume, end)
    if not low and end < head.section_alignment:
        sink.update(bytes(head.section_alignment - end))
    return True


def hashes(source: Source, head: Header) -> Hashes:
    """The Authenticode digests and the first-page hashes."""
    whole = (hashlib.sha256(), hashlib.sha1(usedforsecurity=False))
    feed_image(source, head, whole)
    return Hashes(
        authenticode_sha256=AuthenticodeSha256(whole[0].hexdigest()),
        authenticode_sha1=AuthenticodeSha1(whole[1].hexdigest()),
        page_sha256=_page_hash(source, head, "sha256"),
        page_sha1=_page_hash(source, head, "sha1"),
    )


def _page_hash(source: Source, head: Header, algorithm: str) -> PageHash | None:
    sink = hashlib.new(algorithm, usedforsecurity=False)
    return PageHash(sink.hexdigest()) if _feed_page(source, head, sink) else None


def proofs(head: Header) -> tuple[Proof, ...]:
    """The bytes that make the file a PE image."""
    name = MACHINES[head.machine]
    machine = struct.pack("<H", head.machine)
    return (
        Proof(offset=0, data=b"MZ", meaning="DOS header"),
        Proof(offset=60, data=struct.pack("<I", head.start), meaning=f"e_lfanew {head.start:#x}"),
        Proof(offset=head.start, data=b"PE\0\0", meaning="PE signature"),
        Proof(offset=head.start + 4, data=machine, meaning=f"Machine {name}"),
    )


def _read(source: Source, _path: str, limits: Limits) -> Reading:
    head = header(source, limits)
    if head is None:
        return Reading()
    digests = hashes(source, head)

    known = {
        "sha256": bytes.fromhex(str(digests.authenticode_sha256)),
        "sha1": bytes.fromhex(str(digests.authenticode_sha1)),
    }

    def digest(algorithm: str) -> tuple[bytes, ...]:
        if algorithm not in known:
            sink = hashlib.new(algorithm, usedforsecurity=False)
            feed_image(source, head, (sink,))
            known[algorithm] = sink.digest()
        return (known[algorithm],)

    facts = PeFacts(
        kind=kind_of(head),
        machine=head.machine,
        subsystem=head.subsystem,
        section_alignment=head.section_alignment,
        dotnet=is_dotnet(head),
        imphash=imports.imphash(
            source,
            head.directories[1] if len(head.directories) > 1 else (0, 0),
            head.file_offset,
            wide=head.magic == _PE32_PLUS,
        ),
    )
    resource = head.directories[2] if len(head.directories) > 2 else (0, 0)
    tree = ResourceTree(source, resource, head.file_offset)
    shown_with = icon_hash(tree)
    return Reading(
        pe=facts,
        hashes=digests,
        signatures=authenticode.signatures(source, head.security, digest, limits),
        version_info=version_resource.read(tree, limits),
        proofs=proofs(head),
        traits=() if shown_with is None else (Trait(kind="icon", detail=shown_with),),
    )


READER = Reader(format=FileFormat.PE, read=_read)
