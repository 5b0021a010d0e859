"""``decide`` for many files: only the rules that can concern a file are tried."""

from __future__ import annotations

from policyc.model.decision import Decision, decide_by
from policyc.model.facets import FACETS, best_facet
from policyc.model.facts import FileFacts, Platform
from policyc.model.identity import Sha256Flat
from policyc.model.index import REMEMBERED, Index
from policyc.model.ir import HasAnyHash, HasHash, PolicyIR, Rule, by_id

_Alike = tuple[int, tuple[int, ...], frozenset[str]]


class Decider:
    """A policy prepared for many files; ``decide`` in ``decision`` stays the definition."""

    def __init__(self, policy: PolicyIR, *, platform: Platform | None = None) -> None:
        self._policy = policy
        self._platform = platform
        self._rules: Index[FileFacts, Rule] = Index(FACETS)
        self._decided: dict[_Alike, Decision] = {}
        for rule in policy.rules:  # decisions do not depend on their order
            if platform is None or platform in rule.platforms:
                self._add(rule)

    def _add(self, rule: Rule) -> None:
        """A rule about whole contents alone holds for every file that it is found for."""
        only = next(iter(rule.match.atoms)) if len(rule.match.atoms) == 1 else None
        if not rule.unless and isinstance(only, HasAnyHash) and only.kind is Sha256Flat:
            self._rules.add(rule, "sha256", only.digests, certain=True)
            return
        flat = isinstance(only, HasHash) and isinstance(only.digest, Sha256Flat)
        facet = best_facet(rule.match)
        if facet is None:
            self._rules.add(rule, None)
        else:
            self._rules.add(rule, facet[0], (facet[1],), certain=flat and not rule.unless)

    def candidates(self, facts: FileFacts) -> list[Rule]:
        """The rules whose match may not be false for the file, by id."""
        return sorted(self._rules.find(facts), key=by_id)

    def decide(self, facts: FileFacts, principals: frozenset[str] = frozenset()) -> Decision:
        """The same decision as ``decide(policy, facts, platform=…, principals=…)``."""
        numbers = self._rules.certain(facts)
        if numbers is None:
            return self._decide(facts, principals)
        # Nothing but the collection tells files apart for which the same rules hold. Its
        # identity will do: the hash of an enumeration's member is made in Python.
        alike = (id(facts.collection), numbers, principals)
        decided = self._decided.get(alike)
        if decided is None:
            decided = self._decide(facts, principals)
            if len(self._decided) < REMEMBERED:
                self._decided[alike] = decided
        return decided

    def _decide(self, facts: FileFacts, principals: frozenset[str]) -> Decision:
        rules = self._rules.find(facts)
        return decide_by(rules, self._policy, facts, platform=self._platform, principals=principals)
