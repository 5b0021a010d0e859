"""Runs ``box.py`` in a private namespace, with the real fapolicyd unpacked from its package."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.requires import PROJECT, absent, require_tool

PACKAGES = ("fapolicyd", "liblmdb0")
STORE = Path.home() / ".cache" / "policyc-tests" / "debs"
BOX = Path(__file__).with_name("box.py")
UNSHARE = "unshare --mount --pid --fork --kill-child --mount-proc --propagation private --".split()
SECONDS = 240
_FAN_CLOEXEC, _FAN_NONBLOCK, _FAN_CLASS_CONTENT = 1, 2, 4


@cache
def require_daemon() -> tuple[str, ...]:
    """The unpacked packages; skips with the reason where the daemon cannot run.

    They are downloaded and unpacked, never installed: the package's service would deny every
    program of the machine.
    """
    if os.geteuid() != 0:
        absent("root, which fanotify permission events need")
    for tool in ("unshare", "setpriv", "dpkg-deb", "chroot"):
        require_tool(tool)
    probe = subprocess.run([*UNSHARE, "true"], check=False, capture_output=True)
    if probe.returncode != 0:
        absent("a private mount and pid namespace")
    library = ctypes.CDLL(None, use_errno=True)
    number = library.fanotify_init(_FAN_CLOEXEC | _FAN_NONBLOCK | _FAN_CLASS_CONTENT, 0)
    if number < 0:
        absent("the kernel's fanotify permission events")
    os.close(number)
    return tuple(str(_unpacked(name)) for name in PACKAGES)


def _unpacked(name: str) -> Path:
    folder = STORE / name
    if folder.is_dir():
        return folder
    STORE.mkdir(parents=True, exist_ok=True)
    scratch = STORE / f".{name}.{os.getpid()}"
    scratch.mkdir(exist_ok=True)
    try:
        done = subprocess.run(
            [require_tool("apt-get"), "download", name],
            cwd=scratch,
            check=False,
            capture_output=True,
        )
        found = sorted(scratch.glob("*.deb"))
        if done.returncode != 0 or not found:
            absent(f"Debian's package {name}")
        unpacked = scratch / "unpacked"
        subprocess.run(["dpkg-deb", "-x", found[0], unpacked], check=True)
        # Debian's policy would be read beside ours.
        shutil.rmtree(unpacked / "etc", ignore_errors=True)
        if not folder.is_dir():
            unpacked.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def command(job: Path) -> list[str]:
    """The whole command line: time limit, death with the parent, namespaces, the box."""
    limits = ["timeout", "-k", "5", str(SECONDS), "setpriv", "--pdeathsig", "KILL"]
    return [*limits, *UNSHARE, sys.executable, "-B", str(BOX), str(job)]


def run(
    folder: Path, policies: list[dict[str, Any]], *, watch: str = "ramfs"
) -> list[dict[str, Any]]:
    """The answers of the daemon, one a policy and one a case; raises AssertionError on failure."""
    job = folder / "job.json"
    job.write_text(
        json.dumps(
            {
                "unpacked": list(require_daemon()),
                "watch": watch,
                "seconds": SECONDS,
                "policies": policies,
            }
        ),
        encoding="utf-8",
    )
    done = subprocess.run(
        command(job), cwd=PROJECT, check=False, capture_output=True, text=True, timeout=SECONDS + 30
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    assert lines[-1] == {"done": True}, lines[-1]
    return lines[:-1]
