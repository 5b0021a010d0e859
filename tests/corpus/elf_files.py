"""Synthetic ELF files: header, program headers, dynamic section; no sections."""

from __future__ import annotations

import struct

_TYPES = {"object": 1, "exec": 2, "static": 2, "pie": 3, "static-pie": 3, "shared": 3, "core": 4}
LOADER = "/lib64/ld-linux-x86-64.so.2"


def elf(
    kind: str = "pie",
    *,
    bits: int = 64,
    order: str = "<",
    machine: int = 62,
    interpreter: str | None = LOADER,
    needed: tuple[str, ...] = ("libc.so.6",),
) -> bytes:
    """An ELF file of ``kind``: exec, pie, shared, static, static-pie, object or core."""
    if kind in ("shared", "static", "static-pie", "object", "core"):
        interpreter = None
    dynamic = kind in ("exec", "pie", "shared", "static-pie")
    wide = bits == 64
    header_size, entry_size = (64, 56) if wide else (52, 32)
    base = header_size + 3 * entry_size
    interp = interpreter.encode() + b"\0" if interpreter else b""
    strings, offsets = b"\0", []
    for name in needed:
        offsets.append(len(strings))
        strings += name.encode() + b"\0"
    string_offset = base + len(interp)
    tags = [(1, offset) for offset in offsets] + [(5, string_offset), (10, len(strings))]
    if kind == "static-pie":
        tags = tags[len(offsets) :]
    if kind in ("pie", "static-pie"):
        tags.append((0x6FFFFFFB, 0x08000000))
    if kind in ("exec", "pie"):
        tags.append((21, 0))
    pack = struct.Struct(order + ("qQ" if wide else "iI"))
    table = b"".join(pack.pack(*tag) for tag in (*tags, (0, 0))) if dynamic else b""
    body = interp + strings + table
    dynamic_offset = string_offset + len(strings)
    parts = [(1, 0, base + len(body))]
    if interp:
        parts.append((3, base, len(interp)))
    if dynamic:
        parts.append((2, dynamic_offset, len(table)))
    if kind == "object":
        parts = []
    headers = b"".join(_program_header(*part, wide=wide, order=order) for part in parts)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    layout = order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")
    fields = (_TYPES[kind], machine, 1, 0, header_size if parts else 0, 0, 0, header_size)
    header = struct.pack(layout, *fields, entry_size if parts else 0, len(parts), 0, 0, 0)
    return (ident + header + headers).ljust(base, b"\0") + body


def _program_header(kind: int, offset: int, size: int, *, wide: bool, order: str) -> bytes:
    if wide:
        return struct.pack(order + "IIQQQQQQ", kind, 5, offset, offset, 0, size, size, 8)
    return struct.pack(order + "8I", kind, offset, offset, 0, size, size, 5, 4)
