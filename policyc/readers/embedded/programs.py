"""Programs inside other files: PE, ELF and Mach-O headers at an offset above zero.

A magic number alone is met by chance; each candidate is put to the reader of its format.
"""

from __future__ import annotations

import struct

from policyc.model.diagnostic import Proof
from policyc.model.facts import Trait
from policyc.readers import elf, macho, pe
from policyc.readers.limits import Limits
from policyc.readers.source import SliceSource, Source

_PE_BACK = 4096
_MAX_CANDIDATES = 256
_ELF_KINDS = range(1, 5)
_MACHO = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce")


def programs(data: bytes, source: Source, limits: Limits) -> tuple[Trait, ...]:
    """One ``embedded-program`` trait a format; ``data`` are the first bytes of ``source``."""
    found = (_pe(data, source, limits), _elf(data, source), _macho(data, source))
    return tuple(item for item in found if item is not None)


def _trait(kind: str, offset: int, data: bytes) -> Trait:
    proof = Proof(offset=offset, data=data, meaning=f"{kind} header inside the file")
    return Trait(kind="embedded-program", detail=f"{kind} at byte {offset}", proofs=(proof,))


def _pe(data: bytes, source: Source, limits: Limits) -> Trait | None:
    at = data.find(b"PE\0\0", 1)
    for _ in range(_MAX_CANDIDATES):
        if at < 0:
            return None
        begin = _dos_header(data, at)
        if begin > 0:
            inner = SliceSource(source, begin, source.size - begin)
            if pe.header(inner, limits) is not None:
                return _trait("PE", begin, data[begin : begin + 64])
        at = data.find(b"PE\0\0", at + 1)
    return None


def _dos_header(data: bytes, signature: int) -> int:
    """The DOS header whose e_lfanew leads to ``signature``, -1 without one."""
    floor = max(0, signature - _PE_BACK)
    begin = data.rfind(b"MZ", floor, signature)
    while begin >= floor and begin >= 0:
        stated = data[begin + 60 : begin + 64]
        if len(stated) == 4 and struct.unpack("<I", stated)[0] == signature - begin:
            return begin
        begin = data.rfind(b"MZ", floor, begin)
    return -1


def _elf(data: bytes, source: Source) -> Trait | None:
    at = data.find(b"\x7fELF", 1)
    for _ in range(_MAX_CANDIDATES):
        if at < 0:
            return None
        head = elf.header(SliceSource(source, at, source.size - at))
        whole = head is not None and head.type in _ELF_KINDS and data[at + 6 : at + 7] == b"\1"
        if whole and head is not None and head.ph_entry_size in (0, 32, 56):
            return _trait("ELF", at, data[at : at + 20])
        at = data.find(b"\x7fELF", at + 1)
    return None


def _macho(data: bytes, source: Source) -> Trait | None:
    for magic in _MACHO:
        at = data.find(magic, 1)
        for _ in range(_MAX_CANDIDATES):
            if at < 0:
                break
            extent = macho.Extent(offset=at, size=source.size - at)
            head = macho.header(source, extent)
            if head is not None and 1 <= head.command_count <= 4096:
                return _trait("Mach-O", at, data[at : at + 28])
            at = data.find(magic, at + 1)
    return None
