"""Microsoft Defender for Endpoint: advanced hunting results saved as CSV.

Source: the advanced hunting schema (DeviceFileEvents, DeviceProcessEvents,
DeviceImageLoadEvents, DeviceFileCertificateInfo). FolderPath ends with the file's name in
these tables, but some queries cut it off. SHA1 is the digest of the whole file, which no
policy uses.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable

from policyc.inventory.exports.facts import Seen, is_absolute, is_digest

_NEEDED = frozenset({"filename", "folderpath"})


def recognised(columns: Iterable[str]) -> bool:
    """Whether a CSV file with these columns is such a table."""
    return {column.strip().lower() for column in columns} >= _NEEDED


def read(reader: csv.DictReader[str]) -> list[Seen]:
    """One entry for every path and content. Raises csv.Error for a broken table."""
    found: dict[tuple[str, str], Seen] = {}
    for raw in reader:
        row = {str(key).strip().lower(): value or "" for key, value in raw.items() if key}
        path = _path(row["folderpath"], row["filename"])
        if not is_absolute(path):
            continue
        digest = row.get("sha256", "").lower()
        digest = digest if is_digest(digest) else ""
        item = found.setdefault((path, digest), Seen(path=path, sha256=digest))
        size = row.get("filesize", "")
        if size.isascii() and size.isdigit():
            item.size = int(size)
        if row.get("issigned", "").lower() in ("false", "0"):
            item.unsigned = True
    known = {path for path, digest in found if digest}
    return [item for (path, digest), item in found.items() if digest or path not in known]


def _path(folder: str, name: str) -> str:
    separator = "/" if folder.startswith("/") else "\\"
    if not name or folder.lower().endswith(separator + name.lower()):
        return folder
    return folder.rstrip(separator) + separator + name
