"""The cheapest set of rules that covers an inventory: a weighted set cover, chosen greedily.

What a rule costs is one number: one for being a rule to read, what else it would allow
(``BREADTH``), and for how many updates of its files it will have to be made again
(``BREAKAGE``). The greedy choice is within the logarithm of the largest rule's files of the
best one (Chvátal 1979), and rules it made superfluous are dropped again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policyc.baseline.propose import (
    RuleLevel,
    is_masquerade,
    match_for,
    platforms_of,
    with_lowest_floor,
    without_floor,
)
from policyc.model.facts import UNKNOWN, FileFacts, PackageState, Platform
from policyc.model.inventory import HostInfo, Inventory
from policyc.model.ir import AllOf, Effect, IsProduct, Rule, SignedBy
from policyc.model.known_files import FileIndex

BREADTH = {
    RuleLevel.HASH: 0.0,
    RuleLevel.FILE_PUBLISHER: 1.0,
    RuleLevel.PRODUCT: 3.0,
    RuleLevel.PACKAGE: 3.0,
    RuleLevel.LEAF_CERTIFICATE: 8.0,
    RuleLevel.PUBLISHER: 12.0,
}
"""What a rule of a level allows beyond its files: nothing, one program's versions, a product or
package, all that a certificate or a publisher signs."""
BREAKAGE = {RuleLevel.HASH: 2.0, RuleLevel.LEAF_CERTIFICATE: 1.0}
"""Rules to be made again at the next update; other levels outlive it."""
DEFAULT_LEVELS = (RuleLevel.FILE_PUBLISHER, RuleLevel.PRODUCT, RuleLevel.HASH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """One rule: its condition, the files it is for (numbers, sorted), and its cost."""

    match: AllOf
    level: RuleLevel
    platforms: frozenset[Platform]
    files: tuple[int, ...]

    @property
    def cost(self) -> float:
        """Reading it, its breadth, and its expected breakage."""
        return 1.0 + BREADTH[self.level] + BREAKAGE.get(self.level, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Rules in the order they are written, files left to hashes, and files left out by reason.

    ``start`` is the built-in set it starts from, empty without one, which permits ``started``
    files of the inventory; those are not among ``files``.
    """

    files: tuple[FileFacts, ...]
    rules: tuple[Proposed, ...]
    by_hash: tuple[int, ...]
    left_out: dict[str, tuple[FileFacts, ...]]
    start: str = ""
    started: int = 0


def propose(
    inventory: Inventory,
    asked: Sequence[FileFacts],
    levels: Sequence[RuleLevel] = DEFAULT_LEVELS,
    banned: frozenset[AllOf] = frozenset(),
) -> Proposal:
    """Cover ``asked``, files of the inventory that some target decides about.

    Left out are files with an error-level masquerade finding, files that differ from what
    their package delivered, and files without a hash. No rule holds for one of those, none
    stands on a self-signed certificate, and none on ``banned``, conditions (for any version)
    that a target cannot say without allowing more.
    """
    left_out: dict[str, list[FileFacts]] = {}
    kept: list[FileFacts] = []
    for facts in asked:
        reason = _unfit(facts)
        if reason is None and match_for(facts, [RuleLevel.HASH]) in banned:
            reason = "its hash is also that of another kind of file"
        if reason is None:
            kept.append(facts)
        else:
            left_out.setdefault(reason, []).append(facts)
    unfit = FileIndex([facts for found in left_out.values() for facts in found])
    alike = [facts for facts in kept if _same_content(facts, unfit)]
    if alike:
        left_out["same content as a file that is left out"] = alike
        taken = {id(facts) for facts in alike}
        kept = [facts for facts in kept if id(facts) not in taken]
    named = [level for level in levels if level is not RuleLevel.HASH]
    wide = [
        item
        for item in _candidates(kept, inventory.host, named)
        if without_floor(item.match) not in banned and not unfit.covered([item.match])
    ]
    chosen = _cover([*wide, *_candidates(kept, inventory.host, [RuleLevel.HASH])])
    rules = [item for item in chosen if item.level is not RuleLevel.HASH]
    by_hash = {number for item in chosen if item.level is RuleLevel.HASH for number in item.files}
    by_hash -= {number for item in rules for number in item.files}
    return Proposal(
        files=tuple(kept),
        rules=tuple(rules),
        by_hash=tuple(sorted(by_hash)),
        left_out={reason: tuple(found) for reason, found in sorted(left_out.items())},
    )


def _same_content(facts: FileFacts, unfit: FileIndex) -> bool:
    match = match_for(facts, [RuleLevel.HASH])
    return match is not None and bool(unfit.satisfying(Rule(effect=Effect.PERMIT, match=match)))


def _unfit(facts: FileFacts) -> str | None:
    if is_masquerade(facts):
        return "masquerade"
    package = facts.package
    if package is not UNKNOWN and package is not None and package.state is PackageState.MODIFIED:
        return "changed since its package delivered it"
    digest = facts.hashes.sha256 if facts.pe is None else facts.hashes.authenticode_sha256
    return "no hash is known" if digest is None or digest is UNKNOWN else None


def _candidates(
    files: Sequence[FileFacts], host: HostInfo, levels: Iterable[RuleLevel]
) -> list[Proposed]:
    """Every rule of the levels over the files; those alike but for the version share a floor."""
    found: list[Proposed] = []
    for level in levels:
        members: dict[AllOf, list[int]] = {}
        matches: dict[AllOf, set[AllOf]] = {}
        for number, facts in enumerate(files):
            match = match_for(facts, [level])
            if match is None or not _sound(match, facts):
                continue
            members.setdefault(without_floor(match), []).append(number)
            matches.setdefault(without_floor(match), set()).add(match)
        for key, numbers in members.items():
            where = frozenset().union(*(platforms_of(files[at], host) for at in numbers))
            match = with_lowest_floor(matches[key])
            found.append(Proposed(match=match, level=level, platforms=where, files=tuple(numbers)))
    return found


def _sound(match: AllOf, facts: FileFacts) -> bool:
    """Whether a person could rely on the names: nobody's own certificate, no odd characters."""
    for atom in match.atoms:
        if isinstance(atom, IsProduct):
            words = [word for word in (atom.name, atom.original_filename) if word is not None]
            if not words or not all(_plain(word) for word in words):
                return False
        if isinstance(atom, SignedBy):
            leaves = [
                item.leaf
                for item in (() if facts.signatures is UNKNOWN else facts.signatures)
                if item.leaf is not None
            ]
            if any(leaf.subject == leaf.issuer for leaf in leaves):
                return False
            if atom.publisher is not None and not _plain(atom.publisher.value):
                return False
    return True


def _plain(word: str) -> bool:
    return bool(word.strip()) and word == word.strip() and word.isprintable() and "*" not in word


def _cover(candidates: Sequence[Proposed]) -> list[Proposed]:
    """Cheapest per file not yet covered, again and again; then those no longer needed go."""
    rank = {id(item): Rule(effect=Effect.PERMIT, match=item.match).id.value for item in candidates}
    open_files = {number for item in candidates for number in item.files}
    heap = [(item.cost / len(item.files), rank[id(item)], at) for at, item in enumerate(candidates)]
    heapq.heapify(heap)
    chosen: list[Proposed] = []
    while heap and open_files:
        price, name, at = heapq.heappop(heap)
        item = candidates[at]
        fresh = sum(number in open_files for number in item.files)
        if not fresh:
            continue
        now = item.cost / fresh
        if now > price:
            heapq.heappush(heap, (now, name, at))
            continue
        chosen.append(item)
        open_files.difference_update(item.files)
    return _needed(chosen, rank)


def _needed(chosen: list[Proposed], rank: dict[int, str]) -> list[Proposed]:
    times: dict[int, int] = {}
    for item in chosen:
        for number in item.files:
            times[number] = times.get(number, 0) + 1
    kept = []
    for item in sorted(chosen, key=lambda each: (-each.cost, rank[id(each)])):
        if all(times[number] > 1 for number in item.files):
            for number in item.files:
                times[number] -= 1
        else:
            kept.append(item)
    return sorted(kept, key=lambda each: (each.level.value, rank[id(each)]))
