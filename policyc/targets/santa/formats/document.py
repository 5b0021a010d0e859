"""A file of Santa's world as it is written: its format and everything in it.

``read_document`` and ``write_document`` lose nothing: what was written reads back as the same
content. What the content means to Santa is ``views``.
"""

from __future__ import annotations

import enum
import plistlib
from dataclasses import dataclass, field
from typing import Any

from policyc.targets.base import ArtifactError
from policyc.targets.santa.formats.plist import Step, read_plist
from policyc.targets.santa.formats.texts import (
    item_lines,
    read_csv,
    read_json,
    read_toml,
    text_of,
    write_csv,
    write_json,
    write_toml,
)

MOST_BYTES = 32 << 20
"""Bytes of a file. A profile of 100,000 rules has 25 million."""


class Format(enum.Enum):
    """What a file is."""

    PROFILE = "configuration profile"
    KEYS = "property list of Santa's keys"
    RULE = "property list of one rule"
    FILE_ACCESS = "file access policy"
    OTHER_PLIST = "another property list"
    SANTACTL = "rules for santactl"
    SYNC_RULES = "rules of a sync server (v1)"
    PREFLIGHT = "settings of a sync server (v1)"
    RUDOLPH_JSON = "Rudolph rules in JSON"
    ZENTRAL_RULESET = "Zentral ruleset"
    ZENTRAL_PAGE = "a page of Zentral's rules"
    OTHER_JSON = "other JSON"
    MOROZ = "Moroz configuration"
    RUDOLPH_CSV = "Rudolph rules in CSV"


_MOST_PLACED = 4 << 20
_LISTS = {
    Format.SANTACTL: "rules",
    Format.SYNC_RULES: "rules",
    Format.ZENTRAL_RULESET: "rules",
    Format.ZENTRAL_PAGE: "results",
    Format.RUDOLPH_JSON: None,
}
PLISTS = frozenset(
    {Format.PROFILE, Format.KEYS, Format.RULE, Format.FILE_ACCESS, Format.OTHER_PLIST}
)
OF_SANTA = frozenset({"StaticRules", "ClientMode", "FileAccessPolicy", "SyncBaseURL", "Telemetry"})
_RULE = frozenset({"rule_type", "policy"})
_PREFLIGHT = frozenset(
    """client_mode clientMode allowed_path_regex allowedPathRegex blocked_path_regex
    blockedPathRegex whitelist_regex blacklist_regex batch_size batchSize sync_type
    syncType""".split()
)
_REQUEST = frozenset({"serial_num", "serialNum", "santa_version", "santaVersion"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file. ``content`` is its whole value; of a CSV file the rows, with ``names`` in order.

    ``places`` has lines and columns from 1 of what stands at a path of the content.
    """

    format: Format
    content: Any
    names: tuple[str, ...] = ()
    declared: bool = True
    places: dict[tuple[Step, ...], tuple[int, int]] = field(default_factory=dict, compare=False)

    def line(self, *path: Step) -> int:
        """The line of a value or of the nearest one around it; 0 is not known."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]][0]
        return 0


def read_document(name: str, data: bytes) -> Document:
    """Read a file by its content; a CSV or TOML file also by its name. Raises ArtifactError."""
    if len(data) > MOST_BYTES:
        raise ArtifactError(f"larger than {MOST_BYTES >> 20} MiB")
    lower = name.lower()
    if lower.endswith(".csv"):
        return _of_csv(data)
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if lower.endswith(".toml"):
        return _of_toml(data)
    if start in (b"{", b"["):
        content = read_json(data)
        own = _json_format(content)
        return Document(format=own, content=content, places=_json_places(own, data))
    plist = read_plist(data)
    return Document(
        format=_plist_format(plist.value),
        content=plist.value,
        declared=plist.declared,
        places=plist.places,
    )


def write_document(document: Document) -> bytes:
    """The bytes of a file with this content; ValueError for what its format cannot hold."""
    if document.format in PLISTS:
        return plistlib.dumps(document.content, sort_keys=True)
    if document.format is Format.MOROZ:
        return write_toml(document.content)
    if document.format is Format.RUDOLPH_CSV:
        return write_csv(document.names, document.content)
    return write_json(document.content)


def _of_csv(data: bytes) -> Document:
    rows, lines, names = read_csv(data)
    if not {"identifier", "type", "policy"} <= set(names):
        raise ArtifactError("the first line has no identifier, type and policy", line=1)
    places: dict[tuple[Step, ...], tuple[int, int]] = {
        (at,): (line, 1) for at, line in enumerate(lines)
    }
    return Document(format=Format.RUDOLPH_CSV, content=rows, names=names, places=places)


def _of_toml(data: bytes) -> Document:
    content, lines = read_toml(data)
    places: dict[tuple[Step, ...], tuple[int, int]] = {
        ("rules", at): (line, 1) for at, line in enumerate(lines)
    }
    return Document(format=Format.MOROZ, content=content, places=places)


def _plist_format(value: Any) -> Format:  # noqa: ANN401
    if not isinstance(value, dict):
        return Format.OTHER_PLIST
    if isinstance(value.get("PayloadContent"), list):
        return Format.PROFILE
    if value.keys() >= _RULE:
        return Format.RULE
    if value.keys() & OF_SANTA:
        return Format.KEYS
    items = value.get("WatchItems", value)
    watched = isinstance(items, dict) and items and all(map(_is_watched, items.values()))
    return Format.FILE_ACCESS if "WatchItems" in value or watched else Format.OTHER_PLIST


def _is_watched(item: Any) -> bool:  # noqa: ANN401
    return isinstance(item, dict) and isinstance(item.get("Paths"), list)


def _json_format(value: Any) -> Format:  # noqa: ANN401
    if isinstance(value, list):
        rows = [item for item in value if isinstance(item, dict)]
        rudolph = rows and len(rows) == len(value) and all("type" in item for item in rows)
        return Format.RUDOLPH_JSON if rudolph else Format.OTHER_JSON
    if not isinstance(value, dict):
        return Format.OTHER_JSON
    if isinstance(value.get("rules"), list):
        if "cursor" in value or any(_from_server(item) for item in value["rules"]):
            return Format.SYNC_RULES
        return Format.ZENTRAL_RULESET if "name" in value else Format.SANTACTL
    if isinstance(value.get("results"), list):
        return Format.ZENTRAL_PAGE
    if value.keys() & _PREFLIGHT and not value.keys() & _REQUEST:
        return Format.PREFLIGHT
    return Format.OTHER_JSON


def _json_places(form: Format, data: bytes) -> dict[tuple[Step, ...], tuple[int, int]]:
    """Where the rules begin, in a file that is not too long to look."""
    if form not in _LISTS or len(data) > _MOST_PLACED:
        return {}
    key = _LISTS[form]
    before: tuple[Step, ...] = () if key is None else (key,)
    lines = item_lines(text_of(data), key)
    return {(*before, number): (line, 1) for number, line in enumerate(lines)}


def _from_server(item: Any) -> bool:  # noqa: ANN401
    """Whether a rule has keys that only a sync server sends."""
    server = {"seatbelt_policy", "rule_id", "notification_app_name", "ruleType"}
    return isinstance(item, dict) and bool(item.keys() & server)
