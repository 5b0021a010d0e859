"""Groups: a reference means its members, one rule for each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policyc.baseline import parse_baseline
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, AtPath, HasHash, PolicyIR, SignedBy
from policyc.model.path import PathPattern

HEAD = "policyc: 1\nname: Groups\n"


def _policy(text: str) -> PolicyIR:
    loaded = parse_baseline(HEAD + text, "policyc.yaml", lambda _: Inventory())
    assert loaded.policy is not None, loaded.diagnostics
    return loaded.policy


def _ids(text: str) -> set[str]:
    return {rule.id.value for rule in _policy(text).rules}


def test_a_group_is_its_members_written_out() -> None:
    grouped = (
        "groups:\n  vendors: [{signer: {team: BJ4HAAB9B3}}, {signer: {team: EQHXZ8M8AV}}]\n"
        "rules:\n  - permit: {group: vendors, path: /Applications/**}\n"
    )
    written = "rules:\n" + "".join(
        f"  - permit: {{signer: {{team: {team}}}, path: /Applications/**}}\n"
        for team in ("BJ4HAAB9B3", "EQHXZ8M8AV")
    )
    assert _ids(grouped) == _ids(written)


def test_alternatives_multiply_and_parts_join() -> None:
    text = (
        "groups:\n  trees: [{path: /a/**}, {path: /b/**}]\n"
        "rules:\n  - permit:\n      group: trees\n      hash: {sha256: ['"
        + "1" * 64
        + "', '"
        + "2" * 64
        + "']}\n"
    )
    rules = _policy(text).rules
    assert len(rules) == 4
    for rule in rules:
        assert {type(atom) for atom in rule.match.atoms} == {AtPath, HasHash}


def test_an_exception_may_be_a_group() -> None:
    text = (
        "groups: {tmp: [{path: /a/tmp/**}, {path: /a/cache/**}]}\n"
        "rules:\n  - permit: {path: /a/**}\n    unless: [{group: tmp}]\n"
    )
    (rule,) = _policy(text).rules
    assert rule.unless == {
        AllOf(frozenset({AtPath(PathPattern("/a/tmp/**"))})),
        AllOf(frozenset({AtPath(PathPattern("/a/cache/**"))})),
    }


def test_groups_of_groups_and_a_list_of_groups() -> None:
    text = (
        "groups:\n  a: {signer: {team: BJ4HAAB9B3}}\n  b: {signer: {team: EQHXZ8M8AV}}\n"
        "  both: [{group: a}, {group: b}]\n"
        "rules:\n  - permit: {group: both}\n  - forbid: {group: [a, b]}\n"
    )
    rules = _policy(text).rules
    teams = {
        (rule.effect.value, str(atom.team))
        for rule in rules
        for atom in rule.match.atoms
        if isinstance(atom, SignedBy)
    }
    assert len(rules) == len(teams) == 4


def test_the_members_of_the_widest_group_fit() -> None:
    digests = ", ".join(f"'{number:064x}'" for number in range(20_000))
    text = f"rules:\n  - permit: {{hash: {{sha256: [{digests}]}}}}\n"
    assert len(_policy(text).rules) == 20_000


@given(st.permutations(["{path: /a/**}", "{path: /b/**}", "{type: text/x-python}"]))
def test_the_order_of_members_means_nothing(members: list[str]) -> None:
    text = "groups: {{g: [{}]}}\nrules:\n  - permit: {{group: g}}\n"
    first = _ids(text.format(", ".join(sorted(members))))
    assert _ids(text.format(", ".join(members))) == first
