"""Tar members, plain or in a gzip, bzip2 or xz stream, through the standard library.

Source: tar(5), POSIX.1 pax. Links are not files; a hard link repeats an earlier member.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO, Any, cast

from policyc.model.inventory import SkipReason
from policyc.readers.containers.member import Budget, Chunks, ContainerError, Member
from policyc.readers.containers.streams import BROKEN_STREAM
from policyc.readers.reader import one_line

_BROKEN = (tarfile.TarError, *BROKEN_STREAM, UnicodeError, IndexError, RecursionError)
_METADATA = 1 << 20


class _Guarded:
    """Refuses what no tar header needs: reading a pax header of many MiB into memory."""

    def __init__(self, file: Any, budget: Budget) -> None:  # noqa: ANN401
        self._file = file
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        """Read; raises ContainerError for sizes beyond a block of metadata."""
        if size < 0 or size > _METADATA:
            raise ContainerError(SkipReason.MALFORMED, f"a tar header of {size} bytes")
        self._budget.check_time()
        data: bytes = self._file.read(size)
        return data

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._file, name)


def members(file: Any, budget: Budget, *, stream: bool) -> Iterator[Member]:  # noqa: ANN401
    """Every member of ``file``, in order; raises ContainerError."""
    guarded = cast("IO[bytes]", _Guarded(file, budget))
    try:
        archive = tarfile.open(  # noqa: SIM115  (closes nothing of its own)
            fileobj=guarded,
            mode="r|" if stream else "r:",
            bufsize=1 << 16,
            errors="surrogateescape",
        )
    except _BROKEN as error:
        raise _malformed(error) from error
    while True:
        try:
            info = archive.next()
        except _BROKEN as error:
            raise _malformed(error) from error
        if info is None:
            return
        # tarfile keeps every header it has seen.
        archive.members.clear()  # type: ignore[attr-defined]
        budget.count()
        if info.islnk():
            yield Member(name=info.name, mode=info.mode, uid=info.uid, link=info.linkname)
        elif info.isreg():
            yield Member(
                name=info.name,
                size=info.size,
                mode=info.mode,
                uid=info.uid,
                read=_reader(archive, info),
            )
        else:
            yield Member(name=info.name, directory=info.isdir())


def _reader(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Chunks:
    file: IO[bytes] | None = None

    def read(size: int) -> bytes:
        nonlocal file
        try:
            if file is None:
                file = archive.extractfile(info)
            return b"" if file is None else file.read(size)
        except _BROKEN as error:
            raise _malformed(error) from error

    return read


def _malformed(error: BaseException) -> ContainerError:
    return ContainerError(SkipReason.MALFORMED, one_line(error))
