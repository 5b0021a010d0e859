"""What a scanning process does: read one batch of files into encoded rows, bounded."""

from __future__ import annotations

import gc
import hashlib
import os
import resource
import signal
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import NamedTuple

from policyc.checks import judged
from policyc.inventory import bundles, capabilities
from policyc.inventory.catalogs import Catalogs
from policyc.inventory.packages import Owned
from policyc.inventory.table import encode_row
from policyc.model.facts import UNKNOWN, Fact, FileFacts, PackageRef, PackageState, PosixFacts
from policyc.model.inventory import Skipped, SkipReason
from policyc.readers.claims import Extension, use_extensions
from policyc.readers.file import read_tree
from policyc.readers.limits import Limits
from policyc.readers.opinion import is_asked, magika_trait


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """How to scan.

    ``prefix`` is where the endpoint sees the root (``--as``); None keeps the paths as they
    are. ``as_image`` reads the roots as containers whose members have their own root.
    ``verify_packages`` compares files with the MD5 sums of dpkg, which costs a second pass;
    SHA-256 digests are always compared. ``catalogs`` is the digest of the catalogs that are
    looked files up in (see ``use_catalogs``). ``extensions`` are rows added to the table of
    what extensions claim; ``magika`` asks Magika about texts under text names. ``seconds`` and
    ``memory_bytes`` bound one file, ``limits`` the structures in it.
    """

    prefix: str | None = None
    jobs: int = 0
    seconds: float = 60.0
    memory_bytes: int = 4 << 30
    as_image: bool = False
    verify_packages: bool = False
    catalogs: str = ""
    extensions: tuple[Extension, ...] = ()
    magika: bool = False
    limits: Limits = field(default_factory=Limits)


class Job(NamedTuple):
    """A file to read. ``path`` opens it, ``seen_as`` is the endpoint's path.

    ``stamp`` are size, mtime, ctime, inode, device, mode, owner and group: while they stay
    the same, so does the content. ``owned`` is UNKNOWN where no package database is known,
    None for a file that no package delivered.
    """

    path: bytes
    seen_as: str
    size: int
    mode: int
    uid: int
    stamp: tuple[int, ...]
    owned: Fact[Owned | None] = UNKNOWN


class Rows(NamedTuple):
    """The rows of one file: its own first, then those of its members."""

    job: Job | None
    rows: list[bytes]


class _TimeUpError(Exception):
    """The alarm for one file went off."""


def _time_is_up(_number: int, _frame: FrameType | None) -> None:
    raise _TimeUpError


_MAGIKA_BYTES = 1 << 20
_CATALOGS = Catalogs()


def use_catalogs(catalogs: Catalogs) -> None:
    """Look every file that is read in this process up in these catalogs."""
    global _CATALOGS  # noqa: PLW0603  (once a process: too large to send with every batch)
    _CATALOGS = catalogs


def start_worker(options: ScanOptions, catalogs: Catalogs) -> None:
    """Bound a worker's address space, and leave Ctrl-C to the parent."""
    use_catalogs(catalogs)
    use_extensions(options.extensions)
    # Facts hold no cycles; collecting them too often costs a tenth of the time.
    gc.set_threshold(50_000, 20, 20)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _time_is_up)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = options.memory_bytes
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


class alarm_handler:  # noqa: N801  (reads as a statement)
    """The alarm's handler while files are read in this process."""

    def __enter__(self) -> None:
        self._old = signal.signal(signal.SIGALRM, _time_is_up)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGALRM, self._old)


def read_batch(batch: list[Job | Skipped], options: ScanOptions) -> list[list[bytes]]:
    """The rows of every file of a batch; nothing a file contains raises."""
    return [
        [encode_row(job)]
        if isinstance(job, Skipped)
        else [encode_row(item) for item in read_one(job, options)]
        for job in batch
    ]


def paired(batch: list[Job | Skipped], rows: list[list[bytes]]) -> list[Rows]:
    """The rows of a batch with their jobs, which need not travel back."""
    return [
        Rows(None if isinstance(job, Skipped) else job, own)
        for job, own in zip(batch, rows, strict=True)
    ]


def read_one(job: Job, options: ScanOptions) -> Iterator[FileFacts | Skipped]:
    """The facts of a file and of its members; each has ``options.seconds``."""
    found = read_tree(job.path, job.seen_as, options.limits, as_image=options.as_image)
    path = job.seen_as
    while True:
        signal.setitimer(signal.ITIMER_REAL, options.seconds)
        try:
            item = next(found, None)
            if item is None:
                return
            if isinstance(item, FileFacts):
                item = _judged(item, job, options)
        except _TimeUpError:
            detail = f"more than {options.seconds:g} s"
            yield Skipped(path=path, reason=SkipReason.TIMEOUT, detail=detail)
            return
        except MemoryError:
            yield Skipped(path=path, reason=SkipReason.MEMORY)
            return
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        yield item
        path = job.seen_as + "!/"


def _judged(facts: FileFacts, job: Job, options: ScanOptions) -> FileFacts:
    """The facts with what only the file system, the packages and the checks know."""
    if _CATALOGS.members:
        facts = _catalogued(facts, job)
    if facts.path != job.seen_as or options.as_image:
        return judged(facts)
    facts = _in_bundle(facts, job)
    if options.magika and is_asked(facts):
        facts = _with_magika(facts, job)
    return replace(
        judged(facts),
        writable_by_users=_writable(job.seen_as, job.mode, job.uid),
        package=_package(facts, job, verify=options.verify_packages),
        posix=_posix(facts, job),
    )


def _with_magika(facts: FileFacts, job: Job) -> FileFacts:
    """The facts with what Magika says about the text, if it is sure that it is a script."""
    with open(job.path, "rb") as file:  # noqa: PTH123  (byte paths)
        found = magika_trait(file.read(_MAGIKA_BYTES))
    return facts if found is None else replace(facts, traits=(*facts.traits, found))


def _catalogued(facts: FileFacts, job: Job) -> FileFacts:
    """The facts with the signatures of the catalogs that list the file."""
    if facts.signatures is UNKNOWN:
        return facts
    flat = None
    if facts.pe is None and facts.collection is not None and _CATALOGS.has_sha1:
        flat = bytes.fromhex(_digest_of(job, "sha1")) if facts.path == job.seen_as else None
    found = _CATALOGS.of(facts, flat)
    return replace(facts, signatures=(*facts.signatures, *found)) if found else facts


def _digest_of(job: Job, algorithm: str) -> str:
    with open(job.path, "rb") as file:  # noqa: PTH123  (byte paths)
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def _posix(facts: FileFacts, job: Job) -> Fact[PosixFacts | None]:
    """Owner, mode and capabilities; on a mapped Windows tree there are none to know."""
    if not job.seen_as.startswith("/"):
        return UNKNOWN
    *_, mode, uid, gid = job.stamp
    names = capabilities.of_file(job.path) if facts.elf is not None else ()
    return PosixFacts(mode=stat.S_IMODE(mode), uid=uid, gid=gid, capabilities=names)


def _in_bundle(facts: FileFacts, job: Job) -> FileFacts:
    """The facts with the application bundle whose main executable the file is."""
    if facts.macho is None or b"/Contents/MacOS/" not in job.path:
        return facts
    found = bundles.of_executable(job.path)
    return facts if found is None else replace(facts, macho=replace(facts.macho, bundle=found))


def _package(facts: FileFacts, job: Job, *, verify: bool) -> Fact[PackageRef | None]:
    """The package with the state of the file, by whichever digest the package states."""
    if job.owned is None or job.owned is UNKNOWN:
        return job.owned
    package, stated = job.owned
    algorithm, _, wanted = stated.partition(":")
    if algorithm == "sha256":
        actual = str(facts.hashes.sha256)
    elif algorithm in ("md5", "sha1", "sha384", "sha512") and verify:
        actual = _digest_of(job, algorithm)
    else:
        return package
    same = actual == wanted
    return replace(package, state=PackageState.VERIFIED if same else PackageState.MODIFIED)


def _writable(path: str, mode: int, uid: int) -> Fact[bool]:
    """POSIX owner and mode; on a mapped Windows tree they say nothing about its ACLs."""
    if not path.startswith("/"):
        return UNKNOWN
    return uid != 0 or bool(mode & 0o022)


def own_cpus() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0))
