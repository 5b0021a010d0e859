"""``decide`` for many files: only the rules that can concern a file are tried."""

from __future__ import annotations

from policyc.model.decision import Decision, decide_by
from policyc.model.facets import FACETS, best_facet
from policyc.model.facts import FileFacts, Platform
from policyc.model.index import Index
from policyc.model.ir import PolicyIR, Rule


class Decider:
    """A policy prepared for many files; ``decide`` in ``decision`` stays the definition."""

    def __init__(self, policy: PolicyIR, *, platform: Platform | None = None) -> None:
        self._policy = policy
        self._platform = platform
        self._rules: Index[FileFacts, Rule] = Index(FACETS)
        for rule in policy.ordered():
            if platform is not None and platform not in rule.platforms:
                continue
            facet = best_facet(rule.match)
            if facet is None:
                self._rules.add(rule, None)
            else:
                self._rules.add(rule, facet[0], (facet[1],))

    def candidates(self, facts: FileFacts) -> list[Rule]:
        """The rules whose match may not be false for the file, by id."""
        return self._rules.find(facts)

    def decide(self, facts: FileFacts, principals: frozenset[str] = frozenset()) -> Decision:
        """The same decision as ``decide(policy, facts, platform=…, principals=…)``."""
        rules = self._rules.find(facts)
        return decide_by(rules, self._policy, facts, platform=self._platform, principals=principals)
