"""Walking a tree: every regular file once, in a stable order, without following links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from policyc.model.inventory import Skipped, SkipReason
from policyc.model.path import style_of
from policyc.readers.limits import Limits


class Entry(NamedTuple):
    """A regular file that was met.

    ``path`` opens it; ``relative`` is its path below the root that was given, with ``/``
    and undecodable bytes as surrogates (the file's own name when the root is a file).
    ``mode`` and ``uid`` are stat's; ``stamp`` is everything that changes with the file: size,
    mtime and ctime in nanoseconds, inode, device, mode, owner and group.
    """

    path: bytes
    relative: str
    size: int
    mode: int
    uid: int
    stamp: tuple[int, ...]


class _Folder(NamedTuple):
    """``ancestors`` are (device, inode) from the root down to the folder itself."""

    path: bytes
    relative: str
    ancestors: tuple[tuple[int, int], ...]


def walk(
    roots: Sequence[os.PathLike[str] | str],
    limits: Limits = Limits(),  # noqa: B008
) -> Iterator[Entry | Skipped]:
    """Walk ``roots`` in the order given, each directory in byte order of its names.

    A link given as a root is resolved; links met on the way are no files and are passed
    over. A directory that is its own ancestor (a bind mount can make one) is skipped as a
    loop; one that was walked already, below an earlier root, is not walked again. The files
    of a directory come before its directories.
    """
    seen: set[bytes] = set()
    for root in roots:
        path = os.path.realpath(os.fsencode(root))
        name = os.fsdecode(path).rpartition("/")[2]
        try:
            status = os.stat(path)  # noqa: PTH116  (byte paths)
        except OSError as error:
            yield _unreadable(os.fsdecode(path), error)
            continue
        if stat.S_ISDIR(status.st_mode):
            top = _Folder(path, "", ((status.st_dev, status.st_ino),))
            yield from _tree(top, limits, seen)
        else:
            yield _file(path, name, status)


def _tree(top: _Folder, limits: Limits, seen: set[bytes]) -> Iterator[Entry | Skipped]:
    """Walk one directory tree with an explicit stack, so that depth costs no recursion."""
    stack = [top]
    while stack:
        folder = stack.pop()
        path, relative, ancestors = folder
        if path in seen:
            continue
        seen.add(path)
        if len(ancestors) - 1 > limits.max_walk_depth:
            detail = f"more than {limits.max_walk_depth} directories deep"
            yield Skipped(path=relative, reason=SkipReason.NESTING, detail=detail)
            continue
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=_by_name)
        except OSError as error:
            yield _unreadable(relative, error)
            continue
        prefix = f"{relative}/" if relative else ""
        below: list[_Folder] = []
        for entry in entries:
            if entry.is_symlink():
                continue
            name = prefix + os.fsdecode(entry.name)
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError as error:
                yield _unreadable(name, error)
                continue
            if not stat.S_ISDIR(status.st_mode):
                yield _file(entry.path, name, status)
                continue
            identity = (status.st_dev, status.st_ino)
            if identity in ancestors:
                yield Skipped(path=name, reason=SkipReason.SYMLINK_LOOP, detail="its own ancestor")
                continue
            below.append(_Folder(entry.path, name, (*ancestors, identity)))
        stack.extend(reversed(below))


def _by_name(entry: os.DirEntry[bytes]) -> bytes:
    return entry.name


def _file(path: bytes, relative: str, status: os.stat_result) -> Entry | Skipped:
    mode = status.st_mode
    if not stat.S_ISREG(mode):
        kind = stat.filemode(mode)[0]
        names = {"p": "a FIFO", "s": "a socket", "c": "a device", "b": "a device"}
        detail = names.get(kind, "not a regular file")
        return Skipped(path=relative, reason=SkipReason.NOT_A_FILE, detail=detail)
    size, uid = status.st_size, status.st_uid
    return Entry(
        path,
        relative,
        size,
        mode,
        uid,
        (
            size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
            status.st_dev,
            mode,
            uid,
            status.st_gid,
        ),
    )


def _unreadable(path: str, error: OSError) -> Skipped:
    detail = error.strerror or type(error).__name__
    return Skipped(path=path, reason=SkipReason.UNREADABLE, detail=detail)


def endpoint_path(relative: str, prefix: str) -> str:
    """The path an endpoint sees: ``a/b`` below ``C:\\`` is ``C:\\a\\b``, below /opt /opt/a/b.

    Raises ValueError for a prefix that is neither ``/absolute`` nor ``C:\\absolute``.
    """
    head, windows = _head(prefix)
    return head + relative.replace("/", "\\") if windows else head + relative


@lru_cache(maxsize=16)
def _head(prefix: str) -> tuple[str, bool]:
    """What stands before every path below a prefix, and whether it is a Windows path."""
    if style_of(prefix) is None:
        raise ValueError(f"{prefix!r} is neither /absolute nor C:\\absolute")
    if prefix.startswith("/"):
        return prefix.rstrip("/") + "/", False
    return prefix.replace("/", "\\").rstrip("\\") + "\\", True
