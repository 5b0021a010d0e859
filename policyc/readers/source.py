"""Random access to a file's bytes, whole in memory or in pieces from a descriptor."""

from __future__ import annotations

import io
import os
from typing import Any, Protocol

_CHUNK = 1 << 20


class Sink(Protocol):
    """Anything bytes are fed to, such as a hashlib object."""

    def update(self, data: bytes | memoryview, /) -> object:
        """Take more bytes."""


class Source(Protocol):
    """Bytes of a file of known size."""

    @property
    def size(self) -> int:
        """The number of bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; fewer only at the end of the file."""

    def feed(self, sink: Sink, start: int, end: int) -> None:
        """Pass the bytes of ``[start, end)`` to ``sink``, clipped to the file."""


class ChangedError(Exception):
    """The file became shorter while it was read."""


class MemorySource:
    """A file whose bytes are all in memory."""

    __slots__ = ("_data", "_view")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._view = memoryview(data)

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; nothing outside the file."""
        if offset < 0 or length <= 0:
            return b""
        return self._data[offset : offset + length]

    def feed(self, sink: Sink, start: int, end: int) -> None:
        """Pass the bytes of ``[start, end)`` to ``sink`` without copying them."""
        if 0 <= start < end:
            sink.update(self._view[start:end])


class DescriptorSource:
    """A large file, read in pieces by ``os.pread``.

    A memory map would be no slower to write, but the process dies of SIGBUS when somebody
    truncates a mapped file; a short ``pread`` raises ChangedError instead.
    """

    __slots__ = ("_descriptor", "_size")

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size

    @property
    def size(self) -> int:
        """The number of bytes the file had when it was opened."""
        return self._size

    @property
    def descriptor(self) -> int:
        """The open file descriptor."""
        return self._descriptor

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; raises ChangedError, OSError."""
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        pieces = []
        while length > 0:
            piece = os.pread(self._descriptor, length, offset)
            if not piece:
                raise ChangedError
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return b"".join(pieces)

    def feed(self, sink: Sink, start: int, end: int) -> None:
        """Pass ``[start, end)`` to ``sink`` by the MiB; raises ChangedError, OSError."""
        end = min(end, self._size)
        while 0 <= start < end:
            piece = os.pread(self._descriptor, min(_CHUNK, end - start), start)
            if not piece:
                raise ChangedError
            sink.update(piece)
            start += len(piece)


class SliceSource:
    """A part of another source."""

    __slots__ = ("_offset", "_size", "_source")

    def __init__(self, source: Source, offset: int, size: int) -> None:
        self._source = source
        self._offset = offset
        self._size = size

    @property
    def size(self) -> int:
        """The number of bytes of the part."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """As Source.read, inside the part."""
        length = min(length, self._size - offset)
        return self._source.read(self._offset + offset, length) if offset >= 0 else b""

    def feed(self, sink: Sink, start: int, end: int) -> None:
        """As Source.feed, inside the part."""
        end = min(end, self._size)
        if 0 <= start < end:
            self._source.feed(sink, self._offset + start, self._offset + end)


class SourceFile(io.RawIOBase):
    """A source as a seekable binary file, for libraries that want one."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to ``offset`` from the start, the position or the end; raises ValueError."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}
        position = base[whence] + offset
        if position < 0:
            raise ValueError("a position before the start of the file")
        self._position = position
        return position

    def tell(self) -> int:
        """The position."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, all that are left for a negative one."""
        left = max(0, self._source.size - self._position)
        data = self._source.read(self._position, left if size < 0 else min(size, left))
        self._position += len(data)
        return data

    def readall(self) -> bytes:
        """All that is left."""
        return self.read()

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        """Fill ``buffer``; returns the number of bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
