"""Which files of a RAR archive are encrypted: libarchive reads on and fails in their data.

Source: "RAR 5.0 archive format" (rarlab technote) for version 5, technote.txt of UnRAR for
the older one.
"""

from __future__ import annotations

import struct

from policyc.readers.source import Source

_RAR5 = b"Rar!\x1a\x07\x01\0"
_FILE_4, _FILE_5, _END_5 = 0x74, 2, 5
_ENCRYPTED_4, _LONG_4 = 0x04, 0x8000
_CRYPT_RECORD = 1
_MAX_HEADER = 1 << 20
_MAX_BLOCKS = 250_000


def encrypted(source: Source) -> frozenset[int]:
    """Numbers of the encrypted file headers, counted from 0 in archive order.

    A header that does not fit ends the list: what follows cannot be read either.
    """
    if source.read(0, 8) == _RAR5:
        return frozenset(_version_5(source))
    return frozenset(_version_4(source))


def _version_4(source: Source) -> list[int]:
    found: list[int] = []
    position, number = 7, 0
    for _ in range(_MAX_BLOCKS):
        head = source.read(position, 11)
        if len(head) < 7:
            break
        kind, flags, size = struct.unpack_from("<BHH", head, 2)
        extra = struct.unpack_from("<I", head, 7)[0] if flags & _LONG_4 and len(head) == 11 else 0
        if size < 7:
            break
        if kind == _FILE_4:
            if flags & _ENCRYPTED_4:
                found.append(number)
            number += 1
        position += size + extra
    return found


def _version_5(source: Source) -> list[int]:
    found: list[int] = []
    position, number = 8, 0
    for _ in range(_MAX_BLOCKS):
        size, used = _vint(source.read(position + 4, 10), 0)
        if not 0 < size <= _MAX_HEADER:
            break
        start = position + 4 + used
        head = source.read(start, size)
        kind, at = _vint(head, 0)
        flags, at = _vint(head, at)
        extra, at = _vint(head, at) if flags & 1 else (0, at)
        data, at = _vint(head, at) if flags & 2 else (0, at)
        if kind == _END_5:
            break
        if kind == _FILE_5:
            if _has_crypt_record(head[max(0, len(head) - extra) :] if extra else b""):
                found.append(number)
            number += 1
        position = start + size + data
    return found


def _has_crypt_record(area: bytes) -> bool:
    at = 0
    while at < len(area):
        size, body = _vint(area, at)
        kind, _ = _vint(area, body)
        if kind == _CRYPT_RECORD:
            return True
        if size == 0:
            return False
        at = body + size
    return False


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and where it ends; 0 where it is cut off."""
    value = shift = 0
    for index in range(at, min(at + 10, len(data))):
        value |= (data[index] & 0x7F) << shift
        shift += 7
        if not data[index] & 0x80:
            return value, index + 1
    return 0, at + 1
