"""A tree of mixed real files: this machine's /usr, and signed files of the public registries.

``python -m tests.acceptance.proposal FOLDER`` writes the inventory and what ``policyc init``
proposes for it.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from policyc.inventory import read_inventory
from policyc.model.inventory import HostInfo, Inventory
from tests.corpus.registry import fetch, pins

LINUX = ("/usr/bin", "/usr/lib", "/usr/sbin")
PLACES = {"windows": "C:\\Apps", "macos": "/Applications"}


def real_inventory(folder: Path) -> Inventory:
    """Scan /usr and the unpacked archives for the platform each is for."""
    _unpack(folder)
    parts = [_scan(folder, "linux", LINUX, ["--verify-packages"])]
    for platform, place in PLACES.items():
        parts.append(_scan(folder, platform, (str(folder / platform),), ["--as", place]))
    files = sorted((facts for part in parts for facts in part.files), key=lambda item: item.path)
    return Inventory(host=HostInfo(), files=tuple(files))


def _scan(folder: Path, platform: str, roots: tuple[str, ...], more: list[str]) -> Inventory:
    output = folder / f"{platform}.parquet"
    command = [sys.executable, "-m", "policyc", "scan", *roots, "-o", str(output), "--depth", "0"]
    subprocess.run([*command, "--platform", platform, *more], check=True, capture_output=True)
    return read_inventory(output)


def _unpack(folder: Path) -> None:
    for pin in pins():
        path = fetch(pin)
        apple = "macos" in path.name or "darwin" in path.name
        place = folder / ("macos" if apple else "windows") / path.name
        place.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                wheel.extractall(place)  # noqa: S202  (pinned by digest)
        else:
            with tarfile.open(path) as archive:
                archive.extractall(place, filter="data")


if __name__ == "__main__":
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    real_inventory(root)
    inventories = [str(root / f"{name}.parquet") for name in ("linux", *PLACES)]
    subprocess.run(
        [sys.executable, "-m", "policyc", "init", *inventories, "-o", str(root / "baseline")],
        check=True,
    )
