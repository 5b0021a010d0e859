"""The scan cache: rows of files that have not changed since they were read.

One SQLite file. A row is reused while size, mtime, ctime, inode, device, mode, owner and
group of its file are the same and policyc's own code is; ctime cannot be set by a program,
so a file with a forged mtime is read again. A file that changed in the last two seconds is
not kept, as it could change again within the resolution of its times.
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
import time
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from policyc.inventory.schema import SCHEMA_VERSION
from policyc.inventory.worker import Job, Rows, ScanOptions

_SETTLED_NS = 2_000_000_000
_PASSING = (b"unreadable", b"changed", b"timeout", b"memory", b"reader-crashed")
"""Skips that another try may not see."""

_MAX_OUTPUT = 512 << 20
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
  tree BLOB NOT NULL, path BLOB NOT NULL, stamp BLOB NOT NULL, run INTEGER NOT NULL,
  rows BLOB NOT NULL, UNIQUE (tree, path));
CREATE TABLE IF NOT EXISTS outputs (
  tree BLOB NOT NULL, form TEXT NOT NULL, walk BLOB NOT NULL, counts BLOB NOT NULL,
  content BLOB NOT NULL, PRIMARY KEY (tree, form)) WITHOUT ROWID;
"""


class CacheError(Exception):
    """A cache file that cannot be used; the text says what to do."""


class Cache:
    """An open cache; every method raises CacheError where the file or the disk refuses."""

    def __init__(self, path: Path, roots: Iterable[Path], options: ScanOptions) -> None:
        self._path = path
        try:
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA cache_size = -16384")
            # A cache that a power cut breaks is made anew; waiting for the disk doubles the scan.
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute("PRAGMA wal_autocheckpoint = 16384")
            self._connection.executescript(_TABLES)
            self._start()
        except sqlite3.Error as error:
            raise CacheError(
                f"{path}: no usable cache ({error}); delete it or name another file"
            ) from error
        self._whole = True
        self._tree = _digest(
            repr((sorted(map(str, roots)), replace(options, jobs=0))).encode("utf-8", "replace")
        )

    def _start(self) -> None:
        code = _code_stamp()
        found = self._connection.execute("SELECT value FROM meta WHERE key = 'code'").fetchone()
        if found is None or found[0] != code:
            for table in ("files", "outputs", "meta"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608  (fixed names)
            self._connection.execute("INSERT INTO meta VALUES ('code', ?)", [code])
        found = self._connection.execute("SELECT value FROM meta WHERE key = 'run'").fetchone()
        self._run = 1 + (found[0] if found else 0)
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('run', ?)", [self._run])
        self._connection.execute("BEGIN")

    def rows(self, job: Job) -> list[bytes] | None:
        """The rows of a file as it is now, or None if it has to be read."""
        found = self._connection.execute(
            "SELECT stamp, rows FROM files WHERE tree = ? AND path = ?", [self._tree, _key(job)]
        ).fetchone()
        if found is None or found[0] != _stamp(job):
            return None
        self._connection.execute(
            "UPDATE files SET run = ? WHERE tree = ? AND path = ?",
            [self._run, self._tree, _key(job)],
        )
        rows: bytes = found[1]
        return rows.split(b"\n")

    def keep(self, batch: list[Rows]) -> None:
        """Keep what was read; from here on it survives an interruption."""
        now = time.time_ns()
        kept = []
        for item in batch:
            if item.job is not None and _settled(item, now):
                rows = b"\n".join(item.rows)
                kept.append((self._tree, _key(item.job), _stamp(item.job), self._run, rows))
            elif item.job is not None or _passing(item):
                self._whole = False
        self._connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", kept)
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN")

    def output(self, walk: bytes, form: str) -> tuple[bytes, bytes] | None:
        """Counts and bytes of an inventory made of just the files that ``walk`` stands for."""
        found = self._connection.execute(
            "SELECT counts, content FROM outputs WHERE tree = ? AND form = ? AND walk = ?",
            [self._tree, form, walk],
        ).fetchone()
        return None if found is None else (found[0], zlib.decompress(found[1]))

    def keep_output(self, walk: bytes, form: str, counts: bytes, path: Path) -> None:
        """Keep a finished inventory, and forget files of the tree that are gone."""
        self._connection.execute(
            "DELETE FROM files WHERE tree = ? AND run != ?", [self._tree, self._run]
        )
        self._connection.execute(
            "DELETE FROM outputs WHERE tree = ? AND form = ?", [self._tree, form]
        )
        if self._whole and path.stat().st_size <= _MAX_OUTPUT:
            content = zlib.compress(path.read_bytes(), 1)
            self._connection.execute(
                "INSERT INTO outputs VALUES (?, ?, ?, ?, ?)",
                [self._tree, form, walk, counts, content],
            )

    def close(self) -> None:
        """Commit and close."""
        self._connection.execute("COMMIT")
        self._connection.close()


def _settled(item: Rows, now: int) -> bool:
    """Whether the rows will be the same as long as the file is."""
    if item.job is None or max(item.job.stamp[1], item.job.stamp[2]) >= now - _SETTLED_NS:
        return False
    return not _passing(item)


def _passing(item: Rows) -> bool:
    return any(b'"skip_reason":"' + word in row for row in item.rows for word in _PASSING)


def _key(job: Job) -> bytes:
    return job.path


def _stamp(job: Job) -> bytes:
    owned = repr(job.owned).encode("utf-8", "replace")
    values = [value & 0xFFFFFFFFFFFFFFFF for value in job.stamp]
    return struct.pack(f"<{len(values)}Q", *values) + owned


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _code_stamp() -> bytes:
    """Changes with the schema and with every source file of policyc."""
    root = Path(__file__).resolve().parents[1]
    sources = sorted(root.rglob("*.py"))
    stamps = [
        (str(path.relative_to(root)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in sources
    ]
    return _digest(repr((SCHEMA_VERSION, stamps)).encode())
