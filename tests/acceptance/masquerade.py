"""Measure the masquerade check against its goals; exit 1 if one is missed.

Usage: python -m tests.acceptance.masquerade [--usr DIR] [--misses] [--group NAME]

The benign files, the seeds and the program that makes deceptive cases of them stand beside
the project in ``../shared/data/masquerade``. No case is ever run.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from policyc.checks import check_file
from policyc.inventory.scan import scan
from policyc.inventory.schema import from_row
from policyc.inventory.worker import ScanOptions
from policyc.model.diagnostic import Finding
from policyc.model.facts import FileFacts
from policyc.readers.file import read_bytes, read_tree
from policyc.readers.opinion import is_asked, magika_trait

DATA = Path(__file__).resolve().parents[3] / "shared/data/masquerade"
_RANKS = {"error": 3, "warning": 2, "info": 1, "none": 0}
_STRUCTURED = frozenset({"pdf", "docx", "jpg", "png", "xlsx", "mp4"})
_OTHER_BINARIES = frozenset({"lnk", "msi", "jar", "chm", "java-class"})
_SCRIPTS = frozenset(
    """sh py-shebang perl ps1 vbs bat jscript js-node hta wsf sct xsl php jsp csproj""".split()
)


@dataclass(frozen=True, slots=True)
class Case:
    """A file, what it is, and the least level it must get."""

    path: str
    group: str
    mutation: str
    kind: str
    claimed: str
    expect: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A case and the findings about it and its members, as ``(rank, code)``.

    ``heard`` says that it is a warning when Magika is asked, too.
    """

    case: Case
    findings: tuple[tuple[int, str], ...]
    heard: bool = False

    @property
    def rank(self) -> int:
        """0 for silence to 3 for an error."""
        return max((rank for rank, _ in self.findings), default=0)

    @property
    def as_expected(self) -> bool:
        """Whether the finding is at least as serious as it must be."""
        return self.rank >= _RANKS[self.case.expect]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and what it must be; ``least`` tells the direction."""

    title: str
    value: float
    target: float
    least: bool
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure is good enough."""
        return self.value >= self.target if self.least else self.value <= self.target


def findings_of(path: str) -> list[Finding]:
    """All findings about a file and what is in it."""
    seen_as = "/x/" + os.path.basename(path)  # noqa: PTH119  (names are no valid text)
    return [
        finding
        for item in read_tree(path, seen_as)
        if isinstance(item, FileFacts)
        for finding in check_file(item)
    ]


def look(case: Case) -> Seen:
    """Check one case."""
    found = findings_of(case.path)
    ranked = tuple(sorted({(_RANKS[item.level.value], item.code) for item in found}))
    return Seen(case, ranked, heard=case.claimed.strip() == "txt" and _magika_warns(case.path))


def _magika_warns(path: str) -> bool:
    """Whether a text is a warning at least when Magika is asked, too."""
    data = Path(path).read_bytes()
    facts = read_bytes(data, "/x/" + Path(path).name)
    trait = magika_trait(data) if is_asked(facts) else None
    if trait is None:
        return False
    heard = replace(facts, traits=(*facts.traits, trait))
    return any(item.level.rank <= 1 for item in check_file(heard))


def mutations(folder: Path) -> Iterator[Case]:
    """Make the deceptive cases below ``folder``."""
    subprocess.run(
        [sys.executable, DATA / "mutate.py", DATA / "seeds", DATA / "benign", folder],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    table = folder / "MUTATIONS.tsv"
    lines = table.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    for line in lines[1:]:
        if not line:
            continue
        cells = [_unescaped(cell) for cell in line.split("\t")]
        path, group, mutation, _, kind, _, claimed, expect, _ = cells
        yield Case(path, group, mutation, kind, claimed, expect)


def _unescaped(cell: str) -> str:
    names = {"t": "\t", "n": "\n", "r": "\r"}
    return re.sub(r"\\(.)", lambda match: names.get(match[1], match[1]), cell)


def manifest() -> Iterator[Case]:
    """The files of the folder, by category."""
    with (DATA / "MANIFEST.tsv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            path = str(DATA / row["path"])
            yield Case(path, row["category"], "", row["true_type"], row["claimed_ext"], "none")


def _share(seen: Iterable[Seen], good: Callable[[Seen], bool]) -> tuple[float, str]:
    listed = list(seen)
    count = sum(good(item) for item in listed)
    return (100 * count / len(listed) if listed else 0.0), f"{count} of {len(listed)}"


def _recall(title: str, seen: Iterable[Seen], target: float, good: Callable[[Seen], bool]) -> Goal:
    value, note = _share(seen, good)
    return Goal(title, value, target, least=True, note=note)


def _renamed(seen: list[Seen], kinds: Callable[[str], bool], claims: frozenset[str]) -> list[Seen]:
    return [
        item
        for item in seen
        if item.case.group == "content"
        and kinds(item.case.kind)
        and item.case.claimed.strip() in claims
    ]


def _binary(kind: str) -> bool:
    return kind.startswith(("pe-", "elf-", "macho-"))


def _other(kind: str) -> bool:
    return kind in _OTHER_BINARIES


def _script(kind: str) -> bool:
    return kind in _SCRIPTS


def _error(item: Seen) -> bool:
    return item.rank == 3


def _found(item: Seen) -> bool:
    return item.rank > 0


def _warning(item: Seen) -> bool:
    return item.rank >= 2


def _expected(item: Seen) -> bool:
    return item.as_expected


def _heard(item: Seen) -> bool:
    return item.rank >= 2 or item.heard


def recall_goals(seen: list[Seen]) -> list[Goal]:
    """Goals on the deceptive cases."""
    passive = _STRUCTURED | {"txt"}

    def group(name: str) -> list[Seen]:
        return [item for item in seen if item.case.group == name]

    scripts = _renamed(seen, _script, _STRUCTURED)
    texts = _renamed(seen, _script, frozenset({"txt"}))
    macros = [item for item in group("macro") if item.case.mutation.startswith("macro-as-")]
    traps = group("control")
    return [
        _recall(
            "PE, ELF, Mach-O as document, error", _renamed(seen, _binary, passive), 100, _error
        ),
        _recall(
            "LNK, MSI, JAR, CHM, class as document, error",
            _renamed(seen, _other, passive),
            99,
            _error,
        ),
        _recall("scripts as structured, found", scripts, 100, _found),
        _recall("scripts as structured, error", scripts, 95, _error),
        _recall("scripts as text, warning", texts, 80, _warning),
        _recall("scripts as text with Magika, warning", texts, 92, _heard),
        _recall("names at the expected level", group("name"), 99, _expected),
        Goal(
            "traps at warning or above",
            sum(item.rank >= 2 for item in traps),
            0,
            least=False,
            note=f"of {len(traps)}",
        ),
        _recall("macro content, error", macros, 100, _error),
        _recall("appended and embedded", group("poly"), 97, _expected),
        _recall("archive cases at the expected level", group("archive"), 97, _expected),
        _recall("all content cases at the expected level", group("content"), 90, _expected),
    ]


def folder_goals(seen: list[Seen]) -> list[Goal]:
    """Goals on the files that are there."""
    goals = []
    for name, share in (("benign", 1.0), ("crafted", 10.0), ("skeleton", 1.0)):
        own = [item for item in seen if item.case.group == name]
        errors = sum(item.rank == 3 for item in own)
        goals.append(Goal(f"{name}: errors", errors, 0, least=False, note=f"of {len(own)}"))
        warned = [item for item in own if _warned(item)]
        value = 100 * len(warned) / len(own)
        note = f"{len(warned)} of {len(own)}"
        goals.append(Goal(f"{name}: % warnings", value, share, least=False, note=note))
    passive = frozenset(
        "pdf jpg jpeg png gif bmp mp3 mp4 wav flac ogg tif tiff docx doc rtf webp avi".split()
    )
    mitra = [s for s in seen if s.case.group == "mitra-poly" and s.case.claimed in passive]
    goals.append(_recall("mitra polyglots claiming a document", mitra, 95, _found))
    return goals


def _warned(item: Seen) -> bool:
    return any(rank == 2 and code != "M050" for rank, code in item.findings)


def usr_goals(root: Path, *, show: bool) -> list[Goal]:
    """Findings per 100,000 files of an installed system."""
    counts: Counter[str] = Counter()
    files = 0
    for row in scan([root], ScanOptions()):
        item = from_row(msgspec.json.decode(row))
        if not isinstance(item, FileFacts):
            continue
        files += "!/" not in item.path
        for finding in check_file(item):
            counts[finding.level.value] += 1
            if show:
                print(
                    f"  {finding.level.value} {finding.code} {finding.path!a} {finding.message!a}"
                )
    per = 100_000 / max(1, files)
    limits = (("error", 1), ("warning", 10), ("info", 50))
    return [
        Goal(
            f"{root}: {level}s per 100,000",
            counts[level] * per,
            most,
            least=False,
            note=f"{counts[level]} in {files}",
        )
        for level, most in limits
    ]


def main() -> int:
    """Print every figure beside its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--usr", type=Path, default=Path("/usr"))
    parser.add_argument("--no-usr", action="store_true")
    parser.add_argument("--only-usr", action="store_true")
    parser.add_argument(
        "--misses", action="store_true", help="print each case that is not as it must be"
    )
    options = parser.parse_args()
    goals = [] if options.only_usr else _data_goals(show=options.misses)
    if not options.no_usr:
        goals += usr_goals(options.usr, show=options.misses)
    for goal in goals:
        sign = ">=" if goal.least else "<="
        mark = "ok  " if goal.met else "MISS"
        print(f"{mark} {goal.title:48} {goal.value:8.2f} {sign} {goal.target:g}  ({goal.note})")
    return 0 if all(goal.met for goal in goals) else 1


def _data_goals(*, show: bool) -> list[Goal]:
    with tempfile.TemporaryDirectory() as folder:
        cases = [*manifest(), *mutations(Path(folder))]
        with ProcessPoolExecutor(2) as pool:
            seen = list(pool.map(look, cases, chunksize=64))
    if show:
        _print_misses(seen)
    return folder_goals(seen) + recall_goals(seen)


def _print_misses(seen: list[Seen]) -> None:
    quiet: Counter[tuple[str, ...]] = Counter()
    for item in seen:
        case, codes = item.case, " ".join(f"{rank}{code}" for rank, code in item.findings)
        if case.expect == "none":
            if item.rank >= 2 and case.group in ("benign", "crafted", "skeleton", "control"):
                print(f"  loud  {case.group} {case.path[-90:]!a} {codes}")
        elif not item.as_expected:
            quiet[case.group, case.mutation, case.kind, f"{case.expect} got {codes}"] += 1
        if case.group == "mitra-poly" and not item.rank:
            print(f"  quiet mitra {case.path[-60:]!a}")
    for key, count in sorted(quiet.items()):
        print(f"  quiet {count:3} {' | '.join(key)}")


if __name__ == "__main__":
    sys.exit(main())
