"""The files of a native policy, from a folder, a file or a revision, by target."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from policyc.model.artifact import COMPANIONS, PROVENANCE, Artifact
from policyc.targets import load_target, target_names
from policyc.targets.base import ArtifactError, Target

MOST_FILES = 10_000
MOST_BYTES = 512 << 20

Files = Mapping[str, bytes]
"""Bytes by relative path with ``/``."""


class UnreadableError(Exception):
    """No policy that a target can read, in words for people."""


def files_of(path: Path) -> dict[str, bytes]:
    """A file, or all files below a folder; raises OSError, UnreadableError beyond the limits."""
    if not path.is_dir():
        names = {path.name: path}
    else:
        names = {
            item.relative_to(path).as_posix(): item
            for item in sorted(path.rglob("*"))
            if item.is_file()
        }
    size = sum(item.stat().st_size for item in names.values())
    check_limits(len(names), size, str(path))
    return {name: item.read_bytes() for name, item in names.items()}


def check_limits(count: int, size: int, what: str) -> None:
    """Raises UnreadableError for more than a policy can be."""
    if count > MOST_FILES or size > MOST_BYTES:
        limits = f"{MOST_FILES:,} files or {MOST_BYTES >> 20} MiB"
        raise UnreadableError(f"{what}: more than {limits}, so no policy")


@dataclass
class Part:
    """The files that are for one target."""

    name: str
    files: Files

    @cached_property
    def target(self) -> Target[Any]:
        """The target itself."""
        return load_target(self.name)

    @cached_property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The policy's own files: what only people read stands aside."""
        return _artifacts_of(self.files, self.target)

    @cached_property
    def model(self) -> object:
        """What the target reads in them; raises ArtifactError."""
        return self.target.parse(self.artifacts)


def by_target(files: Files, name: str, wanted: str | None) -> list[Part]:
    """Which target's policy the files are; ``name`` is the folder's or the file's own name.

    A compiled folder has one folder a target. Raises UnreadableError where no target, or more
    than one, can read them.
    """
    known = target_names()
    parts: dict[str, dict[str, bytes]] = {}
    for path, data in files.items():
        head, slash, rest = path.partition("/")
        if slash and head in known:
            parts.setdefault(head, {})[rest] = data
    if wanted is not None:
        return [Part(wanted, parts.get(wanted, files))]
    if parts:
        return [Part(item, parts[item]) for item in known if item in parts]
    stem = posixpath.basename(name.rstrip("/"))
    return [Part(stem, files) if stem in known else _guessed(files, name)]


def _artifacts_of(files: Files, target: Target[Any]) -> tuple[Artifact, ...]:
    folder = target.lift_folder
    reads: Callable[[str], bool] = (lambda _: True) if folder is None else folder.reads
    kept = {
        path: data
        for path, data in files.items()
        if path != PROVENANCE and not path.startswith(COMPANIONS)
    }
    ours = {path: data for path, data in kept.items() if reads(f"/{path}")}
    return tuple(
        Artifact(name=path, data=data, media_type="application/octet-stream")
        for path, data in (ours or kept).items()
    )


def _guessed(files: Files, name: str) -> Part:
    """For the one target whose parser takes the files."""
    readable, problems = [], []
    for part in [Part(target, files) for target in target_names()]:
        try:
            part.model  # noqa: B018
        except ArtifactError as error:
            problems.append((part.name, error))
        else:
            readable.append(part)
    if len(readable) == 1:
        return readable[0]
    if readable:
        names = " or ".join(part.name for part in readable)
        raise UnreadableError(f"{name}: {names}? Say so with -t")
    told = "; ".join(f"{target}: {_told(error)}" for target, error in problems)
    raise UnreadableError(f"{name}: no target can read it ({told})")


def _told(error: ArtifactError) -> str:
    line = f"line {error.line}: " if error.line else ""
    return f"{line}{error.message}"


class Lines:
    """Where the words of native rules stand, in the files of one policy."""

    def __init__(self, artifacts: Iterable[Artifact]) -> None:
        self._texts = {
            item.name: item.data.decode("utf-8", "replace")
            for item in artifacts
            if b"\0" not in item.data[:4096]
        }

    def find(self, words: str) -> tuple[str, int, int] | None:
        """File, line and column of the first place of some words; None if they are nowhere."""
        for name, text in self._texts.items():
            at = text.find(words)
            if at >= 0:
                start = text.rfind("\n", 0, at) + 1
                return name, text.count("\n", 0, at) + 1, at - start + 1
        return None
