"""``policyc import``: a native policy of any origin as a baseline."""

from __future__ import annotations

from pathlib import Path

import typer

from policyc.baseline.dump import dump_baseline
from policyc.cli.console import Exit, fail, note, out
from policyc.model.artifact import Artifact
from policyc.reports.safe import printable
from policyc.targets import load_target, target_names
from policyc.targets.base import ArtifactError
from policyc.targets.lifted import Lifted


def run_import(path: Path, target: str | None, output: Path | None) -> None:
    """Write the baseline; exits 1 where meaning was lost, 2 where the file is no policy."""
    try:
        data = path.read_bytes()
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    lifted = _lifted(Artifact(name=str(path), data=data, media_type=""), target)
    for item in lifted.notes:
        place = f"{path}:{item.line}" if item.line else str(path)
        note(f"{place}: {'lost' if item.lost else 'note'}: {printable(item.message)}")
    try:
        text = dump_baseline(lifted.policy, _remarks(path, lifted))
    except ValueError as error:
        fail(f"{path}: {printable(str(error))}")
    if output is None:
        out(text.rstrip("\n"))
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            fail(f"{output}: {error.strerror}")
        count = len(lifted.policy.rules)
        out(f"{output}: {count:,} rules, {len(lifted.lost):,} things lost")
    if lifted.lost:
        raise typer.Exit(Exit.FINDINGS)


def _remarks(path: Path, lifted: Lifted) -> list[str]:
    lost = [f"lost: {item.message}" for item in lifted.lost[:50]]
    more = len(lifted.lost) - len(lost)
    tail = [f"… and {more} more"] if more > 0 else []
    return [f"Imported from {path.name}.", *lost, *tail]


def _lifted(artifact: Artifact, target: str | None) -> Lifted:
    """By the target that was named, or the first that knows the file."""
    names = [target] if target is not None else list(target_names())
    problems = []
    for name in names:
        try:
            lift = load_target(name).lift
        except KeyError:
            fail(f"there is no target `{name}`; possible: {', '.join(target_names())}")
        if lift is None:
            continue
        try:
            return lift(artifact)
        except ArtifactError as error:
            place = f"{artifact.name}:{error.line}" if error.line else artifact.name
            problems.append(f"{place}: {name}: {printable(error.message)}")
    if not problems:
        fail(f"{target} policies cannot be imported")
    return fail("\n".join(problems))
