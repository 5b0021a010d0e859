"""The demo: real files of this machine, four policies, and the proof. Nothing is executed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DEMO = PROJECT / "demo"
BASELINE = "examples/quickstart/policyc.yaml"
SUFFIXES = (".jpg", ".txt", ".pdf")


def step(title: str) -> None:
    """Print the title of a step."""
    print(f"\n=== {title}", flush=True)


def policyc(*arguments: str, expect: tuple[int, ...] = (0,)) -> None:
    """Run policyc and show the command; stop the demo if it exits otherwise than expected."""
    print(f"$ policyc {' '.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "policyc", *arguments]
    code = subprocess.run(command, cwd=PROJECT, check=False).returncode
    if code not in expect:
        sys.exit(f"the demo stops here: policyc exited {code}")


def first(pattern: str, root: Path, magic: bytes) -> Path:
    """The first file below ``root`` that matches and begins with ``magic``."""
    for path in sorted(root.rglob(pattern)):
        if path.is_file() and path.open("rb").read(len(magic)) == magic:
            return path
    sys.exit(f"no {pattern} below {root}")


def disguise(folder: Path) -> None:
    """Copy three harmless files under names that lie about them."""
    site = Path(sys.prefix)
    folder.mkdir()
    shutil.copyfile(first("*.so", site, b"\x7fELF"), folder / "invoice.pdf")
    shutil.copyfile(first("*.exe", site, b"MZ"), folder / "photo.jpg")
    shutil.copyfile(first("pip", site / "bin", b"#!"), folder / "notes.txt")


def main() -> None:
    """Run every step."""
    if DEMO.exists():
        shutil.rmtree(DEMO)
    DEMO.mkdir()
    disguise(DEMO / "downloads")

    step("1. Inventory: what is on this machine, and by what a platform would know it")
    site = str(Path(sys.prefix).relative_to(PROJECT))
    policyc("scan", "/usr/bin", site, "demo/downloads", "-o", "demo/inventory.parquet")

    step("2. Masquerade: what a file is against what its name claims")
    print("Three harmless files were copied to demo/downloads under names that lie.")
    policyc("check", "demo/inventory.parquet", expect=(1,))

    step("3. Compile: one baseline, four policies, each parsed back and compared file by file")
    policyc("compile", BASELINE, "-i", "demo/inventory.parquet", "-o", "demo/out")

    step("4. Verify: the same proof again, now from the files on disk")
    policyc("verify", "demo/out", "-b", BASELINE, "-i", "demo/inventory.parquet")

    step("What you have now")
    for path in sorted((DEMO / "out").rglob("*")):
        if path.is_file():
            print(f"  {path.relative_to(PROJECT)}  ({path.stat().st_size:,} bytes)")
    print(
        "\nNext:\n"
        f"  read the baseline                {BASELINE}\n"
        "  see why a file is decided so     .venv/bin/policyc explain /usr/bin/env "
        f"-b {BASELINE} -i demo/inventory.parquet\n"
        "  see what a target can express    .venv/bin/policyc targets\n"
        "  check your own downloads         .venv/bin/policyc check ~/Downloads"
    )


if __name__ == "__main__":
    main()
