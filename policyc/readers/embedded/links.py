"""Shell links: what they start. Source: [MS-SHLLINK] 2.1 to 2.5."""

from __future__ import annotations

import struct

from policyc.model.diagnostic import Proof
from policyc.model.facts import Trait
from policyc.readers.source import Source

_HEADER = 76
_HAS_IDS, _HAS_INFO, _UNICODE = 0x1, 0x2, 0x80
_STRINGS = ((0x4, "name"), (0x8, "target"), (0x10, "folder"), (0x20, "arguments"), (0x40, "icon"))
_ENVIRONMENT = 0xA0000001
_MAX = 1 << 20


def link(source: Source) -> tuple[Trait, ...]:
    """``link-target``, ``link-arguments``, ``link-icon`` … of a shell link that is whole."""
    data = source.read(0, _MAX)
    if len(data) < _HEADER:
        return ()
    (flags,) = struct.unpack_from("<I", data, 20)
    at = _HEADER
    traits: list[Trait] = []
    if flags & _HAS_IDS and at + 2 <= len(data):
        at += 2 + struct.unpack_from("<H", data, at)[0]
    if flags & _HAS_INFO and at + 4 <= len(data):
        (size,) = struct.unpack_from("<I", data, at)
        traits += _local_path(data[at : at + size], at)
        at += max(4, size)
    wide = bool(flags & _UNICODE)
    for bit, name in _STRINGS:
        if not flags & bit or at + 2 > len(data):
            continue
        (count,) = struct.unpack_from("<H", data, at)
        raw = data[at + 2 : at + 2 + count * (2 if wide else 1)]
        traits.append(_text(name, raw, at + 2, wide=wide))
        at += 2 + count * (2 if wide else 1)
    traits += _blocks(data, at)
    if source.size > 200 * 1024:
        traits.append(Trait(kind="link-size", detail=f"{source.size} bytes"))
    return tuple(traits)


def _text(name: str, raw: bytes, at: int, *, wide: bool) -> Trait:
    text = raw.decode("utf-16-le" if wide else "cp1252", "replace")
    proof = Proof(offset=at, data=raw[:64], meaning=f"{name} of the link")
    return Trait(kind=f"link-{name}", detail=text[:4096], proofs=(proof,))


def _local_path(info: bytes, at: int) -> list[Trait]:
    if len(info) < 20:
        return []
    (offset,) = struct.unpack_from("<I", info, 16)
    end = info.find(b"\0", offset) if 0 < offset < len(info) else -1
    return [_text("path", info[offset:end], at + offset, wide=False)] if end > offset else []


def _blocks(data: bytes, at: int) -> list[Trait]:
    traits = []
    for _ in range(32):
        if at + 8 > len(data):
            break
        size, signature = struct.unpack_from("<II", data, at)
        if size < 8:
            break
        if signature == _ENVIRONMENT and size >= 788:
            raw = data[at + 268 : at + 788].split(b"\0\0\0")[0]
            raw += b"\0" * (len(raw) % 2)
            traits.append(_text("target", raw, at + 268, wide=True))
        at += size
    return traits
