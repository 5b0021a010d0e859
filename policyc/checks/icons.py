"""The icon of a program against a list of documents' icons that the user supplies.

No list ships: icons have owners. A list is tab-separated with the header ``hash``, ``owner``,
``name``: the 16 hex digits that ``policyc explain PROGRAM`` prints, a word that stands in the
owner's publisher or product name, and what the icon belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from policyc.checks.content import trait
from policyc.checks.registry import Hit, When, check
from policyc.model.diagnostic import Level
from policyc.model.facts import UNKNOWN, FileFacts
from policyc.readers.icon import distance

ALIKE = 6
"""Bits in which two hashes of icons that look alike differ at most."""

_COLUMNS = ["hash", "owner", "name"]
_HASH = re.compile(r"[0-9a-f]{16}", re.ASCII)


class IconsError(Exception):
    """A list of icons that cannot be used; the text has file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIcon:
    """The hash of an icon, a word in its owner's name, and what it belongs to."""

    hash: str
    owner: str
    name: str


_KNOWN: list[KnownIcon] = []


def read_icons(path: Path) -> tuple[KnownIcon, ...]:
    """The rows of a list; raises IconsError with the line, OSError if it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise IconsError(f"{path}: not UTF-8") from error
    if not lines or lines[0].split("\t") != _COLUMNS:
        raise IconsError(f"{path}:1: the header is {' '.join(_COLUMNS)}, with tabs between")
    found = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if not line.strip() or line.startswith("#"):
            continue
        if len(cells) != len(_COLUMNS) or not _HASH.fullmatch(cells[0]):
            raise IconsError(f"{path}:{number}: not 16 hex digits, an owner and a name")
        found.append(KnownIcon(hash=cells[0], owner=cells[1], name=cells[2]))
    return tuple(found)


def use_icons(rows: Iterable[KnownIcon]) -> None:
    """Compare the icons of programs with these, in this process."""
    _KNOWN[:] = rows


@check("M043", "document-icon", "T1036.008", "T1204.002", when=When.TRAITS)
def document_icon(facts: FileFacts) -> Iterator[Hit]:
    """An unsigned program is shown with the icon of a document.

    Why: where extensions are hidden, the icon is all that tells a program from a document.
    Only with a list of icons (``check --icons``), as none ships. Programs that are signed, or
    whose product or company is the icon's owner, are not meant. Information: icons look alike.
    Recognise: the icon is a document's, and the type column of the folder view says application.
    """
    found = trait(facts, "icon")
    if found is None or facts.signatures is UNKNOWN or facts.signatures:
        return
    info = None if facts.version_info is UNKNOWN else facts.version_info
    says = " ".join(
        text or "" for text in ((info.company_name, info.product_name) if info else ())
    ).lower()
    for known in _KNOWN:
        apart = distance(found.detail, known.hash)
        if apart <= ALIKE and not (known.owner and known.owner.lower() in says):
            message = f"the icon looks like that of {known.name} ({apart} of 64 bits differ)"
            yield Hit(level=Level.INFO, message=message, proofs=facts.proofs)
            return
