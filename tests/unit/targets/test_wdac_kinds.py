"""Supplemental and tagging policies, options 13 and 14, and policies that are split by size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policyc.baseline import parse_baseline
from policyc.cli.app import app
from policyc.model.artifact import Artifact
from policyc.model.decision import Verdict
from policyc.model.identity import AuthenticodeSha256
from policyc.model.inventory import Inventory
from policyc.model.ir import HasHash, IsProduct
from policyc.model.loss import Drift
from policyc.targets.base import ArtifactError
from policyc.targets.wdac import TARGET
from policyc.targets.wdac.build import build
from policyc.targets.wdac.evaluate import evaluate_all
from policyc.targets.wdac.frame import policy_id
from policyc.targets.wdac.model import BASE, KERNEL, SUPPLEMENTAL, TAGGING
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.size import measure
from tests.conformance.probes import CHAIN
from tests.unit.targets.test_wdac_levels import DRIVER
from tests.unit.targets.windows_cases import OTHER, PROGRAM, compiled, forbid, permit

TOOL = IsProduct(original_filename="tool.exe")


def test_a_supplemental_adds_to_its_base() -> None:
    base = compiled("wdac", permit(TOOL), title="Base", allow_supplementals=True)
    more = compiled("wdac", permit(CHAIN), title="More", kind="supplemental", base="Base")
    assert more.model.policy_type == SUPPLEMENTAL
    assert more.model.base_policy_id == base.model.policy_id == policy_id("Base")
    assert set(more.model.options) == {Option.UNSIGNED_POLICY}
    assert more.agrees(PROGRAM)
    other = replace(PROGRAM, version_info=None)
    alone = evaluate_all((base.model,), other).verdict
    together = evaluate_all((base.model, more.model), other).verdict
    assert (alone, together) == (Verdict.DENY, Verdict.ALLOW)
    assert more.told(DRIVER, "L002", Drift.NARROWS)
    assert all(item.value != KERNEL for item in more.model.scenarios)


def test_what_a_supplemental_forbids_is_told() -> None:
    done = compiled("wdac", permit(CHAIN), forbid(TOOL), kind="supplemental", base="Base")
    assert not done.model.file_rules
    assert done.told(PROGRAM, "L054", Drift.WIDENS)
    nowhere = compiled("wdac", kind="supplemental")
    assert {item.code for item in nowhere.result.losses} >= {"L002", "L057"}


def test_a_tagging_policy_blocks_nothing() -> None:
    done = compiled("wdac", permit(CHAIN), kind="tagging", tags=("Tool=yes", "Ring = 1"))
    assert done.model.policy_type == TAGGING
    (scenario,) = done.model.scenarios
    assert scenario.app_id_tags is not None
    assert set(scenario.app_id_tags.tags) == {("Tool", "yes"), ("Ring", "1")}
    unsigned = replace(OTHER, signatures=())
    assert done.got(unsigned).verdict is Verdict.NOT_GOVERNED
    assert done.told(unsigned, "L056", Drift.WIDENS)
    as_base = replace(done.model, policy_type=BASE, compiled=None)
    for facts in (PROGRAM, unsigned):
        assert TARGET.evaluate(as_base, facts).verdict is done.wanted(facts).verdict


@pytest.mark.parametrize("name", ["managed_installer", "intelligent_security_graph"])
def test_others_who_may_allow_are_told(name: str) -> None:
    done = compiled("wdac", permit(CHAIN), **{name: True})  # type: ignore[arg-type]
    assert ("L055", Drift.WIDENS) in {(item.code, item.drift) for item in done.result.losses}
    unsigned = replace(OTHER, signatures=())
    assert "may allow" in done.got(unsigned).reason
    with_graph = name == "intelligent_security_graph"
    assert (Option.INVALIDATE_EAS in done.model.options) is with_graph


def many(count: int) -> list[AuthenticodeSha256]:
    return [AuthenticodeSha256(f"{number:064x}") for number in range(1, count + 1)]


def test_a_large_policy_is_split() -> None:
    rules = [permit(HasHash(item)) for item in many(300)] + [forbid(TOOL), permit(CHAIN)]
    done = compiled("wdac", *rules, max_bytes=8_000)
    whole = compiled("wdac", *rules, max_bytes=0)
    assert whole.model.supplementals == ()
    sizes = [len(build(item)) for item in (done.model, *done.model.supplementals)]
    assert max(sizes) <= 8_000
    assert len(sizes) < 2 * len(build(whole.model)) / 8_000 + 2
    assert Option.SUPPLEMENTAL_POLICIES in done.model.options
    moved = {item.id for part in done.model.supplementals for item in part.file_rules}
    kept = {item.id for item in done.model.file_rules}
    assert len(moved) == 300
    assert moved | kept == {item.id for item in whole.model.file_rules}
    assert not moved & kept
    named = replace(
        OTHER,
        signatures=(),
        hashes=replace(OTHER.hashes, authenticode_sha256=many(7)[-1]),
    )
    for facts in (PROGRAM, OTHER, named, DRIVER):
        assert done.got(facts).verdict is whole.got(facts).verdict
    assert done.got(named).verdict is Verdict.ALLOW


def test_what_denies_cannot_move() -> None:
    rules = [forbid(HasHash(item)) for item in many(100)]
    done = compiled("wdac", *rules, max_bytes=4_000)
    assert ("L058", Drift.COSMETIC) in {(item.code, item.drift) for item in done.result.losses}


def test_supplementals_are_read_with_their_base_only() -> None:
    rules = [permit(HasHash(item)) for item in many(100)]
    done = compiled("wdac", *rules, max_bytes=4_000)
    texts = [item for item in done.result.artifacts if item.name.endswith(".xml")]
    assert len(texts) > 2
    model = TARGET.parse(tuple(texts))
    assert model == done.model
    with pytest.raises(ArtifactError, match="one base policy"):
        TARGET.parse(tuple(item for item in texts if item.name != "policy.xml"))
    stray = compiled("wdac", title="Stray", kind="supplemental", base="Elsewhere")
    foreign = Artifact(name="z.xml", data=stray.document, media_type="application/xml")
    with pytest.raises(ArtifactError, match="another base"):
        TARGET.parse((*texts, foreign))


def test_sizes_add_up(tmp_path: Path) -> None:
    rules = [permit(HasHash(item)) for item in many(5)]
    done = compiled("wdac", *rules, permit(CHAIN, TOOL), forbid(TOOL))
    found = measure(done.model)
    assert found.total == len(build(done.model))
    assert found.total == found.rest + sum(item.size for item in found.kinds)
    without = compiled("wdac", *rules[1:], permit(CHAIN, TOOL), forbid(TOOL))
    (hashes,) = (item for item in found.kinds if item.label == "hashes")
    assert hashes.size == 5 * (found.total - len(build(without.model)))
    path = tmp_path / "policy.xml"
    path.write_bytes(done.document)
    shown = CliRunner().invoke(app, ["wdac", "size", str(path)])
    assert shown.exit_code == 0, shown.output
    assert f"{found.total:,} bytes" in shown.output


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("version: 1.2.x", "B007"),
        ("tags: [novalue]", "B007"),
        ("kind: other", "B008"),
        ("signer_sets: [linux]", "B008"),
        ("also_hash: md5", "B008"),
    ],
)
def test_settings_are_checked_where_they_stand(setting: str, code: str) -> None:
    text = f"policyc: 1\nname: X\ntargets:\n  wdac: {{{setting}}}\nrules: []\n"
    loaded = parse_baseline(text, "x.yaml", lambda _: Inventory())
    (found,) = (item for item in loaded.diagnostics if item.code == code)
    assert found.span is not None
    assert found.span.line == 4
