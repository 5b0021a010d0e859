"""``lint`` for policies of a platform."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from policyc.baseline.acceptance import covering_lint, unused_lint
from policyc.cli.compiling import load, read_inventories
from policyc.cli.console import Exit, fail, out, show
from policyc.cli.wdac import any_document
from policyc.model.diagnostic import Level
from policyc.reports.policy_sarif import PolicyFinding, policy_sarif
from policyc.reports.policy_tables import policy_annotations, policy_gitlab, policy_junit
from policyc.reports.safe import printable
from policyc.targets.applocker.lint import is_ours as is_applocker
from policyc.targets.applocker.lint import lint as lint_applocker
from policyc.targets.base import ArtifactError
from policyc.targets.fapolicyd.daemon import DaemonVersion
from policyc.targets.fapolicyd.files import is_ours
from policyc.targets.fapolicyd.lint import lint
from policyc.targets.fapolicyd.lint_context import EVERY_VERSION
from policyc.targets.lint_codes import lint_pages
from policyc.targets.lint_register import LintFinding
from policyc.targets.santa.lint import is_ours as is_santa
from policyc.targets.santa.lint import lint as lint_santa
from policyc.targets.wdac.lint import OS_NAMES, lint_document

_TABLES: dict[str, Callable[[Sequence[PolicyFinding]], str]] = {
    "annotations": policy_annotations,
    "gitlab": policy_gitlab,
    "junit": lambda found: policy_junit(found, "policyc lint"),
}
_FORMS = ("text", "json", "sarif", *_TABLES)
_MOST_BYTES = 64 << 20


def lint_policies(
    paths: Sequence[Path],
    form: str,
    *,
    min_os: str,
    daemons: Sequence[str],
    inventories: list[Path],
    baseline: Path | None = None,
    day: dt.date | None = None,
) -> None:
    """Print the findings; exits 1 for an error, 2 for what is no policy.

    What ``baseline`` accepts is left out, unless it is past its date on ``day``.
    """
    if min_os not in OS_NAMES or form not in _FORMS:
        fail(f"--min-os is one of {', '.join(OS_NAMES)}; --format is {', '.join(_FORMS)}")
    texts = _texts(paths)
    ours = [path for path in paths if path.is_dir() or is_ours(path.as_posix())]
    found = _fapolicyd(texts, daemons, inventories) if texts else []
    profiles = [path for path in paths if path not in ours and is_santa(path.name)]
    found += _santa(profiles, inventories)
    rest = [path for path in paths if path not in ours and path not in profiles]
    applocker = {str(path): data for path in rest if is_applocker(data := _data(path))}
    found += _applocker(applocker)
    others = [path for path in rest if str(path) not in applocker]
    if others:
        found += _app_control(others, min_os)
    found, accepted = _without_accepted(found, baseline, day)
    _print(found, lint_pages(), form, len(texts) + len(profiles) + len(rest), accepted)
    if any(item.level is Level.ERROR for item in found):
        raise typer.Exit(Exit.FINDINGS)


def _texts(paths: Sequence[Path]) -> dict[str, str]:
    """Fapolicyd's files among the paths, and those in the folders."""
    found: dict[str, str] = {}
    for path in paths:
        if path.is_dir():
            inside = [
                item
                for item in sorted(path.rglob("*"))
                if item.is_file() and is_ours(item.as_posix())
            ]
            if not inside:
                fail(f"{printable(str(path))}: no rules, trust file or fapolicyd.conf in it")
            found |= {str(item): _text(item) for item in inside}
        elif is_ours(path.as_posix()):
            found[str(path)] = _text(path)
    return found


def _text(path: Path) -> str:
    return _data(path).decode("utf-8", "surrogateescape")


def _data(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            fail(f"{printable(str(path))}: larger than {_MOST_BYTES >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        return fail(f"{printable(str(path))}: {error.strerror}")


def _fapolicyd(
    texts: Mapping[str, str], daemons: Sequence[str], inventories: list[Path]
) -> list[PolicyFinding]:
    try:
        versions = [DaemonVersion.parse(item) for item in daemons] or EVERY_VERSION
    except ValueError as error:
        fail(f"--daemon: {error}")
    inventory = read_inventories(inventories)
    files = () if inventory is None else inventory.files
    writable = frozenset(item.path for item in files if item.writable_by_users is True)
    return [
        _finding(item, item.place.file, item.place.line) for item in lint(texts, versions, writable)
    ]


def _finding(item: LintFinding[Any], path: str, line: int) -> PolicyFinding:
    return PolicyFinding(
        path=path,
        line=line,
        code=item.code,
        level=item.level,
        message=item.message,
        fix=item.fix,
    )


def _santa(paths: Sequence[Path], inventories: list[Path]) -> list[PolicyFinding]:
    found: list[PolicyFinding] = []
    inventory = read_inventories(inventories) if paths else None
    files = () if inventory is None else inventory.files
    for path in paths:
        try:
            own = lint_santa(str(path), _data(path), files)
        except ArtifactError as error:
            fail(printable(f"{error.place(str(path))}: {error.message}"))
        found += [_finding(item, str(path), item.place.line) for item in own]
    return found


def _applocker(files: Mapping[str, bytes]) -> list[PolicyFinding]:
    try:
        own = lint_applocker(files)
    except ArtifactError as error:
        fail(printable(f"{error.place(error.artifact)}: {error.message}"))
    return [_finding(item, item.place.file, item.place.line) for item in own]


def _app_control(paths: Sequence[Path], min_os: str) -> list[PolicyFinding]:
    return [
        _finding(item, str(path), item.place)
        for path in paths
        for item in lint_document(any_document(path), min_os)
    ]


def _without_accepted(
    found: list[PolicyFinding], baseline: Path | None, day: dt.date | None
) -> tuple[list[PolicyFinding], int]:
    """The findings that the baseline does not accept, and how many it does."""
    if baseline is None:
        return found, 0
    loaded, _ = load(baseline, None, None)
    items = tuple(item for item in loaded.accepted_lint if not item.expired(day))
    taken = [covering_lint(items, item.code, path=item.path) for item in found]
    families = {item.code[0] for item in found}
    asked = tuple(item for item in items if item.path is not None and item.code[0] in families)
    show(unused_lint(asked, frozenset(item for item in taken if item)), loaded.sources)
    kept = [item for item, by in zip(found, taken, strict=True) if by is None]
    return kept, len(found) - len(kept)


def _print(
    found: Sequence[PolicyFinding],
    manuals: Mapping[str, str],
    form: str,
    count: int,
    accepted: int,
) -> None:
    if form == "json":
        keys = ("code", "line", "message", "fix")
        rows = [
            {
                "file": printable(item.path),
                "level": item.level.value,
                **{key: getattr(item, key) for key in keys},
            }
            for item in found
        ]
        out(json.dumps(rows, indent=1, sort_keys=True, ensure_ascii=True))
    elif form == "sarif":
        out(policy_sarif(found, manuals))
    elif form in _TABLES:
        out(_TABLES[form](found))
    else:
        for item in found:
            place = f"{item.path}:{item.line}" if item.line else item.path
            line = f"{place}: {item.level.value}[{item.code}]: {item.message}"
            out(f"{printable(line)}\n  = help: {item.fix}")
        also = f", {accepted} accepted by the baseline" if accepted else ""
        out(f"{len(found)} findings in {count} policies{also}")
