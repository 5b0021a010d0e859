"""The masquerade goals, measured: ``python -m tests.acceptance.masquerade [--show GROUP]``.

Deceptive cases are made by the mutator beside the corpus, harmless ones are the corpus
itself and /usr. Prints every figure beside its goal; the exit code is 1 if one is missed.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from policyc.checks import check_file
from policyc.inventory import ScanOptions, scan
from policyc.inventory.schema import from_row
from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts
from policyc.readers import read_tree
from tests.requires import require_shared

RANKS = {"none": 0, "info": 1, "warning": 2, "error": 3}
_BINARY = ("pe-", "elf-", "macho-")
_OTHERS = frozenset({"lnk", "msi", "jar", "chm", "java-class"})
_SCRIPTS = frozenset(
    "sh py-shebang perl ps1 vbs bat jscript js-node hta wsf sct xsl php jsp csproj".split()
)
_STRUCTURED = frozenset("pdf docx jpg png xlsx mp4".split())
_TEXT = frozenset("txt log csv".split())


@dataclass(frozen=True, slots=True)
class Case:
    """One deceptive file: what it must get at least, and what it got."""

    group: str
    mutation: str
    kind: str
    claimed: str
    expected: str
    got: str
    name: str
    codes: tuple[str, ...]

    @property
    def met(self) -> bool:
        return RANKS[self.got] >= RANKS[self.expected]


def judged(path: bytes, seen_as: str) -> tuple[str, tuple[str, ...]]:
    """The worst level over a file and its members, with all codes."""
    worst, codes = "none", []
    for item in read_tree(path, seen_as):
        for finding in check_file(item) if isinstance(item, FileFacts) else ():
            codes.append(f"{finding.code}:{finding.level.value}")
            if RANKS[finding.level.value] > RANKS[worst]:
                worst = finding.level.value
    return worst, tuple(codes)


def cases(folder: Path) -> Iterator[Case]:
    """Make the deceptive cases below ``folder`` and judge each."""
    mutator = require_shared("masquerade/mutate.py")
    seeds, benign = (require_shared(f"masquerade/{name}") for name in ("seeds", "benign"))
    subprocess.run(
        [sys.executable, str(mutator), str(seeds), str(benign), "out"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    with (folder / "out" / "MUTATIONS.tsv").open("rb") as file:
        text = file.read().decode("utf-8", "surrogateescape")
    for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        place = os.fsencode(folder / row["path"]).rpartition(b"/")[0]
        for name in os.listdir(place):  # noqa: PTH208  (byte names)
            got, codes = judged(place + b"/" + name, "/m/" + os.fsdecode(name))
            yield Case(
                group=row["group"],
                mutation=row["mutation"],
                kind=row["seed_kind"],
                claimed=row["claimed_ext"],
                expected=row["expect"],
                got=got,
                name=os.fsdecode(name),
                codes=codes,
            )


def polyglots() -> list[Case]:
    """mitra's polyglots that claim a document or a medium."""
    passive = frozenset(
        "pdf jpg jpeg png gif bmp tif tiff mp3 mp4 flac ogg wav avi rtf psd webp ico".split()
    )
    found = []
    for path in sorted(require_shared("masquerade/mitra-poly").rglob("*")):
        extension = path.suffix[1:].lower()
        if path.is_file() and extension in passive:
            got, codes = judged(os.fsencode(path), f"/m/{path.name}")
            found.append(Case("mitra", "polyglot", "", extension, "warning", got, path.name, codes))
    return found


def benign_levels() -> tuple[int, Counter[str], list[str]]:
    """(files, count of files by worst level without encrypted archives, what they are)."""
    levels: Counter[str] = Counter()
    shown = []
    count = 0
    for path in sorted(require_shared("masquerade/benign").rglob("*")):
        if not path.is_file():
            continue
        count += 1
        got, codes = judged(os.fsencode(path), f"/m/{path.name}")
        encrypted = all(code.startswith("M029") for code in codes if not code.endswith("info"))
        if got != "none" and not (got == "warning" and encrypted):
            levels[got] += 1
            shown.append(f"{got:8}{path.parent.parent.name}/{path.name}  {' '.join(codes)}")
    return count, levels, shown


def system_levels(root: Path) -> tuple[int, Counter[str], list[str]]:
    """The same for a whole system, members left out."""
    levels: Counter[str] = Counter()
    shown = []
    count = 0
    for row in scan([root], ScanOptions()):
        item = from_row(msgspec.json.decode(row))
        if not isinstance(item, FileFacts) or "!/" in item.path:
            continue
        count += 1
        for finding in check_file(item)[:1]:
            levels[finding.level.value] += 1
            if finding.level is not Level.INFO:
                shown.append(f"{finding.level.value:8}{item.path}  {finding.code}")
    return count, levels, shown


def share(part: list[Case], *, any_level: bool = False) -> float:
    """The share of the cases that met their level, or that were found at all."""
    met = sum(1 for case in part if (case.got != "none" if any_level else case.met))
    return met / len(part) if part else 1.0


def at_error(part: list[Case]) -> float:
    """The share of the cases that got an error."""
    return sum(1 for case in part if case.got == "error") / len(part) if part else 1.0


def figures(found: list[Case], poly: list[Case]) -> list[tuple[str, float, float, int]]:
    """(goal, measured share, least share, number of cases)."""

    def content(test: object, claims: frozenset[str]) -> list[Case]:
        assert callable(test)
        return [
            case
            for case in found
            if case.group == "content" and test(case.kind) and case.claimed in claims
        ]

    binary = content(lambda kind: kind.startswith(_BINARY), _STRUCTURED | _TEXT)
    others = content(lambda kind: kind in _OTHERS, _STRUCTURED | _TEXT)
    scripts = content(lambda kind: kind in _SCRIPTS, _STRUCTURED)
    texts = content(lambda kind: kind in _SCRIPTS, _TEXT)
    names = [case for case in found if case.group == "name"]
    traps = [case for case in found if case.group == "control"]
    macros = [case for case in found if case.group == "macro"]
    embedded = [case for case in found if case.group == "poly"]
    archives = [case for case in found if case.group == "archive"]
    deceiving = [case for case in macros if case.expected == "error"]
    hidden = share(scripts, any_level=True)
    quiet = sum(1 for case in traps if RANKS[case.got] < RANKS["warning"]) / max(1, len(traps))
    return [
        ("PE, ELF, Mach-O under a passive name, at error", at_error(binary), 1.0, len(binary)),
        ("LNK, MSI, JAR, CHM, class under a passive name", at_error(others), 0.99, len(others)),
        ("scripts under a structured name, found", hidden, 1.0, len(scripts)),
        ("scripts under a structured name, at error", at_error(scripts), 0.95, len(scripts)),
        ("scripts under a text name, found", share(texts, any_level=True), 0.80, len(texts)),
        ("names at the expected level", share(names), 0.99, len(names)),
        ("harmless traps below warning", quiet, 1.0, len(traps)),
        ("macros under a plain name, at error", at_error(deceiving), 1.0, len(deceiving)),
        ("appended and embedded payloads", share(embedded), 0.97, len(embedded)),
        ("archive members", share(archives), 0.97, len(archives)),
        ("polyglots that claim a passive format", share(poly, any_level=True), 0.95, len(poly)),
    ]  # fmt: skip


def main() -> int:
    """Print the table; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", default="", help="list the misses of a group")
    parser.add_argument("--system", default="/usr", help="the system to stay silent on")
    arguments = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory(prefix="policyc-") as name:
        found = list(cases(Path(name)))
    poly = polyglots()
    for title, measured, least, count in figures(found, poly):
        ok = measured >= least
        missed += not ok
        print(
            f"{'ok  ' if ok else 'MISS'} {measured:7.1%} of {count:5,}  (goal {least:.0%})  {title}"
        )
    for case in [*found, *poly]:
        wrong = case.got != "none" if case.group == "control" else not case.met
        if wrong and arguments.show in (case.group, "all"):
            print(
                f"  {case.group} {case.mutation} {case.kind} {case.name!a} "
                f"expected {case.expected} got {case.got} {case.codes}"
            )
    files, levels, shown = benign_levels()
    ok = levels["error"] == 0 and levels["warning"] <= files / 100
    missed += not ok
    print(f"{'ok  ' if ok else 'MISS'} harmless corpus: {files:,} files, {dict(levels)}")
    print("\n".join(shown) if arguments.show in ("benign", "all") else "", end="\n")
    files, levels, shown = system_levels(Path(arguments.system))
    scale = files / 100_000
    ok = levels["error"] <= max(1, scale) and levels["warning"] <= 10 * max(1, scale)
    ok = ok and levels["info"] <= 50 * max(1, scale)
    missed += not ok
    print(f"{'ok  ' if ok else 'MISS'} {arguments.system}: {files:,} files, {dict(levels)}")
    print("\n".join(shown) if arguments.show in ("system", "all") else "", end="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
