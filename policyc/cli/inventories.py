"""``scan`` and ``check``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import typer

from policyc.checks import check_file
from policyc.cli.console import Exit, Progress, fail, note, out, style_for
from policyc.inventory import InventoryError, ScanOptions, ScanSummary, read_inventory, scan
from policyc.inventory.schema import from_row
from policyc.inventory.table import write_rows
from policyc.model.diagnostic import Finding, Level
from policyc.model.facts import FileFacts, HostInfo, Platform, Skipped
from policyc.model.path import PathStyle, style_of
from policyc.reports.json import findings_json
from policyc.reports.safe import printable
from policyc.reports.text import finding_text

INVENTORY_SUFFIXES = (".parquet", ".jsonl")


def run_scan(
    paths: list[Path],
    output: Path,
    seen_as: str | None,
    platform: str | None,
    name: str,
    jobs: int,
) -> None:
    """Scan ``paths`` into ``output`` and print the summary."""
    if output.suffix not in INVENTORY_SUFFIXES:
        fail(f"{output}: an inventory ends in .parquet or .jsonl")
    if not output.absolute().parent.is_dir():
        fail(f"{output.parent}: no such folder to write to")
    host = HostInfo(platform=_platform(platform, seen_as), name=name)
    counts: Counter[str] = Counter()
    totals = ScanSummary()

    def seen(summary: ScanSummary) -> None:
        nonlocal totals
        totals = summary
        progress(summary.files, summary.size)

    progress = Progress("scanned")
    options = ScanOptions(prefix=seen_as, jobs=jobs)
    try:
        rows = _counted(scan(_existing(paths), options, seen), counts)
        write_rows(rows, host, output)
    except KeyboardInterrupt:
        progress.done()
        fail(f"interrupted; {output} is as it was", Exit.FINDINGS)
    except (InventoryError, OSError, ValueError) as error:
        progress.done()
        fail(str(error))
    progress.done()
    out(_summary(totals, counts, output))


def _platform(stated: str | None, seen_as: str | None) -> Platform | None:
    if seen_as is not None and style_of(seen_as) is None:
        fail(f"--as {seen_as!r} is neither /absolute nor C:\\absolute")
    if stated is not None:
        return Platform(stated)
    windows = seen_as is not None and style_of(seen_as) is PathStyle.WINDOWS
    return Platform.WINDOWS if windows else None


def _existing(paths: list[Path]) -> list[Path]:
    for path in paths:
        if not path.exists():
            fail(f"{printable(str(path))}: no such file or folder")
    return paths


def _counted(rows: Iterable[bytes], counts: Counter[str]) -> Iterator[bytes]:
    for row in rows:
        counts[_kind(row)] += 1
        yield row


def _kind(row: bytes) -> str:
    """The format of an encoded row; a text search, as decoding each would cost as much."""
    _, _, rest = row.partition(b'"format":"')
    return rest.partition(b'"')[0].decode("ascii") or "skipped"


def _summary(totals: ScanSummary, counts: Counter[str], output: Path) -> str:
    kinds = [(kind, count) for kind, count in counts.most_common() if kind != "skipped"]
    shown = "  ".join(f"{kind} {count:,}" for kind, count in kinds[:8])
    other = sum(count for _, count in kinds[8:])
    size = totals.size / (1 << 20)
    lines = [f"{totals.files:,} files, {size:,.1f} MiB   {shown}"]
    if other:
        lines[0] += f"  other {other:,}"
    if totals.skipped:
        lines.append(f"{totals.skipped:,} skipped, listed with their reasons in {output}")
    lines.append(f"written: {output}")
    return "\n".join(lines)


def run_check(paths: list[Path], form: str, fail_on: str, jobs: int, *, exit_zero: bool) -> None:
    """Check ``paths`` and exit by the worst finding."""
    findings: list[Finding] = []
    files = skipped = 0
    progress = Progress("checked")
    try:
        for item in _items(_existing(paths), jobs, progress):
            if isinstance(item, Skipped):
                skipped += 1
                continue
            files += 1
            findings += check_file(item)
    except KeyboardInterrupt:
        progress.done()
        fail("interrupted", Exit.FINDINGS)
    except InventoryError as error:
        progress.done()
        fail(str(error))
    progress.done()
    findings.sort(key=lambda item: (item.level.rank, item.path, item.code))
    if form == "json":
        out(findings_json(findings, files=files, skipped=skipped))
    else:
        _print_text(findings, files, skipped)
    worst = min((item.level.rank for item in findings), default=99)
    limit = {"error": 0, "warning": 1, "never": -1}[fail_on]
    if worst <= limit and not exit_zero:
        raise typer.Exit(Exit.FINDINGS)


def _items(paths: list[Path], jobs: int, progress: Progress) -> Iterator[FileFacts | Skipped]:
    trees = []
    for path in paths:
        if path.is_file() and path.suffix in INVENTORY_SUFFIXES:
            inventory = read_inventory(path)
            yield from inventory.files
            yield from inventory.skipped
        else:
            trees.append(path)
    if trees:
        options = ScanOptions(jobs=jobs)
        shown = lambda summary: progress(summary.files, summary.size)  # noqa: E731
        for row in scan(trees, options, shown):
            yield from_row(msgspec.json.decode(row))


def _print_text(findings: list[Finding], files: int, skipped: int) -> None:
    style = style_for(sys.stdout)
    for finding in findings:
        out(finding_text(finding, style) + "\n")
    counts = {level: sum(item.level is level for item in findings) for level in Level}
    parts = [
        f"{count} {level.value}{'s' if count != 1 and level is not Level.INFO else ''}"
        for level, count in counts.items()
    ]
    out(f"{', '.join(parts)} in {files:,} files")
    if skipped:
        note(f"{skipped:,} paths could not be read; `policyc scan` records why")
