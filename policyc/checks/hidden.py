"""Checks of what hides in or behind other content."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyc.checks.content import trait
from policyc.checks.registry import Hit, When, check
from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts, extension_of
from policyc.model.formats import FileFormat, FormatClass

_SHOWN = frozenset({FormatClass.DOCUMENT, FormatClass.MEDIA})
_MARKUP_LANGUAGES = frozenset({"php", "hta", "jsp", "script markup"})
_OFFICE = frozenset("doc docm docx dotm dotx ppt pptm pptx rtf xls xlsb xlsm xlsx pdf one".split())
_COMMANDS = re.compile(
    r"\b(?:cmd|powershell|pwsh|mshta|rundll32|regsvr32|wscript|cscript|msbuild|certutil|curl|ftp"
    r"|conhost|forfiles|bitsadmin|msiexec)(?:\.exe)?\b",
    re.IGNORECASE,
)


@check("M030", "embedded-program", "T1027.009", "T1036.008", when=When.TRAITS)
def embedded_program(facts: FileFacts) -> Iterator[Hit]:
    """A program stands inside or behind a document, a picture, a sound or a film.

    Why: a loader, a script or a second stage cuts it out; the carrier is only its passport.
    Evidence: the offset and the header, which the format's own reader accepts. A warning in a
    OneNote section, which holds attachments by right.
    Recognise: the file is far larger than what it shows; a picture of a page with megabytes.
    """
    found = trait(facts, "embedded-program")
    if found is not None:
        # A notebook holds attachments by right, an unnamed compound file typed data.
        may = facts.actual is FileFormat.ONENOTE
        quiet = facts.actual is FileFormat.OLE and not facts.claimed
        level = Level.INFO if quiet else Level.WARNING if may else Level.ERROR
        yield Hit(level=level, message=f"holds {found.detail}", proofs=found.proofs)


@check("M031", "second-format", "T1036.008", "T1027.009", when=When.TRAITS)
def second_format(facts: FileFacts) -> Iterator[Hit]:
    """The file is valid in two formats.

    Why: a checker reads the one, a victim's program the other.
    Archives and disk images behind a document or a medium are errors, others warnings. A
    program with a PDF header is a warning under its own name.
    Recognise: two programs both open it, and show different things.
    """
    for found in facts.traits:
        if found.kind != "second-format":
            continue
        serious = not found.detail.startswith(("PDF", "DICOM", "tar"))
        program = facts.actual.format_class is FormatClass.EXECUTABLE
        level = Level.ERROR if serious and not program else Level.WARNING
        message = f"{facts.actual.value} that is also {found.detail}"
        yield Hit(level=level, message=message, proofs=found.proofs)


@check("M032", "text-behind-magic", "T1036.008", when=When.TRAITS)
def text_behind_magic(facts: FileFacts) -> Iterator[Hit]:
    """The first bytes are a picture's or a sound's, everything behind them is text.

    Why: ``GIF89a;<?php`` passes a check of magic numbers and runs on the server.
    Recognise: the picture is not shown by any viewer; an editor shows text after a few signs.
    """
    found = trait(facts, "text-behind-magic")
    if found is not None:
        message = f"only the first bytes are {facts.actual.value}, the rest is text"
        yield Hit(level=Level.ERROR, message=message, proofs=found.proofs)


@check("M033", "code-in-medium", "T1027.009", when=When.TRAITS)
def code_in_medium(facts: FileFacts) -> Iterator[Hit]:
    """Script text stands in a picture or behind its end.

    Why: an interpreter skips what it does not understand and runs the rest.
    Code that a server or a browser runs is an error, other scripts are a warning.
    Recognise: the picture is shown as usual. Only its end or its comments, seen in an editor,
    are text.
    """
    active = trait(facts, "active-code")
    if active is not None:
        yield Hit(level=Level.ERROR, message=active.detail, proofs=active.proofs)
        return
    found = trait(facts, "trailing-code")
    if found is None:
        return
    known = found.detail in _MARKUP_LANGUAGES
    level = Level.ERROR if known else Level.WARNING
    level = Level.INFO if found.detail == "text" else level
    yield Hit(level=level, message=f"{found.detail} behind the end", proofs=found.proofs)


@check("M034", "encoded-program", "T1027.013", when=When.TRAITS)
def encoded_program(facts: FileFacts) -> Iterator[Hit]:
    """A text is a program in base64.

    Why: ``certutil -decode`` and one line of any script language make it a program again.
    Recognise: a text of long lines of letters and digits without a word; a program begins
    with ``TVqQ`` or ``TVpQ``.
    """
    found = trait(facts, "encoded-program")
    if found is not None:
        yield Hit(level=Level.WARNING, message=f"is {found.detail}", proofs=found.proofs)


@check("M035", "smuggling", "T1027.006", "T1027.017", when=When.TRAITS)
def smuggling(facts: FileFacts) -> Iterator[Hit]:
    """A page or an SVG carries a program or an archive in base64 and saves it in the browser.

    Why: the file is put together behind the mail filter and the proxy.
    Recognise: a page opened from a mail offers a download at once, without any click on a link.
    """
    found = trait(facts, "smuggling")
    if found is not None:
        message = f"markup that saves {found.detail} from base64"
        yield Hit(level=Level.WARNING, message=message, proofs=found.proofs)


@check("M036", "program-in-document", "T1027.009", "T1204.002")
def program_in_document(facts: FileFacts) -> Iterator[Hit]:
    """A program is a part of an Office document or a PDF.

    Why: one double click on an icon in the page runs it.
    Recognise: the page shows an icon or a picture with the request to double-click it.
    """
    outer, inside, _ = facts.path.rpartition("!/")
    if not inside or extension_of(outer) not in _OFFICE:
        return
    if facts.actual in (FileFormat.PE, FileFormat.ELF, FileFormat.MACHO, FileFormat.LNK):
        message = f"{facts.actual.value} inside a document"
        yield Hit(level=Level.ERROR, message=message, proofs=facts.proofs)


@check("M037", "pdf-without-objects", "T1036.008", when=When.TRAITS)
def pdf_without_objects(facts: FileFacts) -> Iterator[Hit]:
    """A PDF header with no PDF object behind it.

    Why: the header is the passport of a script or of anything else.
    Information; a warning if the rest reads like a script.
    Recognise: the PDF viewer says that the file is damaged or empty.
    """
    found = trait(facts, "no-objects")
    if found is not None:
        code = trait(facts, "code")
        level = Level.INFO if code is None else Level.WARNING
        yield Hit(level=level, message=found.detail, proofs=facts.proofs)


@check("M038", "suspicious-link", "T1204.002", "T1027.012", when=When.TRAITS)
def suspicious_link(facts: FileFacts) -> Iterator[Hit]:
    """A shell link starts a command interpreter, hides its arguments or fetches its icon.

    Why: a link is shown with any icon and never with its extension.
    Recognise: a small arrow on the icon, and ``Target`` in the properties names cmd, powershell,
    mshta or another interpreter.
    """
    if facts.actual is not FileFormat.LNK:
        return
    texts = {item.kind: item for item in facts.traits if item.kind.startswith("link-")}
    for kind in ("link-target", "link-path", "link-arguments"):
        if kind in texts and _COMMANDS.search(texts[kind].detail):
            message = f"the {kind[5:]} starts {_COMMANDS.search(texts[kind].detail)[0]}"  # type: ignore[index]
            yield Hit(level=Level.WARNING, message=message, proofs=texts[kind].proofs)
            return
    arguments = texts.get("link-arguments")
    if arguments is not None and (len(arguments.detail) > 260 or " " * 16 in arguments.detail):
        message = f"{len(arguments.detail)} characters of arguments"
        yield Hit(level=Level.WARNING, message=message, proofs=arguments.proofs)
    icon = texts.get("link-icon")
    if icon is not None and icon.detail.startswith(("\\\\", "http")):
        yield Hit(level=Level.WARNING, message="the icon comes from elsewhere", proofs=icon.proofs)
    if "link-size" in texts:
        message = f"a link of {texts['link-size'].detail}"
        yield Hit(level=Level.WARNING, message=message, proofs=facts.proofs)
