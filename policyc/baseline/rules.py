"""One rule of the file to the rules of the policy it stands for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from policyc.baseline import read
from policyc.baseline.collector import Collector
from policyc.baseline.conditions import Alternatives, FromInventory, read_condition
from policyc.baseline.nodes import Mapping, Node
from policyc.baseline.propose import (
    RuleLevel,
    is_masquerade,
    name_for,
    platforms_of,
    with_lowest_floor,
    without_floor,
)
from policyc.inventory import InventoryError
from policyc.model.diagnostic import Level
from policyc.model.facts import Collection, Platform
from policyc.model.identity import Digest
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Effect, HasAnyHash, HasHash, Rule, canonical_match
from policyc.model.waiver import parse_day

RULE = (
    "id",
    "permit",
    "forbid",
    "unless",
    "collections",
    "platforms",
    "principals",
    "owner",
    "until",
    "note",
)
_EVERY_COLLECTION = frozenset(Collection)
_EVERY_PLATFORM = frozenset(Platform)
"""One set for all rules that do not limit themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a rule of one file can refer to: its groups, its default levels, inventories."""

    groups: Alternatives
    levels: tuple[Node, ...]
    load: Callable[[str], Inventory]


def read_rule(own: Mapping, name: str, around: Surroundings, collector: Collector) -> list[Rule]:
    """The policy's rules for one rule of the file; empty after reporting an error."""
    given = own.values()
    word = "forbid" if "forbid" in given else "permit"
    if ("permit" in given) == ("forbid" in given):
        collector.add(
            "B009",
            "a rule has exactly one of permit and forbid",
            own.span,
            remedy="write `permit: …` or `forbid: …`",
        )
        return []
    effect, key = Effect(word), own.key(word)
    condition = read_condition(given[word], word, collector, around.groups, may_be_from=True)
    unless = _unless(given.get("unless"), around.groups, collector)
    collections = _collections(given.get("collections"), collector)
    platforms = _platforms(given.get("platforms"), collector)
    principals = _principals(given.get("principals"), collector)
    note = read.text(given.get("note"), "note", collector) or ""
    owner = read.text(given.get("owner"), "owner", collector) or ""
    until = read.value(given.get("until"), "until", parse_day, collector)

    def rule(match: AllOf) -> Rule:
        return Rule(
            effect=effect,
            match=match,
            unless=unless,
            collections=collections,
            platforms=platforms,
            principals=principals,
            name=name,
            origin=own.span if key is None else key.span,
            note=note,
            owner=owner,
            until=until,
        )

    if condition is None:
        return []
    if isinstance(condition, FromInventory):
        return _from_inventory(condition, rule(AllOf(frozenset())), around, collector)
    return [rule(match) for match in condition]


def _unless(node: Node | None, groups: Alternatives, collector: Collector) -> frozenset[AllOf]:
    if node is None:
        return frozenset()
    branches: set[AllOf] = set()
    listed = (node,) if isinstance(node, Mapping) else read.items(node, "unless", collector)
    for item in listed:
        condition = read_condition(item, "an exception", collector, groups)
        if isinstance(condition, tuple):
            branches.update(condition)
    return frozenset(branches)


def _collections(node: Node | None, collector: Collector) -> frozenset[Collection]:
    if node is None:
        return _EVERY_COLLECTION
    found = [
        read.choice(item, "collection", Collection, collector)
        for item in read.items(node, "collections", collector)
    ]
    return frozenset(item for item in found if item is not None) or _EVERY_COLLECTION


def _platforms(node: Node | None, collector: Collector) -> frozenset[Platform]:
    if node is None:
        return _EVERY_PLATFORM
    found = [
        read.choice(item, "platform", Platform, collector)
        for item in read.items(node, "platforms", collector)
    ]
    return frozenset(item for item in found if item is not None) or _EVERY_PLATFORM


def _principals(node: Node | None, collector: Collector) -> frozenset[str]:
    if node is None:
        return frozenset()
    found = [
        read.text(item, "principal", collector)
        for item in read.items(node, "principals", collector)
    ]
    return frozenset(item for item in found if item is not None)


def _from_inventory(
    source: FromInventory,
    template: Rule,
    around: Surroundings,
    collector: Collector,
) -> list[Rule]:
    nodes = source.levels or around.levels
    levels = [read.choice(item, "level", RuleLevel, collector) for item in nodes]
    wanted = [item for item in levels if item is not None] or [RuleLevel.HASH]
    try:
        inventory = around.load(source.inventory.text)
    except (InventoryError, OSError) as error:
        remedy = "make it with `policyc scan PATH -o FILE`"
        collector.add("B011", str(error), source.inventory.span, remedy=remedy)
        return []
    found = _Found()
    permit, host = template.effect is Effect.PERMIT, inventory.host
    for facts in inventory.files:
        if facts.collection is None:
            continue
        named = None if permit and is_masquerade(facts) else name_for(facts, wanted)
        if named is None:
            found.left_out.append(facts.path)
        else:
            found.add(named, platforms_of(facts, host))
    if found.left_out:
        collector.add(
            "B012",
            f"{len(found.left_out)} files of {source.inventory.text} got no rule, the first is "
            f"{found.left_out[0]!r}",
            source.inventory.span,
            remedy="see `policyc check` for masquerades, or add the level `hash`",
            level=Level.WARNING,
        )
    return [
        replace(template, match=match, platforms=template.platforms & platforms)
        for match, platforms in found.merged()
        if template.platforms & platforms
    ]


class _Found:
    """The conditions of an inventory's files, each with the platforms of all that have it."""

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self._digests: dict[type[Digest], dict[str, frozenset[Platform]]] = defaultdict(dict)
        self._others: dict[AllOf, frozenset[Platform]] = {}
        self._same: dict[frozenset[Platform], frozenset[Platform]] = {}

    def add(self, named: AllOf | Digest, platforms: frozenset[Platform]) -> None:
        """Take in what names one file: its digest, or another condition."""
        if isinstance(named, AllOf):
            own = platforms | self._others.get(named, frozenset())
            self._others[named] = self._same.setdefault(own, own)
            return
        digests = self._digests[type(named)]
        known = digests.get(named.value)
        if known is not platforms:
            own = platforms if known is None else platforms | known
            digests[named.value] = self._same.setdefault(own, own)

    def merged(self) -> list[tuple[AllOf, frozenset[Platform]]]:
        """One condition for all digests of a kind and platforms, then the others, in order."""
        lists: dict[tuple[type[Digest], frozenset[Platform]], list[str]] = {}
        for kind, digests in self._digests.items():
            for platforms in frozenset(digests.values()):
                lists[kind, platforms] = [
                    value for value, own in digests.items() if own == platforms
                ]
        found = [(_any_of(key[0], values), key[1]) for key, values in lists.items()]
        found += _one_floor(self._others).items()
        return sorted(found, key=lambda item: canonical_match(item[0]))


def _any_of(kind: type[Digest], values: list[str]) -> AllOf:
    if len(values) == 1:
        return AllOf(frozenset({HasHash(kind(values[0]))}))
    return AllOf(frozenset({HasAnyHash(kind, frozenset(values))}))


def _one_floor(matches: dict[AllOf, frozenset[Platform]]) -> dict[AllOf, frozenset[Platform]]:
    """Rules that differ in their lowest version only become the one that holds the others."""
    found: dict[AllOf, frozenset[Platform]] = {}
    alike: dict[AllOf, list[AllOf]] = {}
    for match, platforms in matches.items():
        bare = without_floor(match)
        if bare is match:
            found[match] = platforms
        else:
            alike.setdefault(bare, []).append(match)
    for several in alike.values():
        platforms = frozenset[Platform]().union(*(matches[match] for match in several))
        found[with_lowest_floor(several)] = platforms
    return found
