"""``policyc import``: a native policy of any origin as a baseline."""

from __future__ import annotations

from pathlib import Path

import typer

from policyc.baseline.dump import dump_baseline
from policyc.baseline.sources import MAX_BYTES
from policyc.cli.console import Exit, fail, note, out
from policyc.model.artifact import Artifact
from policyc.reports.safe import printable
from policyc.targets import load_target, target_names
from policyc.targets.base import ArtifactError
from policyc.targets.lifted import Lifted


def run_import(path: Path, target: str | None, output: Path | None) -> None:
    """Write the baseline; exits 1 where meaning was lost, 2 where the file is no policy."""
    lifted = _folder(path, target) if path.is_dir() else _lifted(_artifact(path), target)
    for item in lifted.notes:
        place = printable(item.artifact) or str(path)
        place = f"{place}:{item.line}" if item.line else place
        word = "lost" if item.lost else "note"
        way = f" ({item.drift.value})" if item.drift else ""
        note(f"{place}: {word}{way}: {printable(item.message)}")
    try:
        text = dump_baseline(lifted.policy, _remarks(path, lifted))
    except ValueError as error:
        fail(f"{path}: {printable(str(error))}")
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        note(
            f"{path}: lost: the baseline has {size >> 20} MiB, and at most {MAX_BYTES >> 20} are "
            "read; import a part of the policy, or permit known files with `from: INVENTORY`"
        )
    if output is None:
        out(text.rstrip("\n"))
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            fail(f"{output}: {error.strerror}")
        count = len(lifted.policy.rules)
        out(f"{output}: {count:,} rules, {len(lifted.lost):,} things lost")
    if lifted.lost or size > MAX_BYTES:
        raise typer.Exit(Exit.FINDINGS)


def _artifact(path: Path) -> Artifact:
    try:
        return Artifact(name=str(path), data=path.read_bytes(), media_type="")
    except OSError as error:
        return fail(f"{path}: {error.strerror}")


def _folder(path: Path, target: str | None) -> Lifted:
    """A policy of several files, by the target that was named or the first that knows them."""
    names = [item for item in sorted(path.rglob("*")) if item.is_file()]
    problems = []
    for name in _names(target):
        folder = load_target(name).lift_folder
        own = [] if folder is None else [item for item in names if folder.reads(item.as_posix())]
        if folder is None or not own:
            continue
        try:
            return folder.lift(tuple(map(_artifact, own)))
        except ArtifactError as error:
            problems.append(_problem(name, error, str(path)))
    return fail("\n".join(problems) or f"{path}: no folder of a policy that can be imported")


def _names(target: str | None) -> tuple[str, ...]:
    known = target_names()
    if target is not None and target not in known:
        fail(f"there is no target `{target}`; possible: {', '.join(known)}")
    return known if target is None else (target,)


def _problem(name: str, error: ArtifactError, otherwise: str) -> str:
    file = error.artifact or otherwise
    return f"{printable(error.place(file))}: {name}: {printable(error.message)}"


def _remarks(path: Path, lifted: Lifted) -> list[str]:
    lost = [f"lost: {item.message}" for item in lifted.lost[:50]]
    more = len(lifted.lost) - len(lost)
    tail = [f"… and {more} more"] if more > 0 else []
    return [f"Imported from {path.name}.", *lost, *tail]


def _lifted(artifact: Artifact, target: str | None) -> Lifted:
    """By the target that was named, or the first that knows the file."""
    problems = []
    for name in _names(target):
        lift = load_target(name).lift
        if lift is None:
            continue
        try:
            return lift(artifact)
        except ArtifactError as error:
            problems.append(_problem(name, error, artifact.name))
    return fail("\n".join(problems) or f"{target} policies cannot be imported")
