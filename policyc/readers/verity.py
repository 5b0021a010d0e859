"""The fs-verity digest of a file, from its bytes.

Source: Documentation/filesystems/fsverity.rst, "Merkle tree" and "fs-verity descriptor": SHA-256,
blocks of 4,096 bytes, no salt. A last block is filled with zeros, the tree's upper levels too;
the digest is that of the descriptor, which holds size and root hash.
"""

from __future__ import annotations

import hashlib
import struct

BLOCK = 4096
TRAIT = "fs-verity"
"""The kind of trait that carries the digest, 64 hexadecimal digits."""


class VerityDigest:
    """Takes a file's bytes in their order, as hash objects do; memory is a block a level."""

    def __init__(self) -> None:
        self._size = 0
        self._levels: list[bytearray] = [bytearray()]

    def update(self, data: bytes | memoryview) -> None:
        """Add bytes."""
        self._size += len(data)
        self._add(0, data)

    def hexdigest(self) -> str:
        """The digest of what was added, in lower-case hexadecimal; nothing may follow."""
        root = bytes(32)
        level = 0
        while self._size and level < len(self._levels):
            rest = self._levels[level]
            top = level == len(self._levels) - 1
            if top and level and len(rest) == 32:
                break  # the one hash at the top is the root
            if rest:
                self._close(level)
            level += 1
        if self._size:
            root = bytes(self._levels[-1])
        head = struct.pack("<BBBBIQ", 1, 1, 12, 0, 0, self._size)
        return hashlib.sha256((head + root).ljust(256, b"\0")).hexdigest()

    def _add(self, level: int, data: bytes | memoryview) -> None:
        if level == len(self._levels):
            self._levels.append(bytearray())
        own = self._levels[level]
        own += data
        full = len(own) - len(own) % BLOCK
        # The last full block may be the only one, whose hash is then the root: it waits.
        for start in range(0, full, BLOCK):
            if level == 0 or start + BLOCK < len(own):
                block = bytes(own[start : start + BLOCK])
                self._add(level + 1, hashlib.sha256(block).digest())
            else:
                full = start
        del own[:full]

    def _close(self, level: int) -> None:
        block = bytes(self._levels[level]).ljust(BLOCK, b"\0")
        self._levels[level].clear()
        self._add(level + 1, hashlib.sha256(block).digest())
