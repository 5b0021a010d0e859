"""Expressions for paths as patterns of the language, where they are so simple."""

from __future__ import annotations

import re

from policyc.model.path import PathPattern

_MOST = 1_000
"""Branches of one expression."""
_ANY, _WITHIN = ("(?s:.*)", "[^/]*")
_GROUP = "(?:"
_TIMES = frozenset("*+?{")
_SPECIAL = frozenset("\\^$.|?*+()[]{}")


def patterns(expression: str) -> tuple[PathPattern, ...] | None:
    r"""The patterns that mean exactly the expression, or None.

    Santa searches from the beginning: without an end (``\z``) a branch goes on as it likes. ``$``
    is an end too, as no pattern holds a line feed, but a path may; so it is not taken for one.
    """
    text = expression.removeprefix("^")
    end = text.endswith(r"\z")
    text = text.removesuffix(r"\z")
    if text.startswith("(?:") and _closes_at(text) == len(text) - 1:
        text = text[3:-1]
        branches = _branches(text)
    else:
        first, *others = _branches(text)
        # Only the first is anchored for its owner, and the end belongs to the last one.
        if others and (end or not all(item.startswith("^") for item in others)):
            return None
        branches = [first, *(item[1:] for item in others)]
    found: list[PathPattern] = []
    for branch in branches:
        own = _pattern(branch, end=end)
        if own is None or len(found) >= _MOST:
            return None
        found.append(own)
    return tuple(found)


def _closes_at(text: str) -> int:
    """Where the group that the text begins with ends; -1 for nowhere."""
    depth = at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return -1


def _branches(text: str) -> list[str]:
    """The alternatives at the top; those of groups stay together."""
    found, depth, start, at = [], 0, 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] in "()":
            depth += 1 if text[at] == "(" else -1
        elif text[at] == "|" and depth == 0:
            found.append(text[start:at])
            start = at + 1
        at += 1
    return [*found, text[start:]]


def _pattern(branch: str, *, end: bool) -> PathPattern | None:
    text = _words(branch, end=end)
    if text is None:
        return None
    try:
        return PathPattern(text)
    except ValueError:
        return None


def _words(branch: str, *, end: bool) -> str | None:
    """Literals and the two wildcards, one after the other, in groups or not; None otherwise."""
    kept: list[str] = []
    at = depth = 0
    while at < len(branch):
        if branch.startswith(_GROUP, at):
            depth += 1
            at += len(_GROUP)
        elif branch[at] == ")" and depth and branch[at + 1 : at + 2] not in _TIMES:
            depth -= 1
            at += 1
        elif branch.startswith(_ANY, at):
            kept.append("**")
            at += len(_ANY)
        elif branch.startswith(_WITHIN, at):
            kept.append("*")
            at += len(_WITHIN)
        elif branch[at:] == ".*" and not end:
            break  # a search that may go on anyway
        elif branch[at] == "\\":
            char = branch[at + 1 : at + 2]
            if not char or char == "*" or re.fullmatch("[A-Za-z0-9]", char, re.ASCII):
                return None
            kept.append(char)
            at += 2
        elif branch[at] in _SPECIAL:
            return None
        else:
            kept.append(branch[at])
            at += 1
    if depth:
        return None
    if not end and kept[-1:] != ["**"]:
        kept.append("**")
    return "".join(kept)
