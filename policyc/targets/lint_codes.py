"""The codes that ``lint`` has for policies of all platforms, with their pages."""

from __future__ import annotations

from functools import cache


@cache
def lint_pages() -> dict[str, str]:
    """The page of every code; no two targets share one."""
    # All targets with all their rules: only who asks for codes pays for them.
    from policyc.targets.applocker.lint import MANUALS as APPLOCKER  # noqa: PLC0415
    from policyc.targets.fapolicyd.lint import MANUALS as FAPOLICYD  # noqa: PLC0415
    from policyc.targets.santa.lint import MANUALS as SANTA  # noqa: PLC0415
    from policyc.targets.wdac.lint import RULES as APP_CONTROL  # noqa: PLC0415

    own = {code: f"{rule.manual}\n\nFix: {rule.fix}" for code, rule in APP_CONTROL.items()}
    return {
        **own,
        "W000": "What the schema or the compiler refuses.",
        **FAPOLICYD,
        **SANTA,
        **APPLOCKER,
    }
