"""Bounds on what a hostile file can make a reader do."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds for one file. Sizes are bytes; hashing is never bounded, structure always is.

    ``whole_read`` is the size up to which a file is read at once; above it the readers ask
    for pieces. ``max_cms`` bounds one PKCS #7 blob, ``max_table`` a directory, a string
    table or a central directory. ``seconds`` bounds the verification of code pages, the
    only part whose cost grows with the file. ``max_depth`` is how deep signatures may nest in
    each other, ``max_code_signature`` what one Mach-O slice may spend on its signature.
    ``max_walk_depth`` is the deepest directory
    level that ``walk`` enters.

    The ``container_`` limits hold for everything inside one file, at every depth together:
    levels of containers in each other (0 opens none), members, bytes that come out of them,
    their ratio to the size of the file once more than ``container_ratio_floor`` came out, and
    seconds. A member of up to ``member_memory`` bytes is held in memory, a larger one in an
    unnamed temporary file.

    With ``fs_verity`` ELF files get a trait with their fs-verity digest, which costs a second pass.
    """

    whole_read: int = 64 * MIB
    head: int = 64 * 1024
    max_table: int = 4 * MIB
    max_cms: int = 2 * MIB
    max_members: int = 20_000
    max_depth: int = 2
    max_certificates: int = 64
    max_chain: int = 10
    max_signatures: int = 16
    max_sections: int = 0xFFFF
    max_version_strings: int = 256
    max_slices: int = 32
    max_load_commands: int = 10_000
    max_blobs: int = 64
    max_code_signature: int = 64 * MIB
    max_program_headers: int = 0xFFFF
    max_needed: int = 1024
    max_string: int = 4096
    max_walk_depth: int = 128
    seconds: float = 30.0
    container_depth: int = 3
    container_members: int = 200_000
    container_bytes: int = 8 << 30
    container_ratio: int = 250
    container_ratio_floor: int = 128 * MIB
    container_seconds: float = 120.0
    member_memory: int = 32 * MIB
    fs_verity: bool = False
