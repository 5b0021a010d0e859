"""Baseline rules to a base policy: deny wins and default deny are App Control's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policyc.lowering.authenticode import by_authenticode
from policyc.lowering.expand import expand
from policyc.lowering.principals import for_everybody
from policyc.model.facts import UNKNOWN, FileFacts
from policyc.model.identity import Digest, Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Effect, HasHash, PolicyIR, Rule, RuleId
from policyc.model.loss import Loss
from policyc.targets.base import Lowered
from policyc.targets.wdac.assemble import assemble
from policyc.targets.wdac.choices import Choices, choices_of
from policyc.targets.wdac.conditions import (
    crosses_folders,
    family_of,
    hash_of,
    path_of,
    product_of,
    publisher_condition,
    signer_of,
)
from policyc.targets.wdac.form_losses import form_losses
from policyc.targets.wdac.hashing import beside, label_of
from policyc.targets.wdac.known import SCENARIOS, Known, know
from policyc.targets.wdac.model import KERNEL, USER, SiPolicy
from policyc.targets.wdac.native import NativeRule
from policyc.targets.wdac.publishers import by_issuer, stand_ins
from policyc.targets.wdac.scope import kind_of, scope_losses
from policyc.targets.wdac.split import split

_TARGET = "wdac"


def lower(policy: PolicyIR, inventory: Inventory) -> Lowered[SiPolicy]:
    """Lower a policy that is specialised to App Control."""
    known = know(inventory)
    choices = choices_of(policy)
    everything = tuple(facts for files in known.files.values() for facts in files)
    losses = scope_losses(policy, everything, choices)
    natives: list[NativeRule] = []
    for source in policy.ordered():
        rule = for_everybody(source, everything, losses, target=_TARGET)
        if rule is None or (rule.effect is Effect.FORBID and choices.kind == "supplemental"):
            continue
        for scenario, part in _parts(rule, policy):
            own: list[Loss] = []
            found = _Lowering(known, choices, scenario, own).natives(part, source.id)
            for native in found:
                own += form_losses(native, policy, known, choices)
            collections = SCENARIOS[scenario]
            losses += [
                replace(item, rule=source.id, collections=item.collections & collections)
                for item in own
            ]
            natives += found
    model, provenance = assemble(policy, natives, choices)
    model, oversize = split(model, choices.max_bytes, policy)
    losses += oversize
    return Lowered(model=model, provenance=provenance, losses=tuple(dict.fromkeys(losses)))


def _parts(rule: Rule, policy: PolicyIR) -> Iterator[tuple[int, Rule]]:
    """The rule in each scenario that it concerns: programs and scripts, drivers."""
    for scenario, collections in SCENARIOS.items():
        tagging = kind_of(policy) == "tagging" and scenario == KERNEL
        if rule.collections & collections & policy.governs.keys() and not tagging:
            yield scenario, replace(rule, collections=rule.collections & collections)


class _Lowering:
    """One rule in one scenario; what is lost goes to ``losses``."""

    def __init__(self, known: Known, choices: Choices, scenario: int, losses: list[Loss]) -> None:
        self._known = known
        self._choices = choices
        self._scenario = scenario
        self._losses = losses
        self._files = known.files[scenario]

    def natives(self, rule: Rule, source: RuleId) -> list[NativeRule]:
        """The native rules that stand for it."""
        signer = publisher_condition(rule.match) if self._excepts(rule) else None
        rules = [rule]
        if signer is not None:
            stand_in = by_issuer if self._choices.by_issuer else stand_ins
            rules = stand_in(rule, signer, self._known, self._scenario, self._losses)
        found: list[NativeRule] = []
        for item in rules:
            expansion = expand(
                [item], self._files, target=_TARGET, native=self._is_native, digest_of=_digest
            )
            self._losses += expansion.losses
            for derived in expansion.rules:
                found += self._named(derived.rule, source)
        return found

    def _named(self, rule: Rule, source: RuleId) -> list[NativeRule]:
        found = []
        for item in by_authenticode(
            rule, self._files, self._known.by_flat, self._losses, target=_TARGET
        ):
            if not self._elsewhere(item):
                native = NativeRule(
                    rule=item,
                    source=source,
                    scenario=self._scenario,
                    signer=signer_of(item.match, self._known.leaves),
                    label=label_of(item, self._known),
                )
                found += [native, *beside(native, self._known, self._choices, self._losses)]
        return found

    def _elsewhere(self, rule: Rule) -> bool:
        """Whether the inventory shows that the content is none of this scenario.

        Whether an image is a driver is written in it; what else a content is, its name tells.
        """
        for atom in rule.match.atoms:
            if isinstance(atom, HasHash):
                kinds = self._known.kinds(atom.digest)
                if isinstance(atom.digest, Sha256Flat):
                    return self._scenario == KERNEL and bool(kinds)
                return bool(kinds) and not kinds & SCENARIOS[self._scenario]
        return False

    def _is_native(self, rule: Rule) -> bool:
        if not self._excepts(rule):
            return False
        if signer_of(rule.match, self._known.leaves) is not None:
            return True
        return not rule.unless and (
            hash_of(rule.match) is not None or self._is_file_rule(rule.match)
        )

    def _excepts(self, rule: Rule) -> bool:
        """Whether App Control can say the exceptions: one file rule each, on a signer.

        A supplemental policy has none, as what it denies is ignored.
        """
        if rule.unless and self._choices.kind == "supplemental":
            return False
        return all(self._is_exception(branch) for branch in rule.unless)

    def _is_exception(self, match: AllOf) -> bool:
        """A flat hash may be that of an image, and a path that users write to is ignored."""
        digests = [atom.digest for atom in match.atoms if isinstance(atom, HasHash)]
        if any(isinstance(digest, Sha256Flat) for digest in digests):
            return False
        product = product_of(match)
        if product is not None:
            return any(name is not None for name in product.names)
        if hash_of(match) is not None:
            return True
        return not self._choices.protected and not crosses_folders(match) and self._path(match)

    def _is_file_rule(self, match: AllOf) -> bool:
        if not match.atoms or product_of(match) is not None:
            return True
        return self._path(match) or self._family(match)

    def _path(self, match: AllOf) -> bool:
        """Path rules and packages are for user mode."""
        many = self._choices.many_wildcards
        return self._scenario == USER and path_of(match, many_wildcards=many) is not None

    def _family(self, match: AllOf) -> bool:
        return self._scenario == USER and family_of(match) is not None


def _digest(facts: FileFacts) -> Digest | None:
    digest = facts.hashes.sha256 if facts.pe is None else facts.hashes.authenticode_sha256
    return None if digest is UNKNOWN else digest
