"""Options that several commands share."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer


class Format(enum.StrEnum):
    """Output forms of findings."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    ANNOTATIONS = "annotations"
    CSV = "csv"
    JUNIT = "junit"
    GITLAB = "gitlab"
    MARKDOWN = "markdown"
    HTML = "html"


class FailOn(enum.StrEnum):
    """Which findings make ``check`` exit 1."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


class Form(enum.StrEnum):
    """Output forms of findings about policies, and of changes."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    ANNOTATIONS = "annotations"
    GITLAB = "gitlab"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    CSV = "csv"


class SchemaName(enum.StrEnum):
    """What there is a JSON Schema of: the language, and what commands print as JSON."""

    BASELINE = "baseline"
    CHECK = "check"
    COMPILE = "compile"
    DIFF = "diff"
    LINT = "lint"
    VERIFY = "verify"


class FailOnChange(enum.StrEnum):
    """Which changes make ``diff`` exit 1 (or 3)."""

    NEVER = "never"
    WIDEN = "widen"
    NARROW = "narrow"
    ANY = "any"


class PlatformName(enum.StrEnum):
    """Platforms a tree can belong to."""

    WINDOWS = "windows"
    MACOS = "macos"
    LINUX = "linux"


def complete_target(incomplete: str) -> list[str]:
    """Targets that begin so, for a shell."""
    from policyc.targets import target_names  # noqa: PLC0415

    return [name for name in target_names() if name.startswith(incomplete)]


def complete_code(incomplete: str) -> list[str]:
    """Codes that begin so, for a shell; files are the shell's own to complete."""
    from policyc.cli.manual import every_code  # noqa: PLC0415

    return [code for code in every_code() if incomplete and code.startswith(incomplete)]


BaselineOption = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        "-b",
        help="The baseline. Default: $POLICYC_BASELINE, else the nearest policyc.yaml upwards.",
    ),
]
InventoryOption = Annotated[
    list[Path] | None,
    typer.Option("--inventory", "-i", help="An inventory made by `policyc scan`; repeatable."),
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        "-t",
        help="A target; repeatable. Default: all of them.",
        autocompletion=complete_target,
    ),
]
FormOption = Annotated[Form, typer.Option("--format", "-f", help="Output form.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write here instead of to stdout.")
]
ReportOption = Annotated[
    list[str] | None,
    typer.Option(help="Another form for a file, as markdown=comment.md; repeatable."),
]
AsOption = Annotated[
    str | None,
    typer.Option("--as", help=r"Where the endpoint sees the root: /opt/acme or 'C:\Acme'."),
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", "-p", help="A profile of the baseline. Default: the baseline alone."),
]
JobsOption = Annotated[
    int, typer.Option("--jobs", "-j", min=0, help="Worker processes; 0 is one per processor.")
]

ExtensionsOption = Annotated[
    Path | None,
    typer.Option(help="A table of extensions added to the shipped one, tab-separated."),
]
MagikaOption = Annotated[
    bool,
    typer.Option("--magika", help="Let Magika name the language of texts (policyc[magika])."),
]
