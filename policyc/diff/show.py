"""Made files that two policies decide otherwise: the proof that a changed rule matters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from policyc.diff.pairs import Pair
from policyc.diff.proof import Reach
from policyc.model.change import Shown, Turn, turn_of
from policyc.model.decision import applies, atom_holds
from policyc.model.facts import UNKNOWN, FileFacts, Platform
from policyc.model.ir import Atom, HasHash, IsProduct, Rule, canonical_atom
from policyc.verify.nearest import condition_text, own_value
from policyc.verify.synthetic import Known
from policyc.verify.witness import paths_near, rule_witnesses

_TRIES = 400_000
"""Made files that are decided in one comparison."""
_WANTED = 2
"""A change can allow some files and deny others."""


class Shower:
    """Decides made files by both sides, target by target, as long as that is reasonable."""

    def __init__(self, pairs: Sequence[Pair], world: Known) -> None:
        self._world = world
        self._left = _TRIES
        self._by_platform: dict[Platform, list[Pair]] = {}
        for pair in pairs:
            for platform in Platform if pair.new.platform is None else (pair.new.platform,):
                self._by_platform.setdefault(platform, []).append(pair)
        self.reach: Reach = frozenset(
            (pair.new.platform, collection) for pair in pairs for collection in pair.governed
        )

    def show(self, rules: Sequence[Rule], partners: Sequence[Rule] = ()) -> tuple[Shown, ...]:
        """At most one file a turn, with the targets that it is decided otherwise by.

        ``rules`` are a rule of one side, or one of each: the change that is to be shown.
        """
        found: dict[Turn, Shown] = {}
        for platform, pairs in self._by_platform.items():
            for facts in self._files(rules, partners, platform, pairs):
                if not _concerns(rules, facts, platform):
                    continue
                for item in _decided(facts, rules, pairs):
                    found.setdefault(item.turn, item)
                self._left -= 1
                if len(found) == _WANTED or self._left <= 0:
                    return tuple(found[turn] for turn in Turn if turn in found)
        return tuple(found[turn] for turn in Turn if turn in found)

    def _files(
        self,
        rules: Sequence[Rule],
        partners: Sequence[Rule],
        platform: Platform,
        pairs: Sequence[Pair],
    ) -> Iterator[FileFacts]:
        governed = frozenset(item for pair in pairs for item in pair.governed)
        for rule in rules:
            own = rule.collections & governed
            if platform in rule.platforms:
                yield from self._known(rule, own)
                yield from rule_witnesses(rule, self._world, platform, own, partners)

    def _known(self, rule: Rule, collections: frozenset[object]) -> Iterator[FileFacts]:
        """Files that are there, for the digests that a rule names."""
        for atom in rule.match.atoms:
            if isinstance(atom, HasHash):
                own = self._world.of(atom.digest)
                if own is not None and own.collection in collections:
                    yield own
                    # The same content elsewhere, as rules for its place may decide about it.
                    yield from (replace(own, path=path) for path in paths_near(own.path)[1:])


def _concerns(rules: Sequence[Rule], facts: FileFacts, platform: Platform) -> bool:
    """Whether the change is one for this file, so that nothing else is shown by it."""
    holding = [
        (rule.effect, rule.principals)
        for rule in rules
        if platform in rule.platforms and applies(rule, facts) is True
    ]
    return len(holding) == 1 or len(set(holding)) > 1


def _decided(facts: FileFacts, rules: Sequence[Rule], pairs: Sequence[Pair]) -> Iterator[Shown]:
    users = [frozenset[str]()]
    users += [rule.principals for rule in rules if rule.principals]
    by_turn: dict[Turn, list[tuple[Pair, Shown]]] = {}
    for pair, principals in product(pairs, users):
        if not pair.asks(facts):
            continue
        old, new = pair.decide(facts, principals)
        turn = turn_of(old.verdict, new.verdict)
        if turn in (Turn.ALLOWED, Turn.DENIED):
            run_by = (f"run by {', '.join(sorted(principals))}",) if principals else ()
            shown = Shown(
                turn=turn,
                facts=facts,
                about=(*about(facts, rules), *run_by),
                targets=(),
                verdicts=(old.verdict, new.verdict),
                old=pair.old.causes(old),
                new=pair.new.causes(new),
            )
            by_turn.setdefault(turn, []).append((pair, shown))
    for turn, items in by_turn.items():
        first = items[0][1]
        yield Shown(
            turn=turn,
            facts=first.facts,
            about=first.about,
            targets=tuple(dict.fromkeys(pair.label for pair, _ in items)),
            verdicts=first.verdicts,
            old=first.old,
            new=first.new,
        )


def about(facts: FileFacts, rules: Iterable[Rule]) -> tuple[str, ...]:
    """What a file has where the conditions of the rules look; not yet safe to print."""
    atoms = {
        atom for rule in rules for branch in (rule.match, *rule.unless) for atom in branch.atoms
    }
    found = {_about(atom, facts): None for atom in sorted(atoms, key=canonical_atom)}
    return tuple(text for text in found if text)


def _about(atom: Atom, facts: FileFacts) -> str:
    kind = condition_text(atom).partition(" ")[0]
    if isinstance(atom, HasHash):
        return f"{kind} {atom.digest}" if atom_holds(atom, facts) else ""
    if isinstance(atom, IsProduct):
        info = facts.version_info
        if info is UNKNOWN or info is None:
            return "no product"
        words = (info.product_name, info.original_filename, info.file_version)
        return " ".join(["product", *(str(item) for item in words if item is not None)])
    return f"{kind} {own_value(atom, facts)}"
