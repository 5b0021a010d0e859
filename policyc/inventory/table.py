"""Reading and writing inventories: ``.parquet`` for size, ``.jsonl`` for review and git."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from policyc.inventory.parquet import read_parquet, write_parquet
from policyc.inventory.schema import (
    MAX_ROW,
    READABLE_VERSIONS,
    SCHEMA_VERSION,
    Cast,
    InventoryError,
    RowReader,
    skipped_row,
    to_row,
)
from policyc.inventory.sorting import sorted_lines
from policyc.model.facts import FileFacts, Platform
from policyc.model.inventory import HostInfo, Inventory, Skipped, SkipReason


def header_row(host: HostInfo) -> dict[str, Any]:
    """The first line of a JSON Lines inventory, and the metadata of a Parquet one."""
    row: dict[str, Any] = {"policyc_inventory": SCHEMA_VERSION}
    if host.platform is not None:
        row["platform"] = host.platform.value
    if host.name:
        row["name"] = host.name
    return row


def encode_row(item: FileFacts | Skipped) -> bytes:
    """One row as one line of JSON, without the newline."""
    row = to_row(item) if isinstance(item, FileFacts) else skipped_row(item)
    line = msgspec.json.encode(row)
    if len(line) > MAX_ROW:
        detail = f"its facts take {len(line):,} bytes"
        return encode_row(Skipped(path=item.path, reason=SkipReason.TOO_LARGE, detail=detail))
    return line


def write_inventory(inventory: Inventory, path: Path) -> None:
    """Write ``inventory`` to a ``.parquet`` or ``.jsonl`` file, whole or not at all.

    The same inventory gives the same bytes. Raises InventoryError for another suffix and
    OSError where the disk refuses.
    """
    rows: list[FileFacts | Skipped] = [*inventory.files, *inventory.skipped]
    write_rows((encode_row(item) for item in rows), inventory.host, path)


def write_rows(rows: Iterable[bytes], host: HostInfo, path: Path) -> None:
    """Write encoded rows, in any order, as ``write_inventory`` does."""
    writers = {".jsonl": _write_jsonl, ".parquet": _write_parquet}
    writer = writers.get(path.suffix)
    if writer is None:
        raise InventoryError(f"{path}: an inventory ends in .parquet or .jsonl")
    with whole_file(path) as scratch:
        writer(rows, host, scratch)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write beside ``path``, which it replaces at the end, or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        umask = os.umask(0)
        os.umask(umask)
        scratch.chmod(0o666 & ~umask)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _write_parquet(rows: Iterable[bytes], host: HostInfo, path: Path) -> None:
    write_parquet(rows, json.dumps(header_row(host), sort_keys=True), path)


def _write_jsonl(rows: Iterable[bytes], host: HostInfo, path: Path) -> None:
    with path.open("wb") as file:
        file.write(msgspec.json.encode(header_row(host)) + b"\n")
        # Every row begins with its path, so sorting the lines sorts by path.
        for row in sorted_lines(rows):
            file.write(row + b"\n")


def read_inventory(path: Path) -> Inventory:
    """Read a ``.parquet`` or ``.jsonl`` inventory; raises InventoryError, OSError.

    Rows come back sorted by path, whichever form they were kept in.
    """
    readers = {".jsonl": _read_jsonl, ".parquet": _read_parquet}
    reader = readers.get(path.suffix)
    if reader is None:
        raise InventoryError(f"{path}: an inventory ends in .parquet or .jsonl")
    if not path.is_file():
        raise InventoryError(f"{path}: no such inventory; make one with `policyc scan`")
    host, rows = reader(path)
    casts: list[Cast] = []
    skipped: list[Skipped] = []
    for item in rows:
        if isinstance(item, Skipped):
            skipped.append(item)
        else:
            casts.append(item)
    casts.sort()
    skipped.sort(key=lambda item: (item.path, item.reason.value))
    return Inventory(host=host, files=tuple(_files(casts, path)), skipped=tuple(skipped))


def _files(casts: list[Cast], path: Path) -> Iterator[FileFacts]:
    """The files of the casts, which are used up: there is no room for both."""
    casts.reverse()
    while casts:
        cast = casts.pop()
        try:
            yield cast.file()
        except _MALFORMED as error:
            raise InventoryError(f"{path}:{cast.number}: {error}") from error


def _host(path: Path, header: Any) -> HostInfo:  # noqa: ANN401
    version = header.get("policyc_inventory") if isinstance(header, dict) else None
    if version not in READABLE_VERSIONS:
        raise InventoryError(
            f"{path}: not a policyc inventory of schema {READABLE_VERSIONS[-1]}; scan again"
        )
    try:
        platform = Platform(header["platform"]) if "platform" in header else None
    except ValueError as error:
        raise InventoryError(f"{path}:1: {error}") from error
    return HostInfo(platform=platform, name=str(header.get("name", "")))


_Rows = Iterator[Cast | Skipped]
_MALFORMED = (ValueError, TypeError, KeyError)
"""What the reader of a row raises; msgspec's errors are ValueErrors."""


def _read_jsonl(path: Path) -> tuple[HostInfo, _Rows]:
    with path.open("rb") as file:
        first = file.readline()
    try:
        header = msgspec.json.decode(first)
    except msgspec.DecodeError as error:
        raise InventoryError(f"{path}:1: {error}") from error

    def rows() -> _Rows:
        reader = RowReader()
        with path.open("rb") as file:
            next(file, None)
            for number, line in enumerate(file, 2):
                try:
                    yield reader.read_line(line, number)
                except _MALFORMED as error:
                    if not line.isspace():
                        raise InventoryError(f"{path}:{number}: {error}") from error

    return _host(path, header), rows()


def _read_parquet(path: Path) -> tuple[HostInfo, _Rows]:
    metadata, found = read_parquet(path)
    try:
        header = None if metadata is None else json.loads(metadata)
    except ValueError as error:
        raise InventoryError(f"{path}: its metadata: {error}") from error
    host = _host(path, header)

    def rows() -> _Rows:
        reader = RowReader()
        for row in found:
            try:
                yield reader.read_parts(*row)
            except _MALFORMED as error:
                raise InventoryError(f"{path}:{row[-1]}: {error}") from error

    return host, rows()
