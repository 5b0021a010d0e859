"""SiPolicy XML from anywhere: what is read, what is refused and why, what it decides."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from policyc.model.decision import Decision, Verdict
from policyc.model.facts import UNKNOWN, FileFacts, Hashes, PeKind, ScriptFacts, VersionInfo
from policyc.model.identity import AuthenticodeSha256
from policyc.model.version import FileVersion
from policyc.targets.base import ArtifactError
from policyc.targets.wdac import TARGET
from tests.unit.targets.windows_cases import OTHER, PROGRAM, SCRIPT, read

TBS = PROGRAM.signatures[0].chain[1].tbs.value if PROGRAM.signatures is not UNKNOWN else ""
PLATFORM = "{2E07F7E4-194C-4D20-B7C9-6F44A6C5A234}"
GUID = "{11111111-2222-3333-4444-555555555555}"


def policy(
    rules: str = "",
    refs: str = "",
    *,
    signers: str = "",
    allowed: str = "",
    denied: str = "",
    options: tuple[str, ...] = ("Enabled:UMCI", "Enabled:Unsigned System Integrity Policy"),
    scenario: str = "",
    extra: str = "",
) -> str:
    """A document with these file rules, references and signers in user mode."""
    references = f"<FileRulesRef>{refs}</FileRulesRef>" if refs else ""
    chosen = "".join(f"<Rule><Option>{item}</Option></Rule>" for item in options)
    return f"""<SiPolicy xmlns="urn:schemas-microsoft-com:sipolicy" PolicyType="Base Policy">
<VersionEx>10.0.0.0</VersionEx><PlatformID>{PLATFORM}</PlatformID>
<Rules>{chosen}</Rules><FileRules>{rules}</FileRules><Signers>{signers}</Signers>
<SigningScenarios><SigningScenario Value="12" ID="ID_SIGNINGSCENARIO_W" {scenario}>
<ProductSigners>{allowed}{denied}{references}</ProductSigners>
</SigningScenario></SigningScenarios>{extra}
<BasePolicyID>{GUID}</BasePolicyID><PolicyID>{GUID}</PolicyID></SiPolicy>"""


def one_rule(element: str) -> str:
    return policy(element, '<FileRuleRef RuleID="ID_X_A"/>')


def decide(document: str, facts: FileFacts) -> Decision:
    return TARGET.evaluate(read("wdac", document), facts)


SIGNER = f'<Signer ID="ID_SIGNER_A" Name="a"><CertRoot Type="TBS" Value="{TBS}"/>{{}}</Signer>'
ALLOWED = '<AllowedSigners><AllowedSigner SignerId="{}"/></AllowedSigners>'
DENIED = '<DeniedSigners><DeniedSigner SignerId="ID_SIGNER_A"/></DeniedSigners>'
REFUSED = {
    "another document": ("<a/>", "no SiPolicy"),
    "a document type": ("<!DOCTYPE a><a/>", "document type"),
    "deep nesting": ("<SiPolicy>" + "<a>" * 10_000, "not XML"),
    "a section twice": (policy(extra="<FileRules/>"), "twice"),
    "a list twice": (policy(allowed="<AllowedSigners/>" * 2), "twice"),
    "a scenario twice": (
        policy().replace(
            "</SigningScenarios>",
            '<SigningScenario Value="12" ID="ID_SIGNINGSCENARIO_X"><ProductSigners/>'
            "</SigningScenario></SigningScenarios>",
        ),
        "twice",
    ),
    "an id twice": (policy('<Allow ID="ID_ALLOW_A" FileName="a"/>' * 2), "twice"),
    "a signer that is a rule": (
        policy('<Allow ID="ID_ALLOW_A" FileName="a"/>', allowed=ALLOWED.format("ID_ALLOW_A")),
        "not a signer",
    ),
    "a rule that is a signer": (
        policy(refs='<FileRuleRef RuleID="ID_SIGNER_A"/>', signers=SIGNER.format("")),
        "not an Allow or Deny rule",
    ),
    "attributes as a rule": (
        one_rule('<FileAttrib ID="ID_X_A" FileName="a"/>'),
        "not an Allow or Deny rule",
    ),
    "a rule as attributes": (
        policy(
            '<Allow ID="ID_X_A" FileName="a"/>',
            signers=SIGNER.format('<FileAttribRef RuleID="ID_X_A"/>'),
        ),
        "not a FileAttrib",
    ),
    "an unknown EKU": (policy(signers=SIGNER.format('<CertEKU ID="ID_EKU_A"/>')), "not an EKU"),
    "a hash and a name": (one_rule('<Deny ID="ID_X_A" Hash="00" FileName="a"/>'), "excludes"),
    "a version alone": (one_rule('<Deny ID="ID_X_A" MinimumFileVersion="1"/>'), "no condition"),
    "odd hexadecimal": (one_rule('<Deny ID="ID_X_A" Hash="000"/>'), "not hexadecimal"),
    "a version too high": (
        one_rule('<Deny ID="ID_X_A" FileName="a" MinimumFileVersion="65536.0.0.0"/>'),
        "65535",
    ),
    "an application list": (one_rule('<Deny ID="ID_X_A" FileName="a" AppIDs="b"/>'), "AppIDs"),
    "an inherited scenario": (
        policy(scenario='InheritedScenarios="ID_SIGNINGSCENARIO_W"'),
        "InheritedScenarios",
    ),
    "a signing time": (
        policy(signers=SIGNER.format("").replace("Name", 'SignTimeAfter="2020-01-01" Name')),
        "SignTimeAfter",
    ),
    "an exception that leads nowhere": (
        policy(
            signers=SIGNER.format(""),
            allowed='<AllowedSigners><AllowedSigner SignerId="ID_SIGNER_A">'
            '<ExceptDenyRule DenyRuleID="ID_DENY_A"/></AllowedSigner></AllowedSigners>',
        ),
        "not a Deny rule",
    ),
    "an unknown option": (policy(options=("Enabled:Everything",)), "Enabled:Everything"),
}


@pytest.mark.parametrize(("document", "why"), REFUSED.values(), ids=REFUSED)
def test_what_would_be_guessed_at_is_refused_by_name(document: str, why: str) -> None:
    with pytest.raises(ArtifactError, match=why) as caught:
        read("wdac", document)
    assert caught.value.artifact == "given.xml"
    assert caught.value.line > 0


def test_the_line_of_the_mistake_is_told() -> None:
    with pytest.raises(ArtifactError) as caught:
        read("wdac", policy(scenario='MinimumHashAlgorithm="32772"'))
    assert caught.value.line == 4


def test_deny_wins_over_allow() -> None:
    document = policy(signers=SIGNER.format(""), allowed=ALLOWED.format("ID_SIGNER_A"))
    assert decide(document, PROGRAM).verdict is Verdict.ALLOW
    both = policy(signers=SIGNER.format(""), allowed=ALLOWED.format("ID_SIGNER_A"), denied=DENIED)
    assert decide(both, PROGRAM).verdict is Verdict.DENY


FIVE = FileVersion.parse("5")


@pytest.mark.parametrize(
    ("element", "below", "same", "above"),
    [
        ('<Allow ID="ID_X_A" FileName="t" MinimumFileVersion="5"/>', False, True, True),
        ('<Allow ID="ID_X_A" FileName="t" MaximumFileVersion="5"/>', True, True, False),
        ('<Deny ID="ID_X_A" FileName="t" MinimumFileVersion="5"/>', True, True, False),
        ('<Deny ID="ID_X_A" FileName="t" MaximumFileVersion="5"/>', False, True, True),
        ('<Deny ID="ID_X_A" FileName="t"/>', True, True, True),
    ],
)
def test_a_lone_bound_of_a_deny_points_the_other_way(
    element: str, *, below: bool, same: bool, above: bool
) -> None:
    document = policy(
        element + '<Allow ID="ID_ALLOW_S" FileName="*"/>',
        '<FileRuleRef RuleID="ID_X_A"/><FileRuleRef RuleID="ID_ALLOW_S"/>'
        if element.startswith("<Deny")
        else '<FileRuleRef RuleID="ID_X_A"/>',
    )
    hit = "ID_X_A"
    for value, expected in ((-1, below), (0, same), (1, above)):
        info = VersionInfo(original_filename="T", file_version=FileVersion(FIVE.value + value))
        assert (decide(document, replace(OTHER, version_info=info)).reason == hit) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("%WINDIR%\\*", "C:\\Windows\\a.exe", True),
        ("%WINDIR%\\*", "C:\\WindowsOld\\a.exe", False),
        ("%SYSTEM32%\\*", "C:\\Windows\\System32\\x\\a.exe", True),
        ("%SYSTEM32%\\*", "C:\\Windows\\SysWOW64\\a.exe", False),
        ("%OSDRIVE%\\a\\*", "C:\\A\\b\\c.exe", True),
        ("%OSDRIVE%\\a\\*", "D:\\A\\b\\c.exe", False),
        ("*\\a.exe", "C:\\x\\y\\a.exe", True),
        ("*\\a.exe", "C:\\x\\y\\ba.exe", False),
        ("C:\\*\\b\\*.exe", "C:\\x\\y\\b\\c.exe", True),
        ("C:\\x?.exe", "C:\\x1.exe", True),
        ("C:\\x?.exe", "C:\\x.exe", False),
        ("C:\\a.exe", "C:\\a.exe", True),
        ("C:\\windows\\*", "C:\\Wındows\\a.exe", False),
    ],
)
def test_path_macros_and_wildcards(pattern: str, path: str, *, matches: bool) -> None:
    document = one_rule(f'<Allow ID="ID_X_A" FilePath="{pattern}"/>')
    verdict = decide(document, replace(OTHER, path=path)).verdict
    assert (verdict is Verdict.ALLOW) is matches


def test_many_stars_cost_no_time() -> None:
    document = one_rule(f'<Allow ID="ID_X_A" FilePath="{"*a" * 30}b"/>')
    start = time.perf_counter()
    assert decide(document, replace(OTHER, path="C:\\" + "a" * 400)).verdict is Verdict.DENY
    assert time.perf_counter() - start < 2


def test_a_star_is_any_file_and_never_more_than_the_names_beside_it() -> None:
    everything = one_rule('<Allow ID="ID_X_A" FileName="*"/>')
    assert decide(everything, PROGRAM).verdict is Verdict.ALLOW
    assert decide(everything, SCRIPT).verdict is Verdict.ALLOW
    product = one_rule('<Allow ID="ID_X_A" FileName="*" ProductName="Acme Tool"/>')
    assert decide(product, PROGRAM).verdict is Verdict.ALLOW
    assert decide(product, OTHER).verdict is Verdict.DENY
    assert decide(product, SCRIPT).verdict is Verdict.DENY


def test_what_is_not_known_decides_only_what_depends_on_it() -> None:
    """A rule that might match does not hide one that does; nor does a deny of what is denied."""
    unsigned = replace(PROGRAM, signatures=UNKNOWN)
    name = '<Allow ID="ID_X_A" FileName="tool.exe"/>'
    ref = '<FileRuleRef RuleID="ID_X_A"/>'
    allowed = ALLOWED.format("ID_SIGNER_A")
    signer = SIGNER.format("")
    assert decide(policy(name, ref, signers=signer, allowed=allowed), unsigned).verdict is (
        Verdict.ALLOW
    )
    assert decide(policy(name, ref, signers=signer, denied=DENIED), unsigned).verdict is (
        Verdict.UNDETERMINED
    )
    assert decide(policy(signers=signer, allowed=allowed), unsigned).verdict is (
        Verdict.UNDETERMINED
    )
    assert decide(policy(signers=signer, denied=DENIED), unsigned).verdict is Verdict.DENY
    path = '<Allow ID="ID_Y_A" FilePath="C:\\acme\\*"/>'
    both = policy(path + name, '<FileRuleRef RuleID="ID_Y_A"/>' + ref)
    assert decide(both, replace(PROGRAM, writable_by_users=UNKNOWN)).verdict is Verdict.ALLOW


def test_an_unknown_hash_is_undetermined_only_where_hashes_are_named() -> None:
    lost = replace(PROGRAM, hashes=Hashes(authenticode_sha256=UNKNOWN))
    digest = AuthenticodeSha256("a" * 64)
    named = one_rule(f'<Allow ID="ID_X_A" Hash="{digest.value.upper()}"/>')
    assert decide(named, lost).verdict is Verdict.UNDETERMINED
    assert decide(named, PROGRAM).verdict is Verdict.DENY
    assert decide(policy(), lost).verdict is Verdict.DENY


def test_it_is_not_asked_about_what_does_not_ask() -> None:
    batch = replace(SCRIPT, path="C:\\a.bat", script=ScriptFacts(language="batch"))
    assert decide(policy(), SCRIPT).verdict is Verdict.DENY
    assert decide(policy(), batch).verdict is Verdict.NOT_GOVERNED
    assert decide(policy(options=("Disabled:Script Enforcement",)), SCRIPT).verdict is (
        Verdict.NOT_GOVERNED
    )
    assert decide(policy(options=()), PROGRAM).verdict is Verdict.NOT_GOVERNED
    assert PROGRAM.pe is not None
    driver = replace(PROGRAM, pe=replace(PROGRAM.pe, kind=PeKind.DRIVER))
    assert decide(policy(), driver).reason == "no signing scenario"
