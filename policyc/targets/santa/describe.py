"""What Santa looks up for a program, in its order."""

from __future__ import annotations

from policyc.model.facts import FileFacts, MachoKind
from policyc.targets.santa.decide import rules_by_identifier
from policyc.targets.santa.evaluate import identifiers
from policyc.targets.santa.model import RuleType, SantaPolicy


def describe(policy: SantaPolicy, facts: FileFacts) -> tuple[str, ...]:
    """One line for each executable slice: every rule type with what its rule says, or ``none``."""
    if facts.macho is None:
        return ()
    table = rules_by_identifier(policy.rules)
    found = []
    for piece in facts.macho.slices:
        if piece.kind is not MachoKind.EXECUTABLE:
            continue
        own = identifiers(facts, piece, mixed=facts.macho.mixed)
        steps = []
        for kind in RuleType:
            identifier = own.get(kind)
            rule = None if identifier is None else table.get((kind, identifier))
            steps.append(f"{kind.name} {'none' if rule is None else rule.policy.value}")
        found.append(f"{piece.arch}: {' · '.join(steps)}")
    return tuple(found)
