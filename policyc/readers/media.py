"""Images, sound and video whose first bytes are too weak alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from policyc.model.formats import FileFormat

_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_BITRATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES = (44100, 48000, 32000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A medium and the bytes at its start that show it."""

    format: FileFormat
    data: bytes
    meaning: str


def recognise(head: bytes, size: int) -> Recognised | None:
    """Recognise BMP, ICO, RIFF, WebP, ISO base media and MPEG audio; None for anything else."""
    if head[:4] == b"RIFF" and len(head) >= 12:
        webp = head[8:12] == b"WEBP"
        fmt = FileFormat.WEBP if webp else FileFormat.RIFF
        kind = head[8:12].decode("latin-1")
        return Recognised(format=fmt, data=head[:12], meaning=f"RIFF form {kind!r}")
    if head[4:8] == b"ftyp" and len(head) >= 12 and 8 <= struct.unpack_from(">I", head)[0] <= 4096:
        return Recognised(format=FileFormat.MP4, data=head[:12], meaning="ftyp box")
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip") and head[:2] == b"\0\0":
        return Recognised(format=FileFormat.MP4, data=head[:8], meaning="QuickTime atom")
    if _is_bmp(head):
        return Recognised(format=FileFormat.BMP, data=head[:2], meaning="BMP header")
    if _is_icon(head, size):
        return Recognised(format=FileFormat.ICO, data=head[:6], meaning="icon directory")
    if _is_mpeg_audio(head):
        return Recognised(format=FileFormat.MP3, data=head[:4], meaning="MPEG audio frames")
    return None


def _is_bmp(head: bytes) -> bool:
    if head[:2] != b"BM" or len(head) < 18:
        return False
    pixels, header = struct.unpack_from("<II", head, 10)
    return header in _BMP_HEADERS and head[6:10] == bytes(4) and 14 + header <= pixels


def _is_icon(head: bytes, size: int) -> bool:
    """Whether an icon or cursor directory holds entries that lie inside the file."""
    if head[:4] not in (b"\0\0\1\0", b"\0\0\2\0") or len(head) < 22:
        return False
    (count,) = struct.unpack_from("<H", head, 4)
    if not 1 <= count <= 256 or 6 + 16 * count > len(head):
        return False
    for index in range(count):
        length, offset = struct.unpack_from("<II", head, 6 + 16 * index + 8)
        if offset < 6 + 16 * count or length < 16 or offset + length > size:
            return False
    return True


def _is_mpeg_audio(head: bytes) -> bool:
    """Whether two MPEG-1 layer III frames follow each other."""
    first = _frame_length(head, 0)
    return first > 0 and _frame_length(head, first) > 0


def _frame_length(head: bytes, offset: int) -> int:
    frame = head[offset : offset + 4]
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xFE != 0xFA:
        return 0
    bitrate, rate = frame[2] >> 4, frame[2] >> 2 & 3
    if bitrate in (0, 15) or rate == 3:
        return 0
    return 144000 * _BITRATES[bitrate] // _RATES[rate] + (frame[2] >> 1 & 1)
