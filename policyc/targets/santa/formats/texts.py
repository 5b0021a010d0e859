"""JSON, TOML and CSV to plain values and back, with the place of an error."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from policyc.targets.base import ArtifactError

_TOML_PLACE = re.compile(r"\(at line ([0-9]+), column ([0-9]+)\)")
_STRUCTURE = re.compile(r'["\[\]{}]')
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_NOT_PLAIN = re.compile('["\\\\\x00-\x1f\x7f]')
_TABLE = re.compile(r"^[ \t]*\[\[[ \t]*rules[ \t]*\]\]", re.MULTILINE)


def text_of(data: bytes) -> str:
    """UTF-8 text; ArtifactError otherwise."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ArtifactError("not UTF-8", line=line) from error


def read_json(data: bytes) -> Any:  # noqa: ANN401
    """A JSON value; ArtifactError with the place, also for a key that is there twice."""
    try:
        return json.loads(text_of(data), object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ArtifactError(
            f"not JSON: {error.msg}", line=error.lineno, column=error.colno
        ) from None
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"not JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_constant(text: str) -> Any:  # noqa: ANN401
    raise ValueError(f"{text} is no JSON")


def item_lines(text: str, key: str | None) -> tuple[int, ...]:
    """The line on which each object of a list begins: of the list under a key, or of the whole.

    ``text`` is sound JSON. ``key`` is one of the outermost object; None is an outermost list.
    """
    wanted = 1 if key is None else 2
    found: list[int] = []
    depth = at = line = seen = 0
    last = ""
    inside = key is None
    while (place := _STRUCTURE.search(text, at)) is not None:
        char, at = place[0], place.end()
        if char == '"':
            start, at = at, _after_text(text, at)
            if depth == 1:
                last = text[start : at - 1]
        elif char in "]}":
            depth -= 1
            inside = inside and depth >= wanted
        else:
            if char == "[" and depth == 1 and key is not None:
                inside = last == key
            if char == "{" and inside and depth == wanted:
                line += text.count("\n", seen, place.start())
                seen = place.start()
                found.append(line + 1)
            depth += 1
    return tuple(found)


def _after_text(text: str, at: int) -> int:
    """Behind the quote that ends the text that begins at ``at``."""
    while True:
        end = text.index('"', at)
        slashes = end - len(text[at:end].rstrip("\\")) - at
        if slashes % 2 == 0:
            return end + 1
        at = end + 1


def write_json(value: Any) -> bytes:  # noqa: ANN401
    """The same value as ASCII text with sorted keys."""
    return (json.dumps(value, indent=1, ensure_ascii=True, sort_keys=True) + "\n").encode("ascii")


def read_toml(data: bytes) -> tuple[dict[str, Any], tuple[int, ...]]:
    """A TOML document, and the lines of its ``[[rules]]`` if all of them are written so."""
    text = text_of(data)
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        message = _TOML_PLACE.sub("", str(error)).strip()
        raise ArtifactError(f"not TOML: {message}", line=line, column=column) from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"not TOML: {error}") from error
    lines = tuple(text.count("\n", 0, found.start()) + 1 for found in _TABLE.finditer(text))
    rules = value.get("rules")
    return value, lines if isinstance(rules, list) and len(rules) == len(lines) else ()


def write_toml(value: Mapping[str, Any]) -> bytes:
    """A document of plain values and lists of flat tables; ValueError for anything else."""
    plain = {key: item for key, item in value.items() if not _is_tables(item)}
    lines = [f"{_toml_key(key)} = {_toml(item)}" for key, item in plain.items()]
    for key in value:
        if key in plain:
            continue
        for table in value[key]:
            lines += ["", f"[[{_toml_key(key)}]]"]
            lines += [f"{_toml_key(name)} = {_toml(item)}" for name, item in table.items()]
    return ("\n".join(lines).lstrip("\n") + "\n").encode()


def _is_tables(item: object) -> bool:
    return isinstance(item, list) and bool(item) and all(isinstance(own, dict) for own in item)


def _toml_key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _toml_text(key)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _toml_text(value)
    if isinstance(value, list) and not any(isinstance(item, (list, dict)) for item in value):
        return f"[{', '.join(map(_toml, value))}]"
    raise ValueError(f"{type(value).__name__} is not written in TOML here")


def _toml_text(text: str) -> str:
    """A basic string; ValueError for a lone surrogate, which TOML cannot hold."""
    text.encode()
    return '"' + _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + '"'


def read_csv(data: bytes) -> tuple[list[dict[str, str]], tuple[int, ...], tuple[str, ...]]:
    """Rows by the names of the first line, the line each ends on, and the names in order."""
    source = io.StringIO(text_of(data), newline="")
    reader = csv.reader(source, strict=True)
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    names: list[str] = []
    try:
        for row in reader:
            if not row:
                continue
            if not names:
                names = row
                if len(set(names)) != len(names):
                    raise ArtifactError("two columns have one name", line=1)
                continue
            if len(row) != len(names):
                message = f"{len(row)} fields, not {len(names)}"
                raise ArtifactError(message, line=reader.line_num)
            rows.append(dict(zip(names, row, strict=True)))
            lines.append(reader.line_num)
    except csv.Error as error:
        raise ArtifactError(f"not CSV: {error}", line=reader.line_num) from error
    return rows, tuple(lines), tuple(names)


def write_csv(names: tuple[str, ...], rows: list[dict[str, str]]) -> bytes:
    """The rows under their names, ended by line feeds."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row[name] for name in names] for row in rows)
    return sink.getvalue().encode()
