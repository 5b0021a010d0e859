"""Writing a bundle: each target's folder changes at once or not at all."""

from __future__ import annotations

import enum
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from policyc.compiler.pipeline import TargetResult
from policyc.model.artifact import Artifact


class BundleState(enum.Enum):
    """How a folder on disk relates to what would be written."""

    CURRENT = "current"
    STALE = "stale"
    MISSING = "missing"


def bundle_state(result: TargetResult, out: Path) -> tuple[BundleState, tuple[str, ...]]:
    """Compare ``out/<target>`` with a result; names the files that differ, sorted."""
    folder = out / result.target
    if not folder.is_dir():
        return BundleState.MISSING, ()
    wanted = {item.name: item.data for item in result.artifacts}
    present = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    differing = sorted(
        name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name)
    )
    return (BundleState.STALE if differing else BundleState.CURRENT), tuple(differing)


def write_bundle(results: Iterable[TargetResult], out: Path) -> tuple[Path, ...]:
    """Write the folder of every writable result; returns the folders. Raises OSError.

    A folder is built beside its place and swapped in, so that an interrupted run leaves the
    old one or the new one, never a mixture. Files of an earlier run go.
    """
    out.mkdir(parents=True, exist_ok=True)
    return tuple(
        _write_folder(result.artifacts, out / result.target)
        for result in results
        if result.writable
    )


def _write_folder(artifacts: tuple[Artifact, ...], folder: Path) -> Path:
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for artifact in artifacts:
            path = scratch / artifact.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(artifact.data)
        scratch.chmod(0o777 & ~_umask())
        old = None
        if folder.exists():
            old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
            folder.replace(old / "previous")
        scratch.replace(folder)
        if old is not None:
            shutil.rmtree(old)
    finally:
        if scratch.exists():
            shutil.rmtree(scratch)
    return folder


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
