"""Words of a rule line, as rules.c cuts them."""

from __future__ import annotations

from dataclasses import dataclass

from policyc.targets.fapolicyd.daemon.loaded import RefusedError
from policyc.targets.fapolicyd.daemon.version import DaemonVersion


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its column, which counts from 1."""

    text: str
    column: int


def words(line: str, number: int, version: DaemonVersion) -> list[Word]:
    """Cut at blanks, tabs are no separators; raises RefusedError for a quote left open."""
    if version.quotes:
        return _quoted(line, number)
    found, column = [], 1
    for part in line.split(" "):
        if part:
            found.append(Word(part, column))
        column += len(part) + 1
    return found


def _quoted(line: str, number: int) -> list[Word]:
    """As since 2.0: a quote opens behind ``=`` or ``,`` and closes before a blank or comma."""
    found: list[Word] = []
    at = 0
    while at < len(line):
        if line[at] == " ":
            at += 1
            continue
        start, text, inside = at, "", False
        while at < len(line) and (inside or line[at] != " "):
            char = line[at]
            if inside and char == "\\" and line[at + 1 : at + 2] in ('"', "\\"):
                text += line[at + 1]
                at += 2
                continue
            if char == '"' and (inside or (at > start and line[at - 1] in "=,")):
                if inside and line[at + 1 : at + 2] not in ("", " ", ","):
                    raise RefusedError("characters after a quoted value", number, at + 2)
                inside = not inside
            else:
                text += char
            at += 1
        if inside:
            raise RefusedError("a quoted value has no end", number, start + 1)
        found.append(Word(text, start + 1))
    return found
