"""Differences are there exactly when a file tells the two policies apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, product

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from policyc.baseline import LoadedBaseline
from policyc.diff import Machine, Side, compare_sides
from policyc.diff.proof import Proof, digests_of, may_concern
from policyc.lowering.specialise import specialise
from policyc.model.change import Comparison, Shown, Turn, turn_of
from policyc.model.decision import Decision, decide
from policyc.model.facts import FileFacts, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR, Rule
from policyc.targets import default_targets, load_target
from policyc.verify.synthetic import known
from policyc.verify.witness import policy_witnesses
from tests.property.strategies import GOVERNED, files, policies, rules

LAWS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KNOWN = (Turn.ALLOWED, Turn.DENIED)


@st.composite
def changes(draw: st.DrawFn) -> tuple[PolicyIR, PolicyIR]:
    """A policy, and the same with some rules dropped, added or changed.

    The rules are for everybody: what is shown does not say who runs the file.
    """
    old = draw(policies(6))
    old = replace(old, rules=frozenset(map(_for_everybody, old.rules)))
    kept = {rule for rule in old.ordered() if draw(st.integers(0, 3))}
    added = draw(st.frozensets(rules().map(_for_everybody), max_size=2))
    new = replace(old, rules=frozenset(kept) | added)
    return named(old), named(new)


def named(policy: PolicyIR) -> PolicyIR:
    """Every rule with a name of its own: a rule of the same name counts as the same rule."""
    rules = frozenset(replace(rule, name=rule.id.value) for rule in policy.rules)
    return replace(policy, rules=rules)


def _for_everybody(rule: Rule) -> Rule:
    return replace(rule, principals=frozenset())


def side(policy: PolicyIR, name: str) -> Side:
    loaded = LoadedBaseline(compact=policy, diagnostics=(), file=name, text="")
    return Side(name=name, loaded=loaded)


def compared(old: PolicyIR, new: PolicyIR, *inventories: tuple[FileFacts, ...]) -> Comparison:
    machines = [
        Machine(name=f"host{number}", inventory=Inventory(files=own))
        for number, own in enumerate(inventories)
    ]
    return compare_sides(side(old, "old.yaml"), side(new, "new.yaml"), (), machines)


def both(
    name: str, old: PolicyIR, new: PolicyIR, facts: FileFacts
) -> tuple[Decision, Decision] | None:
    """The decisions by the definition of the language, as a compile asks for them."""
    target = load_target(name)
    if not target.governs(facts):
        return None
    found = []
    for policy in (old, new):
        own = specialise(
            policy,
            (),
            target=name,
            platform=target.capabilities.platform,
            collections=target.capabilities.collections,
        )
        found.append(decide(own.policy, facts, platform=target.capabilities.platform))
    return found[0], found[1]


def telling(old: PolicyIR, new: PolicyIR, world: tuple[FileFacts, ...]) -> Iterator[FileFacts]:
    """Witnesses of both policies, and files of the world, that tell them apart for certain."""
    for name in default_targets():
        platform = load_target(name).capabilities.platform
        made = chain(
            policy_witnesses(old, known(world), platform),
            policy_witnesses(new, known(world), platform),
            world,
        )
        for facts in made:
            decided = both(name, old, new, facts)
            if decided and turn_of(decided[0].verdict, decided[1].verdict) in KNOWN:
                yield facts


@LAWS
@given(changes(), st.lists(files(), max_size=4))
def test_nothing_is_found_exactly_when_no_file_tells_them_apart(
    change: tuple[PolicyIR, PolicyIR], world: list[FileFacts]
) -> None:
    old, new = change
    found = compared(old, new)
    told = next(telling(old, new, tuple(world)), None)
    if not found.turns:
        assert told is None, told
    if told is not None:
        assert found.turns
    if found.turns & set(KNOWN):
        assert next(telling(old, new, tuple(item.facts for item in shown_of(found))), None)
    event(f"unknown only: {found.turns == {Turn.UNKNOWN}}, told: {told is not None}")


def shown_of(found: Comparison) -> list[Shown]:
    return [item for change in found.rules for item in change.shown]


@LAWS
@given(changes())
def test_what_is_shown_is_decided_so(change: tuple[PolicyIR, PolicyIR]) -> None:
    old, new = change
    for shown in shown_of(compared(old, new)):
        assert shown.targets
        for name in shown.targets:
            decided = both(name, old, new, shown.facts)
            assert decided is not None
            assert turn_of(decided[0].verdict, decided[1].verdict) is shown.turn
            assert tuple(item.verdict for item in decided) == shown.verdicts


@LAWS
@given(changes(), st.lists(files(), max_size=6, unique_by=lambda item: item.path))
def test_every_file_of_an_inventory_that_is_decided_otherwise_is_named(
    change: tuple[PolicyIR, PolicyIR], world: list[FileFacts]
) -> None:
    old, new = change
    found = compared(old, new, tuple(world))
    wanted = set()
    asked = set()
    for facts in world:
        for name in default_targets():
            decided = both(name, old, new, facts)
            if decided is None:
                continue
            asked.add(facts.path)
            turn = turn_of(decided[0].verdict, decided[1].verdict)
            same = set(decided[0].because) & set(decided[1].because)
            moved = decided[0].because != decided[1].because and not same
            if turn is None and moved and decided[0].verdict is decided[1].verdict:
                turn = Turn.OTHER_RULE
            if turn is not None:
                wanted.add((facts.path, name, turn))
    got = {
        (item.path, name, group.turn)
        for group in found.groups
        for item in group.files
        for name in group.targets
    }
    assert got == wanted
    assert found.unchanged == len(asked - {path for path, _, _ in wanted})


@LAWS
@given(policies(6))
def test_a_policy_does_not_differ_from_itself(policy: PolicyIR) -> None:
    renamed = frozenset(replace(rule, name=f"{rule.name}-x", note="moved") for rule in policy.rules)
    found = compared(policy, replace(policy, rules=renamed, name="Other"))
    assert not found.turns
    assert not found.rules
    assert found.unchanged_rules == len(policy.rules)


@LAWS
@given(changes())
def test_the_other_way_round_is_the_opposite(change: tuple[PolicyIR, PolicyIR]) -> None:
    there, back = compared(change[0], change[1]), compared(change[1], change[0])
    opposite = {Turn.ALLOWED: Turn.DENIED, Turn.DENIED: Turn.ALLOWED}
    assert {opposite.get(turn, turn) for turn in there.turns} == back.turns


@LAWS
@given(change=changes())
def test_rules_for_other_digests_change_no_proof(change: tuple[PolicyIR, PolicyIR]) -> None:
    old, new = change
    changed = old.rules ^ new.rules
    digests = digests_of(changed)
    near = may_concern(old.rules, digests), may_concern(new.rules, digests)
    left_out = (old.rules | new.rules) - {*near[0], *near[1]}
    assert not left_out & changed
    reach = frozenset(product([None, *Platform], GOVERNED))
    quick = Proof(old, new, near, reach)
    slow = Proof(old, new, (old.rules, new.rules), reach)
    for rule in changed:
        in_new = rule in new.rules
        assert quick.harmless(rule, in_new=in_new) == slow.harmless(rule, in_new=in_new)
        assert quick.opposite(rule, in_new=in_new) == slow.opposite(rule, in_new=in_new)
