"""A proposed baseline that no target has to widen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policyc.baseline.cover import DEFAULT_LEVELS, Proposal, propose
from policyc.baseline.layers import DEFAULT_GOVERNS
from policyc.baseline.propose import RuleLevel, match_for, platforms_of, without_floor
from policyc.compiler.pipeline import losses_for
from policyc.model.facts import Collection, FileFacts
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Effect, Mode, PolicyIR, Rule, RuleId, TargetSettings
from policyc.model.loss import Drift, Loss
from policyc.targets import load_target

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
    return PolicyIR(
        name="Proposal",
        governs=dict.fromkeys(DEFAULT_GOVERNS, Mode.AUDIT),
        rules=frozenset(rules),
        targets={name: TargetSettings(collections=frozenset(governed(name))) for name in targets},
    )


def propose_for(
    inventory: Inventory, targets: tuple[str, ...], levels: Sequence[RuleLevel] = DEFAULT_LEVELS
) -> tuple[Proposal, tuple[Loss, ...]]:
    """A proposal, and the widening losses that are left.

    As a rule those are of no single condition, but what a target does whatever a baseline says.

    A condition for which a target would have to allow more than it says is given up, and its
    files go to the next best rule.
    """
    asked = asked_files(inventory, targets)
    banned: frozenset[AllOf] = frozenset()
    proposal = propose(inventory, asked, levels)
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
        proposal = propose(inventory, asked, levels, banned)
    return proposal, widening
