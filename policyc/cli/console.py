"""Streams, colour, progress and exit codes. stdout is the result, stderr everything else."""

from __future__ import annotations

import contextlib
import enum
import gc
import os
import sys
import time
from collections.abc import Mapping
from typing import NoReturn, TextIO

import typer

from policyc.model.diagnostic import Diagnostic
from policyc.reports.text import Style, diagnostic_text

_INTERVAL = 0.2
"""Seconds between two progress lines."""


class Exit(enum.IntEnum):
    """What the exit code says."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNDETERMINED = 3
    INTERNAL = 70


def style_for(stream: TextIO) -> Style:
    """Colour on a terminal; NO_COLOR and FORCE_COLOR decide where they are set."""
    if os.environ.get("NO_COLOR"):
        return Style(colour=False)
    if os.environ.get("FORCE_COLOR"):
        return Style(colour=True)
    return Style(colour=stream.isatty())


def out(text: str) -> None:
    """Print a result. A reader that has gone changes neither what is done nor the exit code."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def note(text: str) -> None:
    """Print something that is not the result."""
    print(text, file=sys.stderr, flush=True)


def show(diagnostics: tuple[Diagnostic, ...], sources: Mapping[str, str]) -> None:
    """Print diagnostics to stderr."""
    style = style_for(sys.stderr)
    for item in diagnostics:
        note(diagnostic_text(item, sources, style) + "\n")


def fail(message: str, code: Exit = Exit.USAGE) -> NoReturn:
    """Say why and stop."""
    note(f"policyc: {message}")
    raise typer.Exit(code)


_KEPT: list[object] = []


def keep_everything(*things: object) -> None:
    """No cyclic garbage collection in this process, and ``things`` stay until it ends.

    Facts and policies are trees that stay until the end; looking through millions of them for
    cycles, again and again, took a fifth of the time and freed nothing.
    """
    gc.disable()
    _KEPT.append(things)


def leave(code: int) -> None:
    """End the process; nothing that was to be kept is taken apart, which would take a tenth of it.

    Returns if nothing was.
    """
    if _KEPT:
        with contextlib.suppress(BrokenPipeError):  # whoever reads has gone
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


class Progress:
    """A line on stderr that is rewritten in place; silent when stderr is no terminal."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self.live = sys.stderr.isatty()
        self._start = time.monotonic()
        self._last = 0.0
        self._total = (0, 0)

    def expect(self, files: int, size: int) -> None:
        """How much there is; from here on the line says when it will be done."""
        self._total = (files, size)

    def __call__(self, files: int, size: int) -> None:
        """Show counts, at most five times a second."""
        now = time.monotonic()
        if not self.live or now - self._last < _INTERVAL:
            return
        self._last = now
        seconds = max(now - self._start, 0.001)
        rate = size / seconds / (1 << 20)
        text = f"{self._verb} {files:,} files, {size / (1 << 20):,.0f} MiB, {rate:,.0f} MiB/s"
        total_files, total_size = self._total
        # Small files cost by their number, large ones by their size.
        part = (files + size / 65536) / (total_files + total_size / 65536) if total_files else 0.0
        if 0 < part <= 1:
            left = seconds / part - seconds
            text += f", {part:.0%}, about {left:,.0f} s left"
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def done(self) -> None:
        """Clear the line."""
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
