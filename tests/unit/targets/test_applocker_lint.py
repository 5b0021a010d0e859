"""Each lint rule of AppLocker on the smallest policy that shows it, and on one that does not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policyc.cli.app import app
from policyc.targets.applocker.known import BYPASSES, PROBES, WRITABLE
from policyc.targets.applocker.lint import MANUALS, is_ours, lint
from policyc.targets.applocker.model import CollectionType
from policyc.targets.applocker.registry import entries_of, write_entries
from policyc.targets.base import ArtifactError
from tests.unit.targets.test_applocker_artifacts import digest, path, publisher, rule
from tests.unit.targets.windows_cases import read

RUN = CliRunner()
MS = "O=MICROSOFT CORPORATION, L=REDMOND, S=WASHINGTON, C=US"
ACME = "O=ACME, L=BONN, C=DE"
EXTENSIONS = (
    "<RuleCollectionExtensions><ThresholdExtensions>"
    '<Services EnforcementMode="Enabled"/></ThresholdExtensions>'
    '<RedstoneExtensions><SystemApps Allow="Enabled"/></RedstoneExtensions>'
    "</RuleCollectionExtensions>"
)
HALF = EXTENSIONS.replace(
    '<RedstoneExtensions><SystemApps Allow="Enabled"/></RedstoneExtensions>', ""
)
EXCEPT = "".join(path(f"{folder}\\*") + path(f"{folder}:*") for folder in WRITABLE) + "".join(
    publisher(MS, binary=name) for name in BYPASSES
)


def collection(kind: str, *rules: str, mode: str = "Enabled", more: str = "") -> str:
    body = "".join(
        text.replace('Id="0000000', f'Id="{place:02d}{CODES[kind]:05d}')
        for place, text in enumerate(rules, 10)
    )
    return f'<RuleCollection Type="{kind}" EnforcementMode="{mode}">{body}{more}</RuleCollection>'


CODES = {kind.value: place for place, kind in enumerate(CollectionType, 1)}
WINDOWS = rule("Path", path("%WINDIR%\\*"), exceptions=EXCEPT)
APPS = collection("Appx", rule("Publisher", publisher("*")))


def whole(*collections: str) -> str:
    return f'<AppLockerPolicy Version="1">\n{"".join(collections)}\n</AppLockerPolicy>'


def exe(*rules: str, mode: str = "Enabled", more: str = "") -> str:
    """A policy without fault but for what the rules bring."""
    others = (
        collection(kind, WINDOWS, mode=mode, more=more if kind == "Dll" else "")
        for kind in ("Dll", "Script")
    )
    apps = APPS.replace("Enabled", mode)
    return whole(apps, *others, collection("Exe", WINDOWS, *rules, mode=mode, more=more))


def only(kind: str, *rules: str, mode: str = "Enabled") -> str:
    return whole(collection(kind, *rules, mode=mode))


def codes(document: str | bytes) -> set[str]:
    data = document.encode() if isinstance(document, str) else document
    return {item.code for item in lint({"p.xml": data})}


TOOL = rule("Path", path("D:\\Tools\\tool.exe"))
SHOWN: list[tuple[str, str]] = [
    ("A001", exe().replace('Type="Exe"', 'Type="Executable"')),
    ("A001", exe().replace('"AuditOnly"', '"Audit"').replace('"Enabled"', '"Enforced"')),
    ("A001", exe(TOOL.replace('Action="Allow"', 'Action="Permit"'))),
    ("A001", exe(TOOL.replace("S-1-1-0", "Everyone"))),
    ("A001", exe(TOOL.replace('Name="r1"', f'Name="{"x" * 1025}"'))),
    ("A001", exe(TOOL.replace(' Description=""', ""))),
    ("A001", exe(TOOL.replace("<Conditions>", "<Conditions>text"))),
    ("A001", only("Appx", TOOL)),
    ("A002", exe(rule("Path", path("%PROGRAMDATA%\\x\\*")))),
    ("A002", exe(rule("Path", path("D:\\%WINDIR%\\x.exe")))),
    ("A002", exe(rule("Path", path("D:\\T\\*"), exceptions=path("%TEMP%\\*")))),
    ("A003", exe(TOOL, TOOL.replace('Id="0000000', 'Id="1100003'))),
    ("A004", whole(collection("Exe", WINDOWS))),
    ("A004", whole(collection("Exe", WINDOWS), '<RuleCollection Type="Appx"/>')),
    ("A005", only("Script", rule("Path", path("D:\\x\\*"), action="Deny"))),
    ("A005", only("Dll", TOOL)),
    ("A005", only("Dll", rule("Path", path("*")).replace("S-1-1-0", "S-1-5-32-544"))),
    ("A006", only("Msi", TOOL, mode="NotConfigured")),
    ("A006", only("Msi", TOOL).replace(' EnforcementMode="Enabled"', "")),
    ("A007", exe(rule("Publisher", publisher("O=Acme, L=BONN, C=DE")))),
    ("A007", exe(rule("Publisher", publisher("O=ACME, L=BONN, ST=NRW, C=DE")))),
    ("A007", exe(rule("Publisher", publisher("CN=ACME, O=ACME, C=DE")))),
    ("A007", exe(rule("Publisher", publisher("O=ACME, C=DE, L=BONN")))),
    ("A007", exe(rule("Publisher", publisher("O=ACME,L=BONN,C=DE")))),
    ("A007", exe(rule("Publisher", publisher("O=MICROSOFT*")))),
    ("A007", exe(rule("Publisher", publisher(ACME, product="TOOL*")))),
    ("A007", exe(rule("Publisher", publisher("O=M\u00c3\u0153LLER, C=DE")))),
    ("A007", exe(rule("Publisher", publisher(ACME, binary=" X.EXE")))),
    ("A008", exe(more=HALF)),
    ("A008", only("Script", WINDOWS).replace("</RuleC", EXTENSIONS + "</RuleC")),
    ("A008", only("ManagedInstaller", rule("Publisher", publisher(ACME)), mode="AuditOnly")),
    ("A008", exe(more=EXTENSIONS).replace("<SystemApps", "<Other")),
    (
        "A008",
        exe(more=EXTENSIONS).replace(
            "</AppL",
            collection("ManagedInstaller", rule("Publisher", publisher(ACME))) + "</AppL",
        ),
    ),
    ("A008", collection("ManagedInstaller", rule("Publisher", publisher(ACME)), mode="AuditOnly")),
    ("A009", exe(rule("Path", path("D:\\Tools")))),
    ("A009", exe(rule("Path", path("D:\\Tools\\")))),
    ("A009", exe(rule("Path", path("D:\\PROGRA~1\\*")))),
    ("A009", exe(rule("Path", path("D:/Tools/*")))),
    ("A009", exe(rule("Path", path("D:\\Tools.\\*")))),
    ("A010", exe(rule("Publisher", publisher(ACME, low="2.0.0.0", high="1.0.0.0")))),
    ("A010", exe(rule("Publisher", publisher(ACME, low="1.0.0.70000")))),
    ("A010", exe(rule("Publisher", publisher(ACME, low="1x0x0x0")))),
    ("A010", exe(rule("Hash", digest("0x" + "a" * 40)))),
    ("A010", exe(rule("Hash", digest("0x" + "a" * 40, "SHA1")))),
    ("A101", exe(rule("Path", path("%OSDRIVE%\\Users\\*\\tool.exe")))),
    ("A101", exe(rule("Path", path("*\\tool.exe")))),
    ("A101", exe(rule("Path", path("%OSDRIVE%\\*")))),
    ("A101", exe(rule("Path", path("D:\\*")))),
    ("A101", exe(rule("Path", path("C:\\ProgramData\\x\\*")))),
    ("A101", exe(rule("Path", path("%WINDIR%\\Temp\\*")))),
    ("A101", exe(rule("Path", path("*")).replace("S-1-1-0", "S-1-5-21-1-2-3-513"))),
    ("A102", only("Script", rule("Path", path("%WINDIR%\\*")))),
    ("A102", only("Dll", rule("Path", path("%SYSTEM32%\\*"), exceptions=EXCEPT.replace(":*", "")))),
    ("A103", whole(APPS, collection("Exe", WINDOWS))),
    ("A104", exe(rule("Publisher", publisher(MS)))),
    ("A104", only("Msi", rule("Publisher", publisher("*")))),
    ("A105", exe(rule("Path", path("%SYSTEM32%\\*")))),
    ("A106", exe(rule("Path", path("D:\\x.exe"), action="Deny"))),
    ("A106", exe(rule("Hash", digest("0x" + "a" * 64), action="Deny"))),
    (
        "A107",
        only(
            "Script",
            rule(
                "Hash",
                digest("0x6B86B273FF34FCE19D6B804EFF5A3F5747ADA4EAA22F1D49C01E52DDB7875B4B"),
            ),
        ),
    ),
    (
        "A107",
        exe(rule("Hash", digest("0x" + "a" * 64).replace("Data", 'SourceFileLength="64" Data'))),
    ),
    ("A108", exe(rule("Publisher", publisher(ACME, low="2.0.0.0", high="2.0.0.0")))),
    ("A108", exe(rule("Publisher", publisher(MS, binary="BGINFO.EXE")))),
    ("A109", exe(rule("Path", path("%HOT%\\*")))),
    ("A109", exe(rule("Path", path("\\\\server\\share\\*")))),
    ("A109", exe(rule("Path", path("\\\\contoso.com\\netlogon\\*")))),
    ("A110", exe(TOOL.replace("S-1-1-0", "S-1-5-21-1-2-3-1001"))),
    ("A110", exe(TOOL.replace("S-1-1-0", "S-1-5-ABC-1"))),
    ("A201", '<?xml version="1.0"?>' + collection("Exe", WINDOWS)),
    ("A202", exe(*(rule("Hash", digest(f"0x{n:064x}"), number=n) for n in range(10, 99)))),
    ("A204", exe()),
    ("A301", exe(rule("Path", path("D:\\Tools\\*")), TOOL)),
    ("A301", exe(rule("Publisher", publisher(ACME)), rule("Publisher", publisher(ACME, "X")))),
    ("A301", exe(TOOL, TOOL)),
    ("A302", exe(TOOL, rule("Path", path("D:\\Tools\\*"), action="Deny"))),
    ("A303", exe(rule("Path", path("D:\\Tools\\*"), exceptions=path("E:\\*")))),
    ("A303", exe(rule("Path", path("D:\\Tools\\*"), exceptions=path("D:\\*")))),
    (
        "A303",
        exe(
            rule(
                "Publisher",
                publisher(ACME, low="2.0.0.0"),
                exceptions=publisher(ACME, high="1.0.0.0"),
            )
        ),
    ),
]

FINE: list[tuple[str, str]] = [
    ("nothing but the missing twin", exe()),
    ("program files", exe(rule("Path", path("%PROGRAMFILES%\\*")))),
    ("a folder of the administrators", exe(rule("Path", path("%OSDRIVE%\\Tools\\*")))),
    ("a publisher", exe(rule("Publisher", publisher(ACME, "TOOL", "TOOL.EXE", low="2.0.0.0")))),
    ("a publisher without organisation", exe(rule("Publisher", publisher("CN=ACME TOOLS")))),
    ("an umlaut", exe(rule("Publisher", publisher("O=M\u00dcLLER, C=DE")))),
    ("a subject in small letters", whole(collection("Appx", rule("Publisher", publisher("CN=A"))))),
    ("a hash", exe(rule("Hash", digest("0x" + "a" * 64)))),
    ("administrators", exe(rule("Path", path("*")).replace("S-1-1-0", "S-1-5-32-544"))),
    ("a deny by publisher", exe(rule("Publisher", publisher(ACME), action="Deny"))),
    (
        "the antivirus",
        exe(rule("Path", path("%OSDRIVE%\\ProgramData\\Microsoft\\Windows Defender\\*"))),
    ),
    (
        "an exception that counts",
        exe(rule("Path", path("D:\\Tools\\*"), exceptions=path("D:\\Tools\\a\\*"))),
    ),
    ("extensions", exe(more=EXTENSIONS)),
    ("the form of Intune", collection("Exe", WINDOWS)),
    ("a new BgInfo", exe(rule("Publisher", publisher(MS, binary="BGINFO.EXE", low="4.26.0.0")))),
]


@pytest.mark.parametrize(("code", "document"), SHOWN)
def test_each_fault_is_found(code: str, document: str) -> None:
    if code == "A202":
        document = document.replace("</AppL", f"<!--{'x' * (1 << 20)}--></AppL")
    assert code in codes(document)


@pytest.mark.parametrize("document", [item[1] for item in FINE], ids=[item[0] for item in FINE])
def test_nothing_else_is_found(document: str) -> None:
    assert codes(document) <= {"A204"}


def test_every_rule_has_a_case_and_a_manual() -> None:
    elsewhere = {"A203"}
    assert {code for code, _ in SHOWN} | elsewhere == MANUALS.keys()
    assert all("Fix: " in page and len(page) > 80 for page in MANUALS.values())


def test_registry_pol_is_linted_and_needs_the_service() -> None:
    data = write_entries(entries_of(read("applocker", exe(rule("Path", path("*\\a.exe"))))))
    found = {item.code for item in lint({"registry.pol": data})}
    assert found == {"A101", "A203", "A204"}
    assert is_ours(data)


def test_the_probes_of_powershell_are_the_hashes_of_their_texts() -> None:
    """Flat SHA-256 of all bytes, as events show it (Get-AppLockerEvents.ps1 of AaronLocker)."""
    texts = (b"1", b"# PowerShell test file to determine AppLocker lockdown mode ")
    assert {hashlib.sha256(text).hexdigest() for text in texts} == PROBES.keys()


def test_a_twin_and_another_meaning_are_seen_across_files() -> None:
    own, audit = exe(TOOL).encode(), exe(TOOL, mode="AuditOnly").encode()
    assert lint({"a.xml": own, "b.xml": audit}) == ()
    other = exe(rule("Path", path("E:\\Tools\\tool.exe"))).encode()
    found = lint({"a.xml": own, "b.xml": other})
    assert [item.code for item in found if item.place.line] == ["A003", "A003"]


def test_lines_and_columns_are_exact() -> None:
    document = exe(TOOL.replace('Action="Allow"', 'Action="Permit"')).replace(
        "><File", ">\n  <File"
    )
    (found,) = [item for item in lint({"p.xml": document.encode()}) if item.code == "A001"]
    assert found.message.startswith("column 3: <FilePathRule>")
    line = document.split("\n")[found.place.line - 1]
    assert 'Action="Permit"' in line
    with pytest.raises(ArtifactError) as caught:
        read("applocker", document)
    assert (caught.value.line, caught.value.column) == (found.place.line, 3)
    assert caught.value.place("p.xml") == f"p.xml:{found.place.line}:3"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_encoding_is_recognised(encoding: str) -> None:
    assert is_ours(exe().encode(encoding))
    assert codes(exe().encode(encoding)) == {"A204"}


@pytest.mark.parametrize(
    "data",
    [
        b"<AppLockerPolicy",
        b"<AppLockerPolicy>&x;</AppLockerPolicy>",
        b"PReg\x01\0\0\0[",
        b"\xff\xfe",
    ],
)
def test_what_is_no_xml_is_an_error(data: bytes) -> None:
    with pytest.raises(ArtifactError) as caught:
        lint({"p.xml": data})
    assert caught.value.artifact == "p.xml"


def test_many_rules_are_not_compared_with_each_other() -> None:
    rules = [rule("Path", path(f"D:\\T\\{n}\\*"), number=n) for n in range(2_100)]
    body = "".join(rules)
    document = whole(
        f'<RuleCollection Type="Msi" EnforcementMode="AuditOnly">{body}</RuleCollection>'
    )
    assert codes(document) == {"A202"}


def test_the_command_prints_every_form(tmp_path: Path) -> None:
    file = tmp_path / "policy.xml"
    file.write_text(exe(rule("Path", path("%TEMP%\\*"))), encoding="utf-8")
    text = RUN.invoke(app, ["lint", str(file)])
    assert text.exit_code == 1
    assert "error[A002]" in text.stdout
    rows = json.loads(RUN.invoke(app, ["lint", str(file), "--format", "json"]).stdout)["findings"]
    assert {row["code"] for row in rows} == {"A002", "A204"}
    sarif = json.loads(RUN.invoke(app, ["lint", str(file), "--format", "sarif"]).stdout)
    assert {item["ruleId"] for item in sarif["runs"][0]["results"]} == {"A002", "A204"}
    page = RUN.invoke(app, ["explain", "A002"])
    assert page.exit_code == 0
    assert "%OSDRIVE%" in page.stdout
    file.write_text("<AppLockerPolicy>\n <x>", encoding="utf-8")
    broken = RUN.invoke(app, ["lint", str(file)])
    assert broken.exit_code == 2
    assert f"{file}:2:5: not XML" in broken.stderr
