"""Versions of the daemon and what changed between them.

Source: rules.c, policy.c, conf.c and file.c at the tags, and the recordings of four daemons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_TEXT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){1,2}", re.ASCII)
_SERIES = {"1.1": (1, 1, 7), "1.3": (1, 3, 2), "1.4": (1, 4, 5), "1.5": (1, 5, 0), "2.0": (2, 0, 1)}

_NUMERIC = frozenset({"auid", "uid", "sessionid", "gid", "pid", "ppid"})
SIGNED = frozenset({"pid", "ppid"})
_TEXTS = frozenset({"all", "trust", "pattern", "comm", "exe", "dir", "ftype"})
OLD_SUBJECT = {
    **{name: name for name in ("all", "auid", "uid", "sessionid", "pid", "pattern", "comm", "exe")},
    "exe_dir": "dir",
    "exe_type": "ftype",
    "exe_device": "device",
}
"""Subject names of the format without a colon, with what they are called since."""


@dataclass(frozen=True, order=True)
class DaemonVersion:
    """A version such as 1.3.4; compares by its numbers."""

    numbers: tuple[int, int, int]

    @classmethod
    def parse(cls, text: str) -> DaemonVersion:
        """``1.3.4``, or a series such as ``1.3`` for the oldest of it that is shipped.

        Raises ValueError for anything else.
        """
        if text in _SERIES:
            return cls(_SERIES[text])
        if not _TEXT.fullmatch(text):
            raise ValueError(f"{text!r} is no version of fapolicyd; write it as 1.3 or 1.3.4")
        parts = [int(part) for part in text.split(".")]
        return cls((parts[0], parts[1], parts[2] if len(parts) > 2 else 0))

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers))

    def since(self, *numbers: int) -> bool:
        """Whether this is the version with these numbers or a later one."""
        return self.numbers >= numbers

    @cached_property
    def subject(self) -> frozenset[str]:
        """Field names of the subject."""
        device = frozenset() if self.since(1, 3, 6) else frozenset({"device"})
        return _NUMERIC | _TEXTS | device

    @cached_property
    def object(self) -> frozenset[str]:
        """Field names of the object. ``mode`` has no value before it disappears in 1.5."""
        names = {"all", "path", "dir", "device", "ftype", "trust", "sha256hash"}
        if self.since(1, 4, 2):
            names.add("filehash")
        if not self.since(1, 5):
            names.add("mode")
        return frozenset(names)

    @cached_property
    def patterns(self) -> frozenset[str]:
        """Values of ``pattern``."""
        own = {"normal"} if self.since(1, 3, 5) else set()
        return frozenset({"ld_so", "static", "ld_preload"} | own)

    @property
    def fails_closed(self) -> bool:
        """Whether an error behind a rule's first field refuses the file, not only the field."""
        return self.since(1, 5)

    @property
    def quotes(self) -> bool:
        """Whether values can be quoted and paths can be patterns."""
        return self.since(2, 0)

    @property
    def typed_sets(self) -> bool:
        """Whether a set is numbers only if every member is one."""
        return self.since(1, 3, 7)

    @property
    def macros_match(self) -> bool:
        """Whether ``execdirs``, ``systemdirs`` and ``untrusted`` ever match."""
        return self.since(1, 4, 4)

    @property
    def negative_numbers(self) -> bool:
        """Whether ``-1`` is a number."""
        return self.since(1, 3, 3)

    @property
    def most_fields(self) -> int:
        """Fields a side has room for; more are written beyond their array."""
        return 11 if self.since(1, 4, 3) else 8
