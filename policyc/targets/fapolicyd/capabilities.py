"""What fapolicyd can say."""

from __future__ import annotations

from policyc.model.facts import UNKNOWN, Collection, ElfKind, FileFacts, Platform
from policyc.targets.base import (
    Capabilities,
    Probe,
    SettingKind,
    SettingSpec,
    Support,
    Supports,
)

EXECUTABLE, SHARED, BAD = (
    "application/x-executable",
    "application/x-sharedlib",
    "application/x-bad-elf",
)
LANGUAGES = (
    "application/java-archive",
    "application/javascript",
    "application/x-bytecode.ocaml",
    "application/x-bytecode.python",
    "text/javascript",
    "text/x-R",
    "text/x-awk",
    "text/x-gawk",
    "text/x-lua",
    "text/x-perl",
    "text/x-php",
    "text/x-python",
    "text/x-ruby",
    "text/x-script.python",
    "text/x-shellscript",
    "text/x-tcl",
)
"""MIME types that count as scripts. Unlike upstream's list it has shell scripts, which
upstream leaves open, and ``text/x-script.python``, which libmagic gives to code without an
interpreter line."""

_EXACT = Supports(permit=Support.EXACT, forbid=Support.EXACT)
_VACUOUS = Supports(permit=Support.VACUOUS, forbid=Support.VACUOUS)


def _lossy(note: str) -> Supports:
    return Supports(permit=Support.LOSSY, forbid=Support.LOSSY, note=note)


_HASHES = "expanded to the inventory's hashes (L010, L012)"

CAPABILITIES = Capabilities(
    target="fapolicyd",
    title="fapolicyd (Linux)",
    platform=Platform.LINUX,
    collections=frozenset({Collection.EXECUTABLE, Collection.LIBRARY, Collection.SCRIPT}),
    supports={
        Probe.HASH_SHA256: _EXACT,
        Probe.HASH_AUTHENTICODE: _VACUOUS,
        Probe.HASH_PAGE: _VACUOUS,
        Probe.HASH_CDHASH: _VACUOUS,
        Probe.SIGNER_PUBLISHER: _VACUOUS,
        Probe.SIGNER_COMMON_NAME: _VACUOUS,
        Probe.SIGNER_ISSUER: _VACUOUS,
        Probe.SIGNER_LEAF: _VACUOUS,
        Probe.SIGNER_TEAM: _VACUOUS,
        Probe.SIGNER_SIGNING_ID: _VACUOUS,
        Probe.SIGNER_PLATFORM_BINARY: _VACUOUS,
        Probe.PRODUCT_NAME: _VACUOUS,
        Probe.PRODUCT_ORIGINAL_FILENAME: _VACUOUS,
        Probe.PUBLISHER_PRODUCT_VERSION: _VACUOUS,
        Probe.CHAIN_PRODUCT_VERSION: _VACUOUS,
        Probe.PATH_EXACT: _EXACT,
        Probe.PATH_TREE: _EXACT,
        Probe.PATH_GLOB: _lossy(_HASHES),
        Probe.PACKAGE: _lossy(_HASHES),
        Probe.TYPE: _EXACT,
        Probe.MASQUERADE: _lossy(_HASHES),
        Probe.UNLESS_PATH: _lossy(_HASHES),
        Probe.PRINCIPALS: _lossy("uid, gid, exe and comm; others are told (L040)"),
    },
    lists=True,
    settings=(
        SettingSpec(
            name="version",
            kind=SettingKind.CHOICE,
            doc="the oldest daemon that must load the policy",
            default="1.3",
            choices=("1.1", "1.3", "1.4", "1.5", "2.0"),
        ),
        SettingSpec(
            name="packages",
            kind=SettingKind.CHOICE,
            doc="where trust in packaged files comes from: listed one by one, or the rpm database",
            default="listed",
            choices=("listed", "rpm"),
        ),
        SettingSpec(
            name="ld_so",
            kind=SettingKind.TEXT,
            doc="real path of the dynamic loader on the endpoint",
            default="/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        ),
    ),
)


_CODE = frozenset({ElfKind.EXECUTABLE, ElfKind.PIE, ElfKind.SHARED})


def governs(facts: FileFacts) -> bool:
    """Whether the policy decides about the file: ELF code, and text of a known language.

    A script without an interpreter line is text to fapolicyd unless libmagic recognises the
    language (file.c); what is not known to be seen is not claimed (L027). An ELF file without a
    dynamic section has no type, and may be opened as data is.
    """
    if facts.elf is not None:
        return facts.elf.kind in _CODE and facts.ftype is not None
    return facts.script is not None and facts.ftype is not UNKNOWN and facts.ftype in LANGUAGES


def may_be_code(facts: FileFacts) -> bool:
    """Whether some daemon takes the file for code: ELF code, and every script.

    What is permitted must be written for all of these: the last rules deny starting a file
    whatever its type is, and opening byte code or a Java archive.
    """
    elf = facts.elf is not None and facts.elf.kind in _CODE
    return elf or facts.collection is Collection.SCRIPT
