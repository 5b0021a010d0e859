"""Where results go: one form to stdout or a file, and others to files of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from policyc.cli.console import fail, note, out
from policyc.cli.options import Form, Format
from policyc.inventory import InventoryError
from policyc.inventory.table import whole_file
from policyc.reports.policy_forms import PolicyReport
from policyc.reports.policy_sarif import PolicyFinding
from policyc.reports.safe import printable


def asked_reports(
    texts: Iterable[str], forms: type[Form | Format] = Form
) -> list[tuple[str, Path]]:
    """Forms and the files they go to, from ``FORM=FILE``; exits 2 for anything else."""
    names = [item.value for item in forms]
    return [_asked(text, names) for text in texts]


def _asked(text: str, names: Sequence[str]) -> tuple[str, Path]:
    form, equals, path = text.partition("=")
    if not equals or not path or form not in names:
        fail(f"--report {printable(text)}: write FORM=FILE, with one of {', '.join(names)}")
    return form, Path(path)


def report_of(
    title: str, findings: Sequence[PolicyFinding], *, files: int, closing: str = ""
) -> PolicyReport:
    """A report on findings, with the pages of their codes."""
    # The pages of all codes: whoever prints text alone asks for none of them.
    from policyc.cli.manual import manuals_of  # noqa: PLC0415

    return PolicyReport(
        title=title,
        findings=findings,
        manuals=manuals_of({item.code for item in findings}),
        files=files,
        closing=closing,
    )


def write_reports(reports: Iterable[tuple[str, Path]], make: Callable[[str], str]) -> None:
    """Write each form to its file; ``make`` gives the text of a form."""
    for form, path in reports:
        write_result(path, make(form))


def write_result(path: Path | None, text: str) -> None:
    """Print a result, or write the whole of it to a file; exits 2 if that cannot be done."""
    if path is None:
        if text:
            out(text)
        return
    try:
        with whole_file(path) as scratch:
            scratch.write_text(text + "\n", encoding="utf-8")
    except (InventoryError, OSError) as error:
        fail(str(error))
    note(f"written: {path}")
