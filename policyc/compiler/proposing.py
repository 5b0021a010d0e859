"""A proposed baseline that no target has to widen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from policyc.baseline import parse_baseline
from policyc.baseline.cover import DEFAULT_LEVELS, Proposal, propose
from policyc.baseline.layers import DEFAULT_GOVERNS
from policyc.baseline.propose import RuleLevel, match_for, platforms_of, without_floor
from policyc.compiler.pipeline import losses_for
from policyc.model.decider import Decider
from policyc.model.decision import Verdict
from policyc.model.facts import Collection, FileFacts, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Effect, Mode, PolicyIR, Rule, RuleId, TargetSettings
from policyc.model.loss import Drift, Loss
from policyc.targets import load_target

_STARTS = {Platform.WINDOWS: "builtin:windows-workstation"}
"""The set that a proposal for a platform starts from, where no target has to widen it."""

_ROUNDS = 4
"""Each round gives up the conditions that a target would have to widen."""


def asked_files(inventory: Inventory, targets: Iterable[str]) -> tuple[FileFacts, ...]:
    """The files that some of the targets decides about."""
    loaded = [load_target(name) for name in targets]
    return tuple(
        facts
        for facts in inventory.files
        if any(
            facts.collection in target.capabilities.collections and target.governs(facts)
            for target in loaded
        )
    )


def governed(name: str) -> tuple[Collection, ...]:
    """The collections a proposal asks of a target: those it can govern, by name."""
    own = load_target(name).capabilities.collections & frozenset(DEFAULT_GOVERNS)
    return tuple(sorted(own, key=lambda item: item.value))


def proposed_policy(proposal: Proposal, inventory: Inventory, targets: Iterable[str]) -> PolicyIR:
    """The policy that a proposal's text reads as, with a rule for each hash."""
    rules = {
        Rule(effect=Effect.PERMIT, match=item.match, platforms=item.platforms)
        for item in proposal.rules
    }
    for number in proposal.by_hash:
        facts = proposal.files[number]
        match = match_for(facts, [RuleLevel.HASH])
        if match is not None:
            where = platforms_of(facts, inventory.host)
            rules.add(Rule(effect=Effect.PERMIT, match=match, platforms=where))
    rules |= _rules_of(proposal.start)
    return _policy(frozenset(rules), targets)


def _policy(rules: frozenset[Rule], targets: Iterable[str]) -> PolicyIR:
    return PolicyIR(
        name="Proposal",
        governs=dict.fromkeys(DEFAULT_GOVERNS, Mode.AUDIT),
        rules=rules,
        targets={name: TargetSettings(collections=frozenset(governed(name))) for name in targets},
    )


def _rules_of(start: str) -> frozenset[Rule]:
    """The rules of a built-in set, none without one."""
    if not start:
        return frozenset()
    text = f"policyc: 1\nname: Start\ninclude: [{start}]\n"
    loaded = parse_baseline(text, "start.yaml", lambda _: Inventory())
    if loaded.policy is None:
        raise AssertionError(f"{start} does not read")
    return loaded.policy.rules


def _start_for(
    inventory: Inventory, asked: Sequence[FileFacts], targets: tuple[str, ...], first: Proposal
) -> tuple[str, tuple[FileFacts, ...]]:
    """The set to start from, and the files that it does not permit.

    There is none where a target would have to widen it, or where it permits a file that a
    proposal leaves out.
    """
    for platform, start in _STARTS.items():
        here = frozenset({platform})
        if not any(platforms_of(facts, inventory.host) == here for facts in asked):
            continue
        policy = _policy(_rules_of(start), targets)
        losses = (loss for name in targets for loss in losses_for(policy, inventory, name))
        if any(loss.drift is Drift.WIDENS for loss in losses):
            continue
        decider = Decider(policy, platform=platform)
        out = [facts for found in first.left_out.values() for facts in found]
        if any(decider.decide(facts).verdict is Verdict.ALLOW for facts in out):
            continue
        rest = tuple(item for item in asked if decider.decide(item).verdict is not Verdict.ALLOW)
        return start, rest
    return "", tuple(asked)


def propose_for(
    inventory: Inventory, targets: tuple[str, ...], levels: Sequence[RuleLevel] = DEFAULT_LEVELS
) -> tuple[Proposal, tuple[Loss, ...]]:
    """A proposal, and the widening losses that are left.

    As a rule those are of no single condition, but what a target does whatever a baseline says.

    A condition for which a target would have to allow more than it says is given up, and its
    files go to the next best rule. It starts from the built-in set of the platform where that
    widens nothing, and then is about what the set does not permit.
    """
    everything = asked_files(inventory, targets)
    banned: frozenset[AllOf] = frozenset()
    proposal = propose(inventory, everything, levels)
    start, asked = _start_for(inventory, everything, targets, proposal)
    started = len(everything) - len(asked)
    if start:
        proposal = replace(propose(inventory, asked, levels), start=start, started=started)
    widening: tuple[Loss, ...] = ()
    for _ in range(_ROUNDS):
        policy = proposed_policy(proposal, inventory, targets)
        widening = tuple(
            loss
            for name in targets
            for loss in losses_for(policy, inventory, name)
            if loss.drift is Drift.WIDENS
        )
        rules = {rule.id: without_floor(rule.match) for rule in policy.rules}
        more = {rules[loss.rule] for loss in widening if isinstance(loss.rule, RuleId)}
        if not more - banned:
            break
        banned |= more
        proposal = replace(propose(inventory, asked, levels, banned), start=start, started=started)
    return proposal, widening
