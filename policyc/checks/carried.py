"""Checks of what stands inside or behind a file."""

from __future__ import annotations

from collections.abc import Iterator

from policyc.checks.registry import Hit, check
from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts, Trait, extension_of, name_of
from policyc.model.formats import FileFormat, FormatClass
from policyc.readers.claims import claimed_by

_ARCHIVES = frozenset({"zip", "rar", "7z", "cab", "arj", "iso"})
_PLAIN_OFFICE = frozenset("docx dotx xlsx xltx pptx potx ppsx".split())


def _of(facts: FileFacts, kind: str) -> Iterator[Trait]:
    return (trait for trait in facts.traits if trait.kind == kind)


@check("M020", "embedded-program", "T1027.009", "T1036.008")
def embedded_program(facts: FileFacts) -> Iterator[Hit]:
    """A whole program stands inside or behind a document, a picture or a recording.

    Why: a second step cuts it out, or a loader is told where it begins.
    Evidence: where the header begins; its inner header and machine were checked.
    Under a name that promises nothing passive it is information: applications keep
    programs in compound files of their own.
    """
    passive = (FormatClass.DOCUMENT, FormatClass.MEDIA, FormatClass.TEXT)
    claims = any(claim.format_class in passive for claim in facts.claimed)
    for trait in _of(facts, "embedded-program"):
        yield Hit(
            level=Level.ERROR if claims else Level.INFO,
            message=f"a program ({trait.detail}) stands inside a {facts.actual.value} file",
            proofs=trait.proofs,
        )


@check("M021", "second-format", "T1036.008")
def second_format(facts: FileFacts) -> Iterator[Hit]:
    """The file is valid in a second format (a polyglot).

    Why: a filter sees the picture, another program the archive or the PDF behind it.
    An archive or a disk image in a medium is an error; behind a PDF, where portfolios exist,
    and for other pairs it is a warning.
    """
    for trait in _of(facts, "second-format"):
        medium = facts.actual.format_class is FormatClass.MEDIA
        hard = (medium and trait.detail in _ARCHIVES) or trait.detail == "iso"
        yield Hit(
            level=Level.ERROR if hard else Level.WARNING,
            message=f"the {facts.actual.value} file is a {trait.detail} file as well",
            proofs=trait.proofs,
        )


@check("M022", "text-behind-magic", "T1036.008")
def text_behind_magic(facts: FileFacts) -> Iterator[Hit]:
    """Text follows the first bytes of an image or of a PDF.

    Why: ``GIF89a;<?php …`` passes for a picture by its first bytes and runs as a script.
    """
    for trait in _of(facts, "text-behind-magic"):
        level = Level.WARNING if facts.actual is FileFormat.PDF else Level.ERROR
        yield Hit(level=level, message=trait.detail, proofs=trait.proofs)


@check("M023", "appended-script", "T1036.008", "T1027.009")
def appended_script(facts: FileFacts) -> Iterator[Hit]:
    """Text or script stands behind the end of an image, or server code inside it.

    Why: interpreters skip what they do not understand and run the rest.
    Server code and markup are errors, other text is a warning: no encoder writes any.
    """
    for trait in _of(facts, "appended-script"):
        level = Level.ERROR if trait.detail.startswith("markup") else Level.WARNING
        yield Hit(level=level, message=f"{trait.detail}", proofs=trait.proofs)


@check("M024", "encoded-program", "T1027.013", "T1140")
def encoded_program(facts: FileFacts) -> Iterator[Hit]:
    """A text holds a whole program in base64.

    Why: certutil, PowerShell and mail programs decode it in one step.
    """
    for trait in _of(facts, "encoded-program"):
        yield Hit(
            level=Level.WARNING, message=f"the text holds a {trait.detail}", proofs=trait.proofs
        )


@check("M025", "macros-under-plain-extension", "T1036.008", "T1204.002")
def macros_under_plain_extension(facts: FileFacts) -> Iterator[Hit]:
    """An Office document holds macros and its extension promises none.

    Why: ``.docx`` is the extension that people and filters trust to be free of code.
    """
    if facts.extension not in _PLAIN_OFFICE:
        return
    for trait in _of(facts, "macros"):
        message = f"the document holds {trait.detail}, .{facts.extension} promises no macros"
        yield Hit(level=Level.ERROR, message=message)


@check("M027", "external-template", "T1221")
def external_template(facts: FileFacts) -> Iterator[Hit]:
    """The document loads its template from elsewhere.

    Why: the template may hold macros that the document itself does not.
    """
    for trait in _of(facts, "external-template"):
        message = f"{trait.detail} names a template outside the document"
        yield Hit(level=Level.WARNING, message=message)


@check("M026", "program-in-document", "T1027.009", "T1204.002")
def program_in_document(facts: FileFacts) -> Iterator[Hit]:
    """A part of a document is a program.

    Why: objects in documents are opened with a double click inside the document.
    """
    outer, inner, _ = facts.path.rpartition("!/")
    if not inner or not facts.actual.runs_natively:
        return
    claims = claimed_by(extension_of(outer))
    if any(claim.format_class is FormatClass.DOCUMENT for claim in claims):
        yield Hit(
            level=Level.WARNING,
            message=f"{name_of(outer)!r} holds a program ({facts.actual.value})",
            proofs=facts.proofs,
        )


@check("M028", "path-traversal", "T1036")
def path_traversal(facts: FileFacts) -> Iterator[Hit]:
    """A member's name would leave the folder that the archive is unpacked in.

    Why: careless programs write ``../../.bashrc`` where it says.
    """
    for trait in _of(facts, "traversal"):
        yield Hit(level=Level.WARNING, message=f"the member is {trait.detail}")


@check("M029", "encrypted-member", "T1027.013")
def encrypted_member(facts: FileFacts) -> Iterator[Hit]:
    """The content of a member is encrypted, so nobody can check it.

    Why: a password in the mail opens what no scanner can.
    """
    for _ in _of(facts, "encrypted"):
        yield Hit(level=Level.WARNING, message="the content is encrypted and cannot be checked")
