"""Diagnostics, findings and results as text for a terminal."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from policyc.model.diagnostic import Diagnostic, Finding, Label, Level
from policyc.model.loss import Drift, Loss
from policyc.reports.safe import printable

_COLOURS = {Level.ERROR: "\x1b[1;31m", Level.WARNING: "\x1b[1;33m", Level.INFO: "\x1b[1;36m"}
_RESET = "\x1b[0m"
_OTHERS = 3
"""Other words of a loss that are shown under the first."""


class Style:
    """Colour on or off."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def level(self, level: Level, text: str) -> str:
        """``text`` in the colour of a level."""
        return f"{_COLOURS[level]}{text}{_RESET}" if self._colour else text


def diagnostic_text(item: Diagnostic, sources: Mapping[str, str], style: Style) -> str:
    """A diagnostic with its source lines and carets; ``sources`` maps file name to text."""
    lines = [
        style.level(item.level, f"{item.level.value}[{item.code}]") + f": {printable(item.message)}"
    ]
    for label in item.labels:
        lines += _label_lines(label, sources, item.level, style)
    lines += [f"   = {printable(note)}" for note in item.notes]
    if item.remedy:
        lines.append(f"   = help: {printable(item.remedy)}")
    return "\n".join(lines)


def _label_lines(label: Label, sources: Mapping[str, str], level: Level, style: Style) -> list[str]:
    span = label.span
    lines = [f"  --> {printable(str(span))}"]
    source = sources.get(span.file, "").splitlines()
    if span.line > len(source):
        return lines
    number = str(span.line)
    text = printable(source[span.line - 1].replace("\t", " "))
    same_line = span.end_line == span.line
    end = span.end_column if same_line else len(text) + 1
    carets = "^" * max(1, min(end, len(text) + 1) - span.column)
    blank = " " * len(number)
    marked = style.level(level, f"{carets} {label.text}".rstrip())
    return [
        *lines,
        f"{blank} |",
        f"{number} | {text}",
        f"{blank} | {' ' * (span.column - 1)}{marked}",
    ]


def loss_diagnostics(losses: Sequence[tuple[Loss, str | None]]) -> list[Diagnostic]:
    """Losses, each with the reason it is accepted for, told once for a line of the baseline.

    One line that became thousands of rules loses the same thing thousands of times.
    """
    groups: dict[Hashable, list[Loss]] = {}
    for loss, accepted in losses:
        key = (loss.code, loss.drift, loss.origin, loss.remedy, accepted)
        groups.setdefault(key if loss.rule else (key, loss.message), []).append(loss)
    reasons = {id(loss): accepted for loss, accepted in losses}
    return [_told_once(group, reasons[id(group[0])]) for group in groups.values()]


def _told_once(group: list[Loss], accepted: str | None) -> Diagnostic:
    own = loss_diagnostic(group[0], accepted=accepted)
    if len(group) == 1:
        return own
    hits = sum(loss.inventory_hits for loss in group)
    counted = f"{group[0].drift.value}: {len(group):,} rules of this line; at most {hits:,} files"
    words = list(dict.fromkeys(loss.message for loss in group))[1:]
    others = [f"also: {text}" for text in words[:_OTHERS]]
    if len(words) > _OTHERS:
        others.append(f"and {len(words) - _OTHERS:,} more such; --format json has them all")
    notes = (f"{counted} of the inventory are concerned", *others, *own.notes[1:])
    return replace(own, notes=notes)


def loss_diagnostic(loss: Loss, *, accepted: str | None) -> Diagnostic:
    """A loss as a diagnostic: one that is refused is an error, an accepted one a note."""
    level = Level.WARNING if loss.drift is Drift.NARROWS else Level.INFO
    if loss.refused and accepted is None:
        level = Level.ERROR
    hits = f"{loss.inventory_hits} file{'' if loss.inventory_hits == 1 else 's'} of the inventory"
    notes = [f"{loss.drift.value}: {hits} {'is' if loss.inventory_hits == 1 else 'are'} concerned"]
    if accepted is not None:
        notes.append(f"accepted: {accepted}")
    return Diagnostic(
        code=loss.code,
        level=level,
        message=loss.message,
        labels=(Label(span=loss.origin),) if loss.origin.file != "<none>" else (),
        notes=tuple(notes),
        remedy=loss.remedy if accepted is None else "",
        accepted=accepted or "",
    )


def finding_text(finding: Finding, style: Style) -> str:
    """A masquerade finding with the bytes that prove it."""
    lines = [
        style.level(finding.level, f"{finding.level.value}[{finding.code}]")
        + f": {printable(finding.message)}",
        f"  --> {printable(finding.path)}",
    ]
    for proof in finding.proofs:
        shown = proof.data[:16]
        ascii_text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in shown)
        end = proof.offset + len(proof.data)
        lines.append(
            f"   = bytes {proof.offset}..{end}: {shown.hex(' ')} ({ascii_text})  {proof.meaning}"
        )
    if finding.codepoints:
        lines.append(f"   = the name holds {', '.join(finding.codepoints)}")
    if finding.techniques:
        lines.append(f"   = ATT&CK {', '.join(finding.techniques)}")
    lines.append(f"   = help: policyc explain {finding.code}")
    return "\n".join(lines)


def table(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> str:
    """Columns aligned by their widest cell; ``right`` are the columns aligned right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(widths[column]) if column in right else cell.ljust(widths[column])
            for column, cell in enumerate(row)
        ).rstrip()
        for row in rows
    )
