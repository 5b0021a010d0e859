"""``diff`` as a command; it imports what it needs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from policyc.cli.options import (
    FailOnChange,
    Form,
    FormOption,
    InventoryOption,
    OutputOption,
    ProfileOption,
    ReportOption,
    TargetOption,
)


def diff(
    old: Annotated[str, typer.Argument(help="A baseline, a compiled folder, a native policy.")],
    new: Annotated[str, typer.Argument(help="The same; either may be git:REV:path.")],
    inventory: InventoryOption = None,
    target: TargetOption = None,
    form: FormOption = Form.TEXT,
    fail_on: Annotated[
        FailOnChange,
        typer.Option(help="Exit 1 if it may allow more (widen), less (narrow), or differs (any)."),
    ] = FailOnChange.NEVER,
    output: OutputOption = None,
    report: ReportOption = None,
    profile: ProfileOption = None,
    *,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="As `--fail-on any`, like git diff.")
    ] = False,
) -> None:
    """Show which decisions a change makes otherwise: not lines, but files let in or shut out.

    With inventories every file of them is decided by both sides, target by target, and each
    change names the rules of both sides. With and without, the rules are compared with each
    other, and a made file shows what a changed rule does. Order and names of rules mean
    nothing.

    Exit codes: 0 as asked; 1 --fail-on or --exit-code found such a change; 2 a side cannot be
    read; 3 whether there is one cannot be told.

    Examples:
      policyc diff git:main:policyc.yaml policyc.yaml

      policyc diff old.yaml new.yaml -i fleet.parquet --fail-on widen

      policyc diff git:v1.2:out out -i fleet.parquet --format markdown -o comment.md

      policyc diff applocker.xml /etc/fapolicyd
    """
    from policyc.cli.diffing import DiffRequest, run_diff  # noqa: PLC0415

    run_diff(
        DiffRequest(
            old=old,
            new=new,
            inventories=inventory or [],
            targets=target or [],
            profile=profile,
            form=form.value,
            fail_on="any" if exit_code else fail_on.value,
            output=output,
            reports=report or [],
        )
    )
