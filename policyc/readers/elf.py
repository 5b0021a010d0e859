"""ELF: header, program headers and dynamic section (System V ABI, gABI chapters 4 and 5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from policyc.model.diagnostic import Proof
from policyc.model.facts import UNKNOWN, ElfFacts, ElfKind
from policyc.model.formats import FileFormat
from policyc.readers import ftype
from policyc.readers.limits import Limits
from policyc.readers.reader import Reader, Reading
from policyc.readers.source import Source

_ET = {1: ElfKind.OBJECT, 2: ElfKind.EXECUTABLE, 3: ElfKind.SHARED, 4: ElfKind.CORE}
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 1, 2, 3, 4
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_DEBUG = 0, 1, 5, 10, 21
_DT_RPATH, _DT_RUNPATH = 15, 29
_NT_GNU_BUILD_ID = 3
_MAX_BUILD_ID = 64
_DT_FLAGS_1, _DF_1_PIE = 0x6FFFFFFB, 0x08000000


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The fields of an ELF header that are used; ``order`` is a struct byte-order character."""

    order: str
    bits: int
    type: int
    machine: int
    ph_offset: int
    ph_entry_size: int
    ph_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One program header."""

    type: int
    flags: int
    offset: int
    address: int
    file_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dynamic:
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    pie: bool = False
    debug: bool = False


def header(source: Source) -> Header | None:
    """Read the ELF header; None if the identification or the header is not whole.

    A truncated header is filled with zeros, so that the file is still known as ELF.
    """
    raw = source.read(0, 64)
    if raw[:4] != b"\x7fELF" or len(raw) < 20 or raw[4] not in (1, 2) or raw[5] not in (1, 2):
        return None
    raw = raw.ljust(64, b"\0")
    order = "<" if raw[5] == 1 else ">"
    kind, machine = struct.unpack_from(order + "HH", raw, 16)
    if raw[4] == 2:
        (ph_offset,) = struct.unpack_from(order + "Q", raw, 32)
        entry_size, count = struct.unpack_from(order + "HH", raw, 54)
    else:
        (ph_offset,) = struct.unpack_from(order + "I", raw, 28)
        entry_size, count = struct.unpack_from(order + "HH", raw, 42)
    return Header(
        order=order,
        bits=64 if raw[4] == 2 else 32,
        type=kind,
        machine=machine,
        ph_offset=ph_offset,
        ph_entry_size=entry_size,
        ph_count=count,
    )


def segments(source: Source, head: Header, limits: Limits) -> tuple[Segment, ...]:
    """Read the program headers that lie inside the file."""
    size = 56 if head.bits == 64 else 32
    if head.ph_entry_size != size:
        return ()
    count = min(head.ph_count, limits.max_program_headers)
    table = source.read(head.ph_offset, count * size)
    found = []
    for start in range(0, len(table) - size + 1, size):
        if head.bits == 64:
            kind, flags, offset, address, _, file_size = struct.unpack_from(
                head.order + "IIQQQQ", table, start
            )
        else:
            kind, offset, address, _, file_size, _, flags = struct.unpack_from(
                head.order + "7I", table, start
            )
        found.append(
            Segment(type=kind, flags=flags, offset=offset, address=address, file_size=file_size)
        )
    return tuple(found)


def _file_offset(parts: tuple[Segment, ...], address: int) -> int | None:
    for part in parts:
        if part.type == _PT_LOAD and part.address <= address < part.address + part.file_size:
            return address - part.address + part.offset
    return None


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def _dynamic(source: Source, head: Header, parts: tuple[Segment, ...], limits: Limits) -> _Dynamic:
    part = next((part for part in parts if part.type == _PT_DYNAMIC), None)
    if part is None:
        return _Dynamic()
    layout = struct.Struct(head.order + ("qQ" if head.bits == 64 else "iI"))
    raw = source.read(part.offset, min(part.file_size, limits.max_table))
    raw = raw[: len(raw) - len(raw) % layout.size]
    names: list[int] = []
    values: dict[int, int] = {}
    for tag, value in layout.iter_unpack(raw):
        if tag == _DT_NULL:
            break
        if tag == _DT_NEEDED:
            names.append(value)
        else:
            values.setdefault(tag, value)
    paths = [values[tag] for tag in (_DT_RPATH, _DT_RUNPATH) if tag in values]
    rpath = ":".join(_strings(source, parts, values, paths, limits)).split(":")
    return _Dynamic(
        needed=_strings(source, parts, values, names[: limits.max_needed], limits),
        rpath=tuple(part for part in rpath if part),
        pie=bool(values.get(_DT_FLAGS_1, 0) & _DF_1_PIE),
        debug=_DT_DEBUG in values,
    )


def _strings(
    source: Source,
    parts: tuple[Segment, ...],
    values: dict[int, int],
    names: list[int],
    limits: Limits,
) -> tuple[str, ...]:
    table = _file_offset(parts, values[_DT_STRTAB]) if _DT_STRTAB in values else None
    if table is None:
        return ()
    length = min(values.get(_DT_STRSZ, 0), limits.max_table)
    strings = source.read(table, length)
    found = (_text(strings[name : name + limits.max_string]) for name in names)
    return tuple(text for text in found if text)


def _build_id(
    source: Source, head: Header, parts: tuple[Segment, ...], limits: Limits
) -> str | None:
    """The GNU build-id of the note segments (gABI "Note Section"), in hexadecimal."""
    for part in parts:
        if part.type != _PT_NOTE:
            continue
        raw = source.read(part.offset, min(part.file_size, limits.head))
        position = 0
        while position + 12 <= len(raw):
            name, size, kind = struct.unpack_from(head.order + "III", raw, position)
            start = position + 12 + (name + 3 & ~3)
            owner = raw[position + 12 : position + 12 + name]
            if kind == _NT_GNU_BUILD_ID and owner == b"GNU\0" and 0 < size <= _MAX_BUILD_ID:
                return raw[start : start + size].hex()
            position = start + (size + 3 & ~3)
    return None


def _interpreter(source: Source, parts: tuple[Segment, ...], limits: Limits) -> str | None:
    part = next((part for part in parts if part.type == _PT_INTERP), None)
    if part is None:
        return None
    return _text(source.read(part.offset, min(part.file_size, limits.max_string)))


def _kind(head: Header, *, interpreter: str | None, pie: bool) -> ElfKind:
    kind = _ET.get(head.type, ElfKind.OTHER)
    if kind is ElfKind.SHARED and (interpreter is not None or pie):
        return ElfKind.PIE
    return kind


def _read(source: Source, path: str, limits: Limits) -> Reading:
    head = header(source)
    if head is None:
        return Reading()
    parts = segments(source, head, limits)
    interpreter = _interpreter(source, parts, limits)
    dynamic = _dynamic(source, head, parts, limits)
    has_dynamic = any(part.type == _PT_DYNAMIC for part in parts)
    facts = ElfFacts(
        kind=_kind(head, interpreter=interpreter, pie=dynamic.pie),
        machine=head.machine,
        bits=head.bits,
        static=interpreter is None and not has_dynamic,
        interpreter=interpreter or None,
        needed=dynamic.needed,
        rpath=dynamic.rpath,
        build_id=_build_id(source, head, parts, limits),
    )
    view = ftype.ElfView(
        type=head.type,
        bad=not _program_headers_agree(source, head, parts),
        interpreter=interpreter,
        dynamic=has_dynamic,
        debug=dynamic.debug,
    )
    proofs = (
        Proof(offset=0, data=b"\x7fELF", meaning="ELF magic"),
        Proof(offset=16, data=source.read(16, 2), meaning=f"e_type {head.type}"),
        Proof(offset=18, data=source.read(18, 2), meaning=f"e_machine {head.machine}"),
    )
    # The daemon reads the header in the byte order of its own machine.
    mime = ftype.of_elf(view, path) if head.order == "<" else UNKNOWN
    return Reading(elf=facts, proofs=proofs, ftype=mime)


def _program_headers_agree(source: Source, head: Header, parts: tuple[Segment, ...]) -> bool:
    """Whether fapolicyd's gather_elf (file.c) finds no error in the program headers."""
    header_size, entry_size = (64, 56) if head.bits == 64 else (52, 32)
    if source.size < header_size:
        return False
    if head.type == 1 and head.ph_entry_size * head.ph_count == 0:
        return True
    if head.ph_entry_size != entry_size or head.ph_count == 0:
        return False
    if len(parts) < head.ph_count:
        return False
    for part in parts:
        if part.type == _PT_INTERP and part.offset + min(part.file_size, 65) > source.size:
            return False
        # gather_elf counts 16-byte entries for both classes and gives up above 1000.
        if part.type == _PT_DYNAMIC and (
            part.offset + part.file_size > source.size or part.file_size // 16 > 1000
        ):
            return False
    return True


READER = Reader(format=FileFormat.ELF, read=_read)
