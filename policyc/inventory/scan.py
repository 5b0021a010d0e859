"""Scanning: a tree of files to encoded inventory rows, in parallel and bounded.

Processes, not threads: parsing holds the interpreter lock. A worker that dies costs its
batch a second run, file by file, and the file that kills it a recorded skip.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from policyc.inventory.cache import Cache
from policyc.inventory.catalogs import Catalogs
from policyc.inventory.packages import Packages
from policyc.inventory.table import encode_row
from policyc.inventory.worker import (
    Job,
    Rows,
    ScanOptions,
    alarm_handler,
    own_cpus,
    paired,
    read_batch,
    read_one,
    start_worker,
    use_catalogs,
)
from policyc.model.facts import FileFacts
from policyc.model.inventory import Skipped, SkipReason
from policyc.readers.claims import use_extensions
from policyc.readers.walk import Entry, endpoint_path, walk

_BATCH_FILES = 128
_BATCH_BYTES = 64 << 20
_IN_FLIGHT = 4
"""Batches queued per worker: enough to keep it busy, few enough to bound memory."""


class ScanError(Exception):
    """A scan that cannot go on, for a reason that is not in the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSummary:
    """Counts of a scan so far. ``members`` are rows of files inside other files."""

    files: int = 0
    members: int = 0
    skipped: int = 0
    reused: int = 0
    size: int = 0


Progress: TypeAlias = Callable[[ScanSummary], None]
_Batch: TypeAlias = list[Job | Skipped]


def scan(
    roots: Sequence[Path],
    options: ScanOptions,
    progress: Progress = lambda _: None,
    *,
    cache: Cache | None = None,
    packages: Packages | None = None,
    catalogs: Catalogs | None = None,
) -> Iterator[bytes]:
    """Yield one encoded row for every file, member and skipped path below ``roots``.

    The order is not defined; the writers sort. Nothing a file contains raises. Files that
    ``cache`` knows are not read.
    """
    summary = ScanSummary()
    catalogs = catalogs or Catalogs()
    use_catalogs(catalogs)
    use_extensions(options.extensions)
    feed = _Feed(jobs(roots, options, packages), cache)
    for batch, reused in _run(feed, options, catalogs):
        if cache is not None and not reused:
            cache.keep(batch)
        summary = _counted(summary, batch, reused=reused)
        for item in batch:
            yield from item.rows
        progress(summary)


def _counted(summary: ScanSummary, batch: list[Rows], *, reused: bool) -> ScanSummary:
    rows = sum(len(item.rows) for item in batch)
    skipped = sum(1 for item in batch for row in item.rows if b'"skip_reason"' in row)
    files = sum(1 for item in batch if item.job is not None)
    lost = sum(1 for item in batch if item.job is None or b'"skip_reason"' in item.rows[0])
    return ScanSummary(
        files=summary.files + len(batch) - lost,
        members=summary.members + rows - len(batch) - (skipped - lost),
        skipped=summary.skipped + skipped,
        reused=summary.reused + (files if reused else 0),
        size=summary.size + sum(item.job.size for item in batch if item.job is not None),
    )


def scan_one(path: Path, options: ScanOptions) -> FileFacts | Skipped:
    """The facts of a single file, read in this process; its members are left out."""
    shallow = replace(options, limits=replace(options.limits, container_depth=0))
    (job,) = jobs([path], shallow)
    if isinstance(job, Skipped):
        return job
    with alarm_handler():
        return next(read_one(job, shallow))


def jobs(
    roots: Sequence[Path], options: ScanOptions, packages: Packages | None = None
) -> Iterator[Job | Skipped]:
    """What there is to read, in the order of the walk."""
    for root in roots:
        base = os.path.realpath(root)
        if not Path(base).is_dir():
            base = str(Path(base).parent)
        prefix = options.prefix or ("/" if options.as_image else base)
        for item in walk([root], options.limits):
            if isinstance(item, Entry):
                yield _job(item, prefix, options, packages)
            elif item.path.startswith("/"):
                yield item
            else:
                yield replace(item, path=endpoint_path(item.path, prefix))


def _job(item: Entry, prefix: str, options: ScanOptions, packages: Packages | None) -> Job:
    seen_as = prefix if options.as_image else endpoint_path(item.relative, prefix)
    job = Job(item.path, seen_as, item.size, item.mode, item.uid, item.stamp)
    return job if packages is None else job._replace(owned=packages.owner(seen_as))


class _Feed:
    """Batches of files to read; files that the cache knows gather in ``ready`` meanwhile."""

    def __init__(self, source: Iterator[Job | Skipped], cache: Cache | None) -> None:
        self.ready: list[Rows] = []
        self._source = source
        self._cache = cache

    def __iter__(self) -> Iterator[_Batch]:
        batch: _Batch = []
        size = 0
        for job in self._source:
            if isinstance(job, Job):
                known = None if self._cache is None else self._cache.rows(job)
                if known is not None:
                    self.ready.append(Rows(job, known))
                    if len(self.ready) >= _BATCH_FILES:
                        # An empty batch lets what is ready out.
                        yield []
                    continue
                size += job.size
            batch.append(job)
            if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        yield batch

    def take(self) -> list[Rows]:
        """What is ready, once."""
        taken, self.ready = self.ready, []
        return taken


def _run(
    feed: _Feed, options: ScanOptions, catalogs: Catalogs
) -> Iterator[tuple[list[Rows], bool]]:
    """Batches of rows, and whether they come from the cache."""
    count = options.jobs or own_cpus()
    source = iter(feed)
    first: list[_Batch] = []
    for batch in source:
        if ready := feed.take():
            yield ready, True
        if batch:
            first.append(batch)
        if len(first) == 2:
            break
    few = count == 1 or len(first) < 2
    pools = _Pools(options, catalogs, 1 if few else count, few=few)
    yield from _run_pool(_chained(first, source), feed, pools)


def _chained(first: list[_Batch], rest: Iterator[_Batch]) -> Iterator[_Batch]:
    yield from first
    yield from rest


@dataclass(frozen=True, slots=True)
class _Pools:
    """Makes pools of scanning processes.

    No file is parsed in the process that writes the inventory: libraries in C read hostile
    bytes. For ``few`` files a fork is enough, which starts at once, as long as there is
    no other thread.
    """

    options: ScanOptions
    catalogs: Catalogs
    count: int
    few: bool = False

    def new(self, count: int) -> ProcessPoolExecutor:
        """A pool of ``count`` processes."""
        method = "fork" if self.few and threading.active_count() == 1 else "spawn"
        return ProcessPoolExecutor(
            max_workers=count,
            mp_context=multiprocessing.get_context(method),
            initializer=start_worker,
            initargs=(self.options, self.catalogs),
        )


def _run_pool(
    batches: Iterator[_Batch], feed: _Feed, pools: _Pools
) -> Iterator[tuple[list[Rows], bool]]:
    pool = pools.new(pools.count)
    pending: dict[Future[list[list[bytes]]], _Batch] = {}
    lost: list[_Batch] = []
    try:
        while True:
            while len(pending) < pools.count * _IN_FLIGHT and not lost:
                batch = next(batches, None)
                if ready := feed.take():
                    yield ready, True
                if batch is None:
                    break
                if batch:
                    _submit(pool, batch, pools.options, pending, lost)
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda item: id(pending[item])):
                batch = pending.pop(future)
                try:
                    yield paired(batch, future.result()), False
                except BrokenProcessPool:
                    lost.append(batch)
            if lost:
                lost += pending.values()
                pending.clear()
                pool.shutdown(wait=False, cancel_futures=True)
                for item in lost:
                    yield _read_singly(item, pools), False
                lost.clear()
                pool = pools.new(pools.count)
            elif not done:
                return
    finally:
        if pending:
            # Interrupted: a worker that lives on would complain that nobody listens.
            for child in multiprocessing.active_children():
                child.kill()
        # Not left to the end of the program, where closing the pool can meet its own thread.
        pool.shutdown(wait=not pending, cancel_futures=True)


def _submit(
    pool: ProcessPoolExecutor,
    batch: _Batch,
    options: ScanOptions,
    pending: dict[Future[list[list[bytes]]], _Batch],
    lost: list[_Batch],
) -> None:
    try:
        pending[pool.submit(read_batch, batch, options)] = batch
    except BrokenProcessPool:
        lost.append(batch)


def _read_singly(batch: _Batch, pools: _Pools) -> list[Rows]:
    """Read a lost batch one file a task; the file that ends its process is a skip."""
    rows: list[Rows] = []
    pool = pools.new(1)
    try:
        pool.submit(int).result()
    except BrokenProcessPool as error:
        raise ScanError("no scanning process can be started; is there enough memory?") from error
    for job in batch:
        try:
            rows += paired([job], pool.submit(read_batch, [job], pools.options).result())
        except BrokenProcessPool:
            rows.append(_read_shallow(job, pools))
            pool = pools.new(1)
    pool.shutdown()
    return rows


def _read_shallow(job: Job | Skipped, pools: _Pools) -> Rows:
    """The rows of a file whose reader died: without its members, if that helps."""
    if isinstance(job, Skipped):
        return Rows(None, [encode_row(job)])
    limits = replace(pools.options.limits, container_depth=0)
    pool = pools.new(1)
    try:
        shallow = replace(pools.options, limits=limits, as_image=False)
        (found,) = pool.submit(read_batch, [job], shallow).result()
    except BrokenProcessPool:
        return Rows(None, [_crashed(job.seen_as)])
    finally:
        pool.shutdown(wait=False)
    return Rows(job, [*found, _crashed(job.seen_as + "!/")])


def _crashed(path: str) -> bytes:
    return encode_row(Skipped(path=path, reason=SkipReason.CRASHED, detail="the reader died"))
