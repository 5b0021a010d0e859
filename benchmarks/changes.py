"""Made changes to compare: two lists of hashes in each form of a policy, and two of a made fleet.

``python benchmarks/changes.py hashes FOLDER RULES`` writes a pair ``old…`` and ``new…`` for every
form of ``PAIRS``; each pair shares all but one of a hundred rules. ``python benchmarks/changes.py
fleet FOLDER`` makes ``new.yaml`` of the ``policyc.yaml`` that ``fleet.py`` wrote: one of fifty
rules is gone and one of twenty-five is wider or narrower.
"""

from __future__ import annotations

import hashlib
import plistlib
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path

HEAD = "policyc: 1\nname: Made hashes\nrules:\n"
APP_CONTROL_HEAD = """<?xml version="1.0" encoding="utf-8"?>
<SiPolicy xmlns="urn:schemas-microsoft-com:sipolicy" PolicyType="Base Policy">
  <VersionEx>10.0.0.0</VersionEx>
  <PlatformID>{2E07F7E4-194C-4D20-B7C9-6F44A6C5A234}</PlatformID>
  <Rules><Rule><Option>Enabled:UMCI</Option></Rule></Rules>
  <FileRules>
"""
APP_CONTROL_MIDDLE = """  </FileRules>
  <SigningScenarios>
    <SigningScenario Value="12" ID="ID_SIGNINGSCENARIO_WINDOWS"><ProductSigners><FileRulesRef>
"""
APP_CONTROL_END = """    </FileRulesRef></ProductSigners></SigningScenario>
  </SigningScenarios>
  <BasePolicyID>{11111111-2222-3333-4444-555555555555}</BasePolicyID>
  <PolicyID>{11111111-2222-3333-4444-555555555555}</PolicyID>
</SiPolicy>
"""
APP_CONTROL_KINDS = (("Sha1", 40), ("Sha256", 64), ("Page Sha1", 40), ("Page Sha256", 64))
"""The four hashes that New-CIPolicy writes of a program."""


def digest(text: object) -> str:
    """A SHA-256 of its own."""
    return hashlib.sha256(str(text).encode()).hexdigest()


def flow(numbers: Iterable[int]) -> str:
    """A baseline with a rule a line."""
    return HEAD + "".join(
        f"  - {{id: rule-{number}, permit: {{hash: {{sha256: {digest(number)}}}}}}}\n"
        for number in numbers
    )


def block(numbers: Iterable[int]) -> str:
    """A baseline as people write one."""
    return HEAD + "".join(
        f"  - id: rule-{number}\n    permit:\n      hash: {{sha256: {digest(number)}}}\n"
        f"    platforms: [windows]\n    note: 'seen {number}'\n"
        for number in numbers
    )


def app_control(numbers: Iterable[int]) -> str:
    """App Control XML: every fourth rule is of the next program."""
    rules, references = [], []
    for number in numbers:
        kind, length = APP_CONTROL_KINDS[number % 4]
        name = f"ID_ALLOW_A_{number // 4:X}_{number % 4}"
        value = digest(f"{kind} {number}")[:length].upper()
        path = f"C:\\Program Files\\Vendor\\tool{number // 4}.exe Hash {kind}"
        rules.append(f'    <Allow ID="{name}" FriendlyName="{path}" Hash="{value}" />\n')
        references.append(f'      <FileRuleRef RuleID="{name}" />\n')
    head = APP_CONTROL_HEAD + "".join(rules) + APP_CONTROL_MIDDLE
    return head + "".join(references) + APP_CONTROL_END


def applocker(numbers: Iterable[int]) -> str:
    """AppLocker XML with a rule for every program."""
    rules = "".join(
        f'    <FileHashRule Id="{uuid.UUID(digest(number)[:32])}" Name="tool{number}.exe"'
        ' Description="" UserOrGroupSid="S-1-1-0" Action="Allow">\n'
        "      <Conditions>\n        <FileHashCondition>\n"
        f'          <FileHash Type="SHA256" Data="0x{digest(number).upper()}"'
        f' SourceFileName="tool{number}.exe" SourceFileLength="{1000 + number}" />\n'
        "        </FileHashCondition>\n      </Conditions>\n    </FileHashRule>\n"
        for number in numbers
    )
    return (
        '<AppLockerPolicy Version="1">\n'
        f'  <RuleCollection Type="Exe" EnforcementMode="Enabled">\n{rules}  </RuleCollection>\n'
        "</AppLockerPolicy>\n"
    )


def santa(numbers: Iterable[int]) -> str:
    """A configuration profile."""
    rules = [
        {"identifier": digest(number), "policy": "ALLOWLIST", "rule_type": "BINARY"}
        for number in numbers
    ]
    payload = {"PayloadType": "com.northpolesec.santa", "ClientMode": 2, "StaticRules": rules}
    profile = {"PayloadType": "Configuration", "PayloadContent": [payload]}
    return plistlib.dumps(profile).decode()


def fapolicyd(numbers: Iterable[int]) -> str:
    """A rule file that ends with a denial."""
    rules = (f"allow perm=execute all : sha256hash={digest(number)}\n" for number in numbers)
    return "".join(rules) + "deny perm=execute all : all\n"


PAIRS = {
    ".yaml": flow,
    "-block.yaml": block,
    ".xml": app_control,
    "-applocker.xml": applocker,
    ".mobileconfig": santa,
    ".rules": fapolicyd,
}
"""What each form's files are called behind ``old`` and ``new``, and how they are made."""


def hashes(folder: Path, rules: int) -> None:
    """Two policies of so many hashes in every form; no baseline may have more than 16 MiB."""
    for ending, make in PAIRS.items():
        count = rules * 9 // 10 if make is block else rules
        for name, start in (("old", 0), ("new", count // 100)):
            text = make(range(start, start + count))
            (folder / f"{name}{ending}").write_text(text, encoding="utf-8")


def fleet(folder: Path) -> None:
    """The fleet's baseline with changes."""
    kept = []
    number = 0
    for line in (folder / "policyc.yaml").read_text(encoding="utf-8").splitlines(keepends=True):
        text = line
        if line.startswith('  - {"id": "rule-'):
            number += 1
            if number % 50 == 0:
                continue
            if number % 25 == 7:
                text = line.replace('">=2.0"', '">=1.0"').replace("/**", "/bin/**")
        kept.append(text)
    (folder / "new.yaml").write_text("".join(kept), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "hashes":
        hashes(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        fleet(Path(sys.argv[2]))
