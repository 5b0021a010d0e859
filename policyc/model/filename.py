"""What a file name is once everything that only deceives the eye is taken away.

Sources: Unicode Standard Annex #9 (bidirectional controls), Unicode's Default_Ignorable and
blank-looking code points, UAX #15 (NFKC), and Win32, which drops trailing blanks and dots.
"""

from __future__ import annotations

import unicodedata

BIDI_ACTIVE = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates: they reorder what is displayed."""

BIDI_MARKS = frozenset("\u200e\u200f\u061c")
"""Invisible direction marks, which honest right-to-left names hold too."""

JOINERS = frozenset("\u200c\u200d")
"""Zero-width joiner and non-joiner, which Persian, Indic scripts and emoji need."""

BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and symbols that are displayed as nothing but a gap."""

INVISIBLE = (
    frozenset("\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e\u034f")
    | JOINERS
    | BLANK_LETTERS
    | frozenset(map(chr, range(0xFE00, 0xFE10)))
    | frozenset(map(chr, range(0xE0000, 0xE0080)))
)
"""Code points that are displayed as nothing."""

_DROPPED = dict.fromkeys(map(ord, BIDI_ACTIVE | BIDI_MARKS | INVISIBLE - BLANK_LETTERS))
_BLANKS = dict.fromkeys(map(ord, BLANK_LETTERS), " ")


def clean(name: str) -> str:
    """``name`` without invisible characters, in NFKC, without trailing blanks and dots.

    A name that is all dots or blanks stays as it is.
    """
    if name.isascii():
        return name.rstrip(" .") or name
    shown = unicodedata.normalize("NFKC", name.translate(_DROPPED).translate(_BLANKS))
    return shown.rstrip().rstrip(" .") or name


def clean_extension(name: str) -> str:
    """The last extension of the clean name, lower case, without the dot; empty if none."""
    stem, dot, extension = clean(name).rpartition(".")
    return extension.strip().lower() if dot and stem else ""
