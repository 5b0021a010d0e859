"""What an Office document can run or fetch, from its package parts.

Source: ECMA-376 part 2 (relationships), [MS-OFFMACRO2] (vbaProject.bin, macro sheets).
"""

from __future__ import annotations

import re
import zipfile
import zlib

from policyc.model.diagnostic import Proof
from policyc.model.facts import Trait
from policyc.readers import archive
from policyc.readers.limits import Limits
from policyc.readers.source import Source, SourceFile

_MACROS = (b"vbaproject.bin", b"/macrosheets/")
_PART = 1 << 20
_MAX_PARTS = 32
_EXTERNAL = re.compile(
    rb"<Relationship\b(?=[^<>]{0,2000}TargetMode=[\"']External)"
    rb"(?=[^<>]{0,2000}relationships/(attachedTemplate|oleObject|frame|subDocument))"
    rb"[^<>]{0,2000}Target=[\"']([^\"'<>]{1,1000})"
)
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    RuntimeError,
    KeyError,
    NotImplementedError,
    ValueError,
)


def office(source: Source, limits: Limits) -> tuple[Trait, ...]:
    """``macros`` and ``external-template`` traits of an Office package."""
    traits: list[Trait] = []
    found = archive.directory(source, limits)
    names = found.names if found is not None else archive.local_names(source, limits)
    for name in names:
        if any(mark in b"/" + name.lower() for mark in _MACROS):
            text = name.decode("utf-8", "replace")
            at = 0 if found is None else found.offset
            proof = Proof(offset=at, data=b"PK\x05\x06", meaning=f"directory lists {text}")
            traits.append(Trait(kind="macros", detail=text, proofs=(proof,) if found else ()))
            break
    wanted = {name for name in names if name.endswith(b".rels") or name == b"[Content_Types].xml"}
    if found is not None and wanted:
        traits += _parts(source, declared=not traits)
    return tuple(traits)


def _parts(source: Source, *, declared: bool) -> list[Trait]:
    traits: list[Trait] = []
    try:
        with zipfile.ZipFile(SourceFile(source)) as package:
            for info in package.infolist()[:2000]:
                if info.filename == "[Content_Types].xml" and declared:
                    if b"macroenabled" in _part(package, info).lower():
                        traits.append(Trait(kind="macros", detail="a macro-enabled content type"))
                elif info.filename.endswith(".rels") and info.file_size <= _PART:
                    if len(traits) >= _MAX_PARTS:
                        break
                    traits += _external(info.filename, _part(package, info))
    except _BROKEN:
        # A package that cannot be read has no parts to judge; Office does not open it either.
        return traits
    return traits


def _part(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with package.open(info) as stream:
        return stream.read(_PART)


def _external(name: str, body: bytes) -> list[Trait]:
    return [
        Trait(
            kind="external-template",
            detail=f"{name}: {match[1].decode()} {match[2].decode('utf-8', 'replace')}",
        )
        for match in _EXTERNAL.finditer(body)
    ]
