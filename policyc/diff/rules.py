"""Two policies compared rule by rule, without an inventory.

Rules that both have go first, by identity. Each rule that is left over is proved to decide
nothing, or shown by a made file that the two policies decide otherwise, or told as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from policyc.diff.pairing import Partner, partners, relation
from policyc.diff.pairs import Pair
from policyc.diff.plain import Plain, split_plain
from policyc.diff.proof import Proof, digests_of, may_concern
from policyc.diff.show import Shower
from policyc.diff.sides import cause_of
from policyc.model.change import Cause, RuleChange, SettingChange, Shown, Turn
from policyc.model.facts import FileFacts
from policyc.model.ir import PolicyIR, Rule, by_id
from policyc.targets.lifted import Note
from policyc.verify.synthetic import Known, known


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesCompared:
    """Changes in the order of their places, how many rules both sides have, and remarks."""

    changes: tuple[RuleChange, ...] = ()
    unchanged: int = 0
    notes: tuple[str, ...] = ()


def compare_rules(pairs: tuple[Pair, ...], files: tuple[FileFacts, ...]) -> RulesCompared:
    """Compare the policies of all pairs; ``files`` settle what is known about contents."""
    world = known(files)
    changes: list[RuleChange] = []
    notes: dict[str, None] = {}
    unchanged = 0
    for own in _together(pairs):
        notes.update(dict.fromkeys(_notes(own)))
        old, new = own[0].old.policy, own[0].new.policy
        if old is None or new is None:
            continue
        if all(pair.identical for pair in own):
            unchanged += len(old.rules & new.rules)
            continue
        compared = _Rules(old, new, own, world)
        unchanged += compared.unchanged
        changes += map(_locating(own), compared.changes())
    changes.sort(key=_order)
    return RulesCompared(changes=tuple(changes), unchanged=unchanged, notes=tuple(notes))


def _together(pairs: tuple[Pair, ...]) -> list[list[Pair]]:
    """Pairs that compare the same two policies."""
    found: dict[tuple[int, int], list[Pair]] = {}
    for pair in pairs:
        found.setdefault((id(pair.old.policy), id(pair.new.policy)), []).append(pair)
    return list(found.values())


def _notes(pairs: list[Pair]) -> Iterator[str]:
    """How policies of different platforms are compared."""
    for pair in pairs:
        if pair.old.platform is None:
            yield f"{pair.label}: different platforms, so only what the rules say is compared"


def incomparable(pairs: tuple[Pair, ...]) -> Iterator[SettingChange]:
    """What of native policies no rule stands for, where the two sides may differ in it.

    What is left out of both by the same words is the same only if they say all of it.
    """
    for pair in pairs:
        if pair.identical:
            continue
        old = () if pair.old.native is None else pair.old.native.lost
        new = () if pair.new.native is None else pair.new.native.lost
        left, right = _apart(old, new), _apart(new, old)
        if left or right:
            yield SettingChange(
                what="parts that are not compared by rules",
                targets=(pair.label,),
                old=_parts(left),
                new=_parts(right),
                turn=Turn.UNKNOWN,
            )


def _apart(own: Sequence[Note], other: Sequence[Note]) -> list[str]:
    """What is lost of one side and not known to be lost of the other just so."""
    known = {(item.message, item.what) for item in other if item.what}
    return [item.message for item in own if (item.message, item.what) not in known]


def _parts(texts: list[str]) -> str:
    return f"{len(texts):,}, the first: {texts[0]}" if texts else "none"


def _locating(pairs: list[Pair]) -> Callable[[RuleChange], RuleChange]:
    """Gives the rules of native policies their places."""
    old, new = pairs[0].old.native, pairs[0].new.native

    def located(change: RuleChange) -> RuleChange:
        before, after = change.old, change.new
        if old is not None and before is not None:
            before = old.located(before)
        if new is not None and after is not None:
            after = new.located(after)
        return replace(change, old=before, new=after)

    return located


def _order(change: RuleChange) -> tuple[object, ...]:
    cause = change.new or change.old
    assert cause is not None
    at = change.place
    return at.file, at.line, at.column, cause.text, cause.key, change.relation.value


class _Rules:
    """Two policies with the pairs of views that look at them."""

    def __init__(self, old: PolicyIR, new: PolicyIR, pairs: list[Pair], world: Known) -> None:
        removed, added = old.rules - new.rules, new.rules - old.rules
        self.unchanged = len(old.rules) - len(removed)
        self._old, self._new = self._relevant(removed, pairs), self._relevant(added, pairs)
        digests = digests_of(chain(removed, added))
        near = may_concern(old.rules, digests), may_concern(new.rules, digests)
        self._near = [*near[0], *(rule for rule in near[1] if rule in added)]
        self._world = world
        self._shower = Shower(pairs, world)
        self._proof = Proof(old, new, near, self._shower.reach)

    @staticmethod
    def _relevant(rules: Iterable[Rule], pairs: list[Pair]) -> list[Rule]:
        """The rules for something that some view governs."""
        return sorted(
            (
                rule
                for rule in rules
                if any(
                    rule.collections & pair.governed
                    and (pair.new.platform is None or pair.new.platform in rule.platforms)
                    for pair in pairs
                )
            ),
            key=by_id,
        )

    def changes(self) -> list[RuleChange]:
        """Every change; plain hashes together, the others one by one or as pairs."""
        if not self._old and not self._new:
            return []
        plain, old, new = split_plain(self._old, self._new, self._near, self._world)
        found = [change for item in plain for change in self._plain(item)]
        return found + [self._change(item) for item in partners(old, new)]

    def _plain(self, plain: Plain) -> Iterator[RuleChange]:
        """Hashes that no other rule speaks of: what the first does, each of them does."""
        first = plain.rules[0]
        shown: tuple[Shown, ...] = ()
        same = self._proof.harmless(first, in_new=plain.added)
        if not same:
            shown = self._shower.show([first])
        if not same and not shown:
            shown = self._shower.show([first], self._proof.opposite(first, in_new=plain.added))
        for rules in plain.families():
            cause = cause_of(rules[0])
            yield RuleChange(
                relation=plain.relation,
                old=None if plain.added else cause,
                new=cause if plain.added else None,
                shown=tuple(_renamed(item, first, rules[0]) for item in shown),
                same=same,
                count=len(rules),
            )

    def _change(self, partner: Partner) -> RuleChange:
        old, new = partner.old, partner.new
        rules = [rule for rule in (old, new) if rule is not None]
        harmless = all(self._proof.harmless(rule, in_new=rule is new) for rule in rules)
        shown: tuple[Shown, ...] = ()
        if not harmless:
            others = [
                other for rule in rules for other in self._proof.opposite(rule, in_new=rule is new)
            ]
            shown = self._shower.show(rules, others)
        return RuleChange(
            relation=relation(old, new),
            old=None if old is None else cause_of(old),
            new=None if new is None else cause_of(new),
            shown=shown,
            same=harmless,
        )


def _renamed(shown: Shown, first: Rule, rule: Rule) -> Shown:
    """What the first of like rules shows, said of another one."""
    if rule is first:
        return shown
    own, mine = _digest_text(first), _digest_text(rule)
    return replace(
        shown,
        about=tuple(item.replace(own, mine) for item in shown.about),
        old=_replaced(shown.old, first, rule),
        new=_replaced(shown.new, first, rule),
    )


def _replaced(causes: Sequence[Cause], first: Rule, rule: Rule) -> tuple[Cause, ...]:
    return tuple(cause_of(rule) if item.key == first.id.value else item for item in causes)


def _digest_text(rule: Rule) -> str:
    return next(str(atom.digest) for atom in rule.match.atoms if hasattr(atom, "digest"))
