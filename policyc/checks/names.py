"""Checks of the name alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyc.checks.characters import (
    BIDI_ACTIVE,
    BIDI_MARKS,
    BLANKS,
    DOTS,
    invisible_at,
    skeleton,
    visible,
)
from policyc.checks.registry import Hit, check
from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts
from policyc.model.formats import FormatClass
from policyc.readers.claims import claimed_by

_PADDING = " _"
_RUNS = frozenset(
    """appref-ms application bat chm cmd com cpl dll exe gadget hta img iso jar js jse lnk msc
    msi msp mst one pif ps1 py reg scf scr sct sh shb shs sys url vb vbe vbs vhd vhdx ws wsc wsf
    wsh xll""".split()
)
"""Extensions that run, mount or change the system on a double click (masquerade sources: ATT&CK
T1204.002 and T1553.005, the block lists of Outlook, Gmail and Chrome)."""

_LURES = frozenset(
    """avi bmp csv doc docx gif heic htm html jpeg jpg mov mp3 mp4 odp ods odt pdf png ppt pptx
    rtf svg tif tiff txt wav webp xls xlsx xml zip""".split()
)
"""Extensions people take for harmless."""

_SOURCES = frozenset({"py", "sh", "js", "dll", "sys", "com"})
"""Of ``_RUNS``, those that stand behind another dot in honest names as well."""

_CLSID = re.compile(
    r"\.\{[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}$", re.IGNORECASE
)
_STREAM = re.compile(r"\.[A-Za-z0-9]{1,5}:[^:/\\]")
_PAD_BLANKS, _PAD_RUN, _PAD_LINES = 4, 8, 8


@check("M001", "bidirectional-control", "T1036.002")
def bidirectional_control(facts: FileFacts) -> Iterator[Hit]:
    """The name holds a character that changes the direction in which it is displayed.

    Why: ``invoice`` + U+202E + ``fdp.exe`` is displayed as ``invoiceexe.pdf``.
    Overrides, embeddings and isolates are errors; the invisible marks U+200E, U+200F and
    U+061C occur in honest right-to-left names and are warnings.
    """
    name = facts.name
    if not BIDI_ACTIVE.isdisjoint(name):
        yield Hit(level=Level.ERROR, message="the name reorders its own display")
    elif not BIDI_MARKS.isdisjoint(name):
        yield Hit(level=Level.WARNING, message="the name holds an invisible direction mark")


@check("M002", "double-extension", "T1036.007", "T1204.002")
def double_extension(facts: FileFacts) -> Iterator[Hit]:
    """The last extension runs, the one before it is a document's or a picture's.

    Why: Explorer hides known extensions, so ``invoice.pdf.exe`` is shown as ``invoice.pdf``.
    Blanks, underscores, padding and invisible characters around the first extension do not
    hide it. Extensions that are also those of sources (``.py``, ``.js``, ``.sh`` …) count if the
    content is a program or a script.
    """
    if facts.name.count(".") < 2:
        return
    parts = visible(facts.name).lower().rstrip(" .").split(".")
    if len(parts) < 3:
        return
    last, lure = parts[-1].strip(), parts[-2].strip(_PADDING)
    if last not in _RUNS or lure not in _LURES:
        return
    if last in _SOURCES and not _is_program(facts):
        return
    yield Hit(level=Level.ERROR, message=f".{lure}.{last} looks like a {lure} file and runs")


def _is_program(facts: FileFacts) -> bool:
    classes = (FormatClass.EXECUTABLE, FormatClass.SCRIPT)
    return facts.actual.format_class in classes or facts.script is not None


@check("M007", "trailing-blank-or-dot", "T1036.006")
def trailing_blank_or_dot(facts: FileFacts) -> Iterator[Hit]:
    """The name ends in a blank or a dot behind an extension.

    Why: Windows strips them, other systems do not, so the extension seen is not the one
    that decides how the file is opened. A blank behind an extension that somebody would open
    is an error, a dot a warning, as is either behind any other name.
    """
    name = facts.name
    if not name.strip(".") or not (name[-1] == "." or name[-1] in BLANKS or name[-1].isspace()):
        return
    stripped = name.rstrip("".join(BLANKS) + ".\t\r\n").lower()
    extension = stripped.rpartition(".")[2] if "." in stripped else ""
    opened = extension in _RUNS or bool(claimed_by(extension)) or _is_program(facts)
    blank = name[-1] != "."
    level = Level.ERROR if blank and opened else Level.WARNING
    yield Hit(level=level, message="the name ends in a blank or a dot")


@check("M008", "invisible-character", "T1036", "T1027.018")
def invisible_character(facts: FileFacts) -> Iterator[Hit]:
    """The name holds a character that is not displayed, where no script needs it.

    Why: a zero-width blank makes ``.exe`` another extension to a filter and the same one to the
    eye. Joiners inside Persian or Indic words and emoji are honest and stay silent.
    """
    if facts.name.isascii():
        return
    places = invisible_at(facts.name)
    if places:
        points = ", ".join(f"U+{ord(facts.name[place]):04X}" for place in places[:4])
        yield Hit(level=Level.ERROR, message=f"the name holds {points}, which cannot be seen")


@check("M009", "homoglyph-extension", "T1036", "T1036.008")
def homoglyph_extension(facts: FileFacts) -> Iterator[Hit]:
    """The extension is written in letters that only look like those of a known one.

    Why: ``report.рdf`` with a Cyrillic р has no known extension, so filters let it pass, and
    ``setup.еxe`` is chosen by people who believe to know it. Whole names in another script are
    honest: only the extension is looked at.
    """
    name = facts.name
    if name.isascii():
        return
    _, dot, extension = name.rstrip("".join(BLANKS)).rpartition(".")
    if not dot or extension.isascii() or len(extension) > 8:
        return
    looks = skeleton(extension)
    if looks.isascii() and (looks in _RUNS or looks in _LURES or claimed_by(looks)):
        yield Hit(level=Level.ERROR, message=f"the extension only looks like .{looks}")


@check("M010", "fake-dot", "T1036.007")
def fake_dot(facts: FileFacts) -> Iterator[Hit]:
    """A character that looks like a dot stands before what looks like an extension.

    Why: ``invoice.exe`` + U+2024 + ``pdf`` reads as a PDF and runs as an .exe in some dialogs.
    """
    name = facts.name
    if name.isascii():
        return
    for index, char in enumerate(name):
        if char not in DOTS:
            continue
        behind = re.match(r"[A-Za-z0-9]{1,5}", name[index + 1 :])
        before = re.search(r"\.([A-Za-z0-9]{1,5})$", name[:index])
        word = behind[0].lower() if behind else ""
        if word in _RUNS or word in _LURES:
            runs = before is not None and (
                before[1].lower() in _RUNS or bool(claimed_by(before[1].lower()))
            )
            level = Level.ERROR if runs or word in _RUNS else Level.WARNING
            yield Hit(level=level, message=f"U+{ord(char):04X} before {word} only looks like a dot")
            return


@check("M011", "padded-name", "T1036.007", "T1036")
def padded_name(facts: FileFacts) -> Iterator[Hit]:
    """Blanks or underscores push the extension out of sight.

    Why: dialogs cut long names, so the padding is all that is seen behind ``invoice.pdf``.
    """
    stem, dot, extension = visible(facts.name).rpartition(".")
    if not dot:
        return
    run = len(stem) - len(stem.rstrip(_PADDING))
    blanks = len(stem) - len(stem.rstrip(" "))
    if run < _PAD_RUN or not (blanks >= _PAD_BLANKS or run >= _PAD_LINES):
        return
    level = Level.ERROR if extension.strip().lower() in _RUNS else Level.WARNING
    yield Hit(level=level, message=f"{run} blanks or underscores stand before the extension")


@check("M012", "alternate-stream", "T1564.004")
def alternate_stream(facts: FileFacts) -> Iterator[Hit]:
    """The name has a colon behind an extension, as the stream of an NTFS file has.

    Why: ``readme.txt:payload.exe`` is a stream that directory listings do not show.
    """
    if ":" in facts.name and _STREAM.search(facts.name):
        yield Hit(level=Level.ERROR, message="the name names an alternate data stream")


@check("M013", "control-in-name", "T1036")
def control_in_name(facts: FileFacts) -> Iterator[Hit]:
    """The name holds a control character, or text that some servers take for the end of a name.

    Why: a carriage return makes terminals show another name; ``%00`` and ``;`` before an image
    extension end the name for some web servers (``shell.php;.jpg``).
    """
    name = facts.name
    if any(char < " " or "\x7f" <= char < "\xa0" for char in name):
        yield Hit(level=Level.ERROR, message="the name holds a control character")
    elif "%00" in name or re.search(r"\.[A-Za-z0-9]{2,5};\.[A-Za-z0-9]{2,5}$", name):
        yield Hit(level=Level.WARNING, message="the name holds what some servers take for its end")


@check("M014", "class-id-extension", "T1036")
def class_id_extension(facts: FileFacts) -> Iterator[Hit]:
    """The extension is a class id, which Explorer hides and acts on.

    Why: ``readme.{20D04FE0-3AEA-1069-A2D8-08002B30309D}`` opens what the class says.
    """
    if "{" in facts.name and _CLSID.search(facts.name):
        yield Hit(level=Level.ERROR, message="the extension is a class id, which Explorer hides")


@check("M015", "invalid-encoding", "T1036")
def invalid_encoding(facts: FileFacts) -> Iterator[Hit]:
    """The name is no valid UTF-8.

    Why: tools show such names differently, or not at all. Old archives have honest ones.
    """
    if any("\udc80" <= char <= "\udcff" for char in facts.name):
        yield Hit(level=Level.INFO, message="the name is no valid UTF-8")


@check("M016", "hidden-extension", "T1036.007", "T1204.002")
def hidden_extension(facts: FileFacts) -> Iterator[Hit]:
    """A shortcut or another always-hidden extension behind a document's.

    Why: Explorer never shows ``.lnk``, ``.url``, ``.pif`` and ``.scf``, even where extensions are
    shown: ``report.pdf.lnk`` is displayed as ``report.pdf``.
    """
    parts = visible(facts.name).lower().split(".")
    hidden = ("lnk", "url", "pif", "scf", "shs", "shb", "library-ms", "search-ms", "appref-ms")
    if len(parts) >= 3 and parts[-1] in hidden and parts[-2].strip(_PADDING) not in _LURES:
        extension = parts[-2].strip(_PADDING)
        if claimed_by(extension):
            message = f"Explorer hides .{parts[-1]} and shows .{extension}"
            yield Hit(level=Level.WARNING, message=message)
