"""``scan`` and ``check``, the commands that read files; each imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from policyc.cli.options import (
    AsOption,
    ExtensionsOption,
    FailOn,
    Format,
    JobsOption,
    MagikaOption,
    OutputOption,
    PlatformName,
    ProfileOption,
    ReportOption,
)


def scan(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or trees to read.")] = None,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="inventory.parquet or inventory.jsonl")
    ],
    seen_as: AsOption = None,
    platform: Annotated[
        PlatformName | None, typer.Option(help="The endpoint's platform, if it is one.")
    ] = None,
    name: Annotated[str, typer.Option(help="A name kept in the inventory.")] = "",
    depth: Annotated[
        int,
        typer.Option(min=0, max=16, help="Open so many containers in each other; 0 opens none."),
    ] = 3,
    cache: Annotated[
        Path | None,
        typer.Option(help="Remember what was read; the next scan reads only what changed."),
    ] = None,
    catalogs: Annotated[
        Path | None,
        typer.Option(help="A folder of .cat files, such as a copy of CatRoot."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Read another tool's export instead: osquery, Defender, CycloneDX."
        ),
    ] = None,
    jobs: JobsOption = 0,
    extensions: ExtensionsOption = None,
    magika: MagikaOption = False,
    image: Annotated[
        bool,
        typer.Option("--image", help="PATHS are containers whose files have their own root."),
    ] = False,
    verify_packages: Annotated[
        bool,
        typer.Option("--verify-packages", help="Compare files with dpkg's MD5 sums, too."),
    ] = False,
    fs_verity: Annotated[
        bool,
        typer.Option("--fs-verity", help="Work out fs-verity digests of ELF files (for IPE)."),
    ] = False,
) -> None:
    r"""Read every file below PATHS into an inventory. No scanned file is ever run.

    Members of archives, packages, installers and images follow as `outer!/inner`. Files of
    dpkg, rpm and Python packages carry the package's name and whether they are unchanged.

    Examples:
      policyc scan /usr/bin -o host.parquet

      policyc scan /mnt/golden --as 'C:\' --platform windows -o golden.jsonl

      policyc scan ~/Downloads -o downloads.jsonl --cache downloads.cache

      policyc scan --image app.tar -o app.parquet

      policyc scan --from osquery.json -o fleet.parquet
    """
    from policyc.cli.scanning import ScanRequest, run_scan  # noqa: PLC0415

    run_scan(
        ScanRequest(
            paths=paths or [],
            output=output,
            seen_as=seen_as,
            platform=None if platform is None else platform.value,
            name=name,
            jobs=jobs,
            depth=depth,
            cache=cache,
            as_image=image,
            verify_packages=verify_packages,
            fs_verity=fs_verity,
            catalogs=catalogs,
            export=export,
            extensions=extensions,
            magika=magika,
        )
    )


def check(
    paths: Annotated[list[Path], typer.Argument(help="Files, trees or inventories.")],
    form: Annotated[Format, typer.Option("--format", "-f", help="Output form.")] = Format.TEXT,
    fail_on: Annotated[FailOn, typer.Option(help="Exit 1 from this level on.")] = FailOn.ERROR,
    output: OutputOption = None,
    report: ReportOption = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", "-b", help="Leave out what this baseline accepts."),
    ] = None,
    profile: ProfileOption = None,
    on: Annotated[
        str | None,
        typer.Option(help="Acceptances that ended before this day (2027-03-01) do not count."),
    ] = None,
    jobs: JobsOption = 0,
    extensions: ExtensionsOption = None,
    icons: Annotated[
        Path | None, typer.Option(help="A list of documents' icons: hash, owner, name.")
    ] = None,
    *,
    second_opinion: Annotated[
        bool,
        typer.Option("--second-opinion", help="Show what file(1) says, too; it decides nothing."),
    ] = False,
    magika: MagikaOption = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Turn exit 1 into 0.")] = False,
) -> None:
    """Find files that are not what their names claim (ATT&CK T1036, T1204).

    An HTML report is one page that needs nothing else: figures, filter, proofs, and how to
    recognise each deception.

    Examples:
      policyc check ~/Downloads

      policyc check inventory.parquet --format json --fail-on warning

      policyc check dist -b policyc.yaml --format html -o findings.html
    """
    from policyc.cli.days import day_of  # noqa: PLC0415
    from policyc.cli.inventories import CheckRequest, run_check  # noqa: PLC0415

    run_check(
        CheckRequest(
            paths=paths,
            form=form.value,
            fail_on=fail_on.value,
            jobs=jobs,
            output=output,
            reports=report or [],
            baseline=baseline,
            profile=profile,
            on=day_of(on),
            extensions=extensions,
            icons=icons,
            second_opinion=second_opinion,
            magika=magika,
            exit_zero=exit_zero,
        )
    )
