"""All witnesses of one compile, within a bound that the report tells."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterator
from dataclasses import dataclass
from itertools import chain

from policyc.model.facts import UNKNOWN, Collection, FileFacts, Platform
from policyc.model.identity import Digest
from policyc.model.ir import HasAnyHash, HasHash, PolicyIR, SignedBy
from policyc.verify.native import Named, native_witnesses
from policyc.verify.synthetic import known
from policyc.verify.witness import policy_witnesses, special_witnesses

MOST = 1_000_000
"""Witnesses of one compile. A policy of 2,000 rules has about 50,000."""


@dataclass(slots=True)
class Witnesses:
    """The files, made one by one, each once. ``truncated`` is known when they are all made."""

    _made: Iterator[FileFacts]
    _governs: Callable[[FileFacts], bool]
    truncated: bool = False

    def __iter__(self) -> Iterator[FileFacts]:
        seen: set[Hashable] = set()
        for facts in self._made:
            key = _identity(facts)
            if key in seen or not self._governs(facts):
                continue
            if len(seen) >= MOST:
                self.truncated = True
                return
            seen.add(key)
            yield facts


def witnesses(
    policy: PolicyIR,
    model: object,
    files: tuple[FileFacts, ...],
    *,
    platform: Platform,
    collections: frozenset[Collection],
    governs: Callable[[FileFacts], bool],
    special: tuple[SignedBy, ...] = (),
) -> Witnesses:
    """Witnesses from the policy and, knowing nothing of it, from the parsed model.

    ``special`` are signers that the engine treats in a way of its own. The same input gives the
    same files in the same order. Files that the target is never asked about are left out.
    """
    world = known(files)
    named = _named(policy)
    made = chain(
        policy_witnesses(policy, world, platform),
        special_witnesses(special, policy, world, platform),
        native_witnesses(model, world, platform, collections, named),
    )
    return Witnesses(made, governs)


def _named(policy: PolicyIR) -> Named:
    """The digests that the policy's rules name, by their kind."""
    single: dict[type[Digest], set[str]] = {}
    found: dict[type[Digest], list[Container[str]]] = {}
    for rule in policy.rules:
        for branch in (rule.match, *rule.unless):
            for atom in branch.atoms:
                if isinstance(atom, HasHash):
                    single.setdefault(type(atom.digest), set()).add(atom.digest.value)
                elif isinstance(atom, HasAnyHash):
                    found.setdefault(atom.kind, []).append(atom.digests)
    for kind, digests in single.items():
        found.setdefault(kind, []).append(digests)
    return found


def _identity(facts: FileFacts) -> Hashable:
    """What tells a file from another one: its bytes, by their digest, and what is around them."""
    flat = facts.hashes.sha256
    if flat is None or flat is UNKNOWN:
        return facts
    return (
        flat.value,
        facts.path,
        facts.package,
        facts.trusted,
        facts.writable_by_users,
        facts.masquerade,
        facts.findings,
    )
