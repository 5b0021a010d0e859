"""``rules.d`` to ``compiled.rules``. Source: init/fagenrules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from policyc.targets.fapolicyd.daemon.version import DaemonVersion

_COMMENT = re.compile(r"\s*#")
_PARTS = re.compile(r"([0-9]+)")


@dataclass(frozen=True, slots=True)
class Merged:
    """The compiled text; ``origin`` holds file and line of each of its lines, from 1.

    ``glued`` are lines that two files became one in, because the first had no newline at its end.
    """

    text: str
    origin: tuple[tuple[str, int], ...]
    glued: tuple[int, ...] = ()


def merge(files: Mapping[str, str], version: DaemonVersion) -> Merged:
    """Join ``*.rules`` by version sort of their names, without comments and empty lines.

    Before 1.3.5 a file without a final newline runs into the next one.
    """
    lines: list[tuple[str, str, int]] = []
    glued = []
    pending = False
    for name in sorted((item for item in files if item.endswith(".rules")), key=sort_key):
        text = files[name]
        for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
            if pending:
                before, file, at = lines[-1]
                lines[-1] = (before + line, file, at)
                glued.append(len(lines))
                pending = False
            else:
                lines.append((line, name, number))
        pending = bool(text) and not text.endswith("\n") and not version.since(1, 3, 5)
    kept = [
        (at, item) for at, item in enumerate(lines, 1) if item[0] and not _COMMENT.match(item[0])
    ]
    return Merged(
        text="".join(f"{line}\n" for _, (line, _, _) in kept),
        origin=tuple((name, number) for _, (_, name, number) in kept),
        glued=tuple(new for new, (old, _) in enumerate(kept, 1) if old in glued),
    )


def sort_key(name: str) -> tuple[object, ...]:
    """``ls -v`` and ``sort -V`` for names of letters and digits: digits compare as numbers."""
    parts = _PARTS.split(name.rpartition("/")[2].removesuffix(".rules"))
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts), name
