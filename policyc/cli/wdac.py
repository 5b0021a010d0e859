"""``policyc wdac``: work on App Control policies of any origin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyc.cli.console import fail, note, out
from policyc.reports.safe import printable

if TYPE_CHECKING:
    from policyc.targets.wdac.read import Document

wdac_app = typer.Typer(
    name="wdac",
    help="App Control (WDAC) policies: compile to the binary Windows loads, and read one back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@wdac_app.command()
def build(
    policy: Annotated[Path, typer.Argument(help="A SiPolicy XML file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path(),
    form: Annotated[
        int, typer.Option("--format-version", min=6, max=8, help="Format of the binary.")
    ] = 7,
) -> None:
    """Compile a policy to the file that Windows loads, under the name it looks for.

    Format 7 loads from Windows 1903 on; 8 is what builds of 2025 write; 6 has no path rules.

    Example:
      policyc wdac build policy.xml -o deploy
    """
    from policyc.targets.wdac.build import BuildError, binary_name  # noqa: PLC0415
    from policyc.targets.wdac.build import build as compile_binary  # noqa: PLC0415
    from policyc.targets.wdac.deploy import INTUNE_LIMIT  # noqa: PLC0415

    document = _read_xml(policy)
    for problem in document.problems:
        if problem.fatal:
            fail(f"{policy}:{problem.line}: {printable(problem.message)}")
        note(f"{policy}:{problem.line}: {printable(problem.message)}")
    try:
        data = compile_binary(document.policy, form)
        target = output / binary_name(document.policy)
    except BuildError as error:
        fail(f"{policy}:{error.line}: {printable(error.message)}")
    try:
        output.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except OSError as error:
        fail(f"{target}: {error.strerror}")
    out(f"{target}: {len(data):,} bytes, format {form}")
    if len(data) > INTUNE_LIMIT:
        note(f"{target}: more than the {INTUNE_LIMIT:,} bytes Intune takes as a custom policy")


@wdac_app.command()
def dump(
    binary: Annotated[Path, typer.Argument(help="A .cip, .p7b or .bin, signed or not.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="XML file to write; default: stdout.")
    ] = None,
) -> None:
    """Read a compiled policy back as XML. Ids and names for people are not in a binary.

    Formats 5 to 8 are proved on public binaries; 9 to 11 are read as one open implementation
    describes them.

    Example:
      policyc wdac dump SiPolicy.p7b -o policy.xml
    """
    from policyc.targets.base import ArtifactError  # noqa: PLC0415
    from policyc.targets.wdac.container import unwrap  # noqa: PLC0415
    from policyc.targets.wdac.decode import decode  # noqa: PLC0415
    from policyc.targets.wdac.layout import PROVED  # noqa: PLC0415
    from policyc.targets.wdac.restore import restore, unreadable_parts  # noqa: PLC0415
    from policyc.targets.wdac.write import write_xml  # noqa: PLC0415

    try:
        unwrapped = unwrap(_bytes(binary))
        raw = decode(unwrapped.body)
        text = write_xml(restore(raw))
    except ArtifactError as error:
        fail(f"{binary}: {printable(error.message)}")
    except ValueError:
        fail(f"{binary}: holds a text that cannot stand in XML")
    signed = "in a signed container, whose signature is not checked" if unwrapped.signed else ""
    note(f"{binary}: format {raw.format}{', ' + signed if signed else ''}")
    if raw.format > PROVED:
        note(f"{binary}: no format above {PROVED} is proved")
    lost = unreadable_parts(raw)
    for part in lost:
        note(f"{binary}: {part} are left out")
    if output is None:
        out(text.decode("utf-8").rstrip("\n"))
    else:
        _write(output, text)
    if lost:
        raise typer.Exit(1)


@wdac_app.command()
def size(
    policy: Annotated[Path, typer.Argument(help="A policy, XML or binary.")],
    most: Annotated[int, typer.Option(min=0, help="How many single rules to list.")] = 10,
) -> None:
    """Show how many bytes each kind of rule takes in the compiled policy, and the largest rules.

    Example:
      policyc wdac size policy.xml
    """
    from policyc.reports.text import table  # noqa: PLC0415
    from policyc.targets.wdac.build import BuildError  # noqa: PLC0415
    from policyc.targets.wdac.deploy import INTUNE_LIMIT  # noqa: PLC0415
    from policyc.targets.wdac.size import measure  # noqa: PLC0415

    document = _any(policy)
    try:
        found = measure(document.policy, most=most)
    except BuildError as error:
        fail(f"{policy}:{error.line}: {printable(error.message)}")
    rows: list[tuple[str, ...]] = [("bytes", "rules", "")]
    rows += [(f"{item.size:,}", f"{item.count:,}", item.label) for item in found.kinds]
    rows.append((f"{found.rest:,}", "", "header, settings and the like"))
    rows += [(f"{item.size:,}", "", printable(item.label)) for item in found.largest]
    out(table(rows, right=frozenset({0, 1})))
    share = f"{found.total / INTUNE_LIMIT:.0%} of the {INTUNE_LIMIT:,} that Intune takes"
    out(f"{policy}: {found.total:,} bytes, {share}")


@wdac_app.command()
def deploy(
    binary: Annotated[Path, typer.Argument(help="A compiled policy, signed or not.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    managed_installer: Annotated[
        list[str] | None,
        typer.Option(help="Write AppLocker's half of option 13: intune or configmgr."),
    ] = None,
) -> None:
    """Write what brings a policy to machines, and back: script, MDM message, runbook, twins.

    An enforced base policy gets a twin in audit mode, every base policy one that allows all.

    Example:
      policyc wdac deploy policy.cip -o deploy
    """
    from policyc.targets.base import ArtifactError  # noqa: PLC0415
    from policyc.targets.wdac.build import BuildError  # noqa: PLC0415
    from policyc.targets.wdac.deploy import MANAGED_INSTALLERS, deployment  # noqa: PLC0415

    installers = managed_installer or []
    for word in installers:
        if word not in MANAGED_INSTALLERS:
            fail(f"--managed-installer is one of {', '.join(MANAGED_INSTALLERS)}")
    try:
        artifacts = deployment(_bytes(binary), installers)
        for artifact in artifacts:
            (output / artifact.name).parent.mkdir(parents=True, exist_ok=True)
    except (ArtifactError, BuildError) as error:
        fail(f"{binary}: {printable(error.message)}")
    except OSError as error:
        fail(f"{output}: {error.strerror}")
    for artifact in artifacts:
        _write(output / artifact.name, artifact.data)
        out(str(output / artifact.name))


@wdac_app.command()
def merge(
    policies: Annotated[
        list[Path], typer.Argument(help="Policies, XML or binary; the first leads.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="XML file to write.")],
    provenance: Annotated[
        Path | None, typer.Option(help="JSON file: from which policy each id comes.")
    ] = None,
) -> None:
    """Merge policies: equal rules once, and the ids of the first policy kept.

    Refused are policies that allow everything, and such as differ in kind or options.

    Example:
      policyc wdac merge base.xml more.xml -o merged.xml --provenance merged.json
    """
    from policyc.targets.wdac.merge import MergeError  # noqa: PLC0415
    from policyc.targets.wdac.merge import merge as merge_policies  # noqa: PLC0415
    from policyc.targets.wdac.write import write_xml  # noqa: PLC0415

    documents = [_any(path) for path in policies]
    for path, document in zip(policies, documents, strict=True):
        for problem in document.problems:
            if problem.fatal:
                fail(f"{path}:{problem.line}: {printable(problem.message)}")
    try:
        merged = merge_policies([item.policy for item in documents])
    except MergeError as error:
        fail(printable(str(error)))
    _write(output, write_xml(merged.policy))
    if provenance is not None:
        table = {
            name: [policies[number].name for number in numbers]
            for name, numbers in merged.provenance.items()
        }
        text = json.dumps(table, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
        _write(provenance, text.encode("ascii"))
    out(
        f"{output}: {len(policies)} policies, {len(merged.policy.file_rules):,} file rules, "
        f"{len(merged.policy.signers):,} signers"
    )


@wdac_app.command()
def sign(
    policy: Annotated[Path, typer.Argument(help="A compiled policy.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; keep the policy's name.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Private RSA key, PEM.")] = None,
    cert: Annotated[
        Path | None, typer.Option(help="Certificates, PEM, the signer's first, or one DER.")
    ] = None,
    pkcs12: Annotated[Path | None, typer.Option(help="Key and certificates in one file.")] = None,
    signature: Annotated[
        Path | None, typer.Option(help="The raw signature that another signer made.")
    ] = None,
    replaces: Annotated[
        Path | None, typer.Option(help="The policy that is deployed; a lower version is refused.")
    ] = None,
    removal: Annotated[
        bool, typer.Option("--removal", help="Allow the option for unsigned policies (rollback).")
    ] = False,
) -> None:
    """Sign a compiled policy; refuse what would keep a machine from starting.

    With --cert alone it prints the signed attributes and their SHA-256 for a key that is
    elsewhere (HSM, KMS); give what that signed back with --signature. Keys in files need
    policyc[sign]; their password is read from POLICYC_KEY_PASSWORD.

    Examples:
      policyc wdac sign policy.cip --key k.pem --cert c.pem -o signed/policy.cip

      policyc wdac sign policy.cip --cert c.pem --signature made.bin -o signed/policy.cip
    """
    from policyc.cli.wdac_sign import run_sign  # noqa: PLC0415

    run_sign(policy, output, key, cert, pkcs12, signature, replaces, removal=removal)


def _read_xml(path: Path) -> Document:
    from policyc.targets.base import ArtifactError  # noqa: PLC0415
    from policyc.targets.wdac.read import read_xml  # noqa: PLC0415

    try:
        return read_xml(_bytes(path))
    except ArtifactError as error:
        fail(f"{path}:{error.line}: {printable(error.message)}")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        fail(f"{path}: {error.strerror}")


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        fail(f"{path}: {error.strerror}")


def lint_policies(policies: list[Path], min_os: str, form: str) -> None:
    """Print the findings about App Control policies; exit 1 for an error."""
    from policyc.model.diagnostic import Level  # noqa: PLC0415
    from policyc.reports.policy_sarif import PolicyFinding, policy_sarif  # noqa: PLC0415
    from policyc.targets.wdac.lint import OS_NAMES, RULES, lint_document  # noqa: PLC0415

    if min_os not in OS_NAMES or form not in ("text", "json", "sarif"):
        fail(f"--min-os is one of {', '.join(OS_NAMES)}; --format is text, json or sarif")
    keys = ("code", "level", "line", "message", "fix")
    found = [
        PolicyFinding(path=str(path), **{key: getattr(item, key) for key in keys})
        for path in policies
        for item in lint_document(_any(path), min_os)
    ]
    if form == "json":
        rows = [
            {
                "file": item.path,
                "level": item.level.value,
                **{key: getattr(item, key) for key in keys if key != "level"},
            }
            for item in found
        ]
        out(json.dumps(rows, indent=1, sort_keys=True, ensure_ascii=True))
    elif form == "sarif":
        manuals = {code: rule.manual for code, rule in RULES.items()}
        out(policy_sarif(found, {"W000": "What the schema or the compiler refuses.", **manuals}))
    else:
        for item in found:
            place = f"{item.path}:{item.line}" if item.line else item.path
            out(f"{place}: {item.level.value}[{item.code}]: {printable(item.message)}")
            out(f"  = help: {item.fix}")
        out(f"{len(found)} findings in {len(policies)} policies")
    if any(item.level is Level.ERROR for item in found):
        raise typer.Exit(1)


def _any(path: Path) -> Document:
    """XML or a binary, as a document."""
    from policyc.targets.base import ArtifactError  # noqa: PLC0415
    from policyc.targets.wdac.container import unwrap  # noqa: PLC0415
    from policyc.targets.wdac.decode import decode  # noqa: PLC0415
    from policyc.targets.wdac.parse import is_xml  # noqa: PLC0415
    from policyc.targets.wdac.read import Document, read_xml  # noqa: PLC0415
    from policyc.targets.wdac.restore import restore  # noqa: PLC0415

    data = _bytes(path)
    try:
        if is_xml(data):
            return read_xml(data)
        return Document(policy=restore(decode(unwrap(data).body)), problems=())
    except ArtifactError as error:
        fail(f"{path}:{error.line}: {printable(error.message)}")
