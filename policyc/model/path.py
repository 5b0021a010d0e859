"""Path patterns: one defined meaning, whatever the platform can say.

``*`` matches within one component, ``**`` also across separators. A pattern that starts
with ``/`` is a POSIX path and case-sensitive; one that starts with a drive letter is a
Windows path and is not. Nothing else is special: there is no ``?``, no ``[…]``, no escape.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import lru_cache

_MAX_STARS = 4
"""Keeps matching cheap whatever a baseline says; each wildcard may cost a pass over the path."""


class PathStyle(enum.Enum):
    """Whose rules a path follows."""

    POSIX = "posix"
    WINDOWS = "windows"


class PathShape(enum.Enum):
    """What kind of set a pattern names; targets differ in which they can express."""

    EXACT = "exact"
    TREE = "tree"
    GLOB = "glob"


def style_of(path: str) -> PathStyle | None:
    """The style of an absolute path or pattern, or None if it is not absolute."""
    if path.startswith("/"):
        return PathStyle.POSIX
    if re.match(r"[A-Za-z]:[\\/]", path, re.ASCII):
        return PathStyle.WINDOWS
    return None


@dataclass(frozen=True, slots=True, order=True)
class PathPattern:
    """An absolute path pattern; raises ValueError for a relative or degenerate one.

    ``/`` and ``\\`` are the same in a Windows pattern; the drive letter is upper case.
    """

    text: str

    def __post_init__(self) -> None:
        style = style_of(self.text)
        if style is None:
            msg = f"{self.text!r} is neither /absolute nor C:\\absolute"
            raise ValueError(msg)
        if any(ord(char) < 0x20 or ord(char) == 0x7F for char in self.text):
            msg = f"{self.text!r} holds a control character"
            raise ValueError(msg)
        text = self.text
        if style is PathStyle.WINDOWS:
            text = text.replace("/", "\\")
            text = text[0].upper() + text[1:]
        separator = "/" if style is PathStyle.POSIX else "\\"
        parts = text.split(separator)[1:]
        if any(part in (".", "..") for part in parts) or "" in parts[:-1]:
            msg = f"{self.text!r} has an empty, '.' or '..' component"
            raise ValueError(msg)
        if parts[-1] == "":
            msg = f"{self.text!r} names a directory; write {self.text}** for everything below it"
            raise ValueError(msg)
        if "***" in text:
            msg = f"{self.text!r} has more than two '*' in a row"
            raise ValueError(msg)
        if len(re.findall(r"\*+", text)) > _MAX_STARS:
            msg = f"{self.text!r} has more than {_MAX_STARS} wildcards"
            raise ValueError(msg)
        object.__setattr__(self, "text", text)

    @property
    def style(self) -> PathStyle:
        """Whose rules the pattern follows."""
        return PathStyle.POSIX if self.text.startswith("/") else PathStyle.WINDOWS

    @property
    def shape(self) -> PathShape:
        """EXACT without a star, TREE for ``<literal directory>/**``, otherwise GLOB."""
        if "*" not in self.text:
            return PathShape.EXACT
        if self.text[-3:] in ("/**", "\\**") and "*" not in self.text[:-2]:
            return PathShape.TREE
        return PathShape.GLOB

    @property
    def directory(self) -> str:
        """The literal directory of a TREE with its final separator; ValueError otherwise."""
        if self.shape is not PathShape.TREE:
            msg = f"{self.text!r} is not a tree"
            raise ValueError(msg)
        return self.text[:-2]

    def matches(self, path: str) -> bool:
        """Whether ``path``, as the endpoint sees it, is in the set.

        A path of the other style is never in the set.
        """
        if style_of(path) is not self.style:
            return False
        if self.style is PathStyle.WINDOWS:
            path = path.replace("/", "\\")
        return _compiled(self.text).fullmatch(path) is not None

    def tokens(self) -> tuple[str, ...]:
        """The pattern as literal runs, ``*`` and ``**``, in order."""
        return tuple(token for token in re.split(r"(\*\*?)", self.text) if token)

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=4096)
def _compiled(text: str) -> re.Pattern[str]:
    windows = not text.startswith("/")
    within = r"[^\\]*" if windows else "[^/]*"
    pieces = {"*": within, "**": ".*"}
    body = "".join(
        pieces.get(token, re.escape(token)) for token in re.split(r"(\*\*?)", text) if token
    )
    return re.compile(body, re.DOTALL | (re.IGNORECASE if windows else 0))
