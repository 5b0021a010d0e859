"""Scanning: a tree of files to encoded inventory rows, in parallel and bounded.

Processes, not threads: parsing holds the interpreter lock. A worker that dies costs its
batch a second run, file by file, and the file that kills it a recorded skip.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import TypeAlias

from policyc.checks import worst_level
from policyc.inventory.table import encode_row
from policyc.model.facts import UNKNOWN, Fact, FileFacts, Skipped, SkipReason
from policyc.readers import Entry, Limits, endpoint_path, read_file, walk

_BATCH_FILES = 128
_BATCH_BYTES = 64 << 20
_IN_FLIGHT = 4
"""Batches queued per worker: enough to keep it busy, few enough to bound memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """How to scan.

    ``prefix`` is where the endpoint sees the root (``--as``); None keeps the paths as they
    are. ``seconds`` and ``memory_bytes`` bound one file.
    """

    prefix: str | None = None
    jobs: int = 0
    seconds: float = 60.0
    memory_bytes: int = 4 << 30
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSummary:
    """Counts of a scan so far."""

    files: int = 0
    skipped: int = 0
    size: int = 0


Progress: TypeAlias = Callable[[ScanSummary], None]
_Job: TypeAlias = tuple[bytes, str, int, int, int]
"""What a worker needs of a file: path to open, endpoint path, size, mode, uid."""


def scan(
    roots: Sequence[Path], options: ScanOptions, progress: Progress = lambda _: None
) -> Iterator[bytes]:
    """Yield one encoded row for every file and every skipped path below ``roots``.

    The order is not defined; the writers sort. Nothing a file contains raises.
    """
    summary = ScanSummary()
    for batch, size in _run(_batches(_jobs(roots, options)), options):
        skipped = sum(1 for row in batch if b'"skip_reason"' in row)
        summary = ScanSummary(
            files=summary.files + len(batch) - skipped,
            skipped=summary.skipped + skipped,
            size=summary.size + size,
        )
        yield from batch
        progress(summary)


def scan_one(path: Path, options: ScanOptions) -> FileFacts | Skipped:
    """The facts of a single file, read in this process."""
    (job,) = _jobs([path], options)
    if isinstance(job, Skipped):
        return job
    with _alarm_handler():
        return _read_one(job, options)


def _jobs(roots: Sequence[Path], options: ScanOptions) -> Iterator[_Job | Skipped]:
    for root in roots:
        base = os.path.realpath(root)
        if not Path(base).is_dir():
            base = str(Path(base).parent)
        prefix = options.prefix or base
        for item in walk([root], options.limits):
            if isinstance(item, Entry):
                path = endpoint_path(item.relative, prefix)
                yield (item.path, path, item.size, item.mode, item.uid)
            elif item.path.startswith("/"):
                yield item
            else:
                yield replace(item, path=endpoint_path(item.path, prefix))


def _batches(jobs: Iterable[_Job | Skipped]) -> Iterator[list[_Job | Skipped]]:
    batch: list[_Job | Skipped] = []
    size = 0
    for job in jobs:
        batch.append(job)
        size += 0 if isinstance(job, Skipped) else job[2]
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(batch: list[_Job | Skipped]) -> int:
    return sum(job[2] for job in batch if not isinstance(job, Skipped))


def _run(
    batches: Iterator[list[_Job | Skipped]], options: ScanOptions
) -> Iterator[tuple[list[bytes], int]]:
    jobs = options.jobs or len(os.sched_getaffinity(0))
    first = next(batches, None)
    second = next(batches, None)
    if first is None:
        return
    if jobs == 1 or second is None:
        # Starting processes costs more than one batch.
        with _alarm_handler():
            for batch in _chain(first, second, batches):
                yield _read_batch(batch, options), _size(batch)
        return
    yield from _run_pool(_chain(first, second, batches), options, jobs)


def _chain(
    first: list[_Job | Skipped],
    second: list[_Job | Skipped] | None,
    rest: Iterator[list[_Job | Skipped]],
) -> Iterator[list[_Job | Skipped]]:
    yield first
    if second is not None:
        yield second
    yield from rest


def _pool(options: ScanOptions, jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        max_workers=jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(options.memory_bytes,),
    )


def _run_pool(
    batches: Iterator[list[_Job | Skipped]], options: ScanOptions, jobs: int
) -> Iterator[tuple[list[bytes], int]]:
    pool = _pool(options, jobs)
    pending: dict[Future[list[bytes]], list[_Job | Skipped]] = {}
    try:
        while True:
            while len(pending) < jobs * _IN_FLIGHT and (batch := next(batches, None)):
                pending[pool.submit(_read_batch, batch, options)] = batch
            if not pending:
                return
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda item: id(pending[item])):
                batch = pending.pop(future)
                try:
                    yield future.result(), _size(batch)
                except BrokenProcessPool:
                    lost = [batch, *pending.values()]
                    pending.clear()
                    pool.shutdown(wait=False, cancel_futures=True)
                    for item in lost:
                        yield _read_singly(item, options), _size(item)
                    pool = _pool(options, jobs)
                    break
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read_singly(batch: list[_Job | Skipped], options: ScanOptions) -> list[bytes]:
    """Read a lost batch one file a task; the file that ends its process is a skip."""
    rows: list[bytes] = []
    pool = _pool(options, 1)
    for job in batch:
        try:
            rows += pool.submit(_read_batch, [job], options).result()
        except BrokenProcessPool:
            pool = _pool(options, 1)
            path = job.path if isinstance(job, Skipped) else job[1]
            rows.append(encode_row(Skipped(path=path, reason=SkipReason.CRASHED)))
    pool.shutdown()
    return rows


class _TimeUpError(Exception):
    """The alarm for one file went off."""


def _time_is_up(_number: int, _frame: FrameType | None) -> None:
    raise _TimeUpError


def _start_worker(memory_bytes: int) -> None:
    """Bound a worker's address space, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _time_is_up)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


class _alarm_handler:  # noqa: N801  (reads as a statement)
    """The alarm's handler while files are read in this process."""

    def __enter__(self) -> None:
        self._old = signal.signal(signal.SIGALRM, _time_is_up)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGALRM, self._old)


def _read_batch(batch: list[_Job | Skipped], options: ScanOptions) -> list[bytes]:
    return [
        encode_row(job if isinstance(job, Skipped) else _read_one(job, options)) for job in batch
    ]


def _read_one(job: _Job, options: ScanOptions) -> FileFacts | Skipped:
    path, seen_as, _, mode, uid = job
    signal.setitimer(signal.ITIMER_REAL, options.seconds)
    try:
        facts = read_file(path, seen_as, options.limits)
        if isinstance(facts, Skipped):
            return facts
        facts = replace(facts, writable_by_users=_writable(seen_as, mode, uid))
        return replace(facts, masquerade=worst_level(facts))
    except _TimeUpError:
        detail = f"more than {options.seconds:g} s"
        return Skipped(path=seen_as, reason=SkipReason.TIMEOUT, detail=detail)
    except MemoryError:
        return Skipped(path=seen_as, reason=SkipReason.MEMORY)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _writable(path: str, mode: int, uid: int) -> Fact[bool]:
    """POSIX owner and mode; on a mapped Windows tree they say nothing about its ACLs."""
    if not path.startswith("/"):
        return UNKNOWN
    return uid != 0 or bool(mode & 0o022)
