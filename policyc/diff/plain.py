"""Rules that name one digest and nothing else, taken together: there may be 100,000."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from policyc.diff.sides import cause_of
from policyc.model.change import Relation
from policyc.model.facts import Collection, Platform
from policyc.model.identity import Digest
from policyc.model.ir import Effect, HasHash, Rule
from policyc.verify.synthetic import Known

_Class = tuple[bool, Effect, type[Digest], frozenset[Collection], frozenset[Platform]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Rules of one side that differ in their digest only.

    No other rule of either side names any of the digests, and no file is known to have one. So
    no rule but its own tells one of these contents from another, and all are decided alike.
    """

    added: bool
    rules: tuple[Rule, ...]

    @property
    def relation(self) -> Relation:
        """Added or removed."""
        return Relation.ADDED if self.added else Relation.REMOVED

    def families(self) -> list[list[Rule]]:
        """The rules by the text of the policy that they come from."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            found.setdefault(cause_of(rule).family, []).append(rule)
        return list(found.values())


def split_plain(
    old: list[Rule], new: list[Rule], near: Iterable[Rule], world: Known
) -> tuple[list[Plain], list[Rule], list[Rule]]:
    """The plain rules among the changed ones, and the others of each side.

    ``near`` has each rule of both sides once that names a digest of these.
    """
    mentions = _mentions(near)
    classes: dict[_Class, list[Rule]] = {}
    others: tuple[list[Rule], list[Rule]] = ([], [])
    for added, rules in ((False, old), (True, new)):
        for rule in rules:
            digest = _digest(rule)
            lonely = digest is not None and mentions[digest] == 1
            if digest is None or not lonely or world.of(digest) is not None:
                others[added].append(rule)
                continue
            key = (added, rule.effect, type(digest), rule.collections, rule.platforms)
            classes.setdefault(key, []).append(rule)
    plain = [Plain(added=key[0], rules=tuple(rules)) for key, rules in classes.items()]
    return plain, *others


def _digest(rule: Rule) -> Digest | None:
    """The digest of a rule that says nothing else."""
    if rule.unless or rule.principals or len(rule.match.atoms) != 1:
        return None
    (atom,) = rule.match.atoms
    return atom.digest if isinstance(atom, HasHash) else None


def _mentions(rules: Iterable[Rule]) -> Counter[Digest]:
    return Counter(
        atom.digest
        for rule in rules
        for branch in (rule.match, *rule.unless)
        for atom in branch.atoms
        if isinstance(atom, HasHash)
    )
