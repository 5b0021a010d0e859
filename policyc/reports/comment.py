"""Markdown for a comment under a pull request, within the platform's limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policyc.reports.escapes import markdown

LIMIT = 65_000
"""Characters; GitHub refuses a comment of more than 65,536."""
ROOM = 60_000
"""Characters of the details; the rest is for headings and closing tags."""
LONGEST = 160
"""Characters of one text before it is escaped, which can make it eight times as long."""
_MORE = "more than a comment can hold; the job's JSON report has all"


def cut(text: str, most: int = LONGEST) -> str:
    """Text that Markdown reads as text, no longer than ``most`` characters before that."""
    return markdown(text if len(text) <= most else text[: most - 1] + "…")


def section(title: str, count: int, rows: Iterable[str], left: int) -> tuple[list[str], int]:
    """A part that opens, with as many lines as there is room for, and how much they took."""
    lines = ["", "<details>", f"<summary>{title}: {count:,}</summary>", ""]
    used = 0
    for row in rows:
        if used + len(row) + 1 > left:
            lines.append(f"- … {_MORE}")
            break
        lines.append(row)
        used += len(row) + 1
    return [*lines, "", "</details>"], used


def table_markdown(header: Sequence[str], rows: Iterable[str]) -> str:
    """A table of rows that are Markdown already, with as many as there is room for."""
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    used = 0
    for row in rows:
        used += len(row) + 1
        if used > ROOM:
            lines += ["", f"… {_MORE}"]
            break
        lines.append(row)
    return "\n".join(lines)
