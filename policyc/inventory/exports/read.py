"""Finding out which tool an export is from, and reading it into rows of an inventory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from policyc.inventory.exports import cyclonedx, mde, osquery
from policyc.inventory.exports.facts import Seen
from policyc.model.facts import FileFacts

_MAX_EXPORT = 1 << 30
EXPORTS = ("osquery (JSON)", "Defender for Endpoint (CSV)", "CycloneDX (JSON)")
"""What can be read, for people."""


class ExportError(Exception):
    """An export that cannot be read; the text names the file, the place and the next step."""


def read_export(path: Path) -> Iterator[FileFacts]:
    """The files of an export, sorted by path; raises ExportError, OSError."""
    if path.stat().st_size > _MAX_EXPORT:
        raise ExportError(f"{path}: more than {_MAX_EXPORT >> 20} MiB; split the export")
    data = path.read_bytes()
    try:
        found = _rows(path, data)
    except (TypeError, ValueError, KeyError, csv.Error, msgspec.MsgspecError) as error:
        raise ExportError(f"{path}: {error}") from error
    if not found:
        raise ExportError(f"{path}: no file with an absolute path in it")
    return (item.facts() for item in found)


def _rows(path: Path, data: bytes) -> list[Seen]:
    text = data.removeprefix(b"\xef\xbb\xbf")
    if text.lstrip()[:1] in (b"{", b"["):
        found = _json(path, text)
    else:
        reader = csv.DictReader(io.StringIO(text.decode("utf-8", "replace"), newline=""))
        if not mde.recognised(reader.fieldnames or ()):
            known = ", ".join(EXPORTS)
            raise ExportError(f"{path}:1: none of the exports that can be read: {known}")
        found = mde.read(reader)
    return sorted(found, key=lambda item: (item.path, item.sha256))


def _json(path: Path, text: bytes) -> list[Seen]:
    try:
        content: Any = msgspec.json.decode(text)
    except msgspec.DecodeError:
        content = _lines(path, text)
    if isinstance(content, dict) and content.get("bomFormat") == "CycloneDX":
        return cyclonedx.read(content)
    return osquery.read(content)


def _lines(path: Path, text: bytes) -> list[Any]:
    """One JSON value a line, as osquery's result log has it."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(msgspec.json.decode(line))
        except msgspec.DecodeError as error:
            raise ExportError(f"{path}:{number}: {error}") from error
    return found
