"""What the engine's path variables stand for on a machine, and how it spells a path.

Source: "Understanding the path rule condition in AppLocker" (six variables, drives that are
mapped resolve to what they stand for), Get-AppLockerFileInformation (the canonical form).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine's drives: ``optical`` are ``%REMOVABLE%``, ``usb`` are ``%HOT%``.

    ``mapped`` are letters of network or SUBST drives with what they stand for.
    """

    system_drive: str = "C:"
    optical: tuple[str, ...] = ()
    usb: tuple[str, ...] = ()
    mapped: tuple[tuple[str, str], ...] = ()

    def variables(self) -> dict[str, tuple[str, ...]]:
        """The folders of each variable, upper case, the longest folders first."""
        drive = self.system_drive.upper()
        windows = f"{drive}\\WINDOWS"
        return {
            "%SYSTEM32%": (f"{windows}\\SYSTEM32", f"{windows}\\SYSWOW64"),
            "%WINDIR%": (windows,),
            "%PROGRAMFILES%": (f"{drive}\\PROGRAM FILES", f"{drive}\\PROGRAM FILES (X86)"),
            "%REMOVABLE%": tuple(item.upper() for item in self.optical),
            "%HOT%": tuple(item.upper() for item in self.usb),
            "%OSDRIVE%": (drive,),
        }

    def resolved(self, path: str) -> str:
        """The path as rules are compared with it: upper case, mapped letters resolved."""
        text = folded(path.replace("/", "\\"))
        for letter, target in self.mapped:
            if text.startswith(f"{letter.upper()}\\"):
                return folded(target) + text[len(letter) :]
        return text

    def canonical(self, path: str) -> str:
        """The path as events and cmdlets show it: with the variable of the longest folder."""
        text = self.resolved(path)
        for name, folders in self.variables().items():
            for folder in folders:
                if text == folder or text.startswith((f"{folder}\\", f"{folder}:")):
                    return name + text[len(folder) :]
        return text

    def patterns(self, text: str) -> tuple[tuple[str, ...], ...]:
        """The paths of a rule, each cut at its ``*``, which stand for any run of characters.

        A variable counts at the start only; that it needs no separator after it is inferred.
        """
        return _patterns(self, text)


THIS = Host()
"""A machine with C: for its system drive and no others: what a compiled policy is proved on."""


@lru_cache(maxsize=8192)
def _patterns(host: Host, text: str) -> tuple[tuple[str, ...], ...]:
    upper = folded(text)
    for name, folders in host.variables().items():
        if upper.startswith(name):
            rest = upper[len(name) :]
            return tuple(tuple((folder + rest).split("*")) for folder in folders)
    return (tuple(upper.split("*")),)


def fits(pieces: tuple[str, ...], text: str) -> bool:
    """The first piece starts the text, the last ends it, the others follow in between.

    Taking each at its first place is enough, and costs one pass whatever the rule says.
    """
    first, *rest = pieces
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - at >= len(last) and text.endswith(last)


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Upper case as the engine compares: one character for one, and nothing becomes ASCII."""
    if text.isascii():
        return text.upper()
    return "".join(
        upper if len(upper := char.upper()) == 1 and upper.isascii() == char.isascii() else char
        for char in text
    )
