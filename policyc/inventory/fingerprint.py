"""A digest of a tree's names and states, without a word of its content.

While it stays the same, so do size, mtime, ctime, inode, device, mode, owner and group of
every file below the roots, and with them what a scan would find.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import stat
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from policyc.readers.limits import Limits

_FEW = 64
"""So many folders are walked in this process: starting others takes longer."""

_SPREAD = 400


def tree_digest(roots: Sequence[Path], limits: Limits, processes: int) -> bytes:
    """Digest everything below ``roots``, links left out; unreadable folders count as such."""
    whole = hashlib.blake2b(digest_size=32)
    folders: list[tuple[bytes, int]] = []
    for root in roots:
        path = os.path.realpath(os.fsencode(root))
        status = os.stat(path)  # noqa: PTH116  (byte paths)
        whole.update(repr((path, _state(status))).encode())
        if stat.S_ISDIR(status.st_mode):
            folders.append((path, 0))
    # Breadth first until there is enough to share out, then each subtree by itself.
    while folders and len(folders) < _SPREAD and processes > 1:
        below: list[tuple[bytes, int]] = []
        for path, depth in folders:
            listed, inner = _listing(path)
            whole.update(listed)
            below += [(item, depth + 1) for item in inner if depth < limits.max_walk_depth]
        folders = below
    deepest = limits.max_walk_depth
    work = [(path, deepest - depth) for path, depth in folders]
    if len(work) <= _FEW or processes < 2 or threading.active_count() > 1:
        parts: Iterable[bytes] = map(_subtree, work)
    else:
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            parts = pool.map(_subtree, work, chunksize=8)
    for part in parts:
        whole.update(part)
    return whole.digest()


def _subtree(work: tuple[bytes, int]) -> bytes:
    top, depth = work
    sink = hashlib.blake2b(digest_size=32)
    stack = [(top, depth)]
    while stack:
        path, left = stack.pop()
        listed, inner = _listing(path)
        sink.update(listed)
        if left > 0:
            stack += [(item, left - 1) for item in inner]
    return sink.digest()


def _listing(path: bytes) -> tuple[bytes, list[bytes]]:
    """What one folder holds, in the order of the names, and its folders."""
    found: list[object] = [path]
    folders: list[bytes] = []
    try:
        with os.scandir(path) as listing:
            entries = sorted(listing, key=_by_name)
    except OSError as error:
        return repr((path, error.errno)).encode(), []
    for entry in entries:
        if entry.is_symlink():
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            found.append((entry.name, error.errno))
            continue
        found.append((entry.name, _state(status)))
        if stat.S_ISDIR(status.st_mode):
            folders.append(entry.path)
    return repr(found).encode(), folders


def _by_name(entry: os.DirEntry[bytes]) -> bytes:
    return entry.name


def _state(status: os.stat_result) -> tuple[int, ...]:
    if stat.S_ISDIR(status.st_mode):
        # A folder's times change with what is in it, which is listed anyway.
        return (status.st_mode, status.st_dev, status.st_ino)
    return (
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_dev,
        status.st_mode,
        status.st_uid,
        status.st_gid,
    )
