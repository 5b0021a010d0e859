"""The day that dates are compared with."""

from __future__ import annotations

import datetime as dt

from policyc.cli.console import fail
from policyc.model.waiver import parse_day


def day_of(text: str | None) -> dt.date | None:
    """The day of an option; exits 2 for a text that is none."""
    try:
        return None if text is None else parse_day(text)
    except ValueError as error:
        return fail(f"--on {error}")


def lint_day(on: str | None, *, today: bool) -> dt.date | None:
    """The day given, or today's; the clock is read only when that is asked for."""
    if on is not None and today:
        fail("give --on or --today, not both")
    return dt.datetime.now().astimezone().date() if today else day_of(on)
