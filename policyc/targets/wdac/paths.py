"""Path rules: macros, wildcards, and what each Windows makes of them.

Source: "Understand App Control policy rules and file rules", file path rules.
"""

from __future__ import annotations

import re
from functools import lru_cache

from policyc.model.decision import Tri

_MACROS = {"%OSDRIVE%": "C:", "%WINDIR%": "C:\\WINDOWS", "%SYSTEM32%": "C:\\WINDOWS\\SYSTEM32"}
"""The three macros that are documented, with C: taken to be the system drive."""


def path_matches(pattern: str, path: str, *, many_wildcards: bool = True) -> Tri:
    """Any run of characters for ``*`` and one for ``?``, wherever they stand (Windows 11).

    Older Windows takes one ``*`` at the beginning or the end; ``many_wildcards=False`` answers
    for it, and takes every other pattern for one that never matches (inferred). An unknown
    macro gives None.
    """
    wanted = expanded(pattern)
    if wanted is None:
        return None
    if not many_wildcards and not is_simple(pattern):
        return False
    return _matches(wanted, folded(path.replace("/", "\\")))


def is_simple(pattern: str) -> bool:
    """Whether every Windows that knows path rules understands the pattern."""
    inner = pattern[1:] if pattern.startswith("*") else pattern.removesuffix("*")
    return "*" not in inner and "?" not in inner


@lru_cache(maxsize=4096)
def expanded(pattern: str) -> str | None:
    """The pattern in upper case with its macro put in; None for a macro nobody knows."""
    head, separator, tail = folded(pattern).partition("\\")
    if head.startswith("%") and head not in _MACROS:
        return None
    return _MACROS.get(head, head) + separator + tail


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Upper case as OrdinalIgnoreCase has it: one character for one, and nothing becomes ASCII."""
    if text.isascii():
        return text.upper()
    return "".join(
        upper if len(upper := char.upper()) == 1 and upper.isascii() == char.isascii() else char
        for char in text
    )


def _matches(pattern: str, text: str) -> bool:
    """Wildcards by going back to the last ``*`` only: the time is the product of the lengths."""
    literal = re.split(r"[*?]", pattern, maxsplit=1)[0]
    if not text.startswith(literal):
        return False
    at = here = len(literal)
    star, retry = -1, 0
    while here < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, retry = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            retry += 1
            at, here = star + 1, retry
        else:
            return False
    return pattern[at:].strip("*") == ""
