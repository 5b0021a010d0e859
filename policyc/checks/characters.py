"""Characters that make a name look like another one.

Source: Unicode 15 DerivedCoreProperties (Default_Ignorable_Code_Point), UTS 39
``confusables.txt`` (the entries whose skeleton is an ASCII letter or digit, as far as they occur
in extensions), and "Bidirectional Character Types". The context rule keeps honest names quiet:
joiners stand between letters of scripts that need them and inside emoji.
"""

from __future__ import annotations

import unicodedata

BIDI_ACTIVE = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BIDI_MARKS = frozenset("\u200e\u200f\u061c")
INVISIBLE = frozenset(
    "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e\u034f\u115f\u1160\u3164\uffa0"
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080))))
BLANKS = frozenset(" \u00a0\u1680\u202f\u205f\u2800\u3000") | frozenset(
    map(chr, range(0x2000, 0x200B))
)
DOTS = frozenset("\u2024\u3002\uff0e\uff61\ufe52\ua4f8\u0701\u0702")
"""Characters that look like a full stop. U+00B7 stands in honest titles."""

_JOINERS = frozenset("\u200c\u200d")
_SELECTORS = frozenset("\ufe0e\ufe0f")
_FIRST_JOINING_SCRIPT = 0x0590

_CONFUSABLE = {
    "а": "a", "с": "c", "ԁ": "d", "е": "e", "һ": "h", "і": "i", "ј": "j", "ӏ": "l", "о": "o",
    "р": "p", "ԛ": "q", "ѕ": "s", "ѵ": "v", "ԝ": "w", "х": "x", "у": "y", "ү": "y", "т": "t",
    "м": "m", "к": "k", "в": "b", "н": "h", "г": "r", "ь": "b", "з": "3", "б": "6",
    "α": "a", "β": "b", "ε": "e", "η": "n", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p",
    "σ": "o", "τ": "t", "υ": "u", "χ": "x", "γ": "y", "ω": "w", "μ": "u",
    "ա": "w", "գ": "q", "զ": "q", "հ": "h", "ո": "n", "ս": "u", "օ": "o", "ց": "g", "ք": "f",
    "ı": "i", "ɩ": "i", "ɑ": "a", "ɡ": "g", "ɪ": "i", "ʋ": "u", "ᴄ": "c", "ᴏ": "o", "ᴠ": "v",
    "ᴡ": "w", "ᴢ": "z", "ꞵ": "b", "ƅ": "b", "ɢ": "g", "ʟ": "l", "ꮯ": "c", "ꭵ": "i", "ꮪ": "s",
    "ⅼ": "l", "ǀ": "l", "∣": "l", "ߊ": "l", "ו": "l", "ן": "l", "ا": "l", "٥": "o", "۵": "o",
    "߀": "o", "०": "o", "ס": "o", "º": "o", "ª": "a",
    "ϲ": "c", "ϳ": "j", "ѡ": "w", "ҽ": "e", "ԍ": "g", "ҡ": "k", "ӿ": "x", "ԥ": "n",
}  # fmt: skip
"""Lower-case look-alikes outside ASCII → the ASCII character."""


def skeleton(text: str) -> str:
    """What a text looks like in ASCII: NFKC, lower case, look-alikes replaced, marks dropped."""
    folded = unicodedata.normalize("NFKC", text).lower()
    plain = (
        char for char in unicodedata.normalize("NFD", folded) if not unicodedata.combining(char)
    )
    return "".join(_CONFUSABLE.get(char, char) for char in plain)


def invisible_at(name: str) -> list[int]:
    """Where invisible characters stand that no script or emoji needs there."""
    return [
        index for index, char in enumerate(name) if char in INVISIBLE and not _needed(name, index)
    ]


def _needed(name: str, index: int) -> bool:
    before, after = name[index - 1 : index], name[index + 1 : index + 2]
    if name[index] in _SELECTORS:
        return unicodedata.category(before)[0] == "S" if before else False
    if name[index] not in _JOINERS or not before or not after:
        return False
    return _joins(before) and _joins(after)


def _joins(char: str) -> bool:
    if char in _SELECTORS:
        return True
    category = unicodedata.category(char)
    return (category[0] in "LM" and ord(char) >= _FIRST_JOINING_SCRIPT) or category[0] == "S"


def visible(name: str) -> str:
    """The name as a person reads it: no controls of direction, nothing invisible, plain blanks."""
    if name.isascii():
        return name
    kept = []
    for char in name:
        if char in BIDI_ACTIVE or char in BIDI_MARKS or char in INVISIBLE:
            continue
        kept.append(" " if char in BLANKS else char)
    return unicodedata.normalize("NFKC", "".join(kept))
