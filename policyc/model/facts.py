"""What is known about one file.

A fact is a value, ``None`` (it does not exist: an ELF file has no Authenticode hash) or
``UNKNOWN`` (nobody looked, as in an inventory imported from a tool that does not report it).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from policyc.model.diagnostic import Proof
from policyc.model.enumeration import Enumeration
from policyc.model.formats import FileFormat
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    CdHash,
    CertSha256,
    Oid,
    PageHash,
    Sha256Flat,
    TeamId,
)
from policyc.model.signatures import Signature, SignatureGrade
from policyc.model.version import FileVersion


class Unknown(enum.Enum):
    """The type of ``UNKNOWN``."""

    UNKNOWN = "unknown"


UNKNOWN: Literal[Unknown.UNKNOWN] = Unknown.UNKNOWN

T = TypeVar("T")
Fact: TypeAlias = T | Literal[Unknown.UNKNOWN]


class Platform(Enumeration):
    """The operating system of the endpoint that a tree belongs to."""

    WINDOWS = "windows"
    MACOS = "macos"
    LINUX = "linux"


class Collection(Enumeration):
    """What a file is when it runs; the unit in which a policy governs (rule collection)."""

    EXECUTABLE = "executable"
    LIBRARY = "library"
    SCRIPT = "script"
    INSTALLER = "installer"
    PACKAGED_APP = "packaged-app"
    DRIVER = "driver"


class PeKind(Enumeration):
    """What a PE image is loaded as."""

    EXECUTABLE = "exe"
    LIBRARY = "dll"
    DRIVER = "driver"
    EFI = "efi"
    RESOURCE_ONLY = "resource-only"


class ElfKind(Enumeration):
    """What an ELF file is loaded as."""

    EXECUTABLE = "executable"
    PIE = "pie"
    SHARED = "shared"
    OBJECT = "object"
    CORE = "core"
    OTHER = "other"


class MachoKind(Enumeration):
    """What a Mach-O slice is loaded as (mach-o/loader.h file types)."""

    EXECUTABLE = "execute"
    DYLIB = "dylib"
    BUNDLE = "bundle"
    DYLINKER = "dylinker"
    KEXT = "kext"
    OBJECT = "object"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashes:
    """Digests of one file. ``page_*`` is the hash of the first page only (App Control)."""

    sha256: Fact[Sha256Flat | None] = None
    authenticode_sha256: Fact[AuthenticodeSha256 | None] = None
    authenticode_sha1: Fact[AuthenticodeSha1 | None] = None
    page_sha256: Fact[PageHash | None] = None
    page_sha1: Fact[PageHash | None] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInfo:
    """Strings of the PE version resource and the binary file version."""

    product_name: str | None = None
    original_filename: str | None = None
    internal_name: str | None = None
    file_description: str | None = None
    company_name: str | None = None
    file_version: FileVersion | None = None

    @property
    def names(self) -> tuple[str | None, ...]:
        """Product name, original file name, internal name and description, in this order."""
        return (
            self.product_name,
            self.original_filename,
            self.internal_name,
            self.file_description,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeFacts:
    """Structure of a PE image; ``machine`` and ``subsystem`` are the header's numbers.

    ``imphash`` is the MD5 of the imported names in order, as pefile computes it.
    """

    kind: PeKind
    machine: int
    subsystem: int
    section_alignment: int
    dotnet: bool = False
    imphash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfFacts:
    """Structure of an ELF file; ``machine`` is e_machine, ``bits`` 32 or 64.

    ``rpath`` holds the directories of DT_RPATH and DT_RUNPATH in their order, ``build_id`` the
    GNU build-id note in hexadecimal.
    """

    kind: ElfKind
    machine: int
    bits: int
    static: bool
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    build_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachoSlice:
    """One architecture of a Mach-O file.

    ``flags`` are the CodeDirectory's; ``grade`` is None for unsigned code.
    ``platform_binary`` is true when the CodeDirectory's platform byte is not zero.
    ``cdhashes`` are those of all CodeDirectories, ``oids`` Apple's extensions of the leaf,
    ``entitlements`` the number of keys of the entitlements.
    """

    arch: str
    kind: MachoKind
    cdhash: CdHash | None = None
    identifier: str | None = None
    team: TeamId | None = None
    flags: int = 0
    platform_binary: bool = False
    grade: SignatureGrade | None = None
    leaf: CertSha256 | None = None
    hash_type: int = 0
    cdhashes: tuple[CdHash, ...] = ()
    oids: tuple[Oid, ...] = ()
    entitlements: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AppBundle:
    """An application bundle, by its Info.plist."""

    identifier: str
    version: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachoFacts:
    """Structure of a Mach-O file.

    ``bundle`` is the application whose main executable this is.
    ``mixed`` is true when slices are not signed alike, which makes Santa treat the whole
    file as invalid (MOLCodesignChecker).
    """

    slices: tuple[MachoSlice, ...]
    mixed: bool = False
    bundle: AppBundle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFacts:
    """What kind of script a text is.

    ``language`` is a short name such as ``shell``, ``python``, ``powershell``, ``batch``;
    ``interpreter`` is the path of the shebang line, None without one.
    """

    language: str
    interpreter: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PosixFacts:
    """Owner and mode of a file on the system that was scanned.

    ``mode`` has the permission bits with setuid (0o4000), setgid and sticky; ``capabilities``
    are the names in the file's ``security.capability`` attribute, sorted.
    """

    mode: int
    uid: int
    gid: int
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallerFacts:
    """What an installer says it installs (its Property table)."""

    product_name: str = ""
    product_code: str = ""
    product_version: str = ""
    manufacturer: str = ""


class PackageState(Enumeration):
    """Whether a file is still what its package delivered."""

    VERIFIED = "verified"
    MODIFIED = "modified"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRef:
    """The package that delivered a file. ``manager`` is ``dpkg``, ``rpm``, ``python`` …

    UNVERIFIED means that nobody compared the digests, or that the package states none.
    """

    manager: str
    name: str
    version: str = ""
    state: PackageState = PackageState.UNVERIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """Something that was seen in a file and that a check may judge.

    ``kind`` is a short stable name such as ``encrypted``; ``detail`` is text for people;
    ``proofs`` are the bytes that show it.
    """

    kind: str
    detail: str = ""
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FindingMark:
    """That a masquerade check found something: its code (``M003``) and the level it gave."""

    code: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Everything policyc knows about one file.

    ``path`` is the path as the endpoint sees it; bytes that are not UTF-8 are kept as
    surrogates. ``claimed`` are the formats its name claims (empty: the name claims nothing),
    ``actual`` is what it is. ``ftype`` is the MIME type fapolicyd gives it. ``masquerade``
    is the level of its worst masquerade finding, None without one; ``findings`` are all of
    them, sorted. ``traits`` are what else the readers saw, for the checks. A member of a
    container has the path ``outer!/inner``.
    """

    path: str
    size: int
    actual: FileFormat
    claimed: tuple[FileFormat, ...] = ()
    hashes: Hashes = field(default_factory=Hashes)
    signatures: Fact[tuple[Signature, ...]] = ()
    version_info: Fact[VersionInfo | None] = None
    pe: PeFacts | None = None
    elf: ElfFacts | None = None
    macho: MachoFacts | None = None
    script: ScriptFacts | None = None
    installer: InstallerFacts | None = None
    posix: Fact[PosixFacts | None] = UNKNOWN
    package: Fact[PackageRef | None] = UNKNOWN
    trusted: Fact[bool] = UNKNOWN
    writable_by_users: Fact[bool] = UNKNOWN
    ftype: Fact[str | None] = UNKNOWN
    masquerade: Fact[str | None] = UNKNOWN
    findings: Fact[tuple[FindingMark, ...]] = UNKNOWN
    proofs: tuple[Proof, ...] = ()
    traits: tuple[Trait, ...] = ()

    @property
    def name(self) -> str:
        """The last component of the path."""
        return name_of(self.path)

    @property
    def extension(self) -> str:
        """The last extension, lower case, without the dot; empty if there is none."""
        return extension_of(self.path)

    @property
    def collection(self) -> Collection | None:
        """The rule collection the file belongs to, or None for files that do not run."""
        if self.pe is not None:
            return _OF_PE.get(self.pe.kind)
        if self.elf is not None:
            return _OF_ELF.get(self.elf.kind)
        if self.macho is not None:
            return _of_macho(self.macho)
        if self.script is not None or self.actual in _RUN_BY_OTHERS:
            return Collection.SCRIPT
        if self.actual is FileFormat.MSI:
            return Collection.INSTALLER
        return None


def name_of(path: str) -> str:
    """The last component of a path of either style."""
    return path.replace("\\", "/").rpartition("/")[2]


def extension_of(path: str) -> str:
    """The last extension of a path, lower case, without the dot; empty if there is none."""
    stem, dot, extension = name_of(path).rpartition(".")
    return extension.lower() if dot and stem else ""


_OF_PE = {
    PeKind.EXECUTABLE: Collection.EXECUTABLE,
    PeKind.LIBRARY: Collection.LIBRARY,
    PeKind.DRIVER: Collection.DRIVER,
}
_OF_ELF = {
    ElfKind.EXECUTABLE: Collection.EXECUTABLE,
    ElfKind.PIE: Collection.EXECUTABLE,
    ElfKind.SHARED: Collection.LIBRARY,
}


_RUN_BY_OTHERS = frozenset({FileFormat.JAR, FileFormat.PYC})
"""Code without a line that says so: an interpreter or a virtual machine runs it."""


def _of_macho(macho: MachoFacts) -> Collection | None:
    kinds = {piece.kind for piece in macho.slices}
    if MachoKind.EXECUTABLE in kinds:
        return Collection.EXECUTABLE
    if kinds & {MachoKind.DYLIB, MachoKind.BUNDLE, MachoKind.DYLINKER}:
        return Collection.LIBRARY
    return Collection.DRIVER if MachoKind.KEXT in kinds else None
