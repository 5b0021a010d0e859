"""AppLocker's documented decisions, case by case: data in ``applocker/*.yaml``, with sources.

A case has ``rules`` for the collection of its ``file``, or whole ``collections``, or several
policies (``objects``, ``groupings``, or ``merge`` with two). A rule is named by ``is``, or by its
place, and the policy goes through XML before it is asked.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from policyc.model.artifact import Artifact
from policyc.model.facts import UNKNOWN, FileFacts, Hashes, PeFacts, PeKind, ScriptFacts
from policyc.model.facts import VersionInfo as Info
from policyc.model.formats import FileFormat
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    DistinguishedName,
    Sha256Flat,
)
from policyc.model.ir import NAMESPACE
from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.targets.applocker.decide import (
    Outcome,
    PackagedApp,
    Token,
    decide,
    decide_groupings,
    decide_package,
    managed_installer,
)
from policyc.targets.applocker.host import Host
from policyc.targets.applocker.merge import merge_into, merge_objects
from policyc.targets.applocker.model import (
    EVERYONE,
    Action,
    AppLockerPolicy,
    AppRule,
    CollectionType,
    Condition,
    EnforcementMode,
    Extensions,
    FileHash,
    HashCondition,
    PathCondition,
    PublisherCondition,
    RuleCollection,
)
from policyc.targets.applocker.parse import parse
from policyc.targets.applocker.xml import document
from tests.conformance.probes import CA

_FOLDER = Path(__file__).parent / "applocker"
_COLLECTIONS = {"exe": "Exe", "dll": "Dll", "script": "Script", "msi": "Msi"}
_PE = {"exe": PeKind.EXECUTABLE, "dll": PeKind.LIBRARY, "resources": PeKind.RESOURCE_ONLY}
_FORMATS = {"msi": FileFormat.MSI, "script": FileFormat.SCRIPT}


def _cases() -> list[Any]:
    found = []
    for path in sorted(_FOLDER.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert document["source"]
        found += [
            pytest.param(item, id=f"{path.stem}: {item['name']}") for item in document["vectors"]
        ]
    return found


def _id(label: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"case {label}"))


def _condition(item: dict[str, Any]) -> Condition:
    if "path" in item:
        return PathCondition(path=item["path"])
    if "publisher" in item:
        low, high = item.get("low", "*"), item.get("high", "*")
        return PublisherCondition(
            publisher=item["publisher"],
            product=item.get("product", "*"),
            binary=item.get("binary", "*"),
            low=LOWEST if low == "*" else FileVersion.parse(low),
            high=HIGHEST if high == "*" else FileVersion.parse(high),
        )
    kinds = {"sha256": "SHA256", "flat": "SHA256Flat", "sha1": "SHA1"}
    hashes = [
        FileHash(kind=kind, data=data * (40 if kind == "SHA1" else 64))
        for key, kind in kinds.items()
        for data in item.get(key, ())
    ]
    assert hashes, item
    return HashCondition(hashes=tuple(hashes))


def _rule(item: dict[str, Any], place: str) -> AppRule:
    effect = "allow" if "allow" in item else "deny"
    return AppRule(
        id=_id(item.get("is", place)),
        name=item.get("is", place),
        description="",
        sid=item.get("for", EVERYONE),
        action=Action[effect.upper()],
        condition=_condition(item[effect]),
        exceptions=tuple(_condition(one) for one in item.get("except", ())),
    )


def _policy(collections: dict[str, Any]) -> AppLockerPolicy:
    made = []
    for kind, item in collections.items():
        extended = {"services", "system_apps"} & item.keys()
        made.append(
            RuleCollection(
                type=CollectionType(kind),
                mode=EnforcementMode(item.get("mode", "Enabled")),
                rules=tuple(
                    _rule(rule, f"{kind} {place}") for place, rule in enumerate(item["rules"])
                ),
                extensions=Extensions(
                    services=item.get("services", "NotConfigured"),
                    system_apps=item.get("system_apps", "NotEnabled"),
                )
                if extended
                else None,
            )
        )
    data = document(AppLockerPolicy(collections=tuple(made)))
    return parse((Artifact(name="case.xml", data=data, media_type="application/xml"),))


def _signature(subject: str, *, valid: bool = True) -> Signature:
    """A signature by a subject, written as AppLocker writes it or as its leaf has it."""
    pairs = [part.partition("=") for part in subject.split(", ")]
    attributes = tuple((name, value) for name, _, value in pairs)
    leaf = replace(CA, subject=DistinguishedName(attributes=attributes))
    grade = SignatureGrade.PRODUCTION if valid else SignatureGrade.INVALID
    return Signature(kind=SignatureKind.AUTHENTICODE, grade=grade, chain=(leaf,))


def _file(item: dict[str, Any]) -> FileFacts:
    kind = item.get("kind", "exe")
    pe = None
    if kind in _PE:
        subsystem = item.get("subsystem", 3)
        pe = PeFacts(kind=_PE[kind], machine=0x8664, subsystem=subsystem, section_alignment=4096)
    signatures: Any = tuple(_signature(name) for name in item.get("publishers", ()))
    if "invalid" in item:
        signatures = (_signature(item["invalid"], valid=False),)
    words = {"product": "product_name", "binary": "original_filename", "version": "file_version"}
    values = {own: item[name] for name, own in words.items() if name in item}
    if "file_version" in values:
        values["file_version"] = FileVersion.parse(values["file_version"])
    unknown = set(item.get("unknown", ()))
    flat, image = item.get("flat", "f"), item.get("sha256", "a")
    return FileFacts(
        path=item["path"],
        size=100,
        actual=FileFormat.PE if pe else _FORMATS.get(kind, FileFormat.TEXT),
        hashes=Hashes(
            sha256=Sha256Flat(flat * 64),
            authenticode_sha256=UNKNOWN
            if "hash" in unknown
            else (AuthenticodeSha256(image * 64) if pe else None),
            authenticode_sha1=AuthenticodeSha1(item.get("sha1", "1") * 40) if pe else None,
        ),
        signatures=UNKNOWN if "signatures" in unknown else signatures,
        version_info=UNKNOWN if "version" in unknown else (Info(**values) if values else None),
        pe=pe,
        script=ScriptFacts(language="text") if kind == "script" else None,
    )


def _token(case: dict[str, Any]) -> Token:
    return Token(
        sids=frozenset({*case.get("user", ())} | ({EVERYONE} if not case.get("exact") else set())),
        deny_only=frozenset(case.get("deny_only", ())),
        service=case.get("service", False),
    )


def _host(case: dict[str, Any]) -> Host:
    own = case.get("host", {})
    return Host(
        system_drive=own.get("system", "C:"),
        optical=tuple(own.get("optical", ())),
        usb=tuple(own.get("usb", ())),
        mapped=tuple(own.get("mapped", {}).items()),
    )


def _outcome(case: dict[str, Any]) -> Outcome:
    token, host = _token(case), _host(case)
    if "groupings" in case:
        policies = [_policy(item) for item in case["groupings"]]
        return decide_groupings(policies, _file(case["file"]), token, host)
    if "objects" in case:
        policy = merge_objects([_policy(item) for item in case["objects"]])
    elif "merge" in case:
        target, added = (_policy(item) for item in case["merge"])
        modes = {CollectionType(k): EnforcementMode(v) for k, v in case.get("modes", {}).items()}
        policy = merge_into(target, added, modes)
    elif "collections" in case:
        policy = _policy(case["collections"])
    else:
        kind = _COLLECTIONS[case["file"].get("kind", "exe")]
        policy = _policy({kind: {"rules": case["rules"], "mode": case.get("mode", "Enabled")}})
    if "app" in case:
        app = case["app"]
        version = FileVersion.parse(app.get("version", "1.0.0.0"))
        package = PackagedApp(publisher=app["publisher"], name=app["name"], version=version)
        return decide_package(policy, package, token)
    if case.get("ask") == "managed installer":
        return managed_installer(policy, _file(case["file"]), token, host)
    return decide(policy, _file(case["file"]), token, host)


@pytest.mark.parametrize("case", _cases())
def test_a_decision(case: dict[str, Any]) -> None:
    if case["expect"] == "refused":
        with pytest.raises(ValueError, match="differ in the mode"):
            _outcome(case)
        return
    outcome = _outcome(case)
    found = None if outcome.answer is None else outcome.answer.value
    assert found == case["expect"], outcome
    decisive = found in ("Allowed", "Denied")
    assert decisive == ("by" in case), "an explicit answer has a rule, no other has"
    if decisive:
        assert outcome.rule is not None
        assert outcome.rule.name.rpartition(" ")[2] == str(case["by"])
    if "event" in case:
        assert outcome.event == case["event"]
    if "becomes" in case:
        assert outcome.consequence(_file(case["file"])).value == case["becomes"]


def test_the_table_is_as_large_as_promised() -> None:
    cases = _cases()
    assert len(cases) >= 120
    assert {item.values[0]["expect"] for item in cases} == {
        "Allowed",
        "Denied",
        "AllowedByDefault",
        "DeniedByDefault",
        "refused",
        None,
    }
