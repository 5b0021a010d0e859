"""What other tools say a file is. Shown beside a finding; nothing here decides one.

``file`` is the program of the same name (libmagic). Magika is the extra ``policyc[magika]``: its
answer is asked for texts only, and only a confident one about a script language is kept. Both
limits are measured: signatures alone find 65 % of scripts under text names, with Magika at
0.95 it is 92 %, and none of 233 ``.txt`` files of a Debian system is taken for a script.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from typing import Any

from policyc.model.diagnostic import Opinion
from policyc.model.facts import FileFacts, Trait
from policyc.model.formats import FileFormat

_BATCH = 200
_SECONDS = 60
MIN_SIZE = 200
"""Bytes below which Magika's answer about a text means little."""

MIN_SCORE = 0.95
_TEXT_NAMES = frozenset({"", "txt", "log", "csv", "dat", "tmp"})
SCRIPTS = frozenset(
    """asp batch csproj hta javascript jsp lua perl php powershell python ruby shell vba vbscript
    wsf xsl applescript tcl autohotkey autoit""".split()
)
"""Magika's labels of languages that run without being compiled."""


class MissingExtraError(Exception):
    """A tool that was asked for is not installed."""


def file_says(paths: Sequence[str]) -> dict[str, Opinion]:
    """The MIME type that file(1) gives each file; nothing where it is absent or gives up."""
    program = shutil.which("file")
    said: dict[str, Opinion] = {}
    if program is None:
        return said
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        command = [program, "--brief", "--mime-type", "--", *batch]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired):
            continue
        lines = done.stdout.decode("utf-8", "replace").splitlines()
        if len(lines) == len(batch):
            said |= {
                path: Opinion(tool="file(1)", says=line)
                for path, line in zip(batch, lines, strict=True)
            }
    return said


@cache
def _magika() -> Any:  # noqa: ANN401  (a library without types)
    try:
        return importlib.import_module("magika").Magika()
    except ImportError as error:
        raise MissingExtraError("Magika is not installed: pip install 'policyc[magika]'") from error


def load_magika() -> None:
    """Load Magika's model; raises MissingExtraError with the next step if it is not installed."""
    _magika()


def is_asked(facts: FileFacts) -> bool:
    """Whether Magika is asked: a text of some length under a name that promises only text."""
    texts = (FileFormat.TEXT, FileFormat.SCRIPT)
    return (
        facts.actual in texts
        and facts.extension in _TEXT_NAMES
        and facts.size >= MIN_SIZE
        and (facts.script is None or facts.script.interpreter is None)
    )


def magika_trait(data: bytes) -> Trait | None:
    """Trait ``magika`` with score and label for a confident script language, else None."""
    output = _magika().identify_bytes(data)
    if not output.ok:
        return None
    label, score = str(output.output.label), float(output.score)
    if score < MIN_SCORE or label not in SCRIPTS:
        return None
    return Trait(kind="magika", detail=f"{score:.2f} {label}")
