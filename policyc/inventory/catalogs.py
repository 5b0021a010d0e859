"""The catalogs of an endpoint: which files they sign for.

A folder of ``.cat`` files, such as a copy of ``C:\\Windows\\System32\\CatRoot``, is all there
is to know: whether an endpoint has the same catalogs and trusts their signers is its affair.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from policyc.model.facts import UNKNOWN, FileFacts
from policyc.model.signatures import Signature
from policyc.readers.catalog import MAX_CATALOG, parse
from policyc.readers.limits import Limits
from policyc.readers.reader import MalformedError
from policyc.readers.walk import Entry, walk

_LARGE = replace(Limits(), max_cms=MAX_CATALOG)


@dataclass(slots=True)
class Catalogs:
    """Signatures by (algorithm, digest) of the files they are for.

    ``digest`` stands for the whole folder; ``problems`` are the files that are no catalogs,
    with the reason.
    """

    members: dict[tuple[str, bytes], tuple[int, ...]] = field(default_factory=dict)
    signatures: list[Signature] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    digest: str = ""

    @property
    def has_sha1(self) -> bool:
        """Whether some member is listed by its SHA-1 digest."""
        return any(algorithm == "sha1" for algorithm, _ in self.members)

    def of(self, facts: FileFacts, flat_sha1: bytes | None) -> tuple[Signature, ...]:
        """The catalog signatures of a file, by its Authenticode or its flat digest."""
        hashes = facts.hashes
        pe = facts.pe is not None
        sha256 = hashes.authenticode_sha256 if pe else hashes.sha256
        sha1 = hashes.authenticode_sha1 if pe else None
        keys: list[tuple[str, bytes]] = []
        if sha256 is not None and sha256 is not UNKNOWN:
            keys.append(("sha256", bytes.fromhex(sha256.value)))
        if sha1 is not None and sha1 is not UNKNOWN:
            keys.append(("sha1", bytes.fromhex(sha1.value)))
        if flat_sha1 is not None and not pe:
            keys.append(("sha1", flat_sha1))
        found = sorted({index for key in keys for index in self.members.get(key, ())})
        return tuple(self.signatures[index] for index in found)


def load_catalogs(folder: Path) -> Catalogs:
    """Read every ``.cat`` file below ``folder``; raises OSError if it cannot be listed."""
    found = Catalogs()
    whole = hashlib.sha256()
    for name, data in _files(folder):
        whole.update(hashlib.sha256(data).digest())
        try:
            catalog = parse(data, name, _LARGE)
        except MalformedError as error:
            found.problems.append(f"{name}: {error}")
            continue
        index = len(found.signatures)
        found.signatures.append(catalog.signature)
        for key in catalog.members:
            found.members[key] = (*found.members.get(key, ()), index)
    found.digest = whole.hexdigest()
    return found


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for item in walk([folder]):
        if not isinstance(item, Entry) or not item.relative.lower().endswith(".cat"):
            continue
        if item.size <= MAX_CATALOG:
            with open(item.path, "rb") as file:  # noqa: PTH123  (byte paths)
                yield os.path.basename(item.relative), file.read()  # noqa: PTH119
