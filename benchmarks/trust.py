"""An inventory of programs of no package, each of which becomes an entry of a trust file.

``python benchmarks/trust.py FOLDER FILES`` writes ``trust.parquet``, ``trust.jsonl`` and
``trust.yaml``.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from policyc.inventory.table import encode_row, write_rows
from policyc.model.facts import ElfFacts, ElfKind, FileFacts, Hashes
from policyc.model.formats import FileFormat
from policyc.model.identity import Sha256Flat
from policyc.model.inventory import HostInfo

BASELINE = """policyc: 1
name: Trusted programs
mode: audit
rules:
  - id: seen
    permit: {from: inventory, levels: [hash]}
    platforms: [linux]
"""


def program(number: int) -> FileFacts:
    """One program of an application of a thousand."""
    return FileFacts(
        path=f"/opt/app{number // 1000:03d}/bin/program-{number:06d}",
        size=1000 + number,
        actual=FileFormat.ELF,
        hashes=Hashes(sha256=Sha256Flat(hashlib.sha256(str(number).encode()).hexdigest())),
        elf=ElfFacts(kind=ElfKind.PIE, machine=62, bits=64, static=False),
        ftype="application/x-executable",
        package=None,
        trusted=False,
        masquerade=None,
        writable_by_users=False,
    )


def write(folder: Path, files: int) -> None:
    """Write the baseline and the inventory."""
    for form in ("parquet", "jsonl"):
        rows = (encode_row(program(number)) for number in range(files))
        write_rows(rows, HostInfo(), folder / f"trust.{form}")
    (folder / "trust.yaml").write_text(BASELINE)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
