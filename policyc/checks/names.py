"""Checks of the name alone."""

from __future__ import annotations

from collections.abc import Iterator

from policyc.checks.registry import Hit, check
from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts
from policyc.model.formats import FormatClass

_BIDI_ACTIVE = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BIDI_MARKS = frozenset("\u200e\u200f\u061c")
_PADDING = " _\u00a0\u2003\u2800\u3000"
_RUNS = frozenset(
    """bat chm cmd com cpl dll exe hta jar js jse lnk msc msi msp pif ps1 reg scf scr sct url
    vbe vbs wsc wsf wsh""".split()
)
"""Extensions that run on a double click on Windows and stand in most mail block lists."""

_LURES = frozenset(
    """avi bmp csv doc docx gif htm html jpeg jpg mov mp3 mp4 odt pdf png ppt pptx rtf txt wav
    webp xls xlsx xml zip""".split()
)
"""Extensions people take for harmless."""


@check("M001", "bidirectional-control", "T1036.002")
def bidirectional_control(facts: FileFacts) -> Iterator[Hit]:
    """The name holds a character that changes the direction in which it is displayed.

    Why: ``invoice`` + U+202E + ``fdp.exe`` is displayed as ``invoiceexe.pdf``.
    Overrides, embeddings and isolates are errors; the invisible marks U+200E, U+200F and
    U+061C occur in honest right-to-left names and are warnings.
    """
    name = facts.name
    if not _BIDI_ACTIVE.isdisjoint(name):
        yield Hit(level=Level.ERROR, message="the name reorders its own display")
    elif not _BIDI_MARKS.isdisjoint(name):
        yield Hit(level=Level.WARNING, message="the name holds an invisible direction mark")


@check("M002", "double-extension", "T1036.007", "T1204.002")
def double_extension(facts: FileFacts) -> Iterator[Hit]:
    """The last extension runs, the one before it is a document's or a picture's.

    Why: Explorer hides known extensions, so ``invoice.pdf.exe`` is shown as ``invoice.pdf``.
    Blanks, underscores and padding around the first extension do not hide it.
    """
    parts = facts.name.lower().split(".")
    if len(parts) < 3 or parts[-1].strip() not in _RUNS:
        return
    lure = parts[-2].strip(_PADDING)
    if lure in _LURES and _is_program(facts):
        yield Hit(
            level=Level.ERROR,
            message=f".{lure}.{parts[-1].strip()} looks like a {lure} file and runs",
        )


def _is_program(facts: FileFacts) -> bool:
    classes = (FormatClass.EXECUTABLE, FormatClass.SCRIPT)
    return facts.actual.format_class in classes or facts.script is not None


@check("M007", "trailing-blank-or-dot", "T1036.006")
def trailing_blank_or_dot(facts: FileFacts) -> Iterator[Hit]:
    """The name ends in a blank or a dot.

    Why: Windows strips them, other systems do not, so the extension seen is not the one
    that decides how the file is opened.
    """
    name = facts.name
    if name.strip(".") and (name[-1] == "." or name[-1].isspace()):
        level = Level.ERROR if _is_program(facts) else Level.WARNING
        yield Hit(level=level, message="the name ends in a blank or a dot")
