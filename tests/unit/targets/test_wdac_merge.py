"""Merging: the union of what policies say, equal things once, and refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policyc.cli.app import app
from policyc.model.decision import Verdict
from policyc.targets.wdac.evaluate import evaluate
from policyc.targets.wdac.merge import MergeError, merge
from policyc.targets.wdac.model import SiPolicy
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.references import duplicate_ids, wrong_references
from tests.requires import require_shared
from tests.unit.targets.test_wdac_artifacts import ALLOWED, GUID, SIGNER, one_rule, policy
from tests.unit.targets.windows_cases import OTHER, PROGRAM

NAMED = '<Allow ID="ID_X_A" FileName="tool.exe"/>'


def model(document: str) -> SiPolicy:
    return read_xml(document.encode()).policy


def test_equal_rules_become_one_and_equal_ids_are_told_apart() -> None:
    first, second = model(one_rule(NAMED)), model(one_rule(NAMED.replace("tool", "other")))
    again = model(one_rule(NAMED).replace("ID_X_A", "ID_Z_A"))
    merged = merge([first, second, again])
    ids = [item.id for item in merged.policy.file_rules]
    assert len(ids) == len(set(ids)) == 2
    assert merged.provenance["ID_X_A"] == (0, 2)
    assert merged.policy.base_policy_id == GUID
    assert merged.policy.scenarios[0].product.rules == tuple(ids)
    assert evaluate(merged.policy, PROGRAM).verdict is Verdict.ALLOW
    assert evaluate(second, PROGRAM).verdict is Verdict.DENY


def test_signers_follow_their_attributes() -> None:
    attrib = '<FileAttrib ID="ID_FILEATTRIB_A" FileName="{}"/>'
    reference = '<FileAttribRef RuleID="ID_FILEATTRIB_A"/>'
    documents = [
        policy(
            attrib.format(name),
            signers=SIGNER.format(reference),
            allowed=ALLOWED.format("ID_SIGNER_A"),
        )
        for name in ("tool.exe", "another.exe")
    ]
    merged = merge([model(item) for item in documents]).policy
    assert len(merged.signers) == len(merged.file_rules) == 2
    assert len({item.file_attribs for item in merged.signers}) == 2
    assert evaluate(merged, PROGRAM).verdict is Verdict.ALLOW
    assert evaluate(merged, OTHER).verdict is Verdict.DENY


def test_what_would_change_the_meaning_is_refused() -> None:
    first = model(one_rule(NAMED))
    everything = model(one_rule('<Allow ID="ID_X_A" FileName="*"/>'))
    with pytest.raises(MergeError, match="allows every file"):
        merge([first, everything])
    audited = replace(first, options=(*first.options, Option.AUDIT_MODE))
    with pytest.raises(MergeError, match="Audit Mode"):
        merge([first, audited])


def test_public_policies_merge_with_themselves() -> None:
    done = 0
    for path in sorted(require_shared("wdac/policies").glob("*.xml")):
        own = read_xml(path.read_bytes()).policy
        try:
            merged = merge([own, own]).policy
        except MergeError:
            continue
        assert not duplicate_ids(merged)
        assert not list(wrong_references(merged))
        assert len(merged.file_rules) <= len(own.file_rules)
        assert merge([merged, own]).policy == merged
        done += 1
    assert done > 60


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(one_rule(NAMED).replace("ID_X_A", "ID_ALLOW_A"))
    target, told = tmp_path / "m.xml", tmp_path / "m.json"
    command = ["wdac", "merge", str(path), str(path), "-o", str(target)]
    result = CliRunner().invoke(app, [*command, "--provenance", str(told)])
    assert result.exit_code == 0, result.output
    assert read_xml(target.read_bytes()).policy == read_xml(path.read_bytes()).policy
    assert json.loads(told.read_text()) == {"ID_ALLOW_A": ["a.xml", "a.xml"]}
