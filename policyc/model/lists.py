"""Rules about many digests, and the rules about one digest each that they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policyc.model.index import once_per_object
from policyc.model.ir import AllOf, HasAnyHash, HasHash, PolicyIR, Rule


def list_of(rule: Rule) -> HasAnyHash | None:
    """The list of digests that is the rule's match, if it is one."""
    for atom in rule.match.atoms:
        if isinstance(atom, HasAnyHash):
            return atom
    return None


def size(rule: Rule) -> int:
    """How many rules it stands for."""
    listed = list_of(rule)
    return 1 if listed is None else len(listed.digests)


def singles(rule: Rule, wanted: frozenset[str] | None = None) -> Iterator[Rule]:
    """The rule for each digest of its list, in their order; the rule itself if it has none.

    With ``wanted`` only those digests.
    """
    listed = list_of(rule)
    if listed is None:
        yield rule
        return
    others = rule.match.atoms - {listed}
    for digest in listed.ordered if wanted is None else sorted(wanted & listed.digests):
        yield replace(rule, match=AllOf(others | {HasHash(listed.kind(digest))}))


@once_per_object(2)
def written_out(policy: PolicyIR) -> PolicyIR:
    """The same policy with a rule for each digest: what a target without lists is given."""
    if all(list_of(rule) is None for rule in policy.rules):
        return policy
    return replace(
        policy, rules=frozenset(single for rule in policy.rules for single in singles(rule))
    )
