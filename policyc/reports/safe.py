"""Text from files under judgement, made harmless for a terminal or a log."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str) -> str:
    r"""``text`` with everything that moves the cursor or hides shown as an escape.

    Control and format characters, surrogates, private and unassigned code points become
    ``\xNN`` or ``\u{NNNN}``; a backslash stays, as Windows paths are full of them.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    if unicodedata.category(char) not in _HIDDEN and (char == " " or not char.isspace()):
        return char
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:04x}}}"
