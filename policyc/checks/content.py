"""Checks of content against the claim of the extension."""

from __future__ import annotations

from collections.abc import Iterator

from policyc.checks.registry import Hit, check
from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts
from policyc.model.formats import FileFormat, FormatClass

_PASSIVE = frozenset(
    {FormatClass.DOCUMENT, FormatClass.MEDIA, FormatClass.TEXT, FormatClass.CONTAINER}
)
_STRUCTURED = frozenset(
    {
        FileFormat.PDF,
        FileFormat.OOXML,
        FileFormat.ODF,
        FileFormat.EPUB,
        FileFormat.OLE,
        FileFormat.JPEG,
        FileFormat.PNG,
        FileFormat.GIF,
        FileFormat.BMP,
        FileFormat.WEBP,
        FileFormat.TIFF,
        FileFormat.MP4,
        FileFormat.FLAC,
        FileFormat.OGG,
        FileFormat.ZIP,
        FileFormat.RAR,
        FileFormat.SEVENZIP,
        FileFormat.GZIP,
    }
)
"""Formats that cannot be read without the structure their header announces."""


def _claims_passive(facts: FileFacts) -> bool:
    return any(claim.format_class in _PASSIVE for claim in facts.claimed)


def _names(formats: tuple[FileFormat, ...]) -> str:
    return " or ".join(item.value for item in formats)


@check("M003", "header-extension-mismatch", "T1036.008", "T1204.002")
def header_extension_mismatch(facts: FileFacts) -> Iterator[Hit]:
    """The content is a program and the extension claims a document, a picture or an archive.

    Why: loaders decide by content, people and mail filters by extension.
    Example: ``invoice.pdf`` that begins with ``MZ`` and holds a PE header.
    Evidence: the bytes of the structures that prove the format, with their offsets.
    Next step: find out who put it there; if the name is right for you, rename the file.
    """
    if facts.actual.format_class is not FormatClass.EXECUTABLE or not _claims_passive(facts):
        return
    if facts.actual in facts.claimed:
        return
    if facts.actual in (FileFormat.JAR, FileFormat.APK) and FileFormat.ZIP in facts.claimed:
        return
    yield Hit(
        level=Level.ERROR,
        message=f"the content is {facts.actual.value}, the extension .{facts.extension} claims "
        f"{_names(facts.claimed)}",
        proofs=facts.proofs,
    )


@check("M004", "script-behind-document", "T1036.008", "T1204.002")
def script_behind_document(facts: FileFacts) -> Iterator[Hit]:
    """The content starts with an interpreter line and the extension claims something passive.

    Why: a double click or a helper script may hand the file to its interpreter.
    Example: ``photo.jpg`` beginning with ``#!/bin/sh``.
    A structured claim (jpg, pdf, docx …) is an error, as such a file cannot be what it
    claims; a text claim is a warning, as a script is text too. Markup and
    configuration extensions are left alone.
    """
    script = facts.script
    if script is None or script.interpreter is None or not _claims_passive(facts):
        return
    structured = any(claim in _STRUCTURED for claim in facts.claimed)
    if not structured and facts.extension not in ("txt", "log", "csv"):
        return
    yield Hit(
        level=Level.ERROR if structured else Level.WARNING,
        message=f"a {script.language} script for {script.interpreter!r}, the extension "
        f".{facts.extension} claims {_names(facts.claimed)}",
        proofs=facts.proofs,
    )


@check("M005", "structure-missing", "T1036.008")
def structure_missing(facts: FileFacts) -> Iterator[Hit]:
    """The extension claims a format with a mandatory structure and the content is plain text.

    Why: a script behind a picture's name is caught without knowing its language.
    Example: ``report.pdf`` that is a batch file.
    Content of a sibling format (a PNG named ``.jpg``) is only information.
    """
    if not facts.claimed or not all(claim in _STRUCTURED for claim in facts.claimed):
        return
    if facts.actual in facts.claimed or (facts.script is not None and facts.script.interpreter):
        return
    classes = {claim.format_class for claim in facts.claimed}
    if facts.actual in (FileFormat.TEXT, FileFormat.SCRIPT, FileFormat.HTML):
        yield Hit(
            level=Level.WARNING,
            message=f"the content is {facts.actual.value}, the extension .{facts.extension} "
            f"claims {_names(facts.claimed)}",
            proofs=facts.proofs,
        )
    elif facts.actual.format_class in classes and facts.actual is not FileFormat.UNKNOWN:
        yield Hit(
            level=Level.INFO,
            message=f"the content is {facts.actual.value}, a sibling of what the extension "
            f".{facts.extension} claims",
            proofs=facts.proofs,
        )


@check("M006", "program-under-foreign-extension", "T1036.008")
def program_under_foreign_extension(facts: FileFacts) -> Iterator[Hit]:
    """A Windows program or installer under an extension that claims another kind of program.

    Why: block lists work by extension.
    Example: a PE file named ``setup.msi``.
    Extensions that claim nothing are left alone: many programs keep DLLs under their own.
    """
    if facts.actual not in (FileFormat.PE, FileFormat.MSI, FileFormat.LNK, FileFormat.CHM):
        return
    if not facts.claimed or facts.actual in facts.claimed or _claims_passive(facts):
        return
    yield Hit(
        level=Level.WARNING,
        message=f"the content is {facts.actual.value}, the extension .{facts.extension} claims "
        f"{_names(facts.claimed)}",
        proofs=facts.proofs,
    )
