"""UTS #39 skeletons of names, for the ASCII letters and digits that lures are written in.

The table ``confusables.txt`` holds the code points that Unicode's confusables data maps to
an ASCII letter or digit (Unicode, Inc., as packaged by confusable-homoglyphs 3.3.1).
"""

from __future__ import annotations

import functools
import unicodedata
from pathlib import Path

_ALIKE = {ord("0"): "o", ord("1"): "l", ord("i"): "l", ord("|"): "l"}


@functools.cache
def _table() -> dict[int, str]:
    table: dict[int, str] = {}
    text = Path(__file__).with_name("confusables.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        letter, _, points = line.partition("\t")
        for point in points.split():
            # Several letters look like one point: the lower-case one reads best.
            if letter.islower() or int(point, 16) not in table:
                table[int(point, 16)] = letter.lower()
    return table


@functools.lru_cache(4096)
def skeleton(text: str) -> str:
    """A form that is equal for texts that look alike; only for comparing."""
    shown = text.translate(_table())
    shown = unicodedata.normalize("NFKC", shown).lower().translate(_table())
    return shown.translate(_ALIKE)
