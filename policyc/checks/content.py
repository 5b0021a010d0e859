"""Checks of content against the claim of the extension."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyc.checks.extensions import NEVER_MACROS, OPAQUE
from policyc.checks.registry import Hit, When, check
from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts, Trait
from policyc.model.filename import clean_extension
from policyc.model.formats import FileFormat, FormatClass

_F = FileFormat
_PASSIVE = frozenset(
    {FormatClass.DOCUMENT, FormatClass.MEDIA, FormatClass.TEXT, FormatClass.CONTAINER}
)
_SHOWN = frozenset({FormatClass.DOCUMENT, FormatClass.MEDIA})
_UNSTRUCTURED = frozenset({_F.TEXT, _F.HTML, _F.XML, _F.OTHER_MEDIA})
_PROGRAM_LIKE = frozenset({_F.ISO, _F.VHD, _F.ONENOTE})
"""Formats that put programs one click away and that nobody needs under another name."""

_DETACHED = frozenset(
    {
        _F.PE,
        _F.MSI,
        _F.LNK,
        _F.CHM,
        _F.JAVA_CLASS,
        _F.JAR,
        _F.APK,
        _F.DEX,
        _F.WASM,
        _F.PYC,
        _F.MACHO,
        _F.ELF,
    }
)
_OPAQUE_ONLY = frozenset({_F.ELF, _F.MACHO, _F.JAR, _F.APK, _F.JAVA_CLASS, _F.DEX, _F.WASM, _F.PYC})
_PACKED = frozenset(
    {_F.RAR, _F.SEVENZIP, _F.CAB, _F.DEB, _F.RPM, _F.XAR, _F.ISO, _F.VHD, _F.ONENOTE}
)
_NEVER_TEXT = _PACKED - _PROGRAM_LIKE | {_F.OLE, _F.OOXML, _F.ZIP}
_FAMILIES = (
    frozenset({_F.JPEG, _F.PNG, _F.GIF, _F.BMP, _F.WEBP, _F.TIFF, _F.ICO}),
    frozenset({_F.MP3, _F.MP4, _F.OGG, _F.FLAC, _F.RIFF, _F.MATROSKA}),
    frozenset({_F.OLE, _F.OOXML, _F.RTF, _F.ODF}),
    frozenset({_F.PDF, _F.POSTSCRIPT}),
    frozenset({_F.ZIP, _F.ODF, _F.EPUB, _F.OOXML}),
)
_HOSTED = frozenset({"batch", "powershell", "vbscript", "hta", "script markup", "msbuild"})
"""Languages of Windows, where a script without an extension is no habit."""

_TEXT_NAMES = frozenset({"txt", "log", "csv"})
_OLD_OFFICE = frozenset({"doc", "xls", "xlt", "ppt", "pps"})


def _claims_passive(facts: FileFacts) -> bool:
    return any(claim.format_class in _PASSIVE for claim in facts.claimed)


def _structured(facts: FileFacts) -> bool:
    """Whether every format that the name claims has a mandatory structure."""
    if clean_extension(facts.name) in _OLD_OFFICE:
        return True
    return bool(facts.claimed) and all(
        claim not in _UNSTRUCTURED and claim.format_class in _PASSIVE for claim in facts.claimed
    )


def _names(formats: tuple[FileFormat, ...]) -> str:
    return " or ".join(item.value for item in formats)


def _claim(facts: FileFacts) -> str:
    return f"the extension .{clean_extension(facts.name)} claims {_names(facts.claimed)}"


def trait(facts: FileFacts, kind: str) -> Trait | None:
    """The first trait of a kind, None without one."""
    return next((item for item in facts.traits if item.kind == kind), None)


def _signs(facts: FileFacts) -> tuple[int, str]:
    """How many signs of which script language the text has; Magika's word counts as two."""
    found = trait(facts, "code")
    if found is None or found.detail.startswith("1 "):
        heard = trait(facts, "magika")
        if heard is not None:
            return 2, heard.detail.partition(" ")[2]
    if found is None:
        return 0, ""
    count, _, language = found.detail.partition(" ")
    return int(count), language


@check("M003", "header-extension-mismatch", "T1036.008", "T1204.002")
def header_extension_mismatch(facts: FileFacts) -> Iterator[Hit]:
    """The content is a program and the extension claims a document, a picture or an archive.

    Why: loaders decide by content, people and mail filters by extension.
    Example: ``invoice.pdf`` that begins with ``MZ`` and holds a PE header. Disk images and
    OneNote sections count as programs, as they put programs one click away.
    Evidence: the bytes of the structures that prove the format, with their offsets.
    Next step: find out who put it there; if the name is right for you, rename the file.
    Recognise: the icon and the size do not fit a document; ``Properties`` or ``file NAME`` says
    program. A document never asks for permission to make changes.
    """
    runs = facts.actual.format_class is FormatClass.EXECUTABLE
    image = facts.actual in _PROGRAM_LIKE
    if not (runs or image) or not _claims_passive(facts) or facts.actual in facts.claimed:
        return
    if facts.actual in (_F.JAR, _F.APK) and _F.ZIP in facts.claimed:
        return
    shown = any(claim.format_class in _SHOWN for claim in facts.claimed)
    yield Hit(
        level=Level.ERROR if runs or shown else Level.WARNING,
        message=f"the content is {facts.actual.value}, {_claim(facts)}",
        proofs=facts.proofs,
    )


@check("M004", "script-behind-document", "T1036.008", "T1204.002")
def script_behind_document(facts: FileFacts) -> Iterator[Hit]:
    """The content is a script and the extension claims something passive.

    Why: a double click or a helper script may hand the file to its interpreter.
    Example: ``photo.jpg`` beginning with ``#!/bin/sh``, ``report.pdf`` that is VBScript.
    A structured claim (jpg, pdf, docx …) is an error, as such a file cannot be what it
    claims: an interpreter line or one sign of a script language is enough. A claim of plain
    text needs two independent signs and is a warning, as a script is text too; under an
    extension that says nothing it is information. Markup and configuration are left alone.
    Recognise: opened in a plain text editor it is readable commands, where a picture or a
    PDF would be unreadable signs.
    """
    ext = clean_extension(facts.name)
    script = facts.script
    line = None if script is None else script.interpreter
    count, language = _signs(facts)
    if line is not None and script is not None:
        count, language = 9, script.language
    if _structured(facts) and facts.actual in (_F.TEXT, _F.SCRIPT, _F.XML, _F.HTML) and count:
        level = Level.ERROR
    elif ext in _TEXT_NAMES and count >= 2:
        level = Level.WARNING
    elif line is None and count >= 2 and (ext in OPAQUE or (not ext and language in _HOSTED)):
        level = Level.INFO
    else:
        return
    found = trait(facts, "code")
    proofs = facts.proofs if line is not None or found is None else found.proofs
    saying = f"a {language} script" + (f" for {line!r}" if line else "")
    says = _claim(facts) if facts.claimed else f"the extension .{ext} claims nothing"
    yield Hit(level=level, message=f"{saying}, {says}", proofs=proofs)


@check("M005", "structure-missing", "T1036.008")
def structure_missing(facts: FileFacts) -> Iterator[Hit]:
    """The extension claims a format with a mandatory structure and the content is another.

    Why: a script behind a picture's name is caught without knowing its language.
    Example: ``report.pdf`` that is plain text, ``photo.jpg`` that is an archive.
    Content of a sibling format (a PNG named ``.jpg``) is only information.
    Recognise: its own viewer says that the file is damaged, while another program opens it.
    """
    if not _contradicts(facts):
        return
    if _signs(facts)[0] or (facts.script is not None and facts.script.interpreter):
        return
    level = _mismatch_level(facts)
    if level is not None:
        message = f"the content is {facts.actual.value}, {_claim(facts)}"
        yield Hit(level=level, message=message, proofs=facts.proofs)


def _contradicts(facts: FileFacts) -> bool:
    """Whether the content is certainly not what the name claims."""
    if facts.actual in (_F.EMPTY, _F.UNKNOWN) or _legacy(facts):
        return facts.actual not in (_F.EMPTY, _F.UNKNOWN)
    if clean_extension(facts.name) in _TEXT_NAMES:
        return facts.actual in _NEVER_TEXT
    if facts.actual is _F.OLE and clean_extension(facts.name) in NEVER_MACROS:
        return trait(facts, "encrypted") is None
    return _structured(facts) and facts.actual not in facts.claimed


def _legacy(facts: FileFacts) -> bool:
    """Markup under an old Office extension, which Office opens without asking."""
    old = clean_extension(facts.name) in _OLD_OFFICE
    return old and facts.actual in (_F.HTML, _F.XML, _F.TEXT)


def _mismatch_level(facts: FileFacts) -> Level | None:
    actual = facts.actual
    if trait(facts, "office-xml") is not None:
        return Level.INFO
    if actual in (_F.TEXT, _F.SCRIPT, _F.HTML, _F.XML):
        return Level.WARNING
    if actual in (_F.UNKNOWN, _F.SQLITE) or actual.format_class is FormatClass.EXECUTABLE:
        return None
    if actual in _PROGRAM_LIKE:
        return None
    ext = clean_extension(facts.name)
    if ext in _TEXT_NAMES or (actual is _F.OLE and ext in NEVER_MACROS):
        return Level.WARNING
    if any(actual in family and family & set(facts.claimed) for family in _FAMILIES):
        if actual is _F.RTF and _F.RTF not in facts.claimed:
            return Level.WARNING
        return Level.INFO
    shown = any(claim.format_class in _SHOWN for claim in facts.claimed)
    return Level.WARNING if shown else Level.INFO


@check("M006", "program-under-foreign-extension", "T1036.008")
def program_under_foreign_extension(facts: FileFacts) -> Iterator[Hit]:
    """A program under an extension that claims another kind of program, or that claims nothing.

    Why: block lists work by extension.
    Example: a PE file named ``setup.msi`` or ``update.tmp``.
    Other extensions are left alone: many programs keep DLLs under their own.
    Recognise: ``file NAME`` says program, the extension says something else or nothing.
    """
    if facts.actual not in _DETACHED or facts.actual in facts.claimed or _claims_passive(facts):
        return
    ext = clean_extension(facts.name)
    if not facts.claimed and ext not in OPAQUE and (ext or facts.actual in _OPAQUE_ONLY):
        return
    if facts.actual is _F.ELF and ext == "bin":
        return
    if facts.claimed and facts.actual in _OPAQUE_ONLY:
        return
    says = _claim(facts) if facts.claimed else "the extension claims nothing"
    message = f"the content is {facts.actual.value}, {says}"
    yield Hit(level=Level.WARNING, message=message, proofs=facts.proofs)


@check("M019", "container-without-claim", "T1553.005", "T1036.008")
def container_without_claim(facts: FileFacts) -> Iterator[Hit]:
    """An archive, a package or a disk image whose name does not say so.

    Why: mail filters unpack by extension; a disk image hides the mark of the web.
    Only extensions that say nothing (``.dat``, ``.tmp``) and, outside installed software,
    names without an extension are reported.
    Recognise: a file without a telling name that opens as a folder or a drive.
    """
    ext = clean_extension(facts.name)
    if facts.actual in _PACKED and not facts.claimed and ext in OPAQUE | {""}:
        message = f"the content is {facts.actual.value}, the name does not say so"
        yield Hit(level=Level.WARNING, message=message, proofs=facts.proofs)


@check("M020", "macros-without-claim", "T1036.008", "T1204.002", when=When.TRAITS)
def macros_without_claim(facts: FileFacts) -> Iterator[Hit]:
    """An Office document holds macros under an extension that promises none.

    Why: people and filters let ``.docx`` pass because it cannot hold macros.
    Recognise: a document named .docx or .xlsx that shows a yellow bar asking to enable content.
    """
    found = trait(facts, "macros")
    if found is not None and clean_extension(facts.name) in NEVER_MACROS:
        yield Hit(level=Level.ERROR, message=f"macros: {found.detail}", proofs=found.proofs)


@check("M021", "template-injection", "T1221", when=When.TRAITS)
def template_injection(facts: FileFacts) -> Iterator[Hit]:
    """An Office document loads a template, a frame or an object from elsewhere.

    Why: the code comes later, from a place that no scanner has seen. A template from another
    machine is a warning, everything else information.
    Recognise: on opening, the document says for a moment that it downloads something.
    """
    found = trait(facts, "external-template")
    if found is not None:
        remote = re.search(r"attachedTemplate \s*(?:https?:|\\\\|//)", found.detail)
        level = Level.WARNING if remote else Level.INFO
        yield Hit(level=level, message=f"loads from elsewhere: {found.detail}")
