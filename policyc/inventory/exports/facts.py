"""The facts of a file that another tool saw."""

from __future__ import annotations

import re
from dataclasses import dataclass

from policyc.model.facts import (
    UNKNOWN,
    Fact,
    FileFacts,
    Hashes,
    MachoFacts,
    PackageRef,
    PeFacts,
    PeKind,
)
from policyc.model.formats import FileFormat
from policyc.model.identity import Sha256Flat
from policyc.model.signatures import Signature
from policyc.readers import claims, script

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_DRIVE = re.compile(r"[A-Za-z]:\\")
_PROGRAMS = {
    **dict.fromkeys(("exe", "com", "scr", "pif"), PeKind.EXECUTABLE),
    **dict.fromkeys(("dll", "ocx", "cpl", "drv", "ax", "mui"), PeKind.LIBRARY),
    "sys": PeKind.DRIVER,
}
_INSTALLERS = frozenset({"msi", "msp", "mst"})


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one or more rows of an export say about one file. Empty means that none did."""

    path: str
    sha256: str = ""
    size: int | None = None
    unsigned: bool = False
    macho: MachoFacts | None = None
    package: PackageRef | None = None

    def facts(self) -> FileFacts:
        """The file's facts."""
        bare = FileFacts(path=self.path, size=self.size or 0, actual=FileFormat.UNKNOWN)
        extension = bare.extension
        windows = _DRIVE.match(self.path) is not None or self.path.startswith("\\\\")
        kind = _PROGRAMS.get(extension) if windows else None
        actual = FileFormat.UNKNOWN
        found = script.of_extension(extension, text=True) if kind is None else None
        if self.macho is not None:
            actual = FileFormat.MACHO
        elif kind is not None:
            actual = FileFormat.PE
        elif windows and extension in _INSTALLERS:
            actual = FileFormat.MSI
        elif found is not None:
            actual = FileFormat.SCRIPT
        pe_digests: Fact[None] = None if actual is not FileFormat.PE else UNKNOWN
        if actual is FileFormat.UNKNOWN:
            pe_digests = UNKNOWN
        signatures: Fact[tuple[Signature, ...]] = () if self.unsigned else UNKNOWN
        return FileFacts(
            path=self.path,
            size=self.size or 0,
            actual=actual,
            claimed=claims.claimed_by(extension),
            hashes=Hashes(
                sha256=Sha256Flat(self.sha256.lower()) if is_digest(self.sha256) else UNKNOWN,
                authenticode_sha256=pe_digests,
                authenticode_sha1=pe_digests,
                page_sha256=pe_digests,
                page_sha1=pe_digests,
            ),
            signatures=signatures,
            version_info=UNKNOWN if pe_digests is UNKNOWN else None,
            pe=None
            if kind is None
            else PeFacts(kind=kind, machine=0, subsystem=0, section_alignment=0),
            macho=self.macho,
            script=None if found is None or actual is not FileFormat.SCRIPT else found.facts,
            package=UNKNOWN if self.package is None else self.package,
        )


def is_digest(text: str) -> bool:
    """Whether a text is a SHA-256 in hexadecimal."""
    return _HEX.fullmatch(text) is not None


def is_absolute(path: str) -> bool:
    """Whether a path is one that an endpoint can have: ``/…``, ``C:\\…`` or ``\\\\…``."""
    return path.startswith(("/", "\\\\")) or _DRIVE.match(path) is not None
