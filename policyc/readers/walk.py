"""Walking a tree: every regular file once, in a stable order, without following links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policyc.model.facts import Skipped, SkipReason
from policyc.model.path import style_of
from policyc.readers.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A regular file that was met.

    ``path`` opens it; ``relative`` is its path below the root that was given, with ``/``
    and undecodable bytes as surrogates (the file's own name when the root is a file).
    Times are nanoseconds, ``mode`` and ``uid`` are stat's.
    """

    path: bytes
    relative: str
    size: int
    mtime_ns: int
    inode: int
    device: int
    mode: int
    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    path: bytes
    relative: str
    status: os.stat_result
    ancestors: tuple[tuple[int, int], ...] = ()

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return self.status.st_dev, self.status.st_ino


def walk(
    roots: Sequence[os.PathLike[str] | str],
    limits: Limits = Limits(),  # noqa: B008
) -> Iterator[Entry | Skipped]:
    """Walk ``roots`` in the order given, each directory in byte order of its names.

    A link given as a root is resolved; links met on the way are no files and are passed
    over. A directory that is its own ancestor (a bind mount can make one) is skipped as a
    loop; one that was walked already, below an earlier root, is not walked again.
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
            yield from _directory(path, status, limits, seen)
        else:
            yield _file(path, name, status)


def _directory(
    root: bytes, status: os.stat_result, limits: Limits, seen: set[bytes]
) -> Iterator[Entry | Skipped]:
    """Walk one directory tree with an explicit stack, so that depth costs no recursion."""
    stack = [_Pending(path=root, relative="", status=status)]
    while stack:
        item = stack.pop()
        path, relative = item.path, item.relative
        if not stat.S_ISDIR(item.status.st_mode):
            yield _file(path, relative, item.status)
            continue
        if path in seen:
            continue
        seen.add(path)
        if item.identity in item.ancestors:
            yield Skipped(path=relative, reason=SkipReason.SYMLINK_LOOP, detail="its own ancestor")
            continue
        if len(item.ancestors) > limits.max_walk_depth:
            detail = f"more than {limits.max_walk_depth} directories deep"
            yield Skipped(path=relative, reason=SkipReason.NESTING, detail=detail)
            continue
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda item: item.name, reverse=True)
        except OSError as error:
            yield _unreadable(relative, error)
            continue
        prefix = f"{relative}/" if relative else ""
        ancestors = (*item.ancestors, item.identity)
        for entry in entries:
            name = prefix + os.fsdecode(entry.name)
            try:
                if entry.is_symlink():
                    continue
                status = entry.stat(follow_symlinks=False)
            except OSError as error:
                yield _unreadable(name, error)
                continue
            stack.append(
                _Pending(path=entry.path, relative=name, status=status, ancestors=ancestors)
            )


def _file(path: bytes, relative: str, status: os.stat_result) -> Entry | Skipped:
    if not stat.S_ISREG(status.st_mode):
        kind = stat.filemode(status.st_mode)[0]
        names = {"p": "a FIFO", "s": "a socket", "c": "a device", "b": "a device"}
        detail = names.get(kind, "not a regular file")
        return Skipped(path=relative, reason=SkipReason.NOT_A_FILE, detail=detail)
    return Entry(
        path=path,
        relative=relative,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        inode=status.st_ino,
        device=status.st_dev,
        mode=status.st_mode,
        uid=status.st_uid,
    )


def _unreadable(path: str, error: OSError) -> Skipped:
    detail = error.strerror or type(error).__name__
    return Skipped(path=path, reason=SkipReason.UNREADABLE, detail=detail)


def endpoint_path(relative: str, prefix: str) -> str:
    """The path an endpoint sees: ``a/b`` below ``C:\\`` is ``C:\\a\\b``, below /opt /opt/a/b.

    Raises ValueError for a prefix that is neither ``/absolute`` nor ``C:\\absolute``.
    """
    style = style_of(prefix)
    if style is None:
        raise ValueError(f"{prefix!r} is neither /absolute nor C:\\absolute")
    if prefix.startswith("/"):
        return f"{prefix.rstrip('/')}/{relative}"
    head = prefix.replace("/", "\\").rstrip("\\")
    tail = relative.replace("/", "\\")
    return f"{head}\\{tail}"
