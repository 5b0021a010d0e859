"""Members of 7z, RAR, CAB, ISO, RPM, xar and Zstandard files, through libarchive.

Only the one format and the filters it needs are switched on: libarchive's "all" would start
external programs for lzop, lrzip and grzip streams.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from policyc.model.formats import FileFormat
from policyc.model.inventory import SkipReason
from policyc.readers.containers import rars
from policyc.readers.containers.member import Budget, Chunks, ContainerError, Member
from policyc.readers.source import DescriptorSource, Source

_STREAMS = ("gzip", "bzip2", "xz", "lzma", "zstd")
_SETUPS: dict[FileFormat, tuple[tuple[str, ...], tuple[str, ...]]] = {
    FileFormat.SEVENZIP: (("7zip",), ()),
    FileFormat.RAR: (("rar", "rar5"), ()),
    FileFormat.CAB: (("cab",), ()),
    FileFormat.ISO: (("iso9660",), ()),
    FileFormat.RPM: (("cpio",), ("rpm", *_STREAMS)),
    FileFormat.XAR: (("xar",), ("gzip",)),
    FileFormat.ZSTD: (("tar", "raw"), ("zstd",)),
}
FORMATS = frozenset(_SETUPS)
"""The formats that are read here."""

_MAX_IN_MEMORY = 256 << 20
_REGULAR, _TYPE = 0o100000, 0o170000
_MISSING = (
    "needs libarchive: pip install 'policyc[archives]', and the system's libarchive 3.3 or later"
)


def _library() -> Any:  # noqa: ANN401
    try:
        from libarchive import ffi  # noqa: PLC0415  (an extra)
    except (ImportError, OSError, AttributeError, TypeError) as error:
        raise ContainerError(SkipReason.UNSUPPORTED, _MISSING) from error
    return ffi


@contextmanager
def _opened(ffi: Any, source: Source, fmt: FileFormat) -> Iterator[Any]:  # noqa: ANN401
    formats, filters = _SETUPS[fmt]
    archive = ffi.read_new()
    try:
        for name in formats:
            _enable(ffi, archive, f"format_{name}")
        for name in filters:
            _enable(ffi, archive, f"filter_{name}")
        if isinstance(source, DescriptorSource):
            os.lseek(source.descriptor, 0, os.SEEK_SET)
            ffi.read_open_fd(archive, source.descriptor, 1 << 16)
            yield archive
        else:
            if source.size > _MAX_IN_MEMORY:
                raise ContainerError(SkipReason.TOO_LARGE, f"{source.size:,} bytes")
            data = source.read(0, source.size)
            pointer = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p)
            ffi.read_open_memory(archive, pointer, len(data))
            yield archive
    except ffi.ArchiveError as error:
        raise _failure(error) from error
    finally:
        ffi.read_free(archive)


def _enable(ffi: Any, archive: Any, name: str) -> None:  # noqa: ANN401
    function = getattr(ffi.libarchive, f"archive_read_support_{name}", None)
    if function is None:
        raise ContainerError(SkipReason.UNSUPPORTED, f"this libarchive has no {name}")
    function.argtypes = [ctypes.c_void_p]
    function.restype = ctypes.c_int
    function(archive)


def members(source: Source, fmt: FileFormat, budget: Budget) -> Iterator[Member]:
    """Every regular file, in order; raises ContainerError."""
    ffi = _library()
    locked = rars.encrypted(source) if fmt is FileFormat.RAR else frozenset()
    number = 0
    failures: list[ContainerError] = []
    with _opened(ffi, source, fmt) as archive:
        entry = ctypes.c_void_p(ffi.entry_new())
        try:
            while ffi.read_next_header2(archive, entry) != ffi.ARCHIVE_EOF:
                budget.count()
                member = _member(ffi, archive, entry, failures)
                if member is not None and number in locked:
                    member = replace(member, read=None, encrypted=True)
                if member is not None:
                    yield member
                if failures:
                    # libarchive 3.6 can crash when it goes on behind a broken member.
                    raise failures[0]
                number += 1
        finally:
            ffi.entry_free(entry)


def is_bare(source: Source) -> bool:
    """Whether a Zstandard file holds something else than a tar; raises ContainerError."""
    ffi = _library()
    with _opened(ffi, source, FileFormat.ZSTD) as archive:
        entry = ctypes.c_void_p(ffi.entry_new())
        try:
            ffi.read_next_header2(archive, entry)
            return bool(ffi.format_name(archive) == b"raw")
        finally:
            ffi.entry_free(entry)


def _member(
    ffi: Any,  # noqa: ANN401
    archive: Any,  # noqa: ANN401
    entry: Any,  # noqa: ANN401
    failures: list[ContainerError],
) -> Member | None:
    name = _name(ffi, entry)
    hard = ffi.entry_hardlink(entry)
    if hard:
        return Member(name=name, link=hard.decode("utf-8", "surrogateescape"))
    if ffi.entry_filetype(entry) & _TYPE != _REGULAR:
        return None
    size = max(0, ffi.entry_size(entry))
    if _encrypted(ffi, entry):
        return Member(name=name, size=size, encrypted=True)
    return Member(name=name, size=size, read=_reader(ffi, archive, failures))


def _name(ffi: Any, entry: Any) -> str:  # noqa: ANN401
    """UTF-8 where libarchive can give it, else the bytes as they are."""
    wide: str | None = ffi.entry_pathname_w(entry)
    if wide:
        return wide.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    raw: bytes | None = ffi.entry_pathname(entry)
    return (raw or b"").decode("utf-8", "surrogateescape")


def _encrypted(ffi: Any, entry: Any) -> bool:  # noqa: ANN401
    function = getattr(ffi.libarchive, "archive_entry_is_encrypted", None)
    if function is None:
        return False
    function.argtypes = [ctypes.c_void_p]
    function.restype = ctypes.c_int
    return bool(function(entry))


def _reader(ffi: Any, archive: Any, failures: list[ContainerError]) -> Chunks:  # noqa: ANN401
    buffer = ctypes.create_string_buffer(1 << 18)

    def read(size: int) -> bytes:
        try:
            count = ffi.read_data(archive, buffer, min(size, len(buffer)))
        except ffi.ArchiveError as error:
            failure = _failure(error)
            if error.retcode == ffi.ARCHIVE_FATAL:
                failures.append(failure)
            raise failure from error
        return buffer.raw[:count]

    return read


def _failure(error: Exception) -> ContainerError:
    # The rest of the message holds an address, which differs from run to run.
    text = " ".join(str(error).partition(" (errno=")[0].split())[:200]
    lower = text.lower()
    if "encrypt" in lower or "passphrase" in lower or "password" in lower:
        return ContainerError(SkipReason.ENCRYPTED, text)
    if "unsupported" in lower or "not supported" in lower or "unrecognized" in lower:
        return ContainerError(SkipReason.UNSUPPORTED, text)
    return ContainerError(SkipReason.MALFORMED, text)
