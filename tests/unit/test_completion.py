"""What a shell is told when it asks how a command line goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from policyc.cli.manual import every_code, page_of
from policyc.targets import target_names


def completed(*words: str) -> list[str]:
    """The shell's question in the form that bash asks it (typer's completion script)."""
    line = " ".join(("policyc", *words))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("policyc"))],
        env=os.environ
        | {
            "_POLICYC_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words)),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("com",), ["compile"]),
        (("compile", "-t", "w"), ["wdac"]),
        (("compile", "-t", ""), list(target_names())),
        (("compile", "--prof"), ["--profile"]),
        (("explain", "L01"), [code for code in every_code() if code.startswith("L01")]),
    ],
)
def test_commands_options_targets_and_codes(words: tuple[str, ...], expected: list[str]) -> None:
    assert sorted(completed(*words)) == sorted(expected)


@pytest.mark.parametrize("code", every_code())
def test_every_code_that_is_offered_has_a_page(code: str) -> None:
    assert (page_of(code) or "").startswith(code)
