"""What a format reader is and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from policyc.model.diagnostic import Proof
from policyc.model.facts import (
    UNKNOWN,
    ElfFacts,
    Fact,
    Hashes,
    InstallerFacts,
    MachoFacts,
    PeFacts,
    ScriptFacts,
    Trait,
    VersionInfo,
)
from policyc.model.formats import FileFormat
from policyc.model.signatures import Signature
from policyc.readers.limits import Limits
from policyc.readers.source import Source


class MalformedError(ValueError):
    """A structure contradicts its format; the message names the structure and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one reader adds to the facts of a file. ``hashes`` never holds the flat SHA-256."""

    pe: PeFacts | None = None
    elf: ElfFacts | None = None
    macho: MachoFacts | None = None
    script: ScriptFacts | None = None
    installer: InstallerFacts | None = None
    hashes: Hashes = field(default_factory=Hashes)
    signatures: Fact[tuple[Signature, ...]] = ()
    version_info: Fact[VersionInfo | None] = None
    ftype: Fact[str | None] = UNKNOWN
    proofs: tuple[Proof, ...] = ()
    traits: tuple[Trait, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads files of one format; ``read`` takes the bytes, the endpoint path and the limits."""

    format: FileFormat
    read: Callable[[Source, str, Limits], Reading]


def one_line(error: BaseException, longest: int = 200) -> str:
    """An exception's text on one line, its type's name where it has none."""
    return " ".join(str(error).split())[:longest] or type(error).__name__
