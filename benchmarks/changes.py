"""Made changes to compare: two baselines of hashes, and two of a made fleet.

``python benchmarks/changes.py hashes FOLDER RULES`` writes ``old.yaml`` and ``new.yaml``, which
share all but one of a hundred rules. ``python benchmarks/changes.py fleet FOLDER`` makes
``new.yaml`` of the ``policyc.yaml`` that ``fleet.py`` wrote: one of fifty rules is gone and one of
twenty-five is wider or narrower.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

HEAD = "policyc: 1\nname: Made hashes\nrules:\n"


def rule(number: int) -> str:
    """A rule of its own for one hash."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return f"  - {{id: rule-{number}, permit: {{hash: {{sha256: {digest}}}}}}}\n"


def hashes(folder: Path, rules: int) -> None:
    """Two baselines of so many hashes."""
    changed = rules // 100
    for name, start in (("old", 0), ("new", changed)):
        text = "".join(rule(number) for number in range(start, start + rules))
        (folder / f"{name}.yaml").write_text(HEAD + text, encoding="utf-8")


def fleet(folder: Path) -> None:
    """The fleet's baseline with changes."""
    kept = []
    number = 0
    for line in (folder / "policyc.yaml").read_text(encoding="utf-8").splitlines(keepends=True):
        text = line
        if line.startswith('  - {"id": "rule-'):
            number += 1
            if number % 50 == 0:
                continue
            if number % 25 == 7:
                text = line.replace('">=2.0"', '">=1.0"').replace("/**", "/bin/**")
        kept.append(text)
    (folder / "new.yaml").write_text("".join(kept), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "hashes":
        hashes(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        fleet(Path(sys.argv[2]))
