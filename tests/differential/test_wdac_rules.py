"""Rules from re-obtained signed files in the form that wdac policies in public have them.

Publisher: the highest certificate of the file's chain and the signer's common name. Public
policies that trust the same vendor name the same pair.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from policyc.baseline.propose import RuleLevel, match_for
from policyc.compiler import compile_target
from policyc.model.facts import UNKNOWN, Collection, FileFacts, Platform
from policyc.model.inventory import HostInfo, Inventory
from policyc.model.ir import Effect, Mode, PolicyIR, Rule, TargetSettings
from policyc.targets import load_target
from policyc.targets.wdac.model import FileRuleKind, SiPolicy
from tests.differential.test_registry import facts_of, images
from tests.requires import require_shared

pytestmark = [pytest.mark.slow, pytest.mark.oracle]


def signed_files(count: int = 60) -> list[FileFacts]:
    found = []
    for number, (data, name) in enumerate(sorted(images().items(), key=lambda item: item[1])):
        facts = facts_of(data)
        if facts.signatures and facts.collection is not None:
            found.append(replace(facts, path=f"C:\\x\\{number}.exe"))
        if len(found) == count:
            break
        assert name
    return found


def compiled(files: list[FileFacts], level: RuleLevel, **values: object) -> SiPolicy:
    matches = {match_for(facts, [level]) for facts in files}
    policy = PolicyIR(
        name="x",
        governs=dict.fromkeys((Collection.EXECUTABLE, Collection.LIBRARY), Mode.AUDIT),
        rules=frozenset(
            Rule(effect=Effect.PERMIT, match=match) for match in matches if match is not None
        ),
        targets={"wdac": TargetSettings(values=values)},  # type: ignore[arg-type]
    )
    inventory = Inventory(host=HostInfo(platform=Platform.WINDOWS), files=tuple(files))
    result = compile_target(policy, inventory, "wdac")
    assert result.failure is None
    model = load_target("wdac").parse(tuple(item for item in result.artifacts if item.enforced))
    assert isinstance(model, SiPolicy)
    return model


def pairs(facts: FileFacts) -> set[tuple[str, str | None]]:
    assert facts.signatures is not UNKNOWN
    return {
        (item.chain[-1].tbs.value, item.chain[0].common_name)
        for item in facts.signatures
        if item.chain
    }


def test_publishers_are_the_highest_certificate_and_the_name() -> None:
    files = signed_files()
    model = compiled(files, RuleLevel.PUBLISHER, publishers="issuer")
    own = {(item.root, item.publisher) for item in model.signers}
    possible = set().union(*(pairs(facts) for facts in files))
    assert own
    assert own <= possible
    assert all(pairs(facts) & own for facts in files if facts.signatures)


def test_public_policies_name_the_same_authorities() -> None:
    """Some of the authorities are so common that public policies have them, under their names."""
    public: set[str] = set()
    for path in require_shared("wdac/policies").glob("*.xml"):
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        public.update(
            item.lower() for item in re.findall(r'Type="TBS" Value="([0-9A-Fa-f]+)"', text)
        )
    model = compiled(signed_files(), RuleLevel.PUBLISHER, publishers="issuer")
    assert {item.root for item in model.signers} & public


def test_file_publishers_have_a_name_and_a_lowest_version() -> None:
    model = compiled(signed_files(), RuleLevel.FILE_PUBLISHER, publishers="issuer")
    attributes = [item for item in model.file_rules if item.kind is FileRuleKind.ATTRIBUTE]
    assert attributes
    for item in attributes:
        assert item.file_name
        assert item.high is None
    assert all(item.file_attribs for item in model.signers)


def test_hashes_are_four_for_each_image() -> None:
    files = signed_files(20)
    model = compiled(files, RuleLevel.HASH, also_hash=("sha1", "page-sha1", "page-sha256"))
    own = {item.hash for item in model.file_rules if item.hash}
    for facts in files:
        hashes = facts.hashes
        four = (
            hashes.authenticode_sha256,
            hashes.authenticode_sha1,
            hashes.page_sha256,
            hashes.page_sha1,
        )
        assert {str(item) for item in four if item} <= own
    labels = {str(item.friendly_name).rpartition(" Hash ")[2] for item in model.file_rules}
    assert {"Sha1", "Sha256", "Page Sha1", "Page Sha256"} <= labels
