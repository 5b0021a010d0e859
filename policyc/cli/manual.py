"""The page of a code, as ``policyc explain CODE`` prints it."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable

from policyc.baseline.codes import BASELINE_CODES, CodePage
from policyc.checks import CHECKS
from policyc.compiler.codes import CODES as PROOF_CODES
from policyc.diff.codes import CODES as DIFF_CODES
from policyc.lowering.losses import LOSSES
from policyc.targets.lint_codes import lint_pages

_WIDTH = 88


def page_of(code: str) -> str | None:
    """The manual page of a code of any kind, or None for one that does not exist."""
    manual = manual_of(code)
    return None if manual is None else f"{code} {manual}"


def manual_of(code: str) -> str | None:
    """The page without the code before its title; None for a code that does not exist."""
    if code in CHECKS:
        check = CHECKS[code]
        techniques = ", ".join(check.techniques)
        return f"{check.name} ({techniques})\n\n{inspect.cleandoc(check.manual)}"
    if code in LOSSES:
        return f"{LOSSES[code].title}\n\n{_filled(LOSSES[code].text)}\n\n{_accepting(code)}"
    if code in BASELINE_CODES:
        return _baseline_page(BASELINE_CODES[code])
    return (lint_pages() | DIFF_CODES | PROOF_CODES).get(code)


def manuals_of(codes: Iterable[str]) -> dict[str, str]:
    """The manual of each code; KeyError for one that does not exist."""
    found = {code: manual_of(code) for code in codes}
    missing = [code for code, manual in found.items() if manual is None]
    if missing:
        raise KeyError(missing[0])
    return {code: manual or "" for code, manual in found.items()}


def every_code() -> list[str]:
    """All codes that have a page, sorted."""
    return sorted({*CHECKS, *LOSSES, *BASELINE_CODES, *lint_pages(), *DIFF_CODES, *PROOF_CODES})


def _baseline_page(page: CodePage) -> str:
    parts = [page.title, _filled(page.text)]
    if page.wrong:
        parts.append("Wrong:\n\n" + _lines(page.wrong))
    if page.right:
        parts.append("Right:\n\n" + _lines(page.right))
    return "\n\n".join(parts)


def _accepting(code: str) -> str:
    text = _filled(
        "Where it narrows (the target may deny what the baseline allows) it is a warning. Where it "
        "widens (the target may allow what the baseline denies) the target is not written, unless "
        "the baseline accepts it:"
    )
    accepted = f'accept:\n  - {{loss: {code}, target: NAME, reason: "why that is right for you"}}\n'
    return f"{text}\n\n{_lines(accepted)}"


def _filled(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _lines(text: str) -> str:
    return textwrap.indent(text.rstrip("\n"), "    ")
