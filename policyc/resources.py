"""The folders that ship beside the code: in a wheel inside the package, else in the source tree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal


def root(name: Literal["templates", "baselines", "docs"]) -> Path:
    """A folder that ships with policyc; raises FileNotFoundError if it is nowhere.

    Of ``docs`` a wheel has the schemas only.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{name}: not installed with policyc")


def deployment_text(target: str, name: str, values: Mapping[str, object]) -> bytes:
    """A text from ``templates/deploy/<target>``, for people or for a shell.

    Nothing is escaped: only numbers, words of ours, GUIDs and digests may be in ``values``, never a
    text of a scanned file.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(root("templates") / "deploy" / target),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{name}.j2").render(values).encode("utf-8")
