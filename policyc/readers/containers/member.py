"""A member of a container, and what all members of one file may cost together."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from policyc.model.inventory import SkipReason
from policyc.readers.limits import Limits
from policyc.readers.source import DescriptorSource, MemorySource, Source

_CHUNK = 1 << 18


class ContainerError(Exception):
    """A container or a member that cannot be read; carries the reason of the skip."""

    def __init__(self, reason: SkipReason, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class SpentError(ContainerError):
    """A limit for everything inside one file is reached: nothing more of it is read."""


Chunks = Callable[[int], bytes]
"""Returns up to so many of a member's next bytes, nothing at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member, valid until the next one is asked for.

    ``name`` is the name inside the container with ``/`` between its parts. ``read`` raises
    ContainerError; ``link`` is the name of the member that a hard link repeats. ``mode``
    and ``uid`` are -1 where the container does not say. ``encrypted`` members are not read.
    A directory, a symbolic link and a device have neither ``read`` nor ``link``.
    """

    name: str
    read: Chunks | None = None
    size: int = 0
    mode: int = -1
    uid: int = -1
    encrypted: bool = False
    directory: bool = False
    link: str | None = None


@dataclass(slots=True)
class Budget:
    """What is left for the members of one file; see Limits for the units."""

    limits: Limits
    outer_size: int
    bytes_out: int = 0
    members: int = 0
    deadline: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.limits.container_seconds

    def count(self) -> None:
        """One more member; raises SpentError."""
        self.members += 1
        if self.members > self.limits.container_members:
            limit = self.limits.container_members
            raise SpentError(SkipReason.TOO_MANY, f"more than {limit:,} members")
        self.check_time()

    def check_time(self) -> None:
        """Raises SpentError after the deadline."""
        if time.monotonic() > self.deadline:
            seconds = self.limits.container_seconds
            raise SpentError(SkipReason.TIMEOUT, f"more than {seconds:g} s for the members")

    def spend(self, size: int) -> None:
        """So many bytes came out of a container; raises SpentError."""
        self.bytes_out += size
        if self.bytes_out > self.limits.container_bytes:
            limit = self.limits.container_bytes
            raise SpentError(SkipReason.TOO_LARGE, f"more than {limit:,} bytes inside")
        floor, ratio = self.limits.container_ratio_floor, self.limits.container_ratio
        if self.bytes_out > floor and self.bytes_out > ratio * max(self.outer_size, 1):
            raise SpentError(
                SkipReason.RATIO, f"more than {ratio} times the size of the file came out of it"
            )
        self.check_time()


@contextmanager
def content(read: Chunks, budget: Budget) -> Iterator[Source]:
    """The bytes of a member as a source; raises ContainerError."""
    limit = budget.limits.member_memory
    pieces: list[bytes] = []
    size = 0
    while size <= limit:
        piece = read(_CHUNK)
        if not piece:
            yield MemorySource(b"".join(pieces))
            return
        budget.spend(len(piece))
        pieces.append(piece)
        size += len(piece)
    with tempfile.TemporaryFile(prefix="policyc-") as file:
        for piece in pieces:
            file.write(piece)
        pieces.clear()
        while piece := read(_CHUNK):
            budget.spend(len(piece))
            file.write(piece)
        file.flush()
        yield DescriptorSource(file.fileno(), os.fstat(file.fileno()).st_size)
