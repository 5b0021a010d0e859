"""A rule about many digests means what the rules about one digest each mean, everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyc.baseline import load_baseline
from policyc.compiler.pipeline import compile_target
from policyc.inventory import read_inventory
from policyc.inventory.table import write_inventory
from policyc.model.artifact import PROVENANCE
from policyc.model.decider import Decider
from policyc.model.decision import atom_holds, decide
from policyc.model.facts import UNKNOWN, Collection, FileFacts, Hashes, Platform
from policyc.model.identity import CdHash, Digest
from policyc.model.inventory import HostInfo, Inventory
from policyc.model.ir import AllOf, HasAnyHash, HasHash, PolicyIR, Rule
from policyc.model.lists import list_of, singles, size, written_out
from policyc.verify.synthetic import blank
from tests.property import strategies, windows

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def lists(draw: st.DrawFn) -> HasAnyHash:
    """Digests that files of the small world have, and others."""
    # No file has one kind's digest as another's: each kind has texts of its own.
    makers: list[Callable[[int], Digest]] = [
        strategies.flat,
        strategies.authenticode,
        lambda number: CdHash(f"{number:040x}"),
    ]
    make = draw(st.sampled_from(makers))
    numbers = draw(st.frozensets(st.integers(1, 70), min_size=2, max_size=12))
    found = [make(number) for number in numbers]
    return HasAnyHash(type(found[0]), frozenset(digest.value for digest in found))


@st.composite
def policies(draw: st.DrawFn) -> PolicyIR:
    """A policy of the small world some of whose rules have lists."""
    policy = draw(strategies.policies())
    added = set()
    for rule in draw(st.lists(strategies.rules(), min_size=1, max_size=2)):
        others = draw(st.sampled_from([frozenset(), rule.match.atoms]))
        others = frozenset(item for item in others if not isinstance(item, HasHash))
        added.add(replace(rule, match=AllOf(others | {draw(lists())})))
    return replace(policy, rules=policy.rules | added)


def unknown(facts: FileFacts) -> FileFacts:
    return replace(facts, hashes=Hashes(sha256=UNKNOWN, page_sha256=UNKNOWN))


FILES = st.lists(
    st.one_of(strategies.files(), windows.files(), strategies.files().map(unknown)), max_size=8
)


@MANY
@given(listed=lists(), files=FILES)
def test_a_list_holds_where_one_of_its_digests_does(
    listed: HasAnyHash, files: list[FileFacts]
) -> None:
    for facts in files:
        each = {atom_holds(HasHash(listed.kind(item)), facts) for item in listed.digests}
        expected = True if True in each else None if None in each else False
        assert atom_holds(listed, facts) is expected


@pytest.mark.slow
@MANY
@given(policy=policies(), files=FILES, who=st.sampled_from([(), ("uid:1000",)]))
def test_every_file_is_decided_alike(
    policy: PolicyIR, files: list[FileFacts], who: tuple[str, ...]
) -> None:
    plain = written_out(policy)
    assert all(list_of(rule) is None for rule in plain.rules)
    people = frozenset(who)
    quick = Decider(policy)
    for facts in (*files, *files):
        wanted = decide(policy, facts, principals=people)
        assert quick.decide(facts, people) == wanted
        spelled = decide(plain, facts, principals=people)
        assert spelled.verdict is wanted.verdict
        assert spelled.missing == wanted.missing


@pytest.mark.slow
@pytest.mark.parametrize("target", ["wdac", "applocker", "fapolicyd", "santa"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policy=policies(), files=FILES)
def test_every_target_gets_the_same_policy(
    target: str, policy: PolicyIR, files: list[FileFacts]
) -> None:
    inventory = Inventory(files=tuple(files))
    found = [compile_target(item, inventory, target) for item in (policy, written_out(policy))]
    artifacts = [
        {item.name: item.data for item in result.artifacts if item.name != PROVENANCE}
        for result in found
    ]
    assert artifacts[0] == artifacts[1]
    assert [result.failure for result in found] == [None, None]
    assert found[0].report == found[1].report


@given(listed=lists(), rule=strategies.rules())
def test_a_list_is_written_out_and_counted(listed: HasAnyHash, rule: Rule) -> None:
    whole = replace(rule, match=AllOf(frozenset({listed})))
    parts = list(singles(whole))
    assert len(parts) == size(whole) == len(listed.digests)
    assert {next(iter(part.match.atoms)) for part in parts} == {
        HasHash(listed.kind(item)) for item in listed.digests
    }
    assert {(part.unless, part.effect, part.principals) for part in parts} == {
        (rule.unless, rule.effect, rule.principals)
    }
    assert list(singles(rule)) == [rule]
    again = HasAnyHash(listed.kind, frozenset(sorted(listed.digests, reverse=True)))
    assert replace(rule, match=AllOf(frozenset({again}))).id == whole.id
    fewer = HasAnyHash(listed.kind, frozenset(sorted(listed.digests)[1:]))
    assert replace(rule, match=AllOf(frozenset({fewer}))).id != whole.id


def test_hashes_of_an_inventory_are_one_rule_to_a_compiler(tmp_path: Path) -> None:
    files = tuple(
        FileFacts(
            path=f"/opt/{number}",
            size=number,
            actual=seen.actual,
            elf=seen.elf,
            ftype=seen.ftype,
            hashes=Hashes(sha256=strategies.flat(number)),
            package=None,
            masquerade=None,
        )
        for number, seen in enumerate([_program()] * 5, 1)
    )
    write_inventory(
        Inventory(host=HostInfo(platform=Platform.LINUX), files=files), tmp_path / "a.jsonl"
    )
    baseline = tmp_path / "policyc.yaml"
    baseline.write_text(
        "policyc: 1\nname: x\nrules:\n  - {id: seen, permit: {from: a.jsonl, levels: [hash]}}\n"
    )
    loaded = load_baseline(baseline)
    assert loaded.compact is not None
    assert loaded.policy is not None
    (rule,) = loaded.compact.rules
    listed = list_of(rule)
    assert listed is not None
    assert listed.digests == {strategies.flat(number).value for number in range(1, 6)}
    assert len(loaded.policy.rules) == len(loaded.written) == 5
    assert {item.origin for item in loaded.policy.rules} == {rule.origin}
    result = compile_target(loaded.compact, read_inventory(tmp_path / "a.jsonl"), "fapolicyd")
    assert result.provenance == {"hash permit %permit_0": (rule.id,)}
    assert result.report.agree == 5


def _program() -> FileFacts:
    found = blank(Platform.LINUX, Collection.EXECUTABLE)
    assert found is not None
    return found
