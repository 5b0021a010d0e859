"""docs/masquerade.md holds the manual of every check, as the docstrings have it."""

from __future__ import annotations

import inspect
import os

from policyc.checks import CHECKS
from tests.requires import PROJECT

PAGE = PROJECT / "docs" / "masquerade.md"
HEAD = """# Masquerade findings

What a file is against what its name claims. Error: the content proves it and the name denies
it, or the name carries an active deception. Warning: plausible, with honest uses. Information:
context. Technique ids are ATT&CK 18.1.

Not found: encrypted payloads, steganography, encoded code that nothing here decodes, flat `.com`
programs, raw shellcode, valid polyglots of formats that are not listed. Not done: document icons
on programs, suppressions, an HTML report, a claim table that users extend, and Magika for text.

"""


def page() -> str:
    parts = [
        f"## {item.code} {item.name}\n\n{', '.join(item.techniques)}\n\n"
        f"{inspect.cleandoc(item.manual)}\n"
        for item in sorted(CHECKS.values(), key=lambda item: item.code)
    ]
    return HEAD + "\n".join(parts)


def test_the_page_is_what_the_checks_say() -> None:
    if os.environ.get("POLICYC_UPDATE_GOLDEN") == "1":
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()
