"""Checks of the name alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from policyc.checks.extensions import PROTECTED
from policyc.checks.registry import Hit, When, check
from policyc.checks.skeleton import skeleton
from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts
from policyc.model.filename import (
    BIDI_ACTIVE,
    BIDI_MARKS,
    INVISIBLE,
    JOINERS,
    clean,
    clean_extension,
)
from policyc.model.formats import FormatClass
from policyc.readers.claims import known_as

_PADDING = " _\u00a0\u2003\u2800\u3000"
_PADDED = re.compile(
    r"(?<![^\S\r\n])[^\S\r\n]{8,}\.?[^.\s]{1,20}\Z|(?<!_)_{8,}\.[^.]{1,20}\Z"
    r"|\.\w{1,4}[^\S\r\n]{2,}\.[^.]{1,20}\Z"
)
_DOTS = "\u2024\uff0e\u3002\uff61\ufe52\ua4f8"
_CLSID = re.compile(r"\.\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}\Z", re.IGNORECASE)
_STREAM = re.compile(r"\.\w{1,8}:[^:]{1,255}\Z")


@check("M001", "bidirectional-control", "T1036.002", when=When.ODD_NAME)
def bidirectional_control(facts: FileFacts) -> Iterator[Hit]:
    """The name holds a character that changes the direction in which it is displayed.

    Why: ``invoice`` + U+202E + ``fdp.exe`` is displayed as ``invoiceexe.pdf``.
    Overrides, embeddings and isolates are errors; the invisible marks U+200E, U+200F and
    U+061C occur in honest right-to-left names and are warnings.
    Recognise: the type column of the folder view says application while the name ends in pdf;
    the cursor jumps when you move through the name.
    """
    name = facts.name
    if any(char in BIDI_ACTIVE for char in name):
        yield Hit(level=Level.ERROR, message="the name reorders its own display")
    elif any(char in BIDI_MARKS for char in name):
        yield Hit(level=Level.WARNING, message="the name holds an invisible direction mark")


@check("M002", "double-extension", "T1036.007", "T1204.002", when=When.ODD_NAME)
def double_extension(facts: FileFacts) -> Iterator[Hit]:
    """The last extension runs, the one before it is a document's or a picture's.

    Why: Explorer hides known extensions, so ``invoice.pdf.exe`` is shown as ``invoice.pdf``.
    Invisible characters, blanks, underscores and padding around the first extension do not
    hide it. An extension that opens in a program which can run its content (``iso``,
    ``one``) counts like one that runs.
    Recognise: with file extensions shown, the name has two of them; the type column says
    application, script or shortcut.
    """
    parts = [part.strip(_PADDING) for part in clean(facts.name).lower().split(".")]
    if len(parts) < 3 or parts[-1] not in known_as("acts"):
        return
    lure = parts[-2]
    if lure in known_as("lure"):
        yield Hit(
            level=Level.ERROR, message=f".{lure}.{parts[-1]} looks like a {lure} file and runs"
        )


def _is_program(facts: FileFacts) -> bool:
    classes = (FormatClass.EXECUTABLE, FormatClass.SCRIPT)
    return facts.actual.format_class in classes or facts.script is not None


@check("M007", "trailing-blank-or-dot", "T1036.006", when=When.ODD_NAME)
def trailing_blank_or_dot(facts: FileFacts) -> Iterator[Hit]:
    """The name ends in a blank or a dot.

    Why: Windows strips them, other systems do not, so the extension seen is not the one
    that decides how the file is opened. An error if the file is a program or its real
    extension runs and a blank follows it.
    Recognise: select the name to rename it: the mark goes on behind the last letter.
    """
    name = facts.name
    if not name.strip(".") or not (name[-1] == "." or name[-1].isspace()):
        return
    runs = clean_extension(name) in known_as("acts") and name[-1] != "."
    level = Level.ERROR if _is_program(facts) or runs else Level.WARNING
    yield Hit(level=level, message="the name ends in a blank or a dot")


@check("M008", "invisible-character", "T1027.018", "T1036", when=When.ODD_NAME)
def invisible_character(facts: FileFacts) -> Iterator[Hit]:
    """The name holds a character that is displayed as nothing.

    Why: it breaks the comparison with a known name or extension and no eye sees it.
    Joiners between letters of scripts that need them and between emoji, and a variation
    selector behind a symbol, are honest; beside a dot or in an extension nothing is.
    Recognise: the name has more characters than you see; moving through it, the cursor
    stands still once.
    """
    name = facts.name
    if name.isascii():
        return
    for index, char in enumerate(name):
        if char in INVISIBLE and not _honest(name, index):
            yield Hit(
                level=Level.ERROR,
                message=f"the name holds the invisible U+{ord(char):04X} at character {index}",
            )
            return


def _honest(name: str, index: int) -> bool:
    before = name[index - 1 : index]
    after = name[index + 1 : index + 2]
    last_dot = name.rfind(".")
    if not before or "." in (before, after) or (0 < last_dot < index):
        return False
    if name[index] in JOINERS:
        return bool(after) and all(ord(char) >= 0x590 for char in (before, after))
    if 0xFE00 <= ord(name[index]) <= 0xFE0F:
        return unicodedata.category(before) in ("So", "Sm", "Po", "Mn", "Lo")
    return False


@check("M009", "control-character", "T1036", when=When.ODD_NAME)
def control_character(facts: FileFacts) -> Iterator[Hit]:
    """The name holds a control character.

    Why: a line break or an escape hides the rest of the name in lists, logs and dialogues.
    Recognise: the name stands on two lines, or is cut, in lists.
    """
    if facts.name.isprintable():
        return
    found = [char for char in facts.name if ord(char) < 32 or 0x7F <= ord(char) <= 0x9F]
    if found:
        message = f"the name holds the control character U+{ord(found[0]):04X}"
        yield Hit(level=Level.ERROR, message=message)


@check("M010", "lookalike-extension", "T1036", "T1036.008", when=When.ODD_NAME)
def lookalike_extension(facts: FileFacts) -> Iterator[Hit]:
    """The extension is written with letters that only look like those of a known one.

    Why: ``.рdf`` with a Cyrillic first letter is no PDF for any program, only for people.
    Letters are compared by their UTS #39 skeleton, after NFKC.
    Recognise: type the extension yourself and compare: search does not find the file.
    """
    raw = facts.name.rpartition(".")[2].strip().lower()
    if raw.isascii() or raw == facts.name:
        return
    shown = skeleton(raw)
    known = next(
        (item for item in known_as("acts") | known_as("lure") if skeleton(item) == shown), None
    )
    if known is not None:
        yield Hit(level=Level.ERROR, message=f"the extension looks like .{known} and is not")


@check("M011", "lookalike-dot", "T1036.007", when=When.ODD_NAME)
def lookalike_dot(facts: FileFacts) -> Iterator[Hit]:
    """A character that looks like a dot stands before something that looks like an extension.

    Why: ``invoice.exe․pdf`` with U+2024 is shown like a PDF and ``invoice․pdf.exe`` too.
    An error if the real last extension is not the one that is seen.
    Recognise: the dot stands a little higher or wider, and search for ``.exe`` or ``.pdf`` does
    not find the file.
    """
    name = facts.name
    at = max((name.rfind(dot) for dot in _DOTS), default=-1)
    if at < 0:
        return
    seen = re.split(r"[.\s]", name[at + 1 :].lower())[0]
    if seen in known_as("lure") | known_as("acts"):
        level = Level.ERROR if name.rfind(".") < at else Level.WARNING
        yield Hit(level=level, message=f"U+{ord(name[at]):04X} looks like the dot of .{seen}")


@check("M012", "alternate-stream", "T1564.004", when=When.ODD_NAME)
def alternate_stream(facts: FileFacts) -> Iterator[Hit]:
    """The name addresses an alternate data stream behind a harmless extension.

    Why: ``notes.txt:tool.exe`` is a stream of ``notes.txt`` on NTFS that no folder shows.
    Recognise: ``dir /r`` lists the stream; a folder window does not.
    """
    if _STREAM.search(facts.name):
        extension = facts.name.rpartition(".")[2].lower()
        level = (
            Level.ERROR if extension in known_as("acts") or _is_program(facts) else Level.WARNING
        )
        yield Hit(level=level, message="the name has the form of an alternate data stream")


@check("M013", "server-name-trick", "T1036.008", when=When.ODD_NAME)
def server_name_trick(facts: FileFacts) -> Iterator[Hit]:
    """The name tries to be cut by a server: an encoded NUL or a semicolon before the extension.

    Why: ``shell.php%00.jpg`` and ``shell.asp;.jpg`` were stored as pictures and run as code.
    Recognise: a percent sign or a semicolon stands before the extension.
    """
    lower = facts.name.lower()
    if "%00" in lower or re.search(r"\.\w{1,8};\.\w{1,5}\Z", lower):
        yield Hit(level=Level.WARNING, message="the name is made to be cut before its extension")


@check("M014", "class-id-extension", "T1036.008", when=When.ODD_NAME)
def class_id_extension(facts: FileFacts) -> Iterator[Hit]:
    """The extension is a class id.

    Why: Explorer hides it and hands the file to whatever the class says.
    Recognise: the name ends in braces with digits, seen with ``dir``; a folder window hides them.
    """
    if _CLSID.search(facts.name):
        yield Hit(level=Level.ERROR, message="the extension is a class id, which Explorer hides")


@check("M015", "undecodable-name", "T1036", when=When.ODD_NAME)
def undecodable_name(facts: FileFacts) -> Iterator[Hit]:
    """The name is no valid UTF-8.

    Why: tools show, log and compare such names in different ways.
    Recognise: signs like a black diamond or a question mark stand in the name.
    """
    if any(0xDC80 <= ord(char) <= 0xDCFF for char in facts.name):
        yield Hit(level=Level.INFO, message="the name is no valid UTF-8")


@check("M016", "padded-extension", "T1036.007", when=When.ODD_NAME)
def padded_extension(facts: FileFacts) -> Iterator[Hit]:
    """A long run of blanks or underscores stands before the last extension.

    Why: it pushes the extension out of sight in lists and dialogues.
    An error if the extension runs.
    Recognise: the name ends in three dots in a list, and made wider, something follows.
    """
    name = facts.name.translate(dict.fromkeys(map(ord, "\u2800\u3164"), " "))
    if _PADDED.search(name):
        runs = clean_extension(facts.name) in known_as("acts")
        level = Level.ERROR if runs or _is_program(facts) else Level.WARNING
        yield Hit(level=level, message="padding hides the last extension")


@check("M017", "protected-name", "T1036.005")
def protected_name(facts: FileFacts) -> Iterator[Hit]:
    """A name of the operating system in the wrong place, or one that only looks like it.

    Why: ``svchost.exe`` in a user's folder, or with one foreign letter, is taken for the real one.
    A look-alike is an error anywhere; a wrong place is a warning, on Windows paths only.
    Recognise: in the task manager, ``Open file location`` leads to a folder of a user or of
    temporary files.
    """
    name = clean(facts.name).lower()
    if name in PROTECTED and facts.name.isascii():
        path = facts.path.replace("/", "\\").lower()
        if re.match(r"[a-z]:\\", path) and "\\windows\\" not in path and _is_program(facts):
            message = f"{name} belongs into the Windows folder"
            yield Hit(level=Level.WARNING, message=message, proofs=facts.proofs)
    elif _is_program(facts) and (not facts.name.isascii() or re.search(r"[01]", name)):
        shown = skeleton(name)
        twin = next((item for item in sorted(PROTECTED) if skeleton(item) == shown), None)
        if twin is not None and name != twin:
            yield Hit(level=Level.ERROR, message=f"the name looks like {twin} and is not")


@check("M018", "deceptive-folder", "T1036.005", "T1036.006")
def deceptive_folder(facts: FileFacts) -> Iterator[Hit]:
    """A folder above the file has a name that only looks like a trusted or a sibling one.

    Why: ``C:\\Windows \\System32`` is not the Windows folder, and an archive with ``a.pdf`` and
    ``a.pdf /a.pdf .cmd`` made an archiver run the second when the first was opened.
    Recognise: two folders seem to have the same name side by side.
    """
    path = facts.path.replace("\\", "/")
    if " /" not in path:
        return
    parts = path.split("/")[:-1]
    for part, _ in pairwise([*parts, facts.name]):
        bare = part.rstrip(" ")
        if bare == part or not bare:
            continue
        lure = bare.rpartition(".")[2].lower() in known_as("lure")
        trusted = bare.lower() in ("windows", "system32", "syswow64", "program files")
        if lure or trusted:
            message = f"the folder {bare!r} has a trailing blank"
            yield Hit(
                level=Level.ERROR if _is_program(facts) or lure else Level.WARNING, message=message
            )
            return
