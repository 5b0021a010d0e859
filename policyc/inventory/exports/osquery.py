"""osquery: rows of the tables ``hash``, ``file``, ``authenticode``, ``signature`` and joins.

Source: the osquery schema (osquery.io/schema). ``osqueryi --json`` prints a list of rows; the
result log has ``columns`` (differential) or ``snapshot`` in every line. Every value is text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policyc.inventory.exports.facts import Seen, is_absolute, is_digest
from policyc.model.facts import MachoFacts, MachoKind, MachoSlice
from policyc.model.identity import CdHash, TeamId
from policyc.model.signatures import SignatureGrade

_RELEASED = (
    "Software Signing",
    "Developer ID Application",
    "Apple Mac OS Application Signing",
    "Apple iPhone OS Application Signing",
)
"""Common names of leaves that carry the extensions of released code (see codesign)."""


def read(content: Any) -> list[Seen]:  # noqa: ANN401
    """One entry a file; rows about the same path are joined. Raises ValueError, TypeError."""
    found: dict[str, Seen] = {}
    slices: dict[str, list[MachoSlice]] = {}
    for row in _rows(content):
        path = str(row.get("path") or "")
        if not is_absolute(path):
            continue
        item = found.setdefault(path, Seen(path=path))
        digest = str(row.get("sha256") or "")
        if is_digest(digest):
            item.sha256 = digest
        size = str(row.get("size") or "")
        if size.isascii() and size.isdigit():
            item.size = int(size)
        if row.get("result") == "missing" and "issuer_name" in row:
            item.unsigned = True
        if "cdhash" in row and "authority" in row and "signed" in row:
            item.unsigned = item.unsigned or str(row["signed"]) == "0"
            slices.setdefault(path, []).append(_slice(row))
    for path, pieces in slices.items():
        mixed = len({(piece.grade, piece.team) for piece in pieces}) > 1
        found[path].macho = MachoFacts(slices=tuple(dict.fromkeys(pieces)), mixed=mixed)
    return list(found.values())


def _rows(content: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    for item in content if isinstance(content, list) else [content]:
        if not isinstance(item, dict):
            raise TypeError("an osquery row is an object")
        if item.get("action") == "removed":
            continue
        if isinstance(item.get("snapshot"), list):
            yield from (row for row in item["snapshot"] if isinstance(row, dict))
        elif isinstance(item.get("columns"), dict):
            yield item["columns"]
        else:
            yield item


def _slice(row: dict[str, Any]) -> MachoSlice:
    """A row of ``signature``: the kind of file is not in it, programs are what it lists."""
    return MachoSlice(
        arch=str(row.get("arch") or ""),
        kind=MachoKind.EXECUTABLE,
        cdhash=_cdhash(str(row.get("cdhash") or "")),
        identifier=str(row.get("identifier") or "") or None,
        team=_team(str(row.get("team_identifier") or "")),
        grade=_grade(str(row["signed"]), str(row["authority"] or "")),
    )


def _grade(signed: str, authority: str) -> SignatureGrade | None:
    """The grade by the leaf's common name; None for code that is not validly signed."""
    if signed != "1":
        return None
    if not authority:
        return SignatureGrade.ADHOC
    released = authority.startswith(_RELEASED)
    return SignatureGrade.PRODUCTION if released else SignatureGrade.DEVELOPMENT


def _cdhash(text: str) -> CdHash | None:
    try:
        return CdHash(text.lower()) if text else None
    except ValueError:
        return None


def _team(text: str) -> TeamId | None:
    try:
        return TeamId(text) if text else None
    except ValueError:
        return None
