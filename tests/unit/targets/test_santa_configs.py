"""The open configurations: each reads and writes back alike, each bad one is told where."""

from __future__ import annotations

import json
import plistlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyc.targets.base import ArtifactError
from policyc.targets.santa.formats.document import (
    PLISTS,
    Format,
    read_document,
    write_document,
)
from policyc.targets.santa.formats.plist import read_plist
from policyc.targets.santa.formats.texts import item_lines
from policyc.targets.santa.keys import REPLACED, TYPES
from policyc.targets.santa.lint import lint
from tests.requires import SHARED, require_shared

COUNT = 47
_FOLDER = SHARED / "santa" / "configs"
NAMES = sorted(path.relative_to(_FOLDER).as_posix() for path in _FOLDER.glob("*/*"))

FORMATS = {
    Format.PROFILE: 16,
    Format.KEYS: 1,
    Format.RULE: 2,
    Format.FILE_ACCESS: 4,
    Format.OTHER_PLIST: 3,
    Format.SANTACTL: 1,
    Format.SYNC_RULES: 2,
    Format.PREFLIGHT: 7,
    Format.ZENTRAL_PAGE: 3,
    Format.OTHER_JSON: 3,
    Format.MOROZ: 2,
    Format.RUDOLPH_CSV: 2,
}
UNREADABLE = {"northpolesec-docs/telemetry-2.bad.txt": (1, 1, "a key outside of a dictionary")}
"""Name → line, column, what is said."""
NOT_OURS = {
    "google-santa/sync_preflight_request.json",
    "northpolesec-tests/sync_preflight_request.json",
    "northpolesec-tests/sync_preflight_request_v2.json",
}
"""What a machine sends to a server: neither rules nor settings."""
FOUND: dict[str, set[tuple[str, int]]] = {
    "crimsonpython24/santa.mobileconfig": {
        # Lockdown with FailClosed and no rules; unknown keys; old keys; no outer PayloadVersion.
        *{("S033", 4), ("S040", 21), ("S032", 31), ("S032", 33), ("S030", 48), ("S030", 53)},
    },
    "google-santa/default.mobileconfig": {("S032", 20), ("S032", 22), ("S030", 27)},
    "google-santa/usb-block.mobileconfig": {("S032", 20), ("S032", 22), ("S030", 27)},
    "google-santa/sync_preflight_turn_on_blockusb.json": {("S032", 0)},
    "northpolesec-tests/sync_preflight_turn_on_blockusb.json": {("S032", 0)},
    "google-santa/system-extension-policy.santa.example.mobileconfig": {("S034", 1)},
    "moroz/config_a_toml.golden": {("S004", 71)},
    "northpolesec-docs/binary-authorization-0.plist": {("S001", 4)},
    "northpolesec-docs/faa-0.plist": {("S070", 23)},
    "northpolesec-docs/faa-1.bad.txt": {("S034", 1)},
    "northpolesec-docs/profile-configuration-0.mobileconfig": {("S033", 7)},
    "northpolesec-tests/sync_ruledownload_with_seatbelt.json": {("S001", 3)},
    "google-santa/sync_ruledownload_batch1.json": {("S039", 0)},
    "rule-importer/zentral_paginated_page1.json": {("S001", 6), ("S001", 17), ("S039", 0)},
    "rule-importer/zentral_paginated_page2.json": {("S001", 6)},
    "the-grinch/santa.mobileconfig": {
        *{("S021", 14), ("S072", 1412), ("S072", 1435), ("S072", 1533), ("S072", 2063)},
    },
}
"""Name → codes with their lines; S050 (nothing of Santa) apart. The others have no finding."""


def config(name: str) -> tuple[str, bytes]:
    """A file under a name that tells its format, as it would on disk."""
    path = require_shared(f"santa/configs/{name}")
    return (f"{name}.toml" if name.endswith(".golden") else name), path.read_bytes()


def test_they_are_all_there() -> None:
    require_shared("santa/configs")
    counts: dict[Format, int] = {}
    for name in NAMES:
        if name not in UNREADABLE:
            own = read_document(*config(name)).format
            counts[own] = counts.get(own, 0) + 1
    assert counts == FORMATS
    assert len(NAMES) == sum(FORMATS.values()) + len(UNREADABLE) == COUNT


@pytest.mark.parametrize("name", NAMES)
def test_it_reads_and_writes_back_alike(name: str) -> None:
    own, data = config(name)
    if name in UNREADABLE:
        with pytest.raises(ArtifactError) as caught:
            read_document(own, data)
        found = (caught.value.line, caught.value.column, caught.value.message)
        assert found == UNREADABLE[name]
        return
    document = read_document(own, data)
    written = write_document(document)
    again = read_document(own, written)
    assert (again.format, again.content, again.names) == (
        document.format,
        document.content,
        document.names,
    )
    assert write_document(again) == written
    if document.format in PLISTS:
        assert document.content == plistlib.loads(data.lstrip(), fmt=plistlib.FMT_XML)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_bad_is_told_and_where(name: str) -> None:
    own, data = config(name)
    if name in UNREADABLE or name in NOT_OURS:
        with pytest.raises(ArtifactError):
            lint(own, data)
        return
    found = {(item.code, item.place.line) for item in lint(own, data) if item.code != "S050"}
    assert found == FOUND.get(name, set())


def test_the_keys_are_those_of_the_manifest() -> None:
    known = json.loads(require_shared("santa/manifests/santa_keys.json").read_text())
    types: dict[str, Any] = {
        "bool|integer": int,
        "string": str,
        "string(ICU regex)": str,
        "array": list,
        "dict": dict,
        "data": bytes,
    }
    assert {key: types[item["santa_type"]] for key, item in known.items()} == TYPES
    old = {key for key, item in known.items() if item["deprecated"]}
    assert old <= REPLACED.keys()


BROKEN: list[tuple[str, int]] = [
    ("<plist>", 1),
    ("<plist><dict><key>a</key></dict></plist>", 1),
    ("<plist><dict><string>a</string></dict></plist>", 1),
    ("<plist>\n<dict>\n<key>a</key><true/>\n<key>a</key><true/></dict></plist>", 4),
    ("<plist>\n<array>x</array></plist>", 2),
    ("<plist>\n<integer>x</integer></plist>", 2),
    ("<plist><integer>" + "9" * 40 + "</integer></plist>", 1),
    ("<plist>\n<data>!!</data></plist>", 2),
    ("<plist><date>2026</date></plist>", 1),
    ("<plist><date>2026-13-41T00:00:00Z</date></plist>", 1),
    ("<plist><real>x</real></plist>", 1),
    ("<plist><string>a</string><string>b</string></plist>", 1),
    ("<plist><string><true/></string></plist>", 1),
    ("<plist><bogus/></plist>", 1),
    ("<plist><plist/></plist>", 1),
    ("<plist>" + "<array>" * 100 + "</array>" * 100 + "</plist>", 1),
    ('<!DOCTYPE p [<!ENTITY a "b">]>\n<plist><string>&a;</string></plist>', 1),
    ("\n\n<plist>\n</dict></plist>", 4),
]


@pytest.mark.parametrize(("text", "line"), BROKEN)
def test_a_broken_property_list_has_a_place(text: str, line: int) -> None:
    with pytest.raises(ArtifactError) as caught:
        read_plist(text.encode())
    assert caught.value.line == line
    assert caught.value.column > 0


@pytest.mark.parametrize(
    ("name", "text", "line", "column"),
    [
        ("x.json", '{"rules": [\n{"a": }]}', 2, 7),
        ("x.toml", "a = 1\nb = [\nc = 2", 3, 1),
        ("x.csv", "identifier,type,policy\na,b\n", 2, 0),
        ("x.csv", "a,b\n", 1, 0),
        ("x.csv", 'identifier,type,policy\n"a,b,c\n', 2, 0),
        ("x.json", '{"a": 1, "a": 2}', 0, 0),
        ("x.json", "[" * 100_000, 0, 0),
        ("x.json", '{"a": NaN}', 0, 0),
    ],
)
def test_a_broken_text_has_a_place(name: str, text: str, line: int, column: int) -> None:
    with pytest.raises(ArtifactError) as caught:
        read_document(name, text.encode())
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "key", "lines"),
    [
        ('{"rules": [{}, {}]}', "rules", (1, 1)),
        (
            '{"rules":\n[{"a": [{}]},\n\n{"b": "\\\\"}\n, {"c": "]}\\"{"}], "x": [{}]}',
            "rules",
            (2, 4, 5),
        ),
        ('{"x": [{}],\n"y": {"rules": [{}]},\n"rules": [[{}], {}]}', "rules", (3,)),
        ('[\n{"a": [{}]},\n{}]', None, (2, 3)),
        ('{"a": "rules", "b": [{}]}', "rules", ()),
        ('{"rules": []}', "rules", ()),
    ],
)
def test_where_rules_begin(text: str, key: str | None, lines: tuple[int, ...]) -> None:
    json.loads(text)
    assert item_lines(text, key) == lines


@settings(max_examples=300, deadline=None)
@given(
    rules=st.lists(
        st.dictionaries(st.text(max_size=4), st.text(max_size=6), max_size=3), max_size=6
    ),
    other=st.text(max_size=6),
)
def test_every_rule_has_its_line(rules: list[dict[str, str]], other: str) -> None:
    text = json.dumps({"a": [{"rules": [{}]}], "rules": rules, other + "z": [{}]}, indent=1)
    lines = item_lines(text, "rules")
    assert len(lines) == len(rules)
    assert all(text.split("\n")[line - 1].strip().startswith("{") for line in lines)


def test_a_file_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        read_document(str(tmp_path / "x.json"), b"{" + b" " * (16 << 20))
