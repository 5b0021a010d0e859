"""Speed and memory as ratios to reference commands, all in one run.

``make bench`` prints a table. The unit U is the wall time of ``openssl dgst -sha256`` over
a 1 GiB file, taken in the same run; no figure is an absolute time.
"""

from __future__ import annotations

import hashlib
import os
import random
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

GIB = 1 << 30
RUNS = 3
POLICYC = (sys.executable, "-m", "policyc")
PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Run:
    """Wall time in seconds and peak memory of the largest process in MiB."""

    wall: float
    peak: float


def measure(command: list[str] | str, runs: int = RUNS) -> Run:
    """The best of several runs; a string is given to the shell."""
    best = Run(wall=float("inf"), peak=0.0)
    for _ in range(runs):
        with tempfile.NamedTemporaryFile() as report:
            timed = ["/usr/bin/env", sys.executable, __file__, "--child", report.name]
            shell = isinstance(command, str)
            words = ["sh", "-c", command] if isinstance(command, str) else command
            quiet = subprocess.DEVNULL
            done = subprocess.run([*timed, *words], stdout=quiet, stderr=quiet, check=False)
            if done.returncode != 0 and not shell:
                sys.exit(f"failed: {command}")
            wall, peak = (float(part) for part in report.read().split())
            best = Run(wall=min(best.wall, wall), peak=max(best.peak, peak))
    return best


def child(report: str, command: list[str]) -> int:
    """Run one command in this fresh process, so that its children's peak is its own."""
    start = time.perf_counter()
    code = subprocess.run(command, check=False).returncode
    wall = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    Path(report).write_text(f"{wall} {peak}")
    return code


def unit(folder: Path) -> float:
    """U: openssl's SHA-256 over 1 GiB."""
    path = folder / "gib"
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(GIB >> 20):
            file.write(block)
    wall = measure(["openssl", "dgst", "-sha256", str(path)]).wall
    path.unlink()
    return wall


def tree_of(argument: str | None) -> Path:
    """The tree to scan: an argument, or the largest usual one."""
    return Path(argument) if argument else Path("/usr")


def hashes(folder: Path) -> Path:
    """An App Control policy of 100,000 hash rules."""
    names = [f"ID_ALLOW_A{number}" for number in range(100_000)]
    rules = "".join(
        f'<Allow ID="{name}" Hash="{hashlib.sha256(name.encode()).hexdigest()}"/>' for name in names
    )
    references = "".join(f'<FileRuleRef RuleID="{name}"/>' for name in names)
    guid = "{11111111-2222-3333-4444-555555555555}"
    path = folder / "hashes.xml"
    path.write_text(
        '<SiPolicy xmlns="urn:schemas-microsoft-com:sipolicy" PolicyType="Base Policy">'
        "<VersionEx>10.0.0.0</VersionEx>"
        "<PlatformID>{2E07F7E4-194C-4D20-B7C9-6F44A6C5A234}</PlatformID><Rules/>"
        f"<FileRules>{rules}</FileRules><SigningScenarios>"
        '<SigningScenario Value="12" ID="ID_SIGNINGSCENARIO_WINDOWS"><ProductSigners>'
        f"<FileRulesRef>{references}</FileRulesRef></ProductSigners></SigningScenario>"
        f"</SigningScenarios><BasePolicyID>{guid}</BasePolicyID><PolicyID>{guid}</PolicyID>"
        "</SiPolicy>"
    )
    return path


def many(folder: Path) -> tuple[Path, Path]:
    """Trees of 40,000 and 160,000 small scripts."""
    found = []
    for name, count in (("small", 40_000), ("large", 160_000)):
        for index in range(count // 1000):
            part = folder / name / f"{index}"
            part.mkdir(parents=True)
            for number in range(1000):
                (part / f"{number}.sh").write_text(f"#!/bin/sh\necho {index} {number}\n")
        found.append(folder / name)
    return found[0], found[1]


def sample(tree: Path, folder: Path) -> Path:
    """A list of 20,000 files of the tree, the same ones in every run."""
    found = sorted(
        path
        for at, _, names in os.walk(tree)
        for name in names
        if (path := os.path.join(at, name)).isprintable()  # noqa: PTH118
        and stat.S_ISREG(os.lstat(path).st_mode)
    )
    chosen = sorted(random.Random(1).sample(found, min(20_000, len(found))))  # noqa: S311
    listed = folder / "list"
    listed.write_text("\n".join(chosen) + "\n", encoding="utf-8")
    return listed


def check_list(listed: str) -> int:
    """Read and check the files of a list in this process, one after the other."""
    from policyc.checks import check_file  # noqa: PLC0415
    from policyc.model.facts import FileFacts  # noqa: PLC0415
    from policyc.readers.file import read_tree  # noqa: PLC0415

    slowest = (0.0, "")
    for path in Path(listed).read_text(encoding="utf-8").splitlines():
        start = time.perf_counter()
        for item in read_tree(path, path):
            if isinstance(item, FileFacts):
                check_file(item)
        slowest = max(slowest, (time.perf_counter() - start, path))
    Path(f"{listed}.slowest").write_text(f"{slowest[0]} {slowest[1]}", encoding="utf-8")
    return 0


FLEETS = (25_000, 50_000, 100_000)
FLEET_RULES = 2_000


def fleet(folder: Path, files: int) -> Run:
    """Compile and verify a made fleet for four targets."""
    own = folder / f"fleet-{files}"
    own.mkdir()
    make = [sys.executable, str(PROJECT / "benchmarks" / "fleet.py")]
    subprocess.run([*make, str(own), str(files), str(FLEET_RULES)], check=True)
    names = [word for name in ("wdac", "applocker", "fapolicyd", "santa") for word in ("-t", name)]
    command = [*POLICYC, "compile", str(own / "policyc.yaml"), *names]
    return measure([*command, "-i", str(own / "inventory.parquet"), "-o", str(own / "out")], runs=1)


DIFF_RULES = 100_000
DIFF_FILES = 500_000


DIFF_FORMS = {
    "diff, 2 × 100,000 rules": ".yaml",
    "diff, 2 × 90,000, block style": "-block.yaml",
    "diff, 2 × 100,000 App Control": ".xml",
    "diff, 2 × 100,000 AppLocker": "-applocker.xml",
    "diff, 2 × 100,000 fapolicyd": ".rules",
    "diff, 2 × 100,000 Santa": ".mobileconfig",
}


def changes(folder: Path) -> list[tuple[str, Run]]:
    """Compare two lists of 100,000 hashes in each form, and two baselines over 500,000 files."""
    tool = [sys.executable, str(PROJECT / "benchmarks" / "changes.py")]
    own = folder / "changes"
    own.mkdir()
    subprocess.run([*tool, "hashes", str(own), str(DIFF_RULES)], check=True)
    found = []
    for title, ending in DIFF_FORMS.items():
        sides = [str(own / f"{name}{ending}") for name in ("old", "new")]
        found.append((title, measure([*POLICYC, "diff", *sides], runs=1)))
    make = [sys.executable, str(PROJECT / "benchmarks" / "fleet.py")]
    subprocess.run([*make, str(own), str(DIFF_FILES), str(FLEET_RULES)], check=True)
    subprocess.run([*tool, "fleet", str(own)], check=True)
    words = ["diff", str(own / "policyc.yaml"), str(own / "new.yaml")]
    run = measure([*POLICYC, *words, "-i", str(own / "inventory.parquet")], runs=1)
    return [*found, ("diff, 500,000 files", run)]


def trust(folder: Path) -> dict[str, Run]:
    """Compile a trust file of 200,000 entries, from both forms of an inventory."""
    subprocess.run(
        [sys.executable, str(PROJECT / "benchmarks" / "trust.py"), str(folder), "200000"],
        check=True,
    )
    words = ["compile", str(folder / "trust.yaml"), "-t", "fapolicyd"]
    out = str(folder / "fapolicyd")
    return {
        form: measure([*POLICYC, *words, "-i", str(folder / f"trust.{form}"), "-o", out])
        for form in ("jsonl", "parquet")
    }


def main() -> None:
    """Print the table."""
    tree = tree_of(sys.argv[1] if len(sys.argv) > 1 else None)
    with tempfile.TemporaryDirectory(prefix="policyc-bench-") as name:
        folder = Path(name)
        u = unit(folder)
        listing = f"find {tree} -xdev -type f -print0 | xargs -0 -P2 -n256"
        measure(f"{listing} cat", runs=1)  # everything is in the page cache for all of them
        coreutils = measure(f"{listing} sha256sum")
        openssl = measure(f"{listing} openssl dgst -sha256")
        inventory = folder / "inventory.parquet"
        scanning = [*POLICYC, "scan", str(tree), "-o", str(inventory), "-j", "2"]
        scan = measure(scanning)
        flat = measure([*scanning, "--depth", "0"])
        cached = [*scanning, "--cache", str(folder / "cache")]
        first = measure(cached, runs=1)
        again = measure(cached)
        copies = many(folder)
        small = measure([*POLICYC, "scan", str(copies[0]), "-o", str(inventory)], runs=1)
        large = measure([*POLICYC, "scan", str(copies[1]), "-o", str(inventory)], runs=1)
        measure(scanning, runs=1)
        check = measure([*POLICYC, "check", str(inventory), "--exit-zero"])
        baseline = PROJECT / "examples" / "quickstart" / "policyc.yaml"
        compiled = measure(
            [*POLICYC, "compile", str(baseline), "-i", str(inventory), "-o", str(folder / "out")]
        )
        listed = sample(tree, folder)
        named = measure(["file", "-f", str(listed)])
        checked = measure([sys.executable, __file__, "--check", str(listed)])
        slowest, _, place = (folder / "list.slowest").read_text().partition(" ")
        fleets = [fleet(folder, files) for files in FLEETS]
        make = [sys.executable, str(PROJECT / "benchmarks" / "wdac_inventory.py")]
        subprocess.run([*make, str(folder), "5000"], check=True)
        words = ["compile", str(folder / "windows.yaml"), "-i", str(folder / "windows.parquet")]
        leveled = measure([*POLICYC, *words, "-t", "wdac", "-o", str(folder / "wdac")])
        trusted = trust(folder)
        compared = changes(folder)
        built = measure([*POLICYC, "wdac", "build", str(hashes(folder)), "-o", str(folder)])
    print(f"tree {tree}; best of {RUNS}; U = openssl dgst -sha256 over 1 GiB")
    print(f"a re-scan with the cache is {first.wall / again.wall:.0f} times as fast as the first")
    print(
        f"20,000 files in one process: check = {checked.wall / named.wall:.2f} x file -f, "
        f"the slowest file {float(slowest) / u:.2f} U ({place})"
    )
    print(f"{'':32}{'in U':>8}{'/sha256sum':>12}{'/openssl':>10}{'peak MiB':>10}")
    rows = (
        ("find | xargs sha256sum", coreutils),
        ("find | xargs openssl dgst", openssl),
        ("policyc scan", scan),
        ("policyc scan --depth 0", flat),
        ("policyc scan --cache, first", first),
        ("policyc scan --cache, again", again),
        ("file -f, 20,000 files", named),
        ("check, 20,000 files, 1 proc", checked),
        ("policyc scan, 40,000 files", small),
        ("policyc scan, 160,000 files", large),
        ("policyc check INVENTORY", check),
        ("policyc compile, 4 targets", compiled),
        *(
            (f"compile, {files // 1000},000 × {FLEET_RULES:,} rules", run)
            for files, run in zip(FLEETS, fleets, strict=True)
        ),
        ("compile -t wdac, 5,000 files", leveled),
        *((f"trust, 200,000 from {form}", run) for form, run in trusted.items()),
        ("policyc wdac build, 100,000", built),
        *compared,
    )
    for title, run in rows:
        print(
            f"{title:32}{run.wall / u:8.1f}{run.wall / coreutils.wall:12.2f}"
            f"{run.wall / openssl.wall:10.2f}{run.peak:10.0f}"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.exit(child(sys.argv[2], sys.argv[3:]))
    if sys.argv[1:2] == ["--check"]:
        sys.exit(check_list(sys.argv[2]))
    if shutil.which("openssl") is None:
        sys.exit("the benchmark needs openssl")
    main()
