"""The sets that ship with policyc: each compiles for what it claims, and says what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from policyc import resources
from policyc.baseline import parse_baseline
from policyc.baseline.lint import lint_rules
from policyc.baseline.sources import builtin_names
from policyc.compiler import compile_policy
from policyc.model.decision import Verdict, decide
from policyc.model.facts import Platform, VersionInfo
from policyc.model.identity import DistinguishedName, Oid
from policyc.model.inventory import Inventory
from policyc.model.ir import AtPath, IsProduct, PolicyIR, SignedBy
from policyc.model.loss import Drift
from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.model.version import HIGHEST, FileVersion
from policyc.targets.applocker.decide import Token
from policyc.targets.applocker.decide import decide as answer
from policyc.targets.applocker.lint import lint
from policyc.targets.applocker.model import EVERYONE, AppLockerPolicy
from policyc.targets.applocker.parse import parse
from policyc.targets.applocker.xml import document
from tests.conformance.probes import file_on
from tests.property.strategies import certificate
from tests.requires import require_shared

CLAIMS: dict[str, dict[str, set[str]]] = {
    "linux-distro": {"fapolicyd": {"L010", "L027"}},
    "lolbas-deny": {"wdac": set(), "applocker": {"L019"}},
    "macos-platform": {"santa": {"L023"}},
    "macos-santa": {"santa": set()},
    "windows-os": {"wdac": {"L017"}, "applocker": set()},
    "windows-signers": {"wdac": {"L029"}},
    "windows-user-writable": {"applocker": set(), "wdac": {"L017"}},
    "windows-workstation": {"applocker": set()},
}
"""Set → target → the losses its comment names. Santa is asked for programs only."""


def _policy(*names: str, more: str = "") -> PolicyIR:
    listed = ", ".join(f"builtin:{name}" for name in names)
    text = f"policyc: 1\nname: Sets\ninclude: [{listed}]\n{more}"
    loaded = parse_baseline(text, "policyc.yaml", lambda _: Inventory())
    assert loaded.policy is not None, loaded.diagnostics
    assert lint_rules(loaded.written) == ()
    assert loaded.remarks == ()
    return loaded.policy


def test_every_set_has_a_claim() -> None:
    assert set(builtin_names()) == set(CLAIMS)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_set_compiles_for_what_it_claims(name: str) -> None:
    policy = _policy(name, more="targets: {santa: {collections: [executable]}}\n")
    for result in compile_policy(policy, Inventory(), CLAIMS[name]):
        assert result.failure is None
        assert {item.code for item in result.losses} == CLAIMS[name][result.target]
        text = (resources.root("baselines") / f"{name}.yaml").read_text()
        for item in result.losses:
            if item.drift is not Drift.COSMETIC:
                assert item.code in text, "the comment says what is lost"


def test_ids_begin_with_the_name_of_the_set() -> None:
    for name in builtin_names():
        for rule in _policy(name).rules:
            assert rule.name.startswith(name)
            assert rule.origin.file == f"builtin:{name}"


def test_all_sets_fit_together() -> None:
    accepted = (
        "targets: {santa: {collections: [executable]}}\n"
        "accept:\n"
        "  - {loss: L017, target: wdac, reason: App Control does it}\n"
        "  - {loss: L023, target: santa, reason: Apple's own code runs}\n"
        "  - {loss: L019, target: applocker, reason: unsigned copies have no permit}\n"
    )
    names = [name for name in builtin_names() if name != "windows-workstation"]
    policy = _policy(*names, more=accepted)
    for result in compile_policy(policy, Inventory(), ("wdac", "applocker", "fapolicyd", "santa")):
        assert (result.failure, result.refused) == (None, ())


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        (r"C:\Windows\System32\notepad.exe", Verdict.ALLOW),
        (r"c:\windows\explorer.exe", Verdict.ALLOW),
        (r"C:\Windows\Temp\x.exe", Verdict.DENY),
        (r"C:\WINDOWS\SYSTEM32\TASKS\x.exe", Verdict.DENY),
        (r"C:\Windows\System32\spool\drivers\color\x.exe", Verdict.DENY),
        (r"C:\Windows\System32\spool\drivers\x64\3\x.dll", Verdict.ALLOW),
        (r"C:\Windows.old\x.exe", Verdict.DENY),
        (r"C:\Program Files\App\x.exe", Verdict.DENY),
    ],
)
def test_windows_by_its_folders(path: str, verdict: Verdict) -> None:
    policy = _policy("windows-os", "windows-user-writable")
    facts = replace(file_on(Platform.WINDOWS, 1), path=path)
    assert decide(policy, facts).verdict is verdict


WORKSTATION: dict[str, Verdict] = {
    r"C:\Windows\System32\notepad.exe": Verdict.ALLOW,
    r"C:\Program Files\App\x.exe": Verdict.ALLOW,
    r"C:\Program Files (x86)\App\x.exe": Verdict.ALLOW,
    r"C:\Program Files\Microsoft\Edge\Application\SetupMetrics\x.exe": Verdict.DENY,
    r"C:\Windows\Temp\x.exe": Verdict.DENY,
    r"C:\Windows\Temp:x.exe": Verdict.DENY,
    r"C:\Windows\PLA\Reports\x.exe": Verdict.DENY,
    r"C:\Windows\ServiceState\abc\Data\x.exe": Verdict.DENY,
    r"C:\Windows\SysWOW64\Tasks:x.exe": Verdict.DENY,
    r"C:\Windows\Tempting\x.exe": Verdict.ALLOW,
    r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18\MsMpEng.exe": Verdict.ALLOW,
    r"C:\ProgramData\x.exe": Verdict.DENY,
    r"C:\Users\ann\x.exe": Verdict.DENY,
}


def _workstation() -> tuple[PolicyIR, AppLockerPolicy]:
    policy = _policy("windows-workstation")
    (result,) = compile_policy(policy, Inventory(), ("applocker",))
    native = parse(tuple(item for item in result.artifacts if item.enforced))
    return policy, native


@pytest.mark.parametrize(("path", "verdict"), WORKSTATION.items())
def test_a_workstation_by_its_folders(path: str, verdict: Verdict) -> None:
    """In the baseline and in AppLocker; an administrator may run everything."""
    policy, native = _workstation()
    facts = replace(file_on(Platform.WINDOWS, 2), path=path, signatures=())
    assert decide(policy, facts).verdict is verdict
    assert answer(native, facts).denies == (verdict is Verdict.DENY)
    administrator = Token(sids=frozenset({EVERYONE, "S-1-5-32-544"}))
    assert not answer(native, facts, administrator).denies


@pytest.mark.parametrize(
    ("binary", "version", "denied"),
    [
        ("MSHTA.EXE", "11.0.0.0", True),
        ("msbuild.exe", "4.8.0.0", True),
        ("BGINFO.EXE", "4.25.0.0", True),
        ("BGINFO.EXE", "4.33.0.0", False),
        ("POWERSHELL.EXE", "10.0.19041.1", False),
        ("notepad.exe", "10.0.19041.1", False),
    ],
)
def test_a_workstation_runs_no_bypass(binary: str, version: str, denied: bool) -> None:  # noqa: FBT001
    _, native = _workstation()
    name = "O=Microsoft Corporation, L=Redmond, S=Washington, C=US"
    pairs = tuple((part.split("=")[0], part.split("=")[1]) for part in name.split(", "))
    leaf = replace(certificate("A"), subject=DistinguishedName(attributes=pairs))
    signature = Signature(
        kind=SignatureKind.CATALOG, grade=SignatureGrade.PRODUCTION, chain=(leaf,)
    )
    info = VersionInfo(original_filename=binary, file_version=FileVersion.parse(version))
    facts = replace(
        file_on(Platform.WINDOWS, 2),
        path=r"C:\Windows\System32\renamed.exe",
        signatures=(signature,),
        version_info=info,
    )
    assert answer(native, facts).denies is denied


def test_a_workstation_has_every_writable_folder_and_no_finding() -> None:
    policy, native = _workstation()
    folders = [
        atom.pattern.text.removesuffix("**")
        for rule in _policy("windows-user-writable").rules
        for atom in rule.match.atoms
        if isinstance(atom, AtPath)
    ]
    assert len(folders) > 30
    for folder in folders:
        facts = replace(file_on(Platform.WINDOWS, 2), path=f"{folder}x.exe", signatures=())
        assert decide(policy, facts).verdict is Verdict.DENY, folder
        assert answer(native, facts).denies
    assert {item.code for item in lint({"w.xml": document(native)})} <= {"A204"}


def test_windows_by_its_signer_needs_the_key_usage() -> None:
    policy = _policy("windows-signers")
    (rule,) = policy.rules
    (atom,) = rule.match.atoms
    assert isinstance(atom, SignedBy)
    assert atom.issuer is not None
    issuer = replace(certificate("Z"), tbs=atom.issuer)
    usage = Oid("1.3.6.1.4.1.311.10.3.6")
    for ekus, verdict in (((usage,), Verdict.ALLOW), ((), Verdict.DENY)):
        signature = Signature(
            kind=SignatureKind.AUTHENTICODE,
            grade=SignatureGrade.PRODUCTION,
            chain=(replace(certificate("A"), ekus=ekus), issuer),
        )
        facts = replace(file_on(Platform.WINDOWS, 1), signatures=(signature,))
        assert decide(policy, facts).verdict is verdict


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("/usr/bin/true", Verdict.ALLOW),
        ("/usr/local/bin/tool", Verdict.DENY),
        ("/System/Applications/Utilities/Terminal.app/Contents/MacOS/Terminal", Verdict.ALLOW),
        ("/System/Volumes/Data/Users/me/x", Verdict.DENY),
        ("/Library/Apple/usr/bin/x", Verdict.ALLOW),
        ("/Library/x", Verdict.DENY),
    ],
)
def test_macos_by_its_folders(path: str, verdict: Verdict) -> None:
    facts = replace(file_on(Platform.MACOS, 1), path=path)
    assert decide(_policy("macos-platform"), facts).verdict is verdict


def _microsoft() -> dict[str, str]:
    """Names in Microsoft's list with the version below which they are denied."""
    folder = require_shared("wdac/policies")
    (path,) = folder.glob("*d07afb3__Recommended_UserMode_Blocklist.xml")
    found = {}
    for match in re.finditer(r"<Deny\b[^>]*>", path.read_text(encoding="utf-8-sig")):
        fields = dict(re.findall(r'(\w+)="([^"]*)"', match[0]))
        if "FileName" in fields:
            found[fields["FileName"].lower()] = fields.get("MinimumFileVersion", "")
    return found


def test_the_block_list_is_microsofts() -> None:
    """Every name of the recommended list, with its version, but for the libraries left out."""
    everything = "65535.65535.65535.65535"
    left_out = {"msxml3.dll", "msxml6.dll", "jscript9.dll"}
    ours = {}
    for rule in _policy("lolbas-deny").rules:
        (atom,) = rule.match.atoms
        assert isinstance(atom, IsProduct)
        assert atom.original_filename is not None
        ours[atom.original_filename] = atom.version
    for name, below in _microsoft().items():
        if name in left_out:
            continue
        version = ours[name]
        if below in ("", "0.0.0.0", everything):  # noqa: S104
            assert version.is_any, name
        else:
            assert version.high.value + 1 == _value(below), name
            assert version.high < HIGHEST


def _value(text: str) -> int:
    value = 0
    for part in text.split("."):
        value = value << 16 | int(part)
    return value


def test_the_folders_are_those_of_the_published_lists() -> None:
    """Every folder that four sources name is in the set, or inside one that is."""
    rows = require_shared("applocker/writable-dirs.csv").read_text().splitlines()[1:]
    roots = {"%system32%": r"C:\Windows\System32", "%windir%": r"C:\Windows"}
    policy = _policy("windows-user-writable")
    for row in rows:
        prefix, *_, sources = row.split(",")
        if sources.count("|") < 3:
            continue
        start, _, rest = prefix.partition("\\")
        facts = replace(file_on(Platform.WINDOWS, 1), path=rf"{roots[start]}\{rest}\x.exe")
        assert decide(policy, facts).because, prefix


def test_the_sets_are_plain_yaml_with_a_header() -> None:
    for path in sorted(Path(resources.root("baselines")).glob("*.yaml")):
        text = path.read_text()
        assert text.startswith("# yaml-language-server: $schema=")
        assert yaml.safe_load(text)["policyc"] == 1
