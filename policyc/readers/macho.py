"""Mach-O: thin and universal files, load commands; signatures by ``codesign``.

Source: mach-o/loader.h, mach-o/fat.h (Apple). Whether slices are signed alike follows
MOLCodesignChecker (Santa): signing that differs makes the whole file invalid.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from policyc.model.diagnostic import Proof
from policyc.model.facts import MachoFacts, MachoKind, MachoSlice
from policyc.model.formats import FileFormat
from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.readers import codesign
from policyc.readers.limits import Limits
from policyc.readers.reader import Reader, Reading
from policyc.readers.source import Source

_THIN = {
    b"\xfe\xed\xfa\xce": (">", 32),
    b"\xce\xfa\xed\xfe": ("<", 32),
    b"\xfe\xed\xfa\xcf": (">", 64),
    b"\xcf\xfa\xed\xfe": ("<", 64),
}
_FAT, _FAT_64 = b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"
MAGICS = frozenset({*_THIN, _FAT, _FAT_64})
"""The first four bytes that may begin a Mach-O file."""

_LC_CODE_SIGNATURE = 0x1D
_CPU = {
    1: "vax",
    6: "m68k",
    7: "i386",
    8: "mips",
    10: "m98k",
    11: "hppa",
    12: "arm",
    13: "m88k",
    14: "sparc",
    15: "i860",
    18: "ppc",
    0x01000007: "x86_64",
    0x0100000C: "arm64",
    0x01000012: "ppc64",
    0x0200000C: "arm64_32",
}
_KINDS = {
    1: MachoKind.OBJECT,
    2: MachoKind.EXECUTABLE,
    6: MachoKind.DYLIB,
    7: MachoKind.DYLINKER,
    8: MachoKind.BUNDLE,
    11: MachoKind.KEXT,
}
_MAX_FILE_TYPE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Where one slice lies in the file."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A slice's header; ``commands`` is the file offset of its load commands."""

    order: str
    cpu: int
    cpu_subtype: int
    file_type: int
    command_count: int
    command_size: int
    commands: int

    @property
    def arch(self) -> str:
        """The architecture as lipo names it."""
        if self.cpu == 0x0100000C and self.cpu_subtype & 0xFF == 2:
            return "arm64e"
        if self.cpu == 0x01000007 and self.cpu_subtype & 0xFF == 8:
            return "x86_64h"
        return _CPU.get(self.cpu, f"cpu{self.cpu:#x}")


def extents(source: Source, limits: Limits) -> tuple[Extent, ...]:
    """The slices of a thin or universal file; those outside the file are left out."""
    head = source.read(0, 8)
    if head[:4] in _THIN:
        return (Extent(offset=0, size=source.size),)
    if head[:4] not in (_FAT, _FAT_64) or len(head) < 8:
        return ()
    (count,) = struct.unpack_from(">I", head, 4)
    if not 1 <= count <= limits.max_slices:
        return ()
    layout = struct.Struct(">IIIII" if head[:4] == _FAT else ">IIQQII")
    table = source.read(8, count * layout.size)
    found = []
    for start in range(0, len(table) - layout.size + 1, layout.size):
        _, _, offset, size, *_ = layout.unpack_from(table, start)
        if size > 0 and offset + size <= source.size:
            found.append(Extent(offset=offset, size=size))
    return tuple(found)


def header(source: Source, extent: Extent) -> Header | None:
    """Read a slice's header; None if it is not a Mach-O header of a known CPU and type."""
    raw = source.read(extent.offset, min(32, extent.size))
    if raw[:4] not in _THIN or len(raw) < 28:
        return None
    order, bits = _THIN[raw[:4]]
    cpu, subtype, kind, count, size = struct.unpack_from(order + "5I", raw, 4)
    if cpu not in _CPU or not 1 <= kind <= _MAX_FILE_TYPE:
        return None
    return Header(
        order=order,
        cpu=cpu,
        cpu_subtype=subtype,
        file_type=kind,
        command_count=count,
        command_size=size,
        commands=extent.offset + (32 if bits == 64 else 28),
    )


def recognised(source: Source, limits: Limits) -> bool:
    """Whether the file is Mach-O: at least one slice has a valid header.

    ``CAFEBABE`` also begins Java classes; their version stands where a universal file has
    the number of its slices, which is small.
    """
    return any(header(source, extent) is not None for extent in extents(source, limits))


def _code_signature(
    source: Source, extent: Extent, head: Header, limits: Limits
) -> tuple[int, int] | None:
    """File offset and size of the data that LC_CODE_SIGNATURE names, or None."""
    size = min(head.command_size, limits.max_table)
    end = extent.offset + extent.size
    raw = source.read(head.commands, min(size, max(0, end - head.commands)))
    position, found = 0, None
    for _ in range(min(head.command_count, limits.max_load_commands)):
        if position + 8 > len(raw):
            break
        command, length = struct.unpack_from(head.order + "II", raw, position)
        if length < 8:
            break
        if command == _LC_CODE_SIGNATURE and position + 16 <= len(raw):
            offset, data_size = struct.unpack_from(head.order + "II", raw, position + 8)
            found = (extent.offset + offset, data_size)
        position += length
    return found


def _slice(
    source: Source, extent: Extent, head: Header, limits: Limits, *, overlap: bool
) -> tuple[MachoSlice, Signature | None]:
    piece = MachoSlice(arch=head.arch, kind=_KINDS.get(head.file_type, MachoKind.OTHER))
    location = _code_signature(source, extent, head, limits)
    if location is None:
        return piece, None
    if overlap:
        invalid = SignatureGrade.INVALID
        detail = "the slices overlap"
        signature = Signature(kind=SignatureKind.APPLE, grade=invalid, detail=detail)
        return replace(piece, grade=invalid), signature
    code = codesign.read(source, (extent.offset, extent.size), location, limits)
    leaf = code.signature.leaf
    return (
        replace(
            piece,
            cdhash=code.cdhash,
            identifier=code.identifier,
            team=code.team,
            flags=code.flags,
            platform_binary=code.platform != 0,
            grade=code.signature.grade,
            leaf=leaf.sha256 if leaf is not None else None,
            hash_type=code.hash_type,
            cdhashes=code.cdhashes,
            oids=code.oids,
            entitlements=code.entitlements,
        ),
        code.signature,
    )


def _signing_key(signature: Signature | None) -> tuple[str, ...]:
    """What MOLCodesignChecker compares between slices: "-" for ad hoc code, else the chain."""
    if signature is None:
        return ()
    if signature.grade is SignatureGrade.ADHOC:
        return ("-",)
    return tuple(str(cert.sha256) for cert in signature.chain)


def _read(source: Source, _path: str, limits: Limits) -> Reading:
    pieces: list[MachoSlice] = []
    signatures: list[Signature | None] = []
    proofs: list[Proof] = []
    parts = extents(source, limits)
    # Slices that share bytes would be hashed again and again; no tool makes such files.
    overlap = sum(part.size for part in parts) > source.size
    for extent in parts:
        head = header(source, extent)
        if head is None:
            continue
        piece, signature = _slice(source, extent, head, limits, overlap=overlap)
        pieces.append(piece)
        signatures.append(signature)
        magic = source.read(extent.offset, 4)
        proofs.append(Proof(offset=extent.offset, data=magic, meaning=f"Mach-O, {piece.arch}"))
    mixed = len({_signing_key(signature) for signature in signatures}) > 1
    distinct = tuple(dict.fromkeys(item for item in signatures if item is not None))
    if mixed:
        detail = "the slices are not signed alike"
        invalid = SignatureGrade.INVALID
        distinct = tuple(replace(item, grade=invalid, detail=detail) for item in distinct)
    fat = source.read(0, 4)
    if fat in (_FAT, _FAT_64):
        proofs.insert(0, Proof(offset=0, data=fat, meaning="universal binary"))
    return Reading(
        macho=MachoFacts(slices=tuple(pieces), mixed=mixed) if pieces else None,
        signatures=distinct,
        proofs=tuple(proofs),
    )


READER = Reader(format=FileFormat.MACHO, read=_read)
