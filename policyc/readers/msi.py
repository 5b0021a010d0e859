"""Windows Installer files: what they install and whether their signature matches.

Source: [MS-CFB] and "Property Table"; "Digital Signatures and Windows Installer". The digest
of a signed package is over its streams in the order of their names (UTF-16LE bytes, shorter
first) and the class ids of its storages, as osslsigncode (msi.c) computes it and Windows
accepts. With MsiDigitalSignatureEx the digest begins with that stream, whose own digest of
the directory is not verified here.
"""

from __future__ import annotations

import hashlib
from typing import Any

from policyc.model.facts import UNKNOWN, Fact, InstallerFacts
from policyc.model.formats import FileFormat
from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.readers import authenticode
from policyc.readers.limits import Limits
from policyc.readers.msi_database import BROKEN, Database, open_ole, read_stream
from policyc.readers.reader import MalformedError, Reader, Reading
from policyc.readers.source import Source

_SIGNATURE, _EXTENDED = "\x05DigitalSignature", "\x05MsiDigitalSignatureEx"
_MARK = _SIGNATURE.encode("utf-16-le")
_STEP = 1 << 20
_CHUNK = 1 << 20
_STORAGE, _STREAM = 1, 2
_MAX_ENTRIES = 10_000
_MAX_PROPERTY = 1024


def _read(source: Source, _path: str, limits: Limits) -> Reading:
    try:
        installer = _properties(Database(source, limits))
    except MalformedError:
        # A patch or a transform has no string pool of its own.
        installer = None
    return Reading(installer=installer, signatures=_signatures(source, limits))


def _properties(database: Database) -> InstallerFacts:
    values = {
        str(row.get("Property")): str(row.get("Value") or "") for row in database.rows("Property")
    }
    names = ("ProductName", "ProductCode", "ProductVersion", "Manufacturer")
    name, code, version, maker = (values.get(item, "")[:_MAX_PROPERTY] for item in names)
    return InstallerFacts(
        product_name=name, product_code=code, product_version=version, manufacturer=maker
    )


def _signatures(source: Source, limits: Limits) -> Fact[tuple[Signature, ...]]:
    if not _mentions_signature(source):
        return ()
    try:
        ole = open_ole(source)
        blob = _stream(ole, _SIGNATURE, limits.max_cms + 1)
    except MalformedError:
        return UNKNOWN
    if blob is None:
        return ()
    if len(blob) > limits.max_cms:
        return (_invalid(f"a signature of {len(blob)} bytes"),)
    known: dict[str, bytes] = {}

    def digests(algorithm: str) -> tuple[bytes, ...]:
        if algorithm not in known:
            known[algorithm] = _digest(ole, algorithm)
        return (known[algorithm],)

    return authenticode.of_blob(blob, digests, limits)


def _mentions_signature(source: Source) -> bool:
    """Look for the stream's name; directory entries are aligned and never split a step."""
    return any(
        _MARK in source.read(offset, _STEP + len(_MARK)) for offset in range(0, source.size, _STEP)
    )


def _stream(ole: Any, name: str, limit: int) -> bytes | None:  # noqa: ANN401
    return read_stream(ole, [name], limit) if ole.exists([name]) else None


def _digest(ole: Any, algorithm: str) -> bytes:  # noqa: ANN401
    """The digest of the package without its signature; raises MalformedError."""
    sink = hashlib.new(algorithm, usedforsecurity=False)
    extended = _stream(ole, _EXTENDED, 4096)
    if extended is not None:
        sink.update(extended)
    _feed(ole, ole.root, sink, depth=0)
    return sink.digest()


def _feed(ole: Any, storage: Any, sink: Any, *, depth: int) -> None:  # noqa: ANN401
    if depth > 8 or len(storage.kids) > _MAX_ENTRIES:
        raise MalformedError("compound file: too many entries")
    # Compared as bytes up to the shorter length, then the shorter name first.
    for entry in sorted(
        storage.kids, key=lambda item: item.name.encode("utf-16-le", "surrogatepass")
    ):
        if depth == 0 and entry.name in (_SIGNATURE, _EXTENDED):
            continue
        if entry.entry_type == _STREAM:
            _feed_stream(ole, entry, sink)
        elif entry.entry_type == _STORAGE:
            _feed(ole, entry, sink, depth=depth + 1)
    sink.update(_class_id(storage.clsid))


def _feed_stream(ole: Any, entry: Any, sink: Any) -> None:  # noqa: ANN401
    try:
        # olefile's public openstream wants a path, which is not unique in hostile files.
        with ole._open(entry.isectStart, entry.size) as stream:  # noqa: SLF001
            while piece := stream.read(_CHUNK):
                sink.update(piece)
    except BROKEN as error:
        raise MalformedError("compound file: a stream is broken") from error


def _class_id(text: str) -> bytes:
    """The 16 bytes of a class id in its text form, zeros for none."""
    if not text:
        return bytes(16)
    first, second, third, *rest = text.split("-")
    fields = (first, second, third)
    little = b"".join(bytes.fromhex(part)[::-1] for part in fields)
    return little + bytes.fromhex("".join(rest))


def _invalid(detail: str) -> Signature:
    return Signature(kind=SignatureKind.AUTHENTICODE, grade=SignatureGrade.INVALID, detail=detail)


READER = Reader(format=FileFormat.MSI, read=_read)
