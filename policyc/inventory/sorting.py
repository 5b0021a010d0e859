"""Sorting more lines than should be in memory."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

_RUN_BYTES = 16 << 20


def sorted_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines in byte order, at most 16 MiB of them in memory.

    No line holds a newline. Sorted runs wait in unnamed temporary files.
    """
    runs: list[IO[bytes]] = []
    pending: list[bytes] = []
    size = 0
    try:
        for line in lines:
            pending.append(line)
            size += len(line)
            if size >= _RUN_BYTES:
                runs.append(_spill(pending))
                pending, size = [], 0
        pending.sort()
        yield from heapq.merge(*(_lines(run) for run in runs), pending)
    finally:
        for run in runs:
            run.close()


def _spill(lines: list[bytes]) -> IO[bytes]:
    run = tempfile.TemporaryFile(prefix="policyc-")  # noqa: SIM115  (the caller closes it)
    run.writelines(line + b"\n" for line in sorted(lines))
    run.seek(0)
    return run


def _lines(run: IO[bytes]) -> Iterator[bytes]:
    for line in run:
        yield line[:-1]
