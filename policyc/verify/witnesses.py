"""All witnesses of one compile, within a budget that the report tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from policyc.model.facts import Collection, FileFacts, Platform
from policyc.model.identity import Digest
from policyc.model.ir import HasHash, PolicyIR
from policyc.verify.native import native_witnesses
from policyc.verify.synthetic import known
from policyc.verify.witness import policy_witnesses

_WORK = 100_000
"""Rules times witnesses per source: no index helps these decisions yet."""
_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """The files, and whether the budget ended before the rules did."""

    files: tuple[FileFacts, ...]
    truncated: bool


def witnesses(
    policy: PolicyIR,
    model: object,
    files: Iterable[FileFacts],
    *,
    platform: Platform,
    collections: frozenset[Collection],
    governs: Callable[[FileFacts], bool],
) -> Witnesses:
    """Witnesses from the policy and, knowing nothing of it, from the parsed model.

    The same input gives the same files in the same order. Files that the target is never
    asked about are left out.
    """
    world = known(files, _named(policy))
    limit = min(_MOST, max(100, _WORK // max(1, len(policy.rules))))
    chosen: dict[FileFacts, None] = {}
    truncated = False
    for source in (
        policy_witnesses(policy, world, platform),
        native_witnesses(model, world, platform, collections),
    ):
        own, complete = _first(source, governs, limit)
        chosen.update(dict.fromkeys(own))
        truncated = truncated or not complete
    return Witnesses(files=tuple(chosen), truncated=truncated)


def _named(policy: PolicyIR) -> Iterator[Digest]:
    for rule in policy.rules:
        for branch in (rule.match, *rule.unless):
            yield from (atom.digest for atom in branch.atoms if isinstance(atom, HasHash))


def _first(
    source: Iterator[FileFacts], governs: Callable[[FileFacts], bool], limit: int
) -> tuple[list[FileFacts], bool]:
    found: dict[FileFacts, None] = {}
    for facts in source:
        if len(found) >= limit:
            return list(found), False
        if governs(facts):
            found[facts] = None
    return list(found), True
