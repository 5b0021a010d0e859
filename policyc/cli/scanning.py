"""``scan``."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from policyc.cli.console import Exit, Progress, fail, keep_everything, note, out
from policyc.inventory import InventoryError
from policyc.inventory.cache import Cache, CacheError
from policyc.inventory.catalogs import Catalogs, load_catalogs
from policyc.inventory.exports import ExportError, read_export
from policyc.inventory.fingerprint import tree_digest
from policyc.inventory.packages import Packages, for_roots
from policyc.inventory.scan import ScanError, ScanSummary, jobs, scan
from policyc.inventory.table import encode_row, header_row, whole_file, write_rows
from policyc.inventory.worker import Job, ScanOptions, own_cpus
from policyc.model.facts import Platform
from policyc.model.inventory import HostInfo
from policyc.model.path import PathStyle, style_of
from policyc.readers.claims import Extension, ExtensionsError, read_extensions, use_extensions
from policyc.readers.limits import Limits
from policyc.readers.opinion import MissingExtraError, load_magika
from policyc.reports.safe import printable

INVENTORY_SUFFIXES = (".parquet", ".jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """What ``scan`` was asked for."""

    paths: list[Path]
    output: Path
    seen_as: str | None = None
    platform: str | None = None
    name: str = ""
    jobs: int = 0
    depth: int = 3
    cache: Path | None = None
    as_image: bool = False
    verify_packages: bool = False
    catalogs: Path | None = None
    export: Path | None = None
    extensions: Path | None = None
    magika: bool = False
    fs_verity: bool = False

    def options(self, catalogs: Catalogs) -> ScanOptions:
        """The options of the scan itself."""
        return ScanOptions(
            prefix=self.seen_as,
            jobs=self.jobs,
            as_image=self.as_image,
            verify_packages=self.verify_packages,
            catalogs=catalogs.digest,
            extensions=own_extensions(self.extensions),
            magika=with_magika(wanted=self.magika),
            limits=Limits(
                container_depth=max(self.depth, 1) if self.as_image else self.depth,
                fs_verity=self.fs_verity,
            ),
        )


def run_scan(request: ScanRequest) -> None:
    """Scan the paths into the output and print the summary."""
    if request.output.suffix not in INVENTORY_SUFFIXES:
        fail(f"{request.output}: an inventory ends in .parquet or .jsonl")
    if not request.output.absolute().parent.is_dir():
        fail(f"{request.output.parent}: no such folder to write to")
    if request.export is not None:
        _import(request, request.export)
        return
    if not request.paths:
        fail("nothing to scan: name a file or a tree, or --from an export")
    check_paths(request.paths)
    host = HostInfo(platform=_platform(request), name=request.name)
    catalogs = _catalogs(request.catalogs)
    options = request.options(catalogs)
    packages = None if request.as_image else for_roots(request.paths, request.seen_as)
    run = _Run(request, options, host, packages, catalogs)
    try:
        if request.cache is None:
            run.scan(None)
        else:
            cache = Cache(request.cache, request.paths, options)
            try:
                run.scan(cache)
            finally:
                cache.close()
    except KeyboardInterrupt:
        # The pool's own thread may still be about; waking it at the end of the program can fail.
        keep_everything(run)
        kept = "" if request.cache is None else f"; {request.cache} keeps what was read"
        fail(f"interrupted; {request.output} is as it was{kept}", Exit.FINDINGS)
    except (InventoryError, CacheError, ScanError, OSError, ValueError) as error:
        fail(str(error))
    for problem in packages.problems if packages is not None else ():
        note(f"policyc: a package database could not be read: {printable(problem)}")


def _import(request: ScanRequest, export: Path) -> None:
    """Write the inventory of another tool's export."""
    if request.paths:
        fail("--from reads an export; PATHS cannot be scanned in the same run")
    if not export.is_file():
        fail(f"{printable(str(export))}: no such file")
    counts: Counter[str] = Counter()

    def rows() -> Iterator[bytes]:
        for facts in read_export(export):
            counts[facts.actual.value] += 1
            yield encode_row(facts)

    platform = None if request.platform is None else Platform(request.platform)
    try:
        write_rows(rows(), HostInfo(platform=platform, name=request.name), request.output)
    except (ExportError, InventoryError, OSError) as error:
        fail(str(error))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = "  ".join(f"{kind} {count:,}" for kind, count in ranked)
    out(f"{counts.total():,} files   {shown}\nwritten: {request.output}")


def _catalogs(folder: Path | None) -> Catalogs:
    if folder is None:
        return Catalogs()
    if not folder.is_dir():
        fail(f"--catalogs {printable(str(folder))}: no such folder")
    found = load_catalogs(folder)
    for problem in found.problems:
        note(f"policyc: not a catalog: {printable(problem)}")
    if not found.members:
        fail(f"--catalogs {printable(str(folder))}: no catalog in it lists a file")
    return found


def check_paths(paths: list[Path]) -> None:
    """Stop with a message if a path does not exist."""
    for path in paths:
        if not os.path.lexists(path) or not path.exists():
            fail(f"{printable(str(path))}: no such file or folder")


def own_extensions(path: Path | None) -> tuple[Extension, ...]:
    """The rows of the user's table of extensions, also put to use in this process."""
    if path is None:
        return ()
    try:
        rows = read_extensions(path)
    except ExtensionsError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{printable(str(path))}: {error.strerror}")
    use_extensions(rows)
    return rows


def with_magika(*, wanted: bool) -> bool:
    """Whether Magika is asked; exits 2 if it is wanted and not installed."""
    if wanted:
        try:
            load_magika()
        except MissingExtraError as error:
            fail(str(error))
    return wanted


def _platform(request: ScanRequest) -> Platform | None:
    seen_as = request.seen_as
    if seen_as is not None and style_of(seen_as) is None:
        fail(f"--as {seen_as!r} is neither /absolute nor C:\\absolute")
    if request.platform is not None:
        return Platform(request.platform)
    windows = seen_as is not None and style_of(seen_as) is PathStyle.WINDOWS
    return Platform.WINDOWS if windows else None


class _Run:
    """One scan: its progress, its counts, its result."""

    def __init__(
        self,
        request: ScanRequest,
        options: ScanOptions,
        host: HostInfo,
        packages: Packages | None,
        catalogs: Catalogs,
    ) -> None:
        self._request = request
        self._options = options
        self._host = host
        self._packages = packages
        self._catalogs = catalogs
        self._totals = ScanSummary()
        self._kinds: Counter[str] = Counter()
        self._progress = Progress("scanned")

    def scan(self, cache: Cache | None) -> None:
        """Write the inventory and print the summary."""
        request = self._request
        form = request.output.suffix
        walk = b"" if cache is None else self._walk()
        known = None if cache is None else cache.output(walk, form)
        if known is not None:
            self._restore(*known)
            return
        if self._progress.live:
            threading.Thread(target=self._measure, daemon=True).start()
        try:
            found = scan(
                request.paths,
                self._options,
                self._seen,
                cache=cache,
                packages=self._packages,
                catalogs=self._catalogs,
            )
            write_rows(self._counted(found), self._host, request.output)
        finally:
            self._progress.done()
        if cache is not None:
            counts = json.dumps({"totals": asdict(self._totals), "kinds": self._kinds})
            cache.keep_output(walk, form, counts.encode(), request.output)
        out(self._summary())

    def _walk(self) -> bytes:
        """A digest of what will be read and of everything else that the result depends on."""
        stamp = None if self._packages is None else self._packages.stamp()
        about = json.dumps([header_row(self._host), stamp]).encode()
        processes = self._options.jobs or own_cpus()
        return about + tree_digest(self._request.paths, self._options.limits, processes)

    def _restore(self, counts: bytes, content: bytes) -> None:
        """Write the inventory that the cache holds for just these files."""
        output = self._request.output
        if not (output.is_file() and output.read_bytes() == content):
            with whole_file(output) as scratch:
                scratch.write_bytes(content)
        stored = json.loads(counts)
        totals = ScanSummary(**stored["totals"])
        self._totals = replace(totals, reused=totals.files)
        self._kinds = Counter(stored["kinds"])
        out(self._summary())

    def _measure(self) -> None:
        """Count the files meanwhile, for the time that is left."""
        files = size = 0
        for job in jobs(self._request.paths, self._options):
            if isinstance(job, Job):
                files += 1
                size += job.size
        self._progress.expect(files, size)

    def _seen(self, summary: ScanSummary) -> None:
        self._totals = summary
        self._progress(summary.files, summary.size)

    def _counted(self, rows: Iterable[bytes]) -> Iterator[bytes]:
        for row in rows:
            self._kinds[_kind(row)] += 1
            yield row

    def _summary(self) -> str:
        totals = self._totals
        kinds = Counter(self._kinds)
        kinds.pop("skipped", None)
        ranked = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        other = sum(count for _, count in ranked[8:])
        shown = "  ".join(f"{kind} {count:,}" for kind, count in ranked[:8])
        size = totals.size / (1 << 20)
        lines = [f"{totals.files:,} files, {size:,.1f} MiB   {shown}".rstrip()]
        if other:
            lines[0] += f"  other {other:,}"
        if totals.members:
            lines.append(f"{totals.members:,} more inside archives, packages and installers")
        if totals.skipped:
            where = self._request.output
            lines.append(f"{totals.skipped:,} skipped, listed with their reasons in {where}")
        if self._request.cache is not None:
            lines.append(f"{totals.reused:,} reused from {self._request.cache}")
        lines.append(f"written: {self._request.output}")
        return "\n".join(lines)


def _kind(row: bytes) -> str:
    """The format of an encoded row; a text search, as decoding each would cost as much."""
    _, _, rest = row.partition(b'"format":"')
    return rest.partition(b'"')[0].decode("ascii") or "skipped"
