"""The Parquet form of an inventory, by DuckDB.

It is read in a process of its own: a damaged file that brings DuckDB down is an error, its memory
is given back, and rows are decoded while the next ones are read.
"""

from __future__ import annotations

import marshal
import multiprocessing
import signal
import tempfile
import threading
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

from policyc.inventory.schema import COLUMNS, HEAD, MAX_ROW, InventoryError
from policyc.inventory.sorting import sorted_lines

_ROW_GROUP = 10_240
_MEMORY = ("256MB", "4GB")
"""What a table may take while it is written: the second only if rows are uncommonly wide."""

_DIGEST = 64
_BATCH = 10_240
"""Rows that are handed over at once."""

Row: TypeAlias = tuple[str, str | None, int | None, str | None, str, int]
"""The columns of ``HEAD``, the others as one JSON text, and the number of the row."""


def write_parquet(rows: Iterable[bytes], metadata: str, path: Path) -> None:
    """Write lines of JSON, in any order; the same rows give the same bytes."""
    with tempfile.TemporaryDirectory(prefix="policyc-") as folder:
        spool = Path(folder) / "rows.jsonl"
        with spool.open("wb") as file:
            for line in sorted_lines(_by_digest(row) for row in rows):
                file.write(line[_DIGEST:] + b"\n")
        quoted = metadata.replace("'", "''")
        selected = ", ".join(
            "unhex(sha256) AS sha256" if name == "sha256" else f'"{name}"' for name in COLUMNS
        )
        source = "read_json(?, format = 'newline_delimited', columns = {}, ".format(
            "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items()) + "}"
        )
        command = (
            f"COPY (SELECT {selected} FROM {source} maximum_object_size = {2 * MAX_ROW})) "  # noqa: S608
            f"TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd, "
            f"ROW_GROUP_SIZE {_ROW_GROUP}, KV_METADATA {{policyc_inventory: '{quoted}'}})"
        )
        _copy(command, spool, folder)


def _copy(command: str, spool: Path, folder: str) -> None:
    """Run the COPY in as little memory as it takes; the bytes are the same."""
    import duckdb  # noqa: PLC0415

    for limit in _MEMORY:
        connection = _connect()
        connection.execute(f"SET memory_limit = '{limit}'")
        connection.execute("SET temp_directory = ?", [folder])
        try:
            connection.execute(command, [str(spool)])
        except duckdb.OutOfMemoryException:
            if limit == _MEMORY[-1]:
                raise
        else:
            return
        finally:
            connection.close()


def _by_digest(row: bytes) -> bytes:
    """The row behind its SHA-256; rows without one come last."""
    _, found, rest = row.partition(b'"sha256":"')
    return (rest[:_DIGEST] if found else b"~" * _DIGEST) + row


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _connect() -> Any:  # noqa: ANN401
    import duckdb  # noqa: PLC0415  (heavy; only where a table is touched)

    # One thread: the order of rows, and so the bytes, must not depend on scheduling.
    return duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})


def read_parquet(path: Path) -> tuple[str | None, Iterator[Row]]:
    """The metadata that ``write_parquet`` was given, None if it was not, and the rows.

    Raises InventoryError, also while the rows are read.
    """
    # A process can be copied only while one thread runs in it.
    messages = _elsewhere(path) if threading.active_count() == 1 else _messages(path)
    return next(messages), (row for batch in messages for row in batch)


def _messages(path: Path) -> Iterator[Any]:
    """The metadata, then rows in batches."""
    import duckdb  # noqa: PLC0415

    connection = _connect()
    try:
        found = connection.execute(
            "SELECT value FROM parquet_kv_metadata(?) WHERE key = 'policyc_inventory'", [str(path)]
        ).fetchone()
        yield None if found is None else bytes(found[0]).decode()
        cursor = connection.execute(_row_query(connection, path), [str(path)])
        while batch := cursor.fetchmany(_BATCH):
            yield batch
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise InventoryError(f"{path}: {error}") from error
    finally:
        connection.close()


def _elsewhere(path: Path) -> Iterator[Any]:
    """The same from a process of its own."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(path, sender), daemon=True)
    process.start()
    sender.close()
    try:
        while (message := _received(receiver, path)) != _END:
            if isinstance(message, dict):
                raise InventoryError(message["error"])
            yield message
    finally:
        receiver.close()
        process.kill()
        process.join()


def _received(receiver: Connection, path: Path) -> Any:  # noqa: ANN401
    try:
        return marshal.loads(receiver.recv_bytes())  # noqa: S302  (from our own process)
    except EOFError as error:
        message = f"{path}: what reads it was stopped; the file may be damaged: scan again"
        raise InventoryError(message) from error


_END = 0


def _send(path: Path, sender: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever reads the rows stops us
    try:
        for message in _messages(path):
            sender.send_bytes(marshal.dumps(_packed(message)))
        sender.send_bytes(marshal.dumps(_END))
    except BrokenPipeError:
        return  # nobody wants the rest
    except InventoryError as error:
        sender.send_bytes(marshal.dumps({"error": str(error)}))
    except Exception as error:  # noqa: BLE001  (whoever asked for the rows is told)
        message = f"{path}: {type(error).__name__}: {error}"
        sender.send_bytes(marshal.dumps({"error": message}))


def _packed(message: Any) -> Any:  # noqa: ANN401
    """Rows with one text for all that have the same, which is then sent once."""
    if not isinstance(message, list):
        return message
    kept: dict[str, str] = {}
    return [(*head, kept.setdefault(rest, rest), number) for *head, rest, number in message]


def _row_query(connection: Any, path: Path) -> str:  # noqa: ANN401
    """The columns of ``HEAD``, the others as one JSON text, and the number of the row.

    Decoding a text is faster than taking nested values over one by one. Rows come by path where
    that takes little: texts that are made in the order in which files are used lie side by side
    in memory.
    """
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)])
    names = {str(row[0]) for row in described.fetchall()}
    empty = _empty(connection, path)
    # Only names of the schema are put into the query; an older file has fewer of them.
    known = [name for name in COLUMNS if name in names and name not in (*HEAD, *empty)]
    others = ", ".join(f'"{name}" := "{name}"' for name in known)
    text = f"to_json(struct_pack({others}))" if known else "'{}'"
    head = [f'"{name}"' if name in names else "NULL" for name in HEAD]
    read = ["lower(hex(sha256))" if name == '"sha256"' else name for name in head]
    wanted = [name for name in HEAD if name in names] + known
    columns = ", ".join([*(f'"{name}"' for name in wanted), "file_row_number"])
    rows = f"SELECT {columns} FROM read_parquet(?, file_row_number = true)"  # noqa: S608
    if _bytes(connection, path) <= _SORTED:
        rows += f" ORDER BY {head[0]}"
    return f"SELECT {', '.join(read)}, {text}, file_row_number + 1 FROM ({rows})"  # noqa: S608


_SORTED = 64 << 20
"""Bytes of a table that is sorted while it is read; a larger one is read row by row."""


def _bytes(connection: Any, path: Path) -> int:  # noqa: ANN401
    found = connection.execute(
        "SELECT sum(total_uncompressed_size) FROM parquet_metadata(?)", [str(path)]
    ).fetchone()
    return 0 if found is None or found[0] is None else int(found[0])


_ALWAYS = {"elf": "machine", "macho": "mixed", "package": "state", "pe": "machine", "posix": "mode"}
"""A part that every value of a column has; a value of another may have no part at all."""


def _empty(connection: Any, path: Path) -> frozenset[str]:  # noqa: ANN401
    """Columns that are null in every row, by the statistics: most are, on most machines."""
    found = connection.execute(
        "SELECT path_in_schema, count(stats_null_count) = count(*) "
        "AND sum(stats_null_count) = sum(num_values) "
        "FROM parquet_metadata(?) GROUP BY path_in_schema",
        [str(path)],
    ).fetchall()
    parts: dict[str, dict[str, bool]] = {}
    for part, null in found:
        name, _, inner = str(part).partition(", ")
        parts.setdefault(name, {})[inner] = bool(null)
    return frozenset(
        name
        for name, own in parts.items()
        if (
            own.get(_ALWAYS[name])
            if name in _ALWAYS
            else all(own.values()) and not _is_struct(name)
        )
    )


def _is_struct(name: str) -> bool:
    kind = COLUMNS.get(name, "")
    return kind.startswith("STRUCT") and not kind.endswith("[]")
