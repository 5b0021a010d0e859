"""The commands. Each imports what it needs when it runs, so that ``--help`` stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import policyc
from policyc.cli.comparing import diff
from policyc.cli.options import (
    AsOption,
    BaselineOption,
    Form,
    FormOption,
    InventoryOption,
    JobsOption,
    OutputOption,
    PlatformName,
    ProfileOption,
    ReportOption,
    SchemaName,
    TargetOption,
    complete_code,
)
from policyc.cli.reading import check, scan
from policyc.cli.wdac import wdac_app

app = typer.Typer(
    name="policyc",
    help="One application-control baseline for Windows, Linux and macOS: inventory, "
    "masquerade check, compile, proof.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(*, value: bool) -> None:
    if value:
        print(f"policyc {policyc.__version__}")
        raise typer.Exit


@app.callback()
def main(
    *,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Compile one application-control baseline to four platforms, and prove it.

    Exit codes: 0 as asked; 1 findings, differences or an unaccepted widening; 2 bad usage or
    input; 3 undetermined; 70 our own output failed its verification.
    """


app.command()(scan)
app.command()(check)
app.command()(diff)


@app.command(name="import")
def import_policy(
    policy: Annotated[
        Path,
        typer.Argument(
            help="App Control, AppLocker XML, .cip, registry.pol; Santa's, fapolicyd's files."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Baseline to write; default: stdout.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="Whose policy it is, if that is unclear.")
    ] = None,
) -> None:
    """Make a baseline of a policy that exists.

    What a baseline cannot say is told with its line or its rule. Exit codes: 0 nothing
    is lost; 1 meaning was lost and told; 2 the file is no policy.

    Examples:
      policyc import policy.xml -o policyc.yaml

      policyc import /etc/fapolicyd -o policyc.yaml

      policyc import santa.mobileconfig -o policyc.yaml
    """
    from policyc.cli.importing import run_import  # noqa: PLC0415

    run_import(policy, target, output)


@app.command(name="compile")
def compile_command(
    baseline: Annotated[Path | None, typer.Argument(help="The baseline.")] = None,
    inventory: InventoryOption = None,
    target: TargetOption = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("out"),
    profile: ProfileOption = None,
    *,
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if the folder is stale.")
    ] = False,
    form: FormOption = Form.TEXT,
    report: ReportOption = None,
) -> None:
    """Compile a baseline, parse the result back and prove it file by file.

    An inventory is needed only for rules that depend on one (`from: inventory`, publisher
    names on a platform that knows certificates) and for the proof on real files.

    Examples:
      policyc compile policyc.yaml -i inventory.parquet -o out

      policyc compile --profile kiosk -i inventory.parquet -o out/kiosk

      policyc compile -t wdac -t applocker --check
    """
    from policyc.cli.compiling import CompileRequest, run_compile  # noqa: PLC0415

    run_compile(
        CompileRequest(
            baseline=baseline,
            output=output,
            inventories=inventory or [],
            targets=target or [],
            profile=profile,
            form=form.value,
            reports=report or [],
            check_only=check_only,
        )
    )


@app.command()
def init(
    paths: Annotated[list[Path], typer.Argument(help="Trees to scan, or inventories.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new folder to write.")],
    target: TargetOption = None,
    level: Annotated[
        list[str] | None,
        typer.Option(
            "--level",
            "-l",
            help="A rule level; repeatable. Default: file-publisher, product, hash.",
        ),
    ] = None,
    seen_as: AsOption = None,
    platform: Annotated[
        PlatformName | None, typer.Option(help="The endpoint's platform, if it is one.")
    ] = None,
    name: Annotated[str, typer.Option(help="The baseline's name. Default: the folder's.")] = "",
    jobs: JobsOption = 0,
    *,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each rule.")] = False,
    verify_packages: Annotated[
        bool,
        typer.Option("--verify-packages", help="Compare files with dpkg's MD5 sums, too."),
    ] = False,
) -> None:
    r"""Propose a baseline that permits what is there, as tightly as is useful.

    Signed software by publisher, product and lowest version, programs for Santa by signing ID,
    the rest by hash. Chosen as a set cover: few rules, little else allowed, little to do at the
    next update. Nothing that a target would have to widen, and no rule that holds for a file
    with a masquerade error or one that differs from its package; such files are left out and
    named.

    Examples:
      policyc init inventory.parquet -o baseline --explain

      policyc init /mnt/golden --as 'C:\' --platform windows -o golden
    """
    from policyc.cli.proposing import run_init  # noqa: PLC0415
    from policyc.cli.scanning import ScanRequest  # noqa: PLC0415

    request = ScanRequest(
        paths=paths,
        output=output / "inventory.parquet",
        seen_as=seen_as,
        platform=None if platform is None else platform.value,
        name=name,
        jobs=jobs,
        verify_packages=verify_packages,
    )
    run_init(request, output, target or [], level or [], explain=explain)


@app.command()
def lint(
    files: Annotated[
        list[Path] | None, typer.Argument(help="A baseline, or policies of a platform.")
    ] = None,
    inventory: InventoryOption = None,
    min_os: Annotated[
        str,
        typer.Option(help="Oldest Windows App Control policies are for: 1809, 1903, 2022, win11 …"),
    ] = "1903",
    daemon: Annotated[
        list[str] | None,
        typer.Option(help="fapolicyd's version, such as 1.3 or 1.3.4; repeatable. Default: all."),
    ] = None,
    form: FormOption = Form.TEXT,
    output: OutputOption = None,
    report: ReportOption = None,
    profile: ProfileOption = None,
    on: Annotated[
        str | None,
        typer.Option("--on", help="Also name what is due on this day: 2026-12-31."),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            "-b",
            help="For policies of a platform: the baseline that accepts results.",
        ),
    ] = None,
    *,
    today: Annotated[
        bool, typer.Option("--today", help="As --on with the day of this machine's clock.")
    ] = False,
) -> None:
    """Find what is wrong with a baseline, or with policies of a platform.

    A baseline: errors at their place, rules that can decide nothing, groups that no rule uses,
    and, only if a day is given, what is past its `until`. App Control, XML or binary,
    AppLocker, XML or registry.pol, Santa's profiles and rules, and fapolicyd's rules, trust files
    and fapolicyd.conf, or a folder of them: dead rules, traps, and what stops a machine, with an
    inventory also trusted files that users can write. Exit codes: 0 nothing but remarks; 1 an
    error was found in a policy, or something pointless or overdue in a baseline; 2 an error in
    the baseline, or no policy.

    Examples:
      policyc lint policyc.yaml

      policyc lint policyc.yaml --profile kiosk --on 2026-12-31

      policyc lint policyc.yaml --report sarif=lint.sarif --report gitlab=lint.json

      policyc lint SiPolicy.p7b --min-os win11 --format json

      policyc lint /etc/fapolicyd --daemon 1.3.4

      policyc lint santa.mobileconfig

      policyc lint applocker.xml applocker-audit.xml

      policyc lint out/fapolicyd -b policyc.yaml
    """
    from policyc.cli.console import fail  # noqa: PLC0415
    from policyc.cli.days import lint_day  # noqa: PLC0415
    from policyc.cli.linting import LintRequest, lint_policies  # noqa: PLC0415
    from policyc.cli.linting_baseline import lint_baseline  # noqa: PLC0415

    request = LintRequest(
        files=files or [],
        form=form.value,
        output=output,
        reports=report or [],
        inventories=inventory or [],
        day=lint_day(on, today=today),
        profile=profile,
        min_os=min_os,
        daemons=daemon or [],
        baseline=baseline,
    )
    if not request.files or any(path.suffix in (".yaml", ".yml") for path in request.files):
        if len(request.files) > 1 or baseline is not None:
            fail("one baseline at a time, and no policies with it")
        lint_baseline(request)
        return
    lint_policies(request)


@app.command()
def verify(
    artifacts: Annotated[
        list[Path], typer.Argument(help="A compiled folder (out, out/wdac) or single files.")
    ],
    baseline: BaselineOption = None,
    inventory: InventoryOption = None,
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="Needed for single files.")
    ] = None,
    form: FormOption = Form.TEXT,
    report: ReportOption = None,
    profile: ProfileOption = None,
) -> None:
    """Compare artifacts, even edited or foreign ones, with the baseline.

    Every file of the inventory is decided both ways, and files made from the rules of both
    sides; without an inventory only those. Each difference is listed with the loss that explains
    it. Exit codes: 0 none is unexplained, 1 some are, 2 an artifact cannot be read.

    Examples:
      policyc verify out -b policyc.yaml -i inventory.parquet

      policyc verify edited.xml -t applocker -i inventory.parquet --format json
    """
    from policyc.cli.verifying import VerifyRequest, run_verify  # noqa: PLC0415

    run_verify(
        VerifyRequest(
            paths=artifacts,
            baseline=baseline,
            inventories=inventory or [],
            target=target,
            profile=profile,
            form=form.value,
            reports=report or [],
        )
    )


@app.command()
def explain(
    what: Annotated[
        str,
        typer.Argument(
            help="A file, a SHA-256, a code such as M003, an extension, a built-in set.",
            autocompletion=complete_code,
        ),
    ],
    baseline: BaselineOption = None,
    inventory: InventoryOption = None,
    target: TargetOption = None,
    seen_as: AsOption = None,
    profile: ProfileOption = None,
) -> None:
    """Say why a file is decided as it is, per target; or what a code means.

    Examples:
      policyc explain L012

      policyc explain .scr

      policyc explain builtin:lolbas-deny

      policyc explain ~/Downloads/invoice.pdf

      policyc explain /usr/bin/ls -b policyc.yaml -t fapolicyd

      policyc explain 3795a060… -i inventory.parquet
    """
    from policyc.cli.explaining import run_explain  # noqa: PLC0415

    run_explain(what, baseline, inventory or [], target or [], seen_as, profile)


@app.command()
def targets(
    name: Annotated[str | None, typer.Argument(help="One target, with its settings.")] = None,
) -> None:
    """Show what each target can express, exactly or with a typed loss.

    Examples:
      policyc targets

      policyc targets santa
    """
    from policyc.cli.explaining import run_targets  # noqa: PLC0415

    run_targets(name)


@app.command()
def schema(
    what: Annotated[
        SchemaName, typer.Argument(help="The language, or what a command prints as JSON.")
    ] = SchemaName.BASELINE,
) -> None:
    """Print the JSON Schema of a baseline, for editors, or of a command's JSON.

    Examples:
      policyc schema > policyc.schema.json

      policyc schema lint
    """
    from policyc.cli.explaining import run_schema  # noqa: PLC0415

    run_schema(what)


app.add_typer(wdac_app)
