"""AppLocker XML from anywhere: what is read, what is refused and why, what it decides."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from policyc.model.decision import Decision, Verdict
from policyc.model.facts import UNKNOWN, FileFacts, Hashes, ScriptFacts
from policyc.targets.applocker import TARGET
from policyc.targets.base import ArtifactError
from tests.unit.targets.windows_cases import OTHER, PROGRAM, SCRIPT, read

ID = "11111111-2222-3333-4444-555555555555"
PUBLISHER = "O=Acme GmbH, L=Bonn, C=DE"


def rule(
    kind: str, condition: str, *, action: str = "Allow", number: int = 1, exceptions: str = ""
) -> str:
    """One rule of a kind: Publisher, Path or Hash."""
    extra = f"<Exceptions>{exceptions}</Exceptions>" if exceptions else ""
    return (
        f'<File{kind}Rule Id="{number:08d}-2222-3333-4444-555555555555" Name="r{number}" '
        f'Description="" UserOrGroupSid="S-1-1-0" Action="{action}">'
        f"<Conditions>{condition}</Conditions>{extra}</File{kind}Rule>"
    )


def path(text: str) -> str:
    return f'<FilePathCondition Path="{text}"/>'


def publisher(
    name: str = PUBLISHER, product: str = "*", binary: str = "*", low: str = "*", high: str = "*"
) -> str:
    return (
        f'<FilePublisherCondition PublisherName="{name}" ProductName="{product}" '
        f'BinaryName="{binary}"><BinaryVersionRange LowSection="{low}" HighSection="{high}"/>'
        "</FilePublisherCondition>"
    )


def digest(data: str, kind: str = "SHA256") -> str:
    return f'<FileHashCondition><FileHash Type="{kind}" Data="{data}"/></FileHashCondition>'


def policy(*rules: str, kind: str = "Exe", mode: str = 'EnforcementMode="Enabled"') -> str:
    body = f'<RuleCollection Type="{kind}" {mode}>{"".join(rules)}</RuleCollection>'
    return f'<AppLockerPolicy Version="1">\n{body}\n</AppLockerPolicy>'


def decide(document: str, facts: FileFacts) -> Decision:
    return TARGET.evaluate(read("applocker", document), facts)


ACME = rule("Path", path("C:\\acme\\*"))
REFUSED = {
    "another document": ("<a/>", "no AppLockerPolicy"),
    "a document type": ("<!DOCTYPE a><a/>", "document type"),
    "deep nesting": ("<AppLockerPolicy>" + "<a>" * 10_000, "more than 32 deep"),
    "a type in words": (policy(kind="Executable"), "Executable"),
    "a mode in words": (policy(mode='EnforcementMode="Audit"'), "Audit"),
    "a collection twice": (
        policy(ACME).replace("</AppL", '<RuleCollection Type="Exe"/></AppL'),
        "second collection",
    ),
    "an id twice": (policy(ACME, ACME), "of an earlier rule"),
    "an id in braces": (policy(ACME.replace('Id="', 'Id="{')), "no GUID"),
    "a name for a SID": (policy(ACME.replace("S-1-1-0", "Everyone")), "no SID"),
    "another kind of condition": (
        policy(rule("Hash", path("C:\\*"))),
        "not exactly one condition",
    ),
    "two conditions": (policy(rule("Path", path("a") * 2)), "not exactly one condition"),
    "a hash with exceptions": (
        policy(rule("Hash", digest("0x" + "a" * 64), exceptions=path("C:\\*"))),
        "no exceptions",
    ),
    "a short hash": (policy(rule("Hash", digest("0x" + "a" * 40))), "no SHA256 hash"),
    "a long SHA-1": (policy(rule("Hash", digest("0x" + "a" * 64, "SHA1"))), "no SHA1 hash"),
    "a version too high": (
        policy(rule("Publisher", publisher(low="1.0.0.70000"))),
        "65535",
    ),
    "an unknown action": (policy(ACME.replace('"Allow"', '"Audit"')), "Audit"),
    "an unknown element": (policy("<FileNameRule/>"), "FileNameRule"),
}


@pytest.mark.parametrize(("document", "why"), REFUSED.values(), ids=REFUSED)
def test_what_would_be_guessed_at_is_refused_by_name(document: str, why: str) -> None:
    with pytest.raises(ArtifactError, match=why) as caught:
        read("applocker", document)
    assert caught.value.artifact == "given.xml"
    assert caught.value.line > 0
    assert caught.value.column > 0


def test_utf_16_and_single_collections_are_read() -> None:
    text = policy(ACME)
    assert read("applocker", text.encode("utf-16")) == read("applocker", text)
    alone = text.split("\n")[1]
    assert read("applocker", alone) == read("applocker", text)


@pytest.mark.parametrize(
    ("pattern", "where", "matches"),
    [
        ("%OSDRIVE%\\acme\\*", "C:\\Acme\\b\\c.exe", True),
        ("%OSDRIVE%\\acme\\*", "D:\\Acme\\b\\c.exe", False),
        ("%WINDIR%\\*", "C:\\Windows\\a.exe", True),
        ("%WINDIR%\\*", "C:\\WindowsOld\\a.exe", False),
        ("%SYSTEM32%\\*", "C:\\Windows\\SysWOW64\\a.exe", True),
        ("%PROGRAMFILES%\\*", "C:\\Program Files (x86)\\a.exe", True),
        ("%PROGRAMFILES%\\*", "C:\\Program FilesX\\a.exe", False),
        ("%TEMP%\\*", "C:\\Temp\\a.exe", False),
        ("*", "C:\\a.exe", True),
        ("*\\a.exe", "C:\\x\\y\\a.exe", True),
        ("*\\a.exe", "C:\\x\\y\\ba.exe", False),
        ("C:\\a*b\\b.exe", "C:\\ab\\x\\b\\b.exe", True),
        ("C:\\acme", "C:\\acme\\a.exe", False),
        ("\\\\server\\share\\*", "\\\\Server\\share\\a.exe", True),
        ("C:\\windows\\*", "C:\\Wındows\\a.exe", False),
        ("C:\\a*a.exe", "C:\\a.exe", False),
    ],
)
def test_path_variables_and_wildcards(pattern: str, where: str, *, matches: bool) -> None:
    document = policy(rule("Path", path(pattern)))
    verdict = decide(document, replace(OTHER, path=where)).verdict
    assert (verdict is Verdict.ALLOW) is matches


def test_many_stars_cost_no_time() -> None:
    document = policy(rule("Path", path("*a" * 200 + "b")))
    start = time.perf_counter()
    assert decide(document, replace(OTHER, path="C:\\" + "a" * 4000)).verdict is Verdict.DENY
    assert time.perf_counter() - start < 2


def test_the_four_words() -> None:
    assert decide(policy(ACME), PROGRAM).reason.startswith("Allowed: 00000001-")
    assert decide(policy(ACME), OTHER).reason == "DeniedByDefault"
    deny = rule("Path", path("C:\\acme\\tool1*"), action="Deny", number=2)
    assert decide(policy(ACME, deny), PROGRAM).reason.startswith("Denied: 00000002-")
    assert decide(policy(), PROGRAM) == Decision(
        verdict=Verdict.ALLOW, reason="AllowedByDefault: no rules"
    )
    assert decide(policy(mode=""), PROGRAM).verdict is Verdict.NOT_GOVERNED
    assert decide(policy(kind="Dll"), PROGRAM).verdict is Verdict.NOT_GOVERNED


def test_rules_without_a_mode_are_enforced() -> None:
    assert decide(policy(ACME, mode='EnforcementMode="NotConfigured"'), OTHER).verdict is (
        Verdict.DENY
    )


def test_a_rule_for_a_group_does_not_apply_to_nobody_in_particular() -> None:
    document = policy(ACME.replace("S-1-1-0", "S-1-5-32-544"))
    assert decide(document, PROGRAM).verdict is Verdict.DENY


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        (publisher(), True),
        (publisher(name=PUBLISHER.lower()), True),
        (publisher(name="*"), True),
        (publisher(name="O=ACME*"), False),
        (publisher(product="ACME TOOL", binary="TOOL.EXE", low="1.0.0.0", high="1.0.0.0"), True),
        (publisher(product="ACME"), False),
        (publisher(low="1.0.0.1"), False),
        (publisher(high="0.9.0.0"), False),
    ],
)
def test_publisher_conditions(condition: str, *, matches: bool) -> None:
    document = policy(rule("Publisher", condition))
    assert (decide(document, PROGRAM).verdict is Verdict.ALLOW) is matches
    assert decide(document, replace(PROGRAM, signatures=())).verdict is Verdict.DENY


def test_exceptions_take_files_out_of_their_own_rule_only() -> None:
    excepted = rule("Path", path("C:\\acme\\*"), exceptions=publisher())
    assert decide(policy(excepted), PROGRAM).verdict is Verdict.DENY
    again = rule("Publisher", publisher(), number=2)
    assert decide(policy(excepted, again), PROGRAM).verdict is Verdict.ALLOW


def test_hashes_are_authenticode_for_images_and_flat_for_scripts() -> None:
    assert not isinstance(PROGRAM.hashes.authenticode_sha256, type(UNKNOWN))
    flat, image = str(PROGRAM.hashes.sha256), str(PROGRAM.hashes.authenticode_sha256)
    assert decide(policy(rule("Hash", digest("0x" + image))), PROGRAM).verdict is Verdict.ALLOW
    assert decide(policy(rule("Hash", digest("0x" + flat))), PROGRAM).verdict is Verdict.DENY
    by_flat = policy(rule("Hash", digest("0x" + flat, "SHA256Flat")))
    assert decide(by_flat, PROGRAM).verdict is Verdict.ALLOW
    script = rule("Hash", digest("0x" + "E" * 64))
    assert decide(policy(script, kind="Script"), SCRIPT).verdict is Verdict.ALLOW


def test_what_is_not_known_decides_only_what_depends_on_it() -> None:
    """A rule that might match does not hide one that does; nor does a deny of what is denied."""
    unsigned = replace(PROGRAM, signatures=UNKNOWN)
    by_name = rule("Publisher", publisher(name="O=X, C=Y"), number=2)
    denied = rule("Publisher", publisher(name="O=X, C=Y"), number=3, action="Deny")
    assert decide(policy(by_name, ACME), unsigned).verdict is Verdict.ALLOW
    assert decide(policy(ACME, by_name), unsigned).verdict is Verdict.ALLOW
    assert decide(policy(by_name), unsigned).verdict is Verdict.UNDETERMINED
    assert decide(policy(denied), unsigned).verdict is Verdict.DENY
    assert decide(policy(denied, ACME), unsigned).verdict is Verdict.UNDETERMINED
    lost = replace(PROGRAM, hashes=Hashes(authenticode_sha256=UNKNOWN))
    by_hash = rule("Hash", digest("0x" + "a" * 64), number=4)
    assert decide(policy(by_hash), lost).verdict is Verdict.UNDETERMINED
    assert decide(policy(by_hash, ACME), lost).verdict is Verdict.ALLOW
    assert decide(policy(by_hash), PROGRAM).verdict is Verdict.DENY
    excepted = rule("Path", path("C:\\acme\\*"), exceptions=publisher(name="O=X, C=Y"))
    assert decide(policy(excepted), unsigned).verdict is Verdict.UNDETERMINED


def test_it_is_not_asked_about_what_it_does_not_govern() -> None:
    python = replace(SCRIPT, path="C:\\a.py", script=ScriptFacts(language="python"))
    assert decide(policy(ACME, kind="Script"), python).verdict is Verdict.NOT_GOVERNED
    assert decide(policy(ACME, kind="Script"), SCRIPT).verdict is Verdict.ALLOW
    assert PROGRAM.pe is not None
    posix = replace(PROGRAM, pe=replace(PROGRAM.pe, subsystem=7))
    assert decide(policy(ACME), posix).verdict is Verdict.NOT_GOVERNED
