"""Which of the deeper looks a file gets, by what it is and what its name claims."""

from __future__ import annotations

from policyc.model.facts import Trait
from policyc.model.formats import FileFormat, FormatClass
from policyc.readers.embedded import links, office, programs, seconds, texts
from policyc.readers.limits import MIB, Limits
from policyc.readers.source import Source

_DEEP = 16 * MIB
_CARRIERS = frozenset({FormatClass.DOCUMENT, FormatClass.MEDIA})
_TEXTS = frozenset({FileFormat.TEXT, FileFormat.HTML, FileFormat.XML, FileFormat.SCRIPT})
_PLAIN = frozenset({"", "txt", "log", "csv", "dat", "tmp"})
_MARKUP = frozenset({"htm", "html", "xhtml", "svg", "shtml"})
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PROGRAMS = frozenset({FileFormat.PE, FileFormat.ELF, FileFormat.MACHO})


def look(
    source: Source,
    actual: FileFormat,
    claimed: tuple[FileFormat, ...],
    extension: str,
    limits: Limits,
) -> tuple[Trait, ...]:
    """Traits of what hides in the file; nothing for files that are no carriers.

    At most 16 MiB of a document or a medium are searched, of a text its head.
    """
    passive = bool(claimed) and claimed[0].format_class in _CARRIERS
    if actual in _PROGRAMS:
        found = seconds.pdf_header(source.read(0, 1100))
        return () if found is None else (found,)
    if actual is FileFormat.LNK:
        return links.link(source)
    if actual in _TEXTS:
        return _text(source, passive=passive, extension=extension, limits=limits)
    if actual.format_class not in _CARRIERS and not (passive and actual is FileFormat.UNKNOWN):
        return ()
    data = source.read(0, min(source.size, _DEEP))
    found_traits = [*programs.programs(data, source, limits)]
    if actual is not FileFormat.ONENOTE:
        found_traits += seconds.seconds(data, source, actual, limits)
    if actual is FileFormat.OLE and _ENCRYPTED in data:
        found_traits.append(Trait(kind="encrypted", detail="an encrypted Office package"))
    if actual is FileFormat.OOXML:
        found_traits += office.office(source, limits)
    if actual is FileFormat.PDF:
        found_traits += _pdf(data)
    if actual.format_class is FormatClass.MEDIA:
        found_traits += texts.behind_magic(data, actual)
        found_traits += texts.trailing(data, actual)
    return tuple(found_traits)


def _pdf(data: bytes) -> tuple[Trait, ...]:
    """Script text behind a PDF header that no PDF object follows."""
    if b"obj" in data or b"startxref" in data:
        return ()
    return (*texts.code(data[:65536]), Trait(kind="no-objects", detail="a PDF without objects"))


def _text(source: Source, *, passive: bool, extension: str, limits: Limits) -> tuple[Trait, ...]:
    if extension in _MARKUP:
        return texts.smuggling(source, source.read(0, limits.head))
    if not passive and extension not in _PLAIN:
        return ()
    head = source.read(0, limits.head)
    if b"<?mso-application" in head[:1024]:
        return (Trait(kind="office-xml", detail="Office 2003 XML"),)
    return (*texts.code(head, certain=passive), *texts.encoded(head, limits))
