"""Compressed streams: gzip, bzip2 and xz, with bounded output for every call.

Source: RFC 1952 (a gzip file may hold several members), the .xz format 1.1.0.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from typing import Any, Protocol

from policyc.model.formats import FileFormat
from policyc.model.inventory import SkipReason
from policyc.readers.containers.member import ContainerError
from policyc.readers.source import Source

_CHUNK = 1 << 16
_XZ_MEMORY = 256 << 20
BROKEN_STREAM = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)
"""What the decompressors raise for a stream that is not whole."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


class Decompressed(io.RawIOBase):
    """What a compressed source holds, read forwards; raises ContainerError.

    Bytes behind the last stream are left alone, as gzip and xz do.
    """

    def __init__(self, source: Source, fmt: FileFormat) -> None:
        super().__init__()
        self._source = source
        self._format = fmt
        self._position = 0
        self._pending = b""
        self._engine: Any = self._new()
        self._started = False

    def _new(self) -> _Decompressor:
        match self._format:
            case FileFormat.GZIP:
                return zlib.decompressobj(31)
            case FileFormat.BZIP2:
                return bz2.BZ2Decompressor()
            case FileFormat.XZ:
                return lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
            case _:
                raise ValueError(f"{self._format.value} is no compressed stream")

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, fewer only at the end; a negative size is refused."""
        if size < 0:
            raise ValueError("the size of a decompressed stream is not known")
        pieces = []
        while size > 0 and (piece := self.some(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        """Fill ``buffer``; returns the number of bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def some(self, size: int) -> bytes:
        """At least one byte and up to ``size``; nothing at the end."""
        while True:
            if self._engine.eof and not self._next_stream():
                return b""
            if not self._pending and self._wants_input():
                self._pending = self._source.read(self._position, _CHUNK)
                self._position += len(self._pending)
                if not self._pending:
                    raise ContainerError(SkipReason.MALFORMED, "the compressed data is cut off")
            try:
                data = self._step(size)
            except BROKEN_STREAM as error:
                raise ContainerError(SkipReason.MALFORMED, str(error)) from error
            if data:
                return data

    def _wants_input(self) -> bool:
        return bool(getattr(self._engine, "needs_input", True))

    def _step(self, size: int) -> bytes:
        data: bytes = self._engine.decompress(self._pending, size)
        self._pending = getattr(self._engine, "unconsumed_tail", b"")
        self._started = True
        return data

    def _next_stream(self) -> bool:
        """Whether another stream follows the one that ended."""
        rest: bytes = self._engine.unused_data
        while not rest.strip(b"\0") and (more := self._source.read(self._position, _CHUNK)):
            rest = more
            self._position += len(more)
        rest = rest.lstrip(b"\0")
        magic = {FileFormat.GZIP: b"\x1f\x8b", FileFormat.BZIP2: b"BZh", FileFormat.XZ: b"\xfd7z"}
        if not rest.startswith(magic[self._format]):
            return False
        self._engine = self._new()
        self._pending = rest
        return True


def peek(source: Source, fmt: FileFormat, size: int) -> bytes:
    """The first bytes of a compressed stream; raises ContainerError if it has none."""
    stream = Decompressed(source, fmt)
    found = b""
    try:
        while len(found) < size and (piece := stream.some(size - len(found))):
            found += piece
    except ContainerError:
        if not found:
            raise
    return found
