"""One file to its facts: recognise, hash, and let the reader of its format look."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import replace

from policyc.model.facts import UNKNOWN, FileFacts, Hashes, Trait, name_of
from policyc.model.filename import clean_extension
from policyc.model.formats import FileFormat
from policyc.model.identity import Sha256Flat
from policyc.model.inventory import Skipped, SkipReason
from policyc.readers import archive, claims, elf, embedded, ftype, macho, magic, msi, pe, script
from policyc.readers.limits import Limits
from policyc.readers.reader import Reader, Reading
from policyc.readers.source import ChangedError, DescriptorSource, MemorySource, Source
from policyc.readers.verity import TRAIT, VerityDigest

READERS: tuple[Reader, ...] = (
    pe.READER,
    elf.READER,
    macho.READER,
    script.READER,
    archive.READER,
    msi.READER,
)
"""The readers, one a format; a format without one has its recogniser's proofs only."""

_ZIPS = (FileFormat.JAR, FileFormat.APK, FileFormat.OOXML, FileFormat.ODF, FileFormat.EPUB)
_BY_FORMAT = {reader.format: reader for reader in READERS} | dict.fromkeys(_ZIPS, archive.READER)
_TEXTS = frozenset({FileFormat.TEXT, FileFormat.HTML, FileFormat.XML})
_LOADED = frozenset({FileFormat.PE, FileFormat.ELF, FileFormat.MACHO, FileFormat.EMPTY})
_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def read_file(
    path: str | os.PathLike[str] | os.PathLike[bytes] | bytes,
    endpoint_path: str,
    limits: Limits = Limits(),  # noqa: B008
) -> FileFacts | Skipped:
    """Read one file; ``endpoint_path`` becomes the path of the result.

    Skipped: UNREADABLE if the system refuses, NOT_A_FILE for a link, directory, FIFO,
    socket or device, CHANGED if the file became shorter while it was read.
    """
    return next(read_tree(path, endpoint_path, replace(limits, container_depth=0)))


def read_tree(
    path: str | os.PathLike[str] | os.PathLike[bytes] | bytes,
    endpoint_path: str,
    limits: Limits = Limits(),  # noqa: B008
    *,
    as_image: bool = False,
) -> Iterator[FileFacts | Skipped]:
    """Read one file as ``read_file`` does, then its members (see ``containers.expand``).

    With ``as_image`` the file itself is left out and ``endpoint_path`` is the root that its
    members have.
    """
    try:
        descriptor = os.open(os.fspath(path), _OPEN_FLAGS)
    except OSError as error:
        link = error.errno in (errno.ELOOP, errno.ENXIO)
        reason = SkipReason.NOT_A_FILE if link else SkipReason.UNREADABLE
        yield _skipped(endpoint_path, reason, error)
        return
    except ValueError as error:
        yield Skipped(path=endpoint_path, reason=SkipReason.UNREADABLE, detail=str(error))
        return
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            detail = f"mode {stat.filemode(status.st_mode)}"
            yield Skipped(path=endpoint_path, reason=SkipReason.NOT_A_FILE, detail=detail)
            return
        source: Source = DescriptorSource(descriptor, status.st_size)
        if status.st_size <= limits.whole_read:
            source = MemorySource(source.read(0, status.st_size))
        facts = read_source(source, endpoint_path, limits)
        if not as_image:
            yield facts
        if limits.container_depth > 0 or as_image:
            yield from _members(source, facts, limits, as_image=as_image)
    except ChangedError:
        yield Skipped(path=endpoint_path, reason=SkipReason.CHANGED, detail="became shorter")
    except OSError as error:
        yield _skipped(endpoint_path, SkipReason.UNREADABLE, error)
    finally:
        os.close(descriptor)


def _members(
    source: Source, facts: FileFacts, limits: Limits, *, as_image: bool
) -> Iterator[FileFacts | Skipped]:
    from policyc.readers import containers  # noqa: PLC0415  (most files are no containers)

    if as_image and not containers.opens(facts.actual):
        detail = f"{facts.actual.value} is no container"
        yield Skipped(path=facts.path, reason=SkipReason.UNSUPPORTED, detail=detail)
        return
    yield from containers.expand(
        source,
        facts,
        lambda inner, path: read_source(inner, path, limits),
        limits,
        image_root=facts.path if as_image else None,
    )


def _skipped(path: str, reason: SkipReason, error: OSError) -> Skipped:
    return Skipped(path=path, reason=reason, detail=error.strerror or type(error).__name__)


def read_bytes(
    data: bytes,
    endpoint_path: str,
    limits: Limits = Limits(),  # noqa: B008
) -> FileFacts:
    """The facts of a file with these bytes; raises for no content."""
    return read_source(MemorySource(data), endpoint_path, limits)


def read_source(source: Source, endpoint_path: str, limits: Limits) -> FileFacts:
    """The facts of the file behind ``source``; raises ChangedError and OSError."""
    digest = hashlib.sha256()
    source.feed(digest, 0, source.size)
    actual, proofs = magic.recognise(source, limits)
    extension = clean_extension(name_of(endpoint_path))
    claimed = claims.claimed_by(extension)
    actual, reading = _interpret(source, (actual, endpoint_path, extension), claimed, limits)
    mime = reading.ftype
    if actual is not FileFormat.ELF:
        script = source.read(0, 2) == b"#!"
        mime = ftype.of_bytes(source.read(0, ftype.TEXT_BYTES if script else 512), source.size)
    found = reading.hashes
    traits = (*reading.traits, *embedded.look(source, actual, claimed, extension, limits))
    if limits.fs_verity and actual is FileFormat.ELF:
        tree = VerityDigest()
        source.feed(tree, 0, source.size)
        traits += (Trait(kind=TRAIT, detail=tree.hexdigest()),)
    return FileFacts(
        path=endpoint_path,
        size=source.size,
        actual=actual,
        claimed=claimed,
        hashes=Hashes(
            sha256=Sha256Flat(digest.hexdigest()),
            authenticode_sha256=found.authenticode_sha256,
            authenticode_sha1=found.authenticode_sha1,
            page_sha256=found.page_sha256,
            page_sha1=found.page_sha1,
        ),
        signatures=reading.signatures,
        version_info=reading.version_info,
        pe=reading.pe,
        elf=reading.elf,
        macho=reading.macho,
        script=reading.script,
        installer=reading.installer,
        ftype=mime,
        trusted=UNKNOWN,
        proofs=reading.proofs or proofs,
        traits=traits,
    )


def _interpret(
    source: Source,
    seen: tuple[FileFormat, str, str],
    claimed: tuple[FileFormat, ...],
    limits: Limits,
) -> tuple[FileFormat, Reading]:
    """The format with the name taken into account, and what its reader says.

    ``seen`` are the format by content, the endpoint path and the extension.
    """
    actual, path, extension = seen
    reader = _BY_FORMAT.get(actual)
    reading = reader.read(source, path, limits) if reader is not None else Reading()
    if actual in _LOADED or reading.script is not None:
        return actual, reading
    text = actual in _TEXTS
    found = script.of_extension(extension, text=text)
    if found is None and actual is FileFormat.TEXT:
        found = script.of_tokens(source.read(0, limits.head), extension, claimed)
    if found is None:
        return actual, reading
    # A script host runs by extension whatever the content is: it stays a script for the
    # policy, and the format stays what the bytes are.
    if not text:
        return actual, replace(reading, script=found.facts)
    return FileFormat.SCRIPT, script.reading(found, source, limits)
