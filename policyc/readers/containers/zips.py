"""ZIP members, through the standard library's reader.

Source: APPNOTE.TXT (PKWARE): bit 0 of the flags marks an encrypted member (4.4.4).
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from policyc.model.facts import SkipReason
from policyc.readers.containers.member import Budget, Chunks, ContainerError, Member
from policyc.readers.containers.streams import BROKEN_STREAM
from policyc.readers.source import Source, SourceFile

_ENCRYPTED = 0x1
_UNIX = 3
_LINK, _TYPE = 0o120000, 0o170000
_BROKEN = (zipfile.BadZipFile, zlib.error, *BROKEN_STREAM, RuntimeError, KeyError)


def members(source: Source, budget: Budget) -> Iterator[Member]:
    """Every member that is a file, in directory order; raises ContainerError."""
    try:
        archive = zipfile.ZipFile(SourceFile(source))
    except (*_BROKEN, NotImplementedError, MemoryError) as error:
        raise ContainerError(SkipReason.MALFORMED, _text(error)) from error
    for info in archive.infolist():
        budget.count()
        mode = info.external_attr >> 16 if info.create_system == _UNIX else -1
        if info.is_dir() or (mode > 0 and mode & _TYPE == _LINK):
            continue
        if info.flag_bits & _ENCRYPTED:
            yield Member(name=info.filename, size=info.file_size, encrypted=True)
            continue
        yield Member(
            name=info.filename,
            size=info.file_size,
            mode=mode if mode > 0 else -1,
            read=_reader(archive, info),
        )


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Chunks:
    stream: IO[bytes] | None = None

    def read(size: int) -> bytes:
        nonlocal stream
        try:
            if stream is None:
                stream = archive.open(info)
            return stream.read(size)
        except NotImplementedError as error:
            raise ContainerError(SkipReason.UNSUPPORTED, _text(error)) from error
        except _BROKEN as error:
            raise ContainerError(SkipReason.MALFORMED, _text(error)) from error

    return read


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
