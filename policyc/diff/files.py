"""The files of inventories that two policies decide otherwise.

Decisions of a baseline rest on the rules that are not false for a file. So a file that no rule
concerns which only one side has is decided alike, and is not looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from policyc.checks.waiving import waived
from policyc.diff.pairs import Pair
from policyc.diff.sides import Side
from policyc.model.change import Cause, ChangedFile, FileGroup, Turn, turn_of
from policyc.model.decider import Decider
from policyc.model.decision import Decision, Verdict
from policyc.model.facts import UNKNOWN, FileFacts
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR

_Key = tuple[
    Turn,
    tuple[str, str],
    tuple[Verdict, Verdict],
    tuple[str, ...],
    tuple[str, ...],
    tuple[str, ...],
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesCompared:
    """Groups, how many files are decided as before, and those a changed rule may concern."""

    groups: tuple[FileGroup, ...] = ()
    unchanged: int = 0
    concerned: tuple[FileFacts, ...] = ()


@dataclass(slots=True)
class _Collected:
    """What is known of one group while files come in."""

    old: dict[Cause, None] = field(default_factory=dict)
    new: dict[Cause, None] = field(default_factory=dict)
    files: dict[tuple[str, str | None], dict[str, None]] = field(default_factory=dict)


@dataclass(slots=True)
class _Comparing:
    """The state of one comparison."""

    pairs: tuple[Pair, ...]
    changed: Decider | None
    groups: dict[_Key, _Collected] = field(default_factory=dict)
    unchanged: int = 0
    concerned: list[FileFacts] = field(default_factory=list)

    def file(self, old: FileFacts, new: FileFacts, machine: str) -> None:
        """Decide a file for every pair; ``old`` and ``new`` differ by what is accepted."""
        concerned = old is not new or self.changed is None or bool(self.changed.candidates(new))
        if concerned:
            self.concerned.append(new)
        decided: dict[object, tuple[Decision, Decision]] = {}
        met: dict[_Key, list[str]] = {}
        causes: dict[_Key, tuple[tuple[Cause, ...], tuple[Cause, ...]]] = {}
        asked = [pair for pair in self.pairs if pair.asks(new)]
        for pair in asked:
            if pair.identical or (not concerned and pair.old.key == pair.new.key):
                continue
            both = _decide(pair, old, new, decided)
            found = _difference(pair, both)
            if found is None:
                continue
            turn, before, after = found
            families = tuple(sorted({item.family for item in before}))
            later = tuple(sorted({item.family for item in after}))
            verdicts = (both[0].verdict, both[1].verdict)
            key: _Key = (turn, _modes(pair, new), verdicts, families, later, ())
            met.setdefault(key, []).append(pair.label)
            causes[key] = before, after
        if asked and not met:
            self.unchanged += 1
        for key, labels in met.items():
            own = self.groups.setdefault((*key[:5], tuple(labels)), _Collected())
            own.old.update(dict.fromkeys(causes[key][0]))
            own.new.update(dict.fromkeys(causes[key][1]))
            own.files.setdefault((new.path, _sha256(new)), {})[machine] = None

    def result(self) -> FilesCompared:
        """Groups by turn, then size."""
        order = list(Turn)
        groups = [_group(key, own) for key, own in self.groups.items()]
        groups.sort(
            key=lambda item: (
                order.index(item.turn),
                -len(item.files),
                item.targets,
                item.files[0].path,
                item.modes,
            )
        )
        return FilesCompared(
            groups=tuple(groups), unchanged=self.unchanged, concerned=tuple(self.concerned)
        )


def compare_files(
    old: Side, new: Side, pairs: tuple[Pair, ...], machines: Sequence[tuple[str, Inventory]]
) -> FilesCompared:
    """Decide every file of every machine by both sides. Machines are named if there are several."""
    if not machines:
        return FilesCompared()
    comparing = _Comparing(pairs=pairs, changed=_changed(old, new))
    named = len(machines) > 1
    for name, inventory in machines:
        before, after = _accepting(old, inventory), _accepting(new, inventory)
        for one, other in zip(before.files, after.files, strict=True):
            same = one is other or one == other
            comparing.file(other if same else one, other, name if named else "")
    return comparing.result()


def _changed(old: Side, new: Side) -> Decider | None:
    """A decider over the rules that only one side has; None unless both are baselines."""
    if old.loaded is None or new.loaded is None or old.policy is None or new.policy is None:
        return None
    rules = old.policy.rules ^ new.policy.rules
    return Decider(PolicyIR(name="", governs={}, rules=rules))


def _accepting(side: Side, inventory: Inventory) -> Inventory:
    """The inventory as a baseline sees it that accepts some findings."""
    if side.loaded is None or side.policy is None:
        return inventory
    return waived(inventory, side.policy.waivers)


def _decide(
    pair: Pair, old: FileFacts, new: FileFacts, decided: dict[object, tuple[Decision, Decision]]
) -> tuple[Decision, Decision]:
    """Both decisions, made once for all targets that decide alike."""
    key = (pair.old.key, pair.new.key, pair.old.native is None or pair.label)
    if key not in decided:
        own = pair.decide(new)
        decided[key] = own if old is new else (pair.decide(old)[0], own[1])
    return decided[key]


def _difference(
    pair: Pair, both: tuple[Decision, Decision]
) -> tuple[Turn, tuple[Cause, ...], tuple[Cause, ...]] | None:
    old, new = both
    turn = turn_of(old.verdict, new.verdict)
    if turn is None:
        if not pair.same_rules or old == new or old.verdict is not new.verdict:
            return None
        before, after = pair.old.causes(old), pair.new.causes(new)
        if before == after or _names(before) & _names(after):
            return None
        return Turn.OTHER_RULE, before, after
    return turn, pair.old.causes(old), pair.new.causes(new)


def _names(causes: tuple[Cause, ...]) -> set[str]:
    """What a rule is known by: what it means, or its name if that has changed."""
    return {name for item in causes for name in (item.key, item.text)}


def _modes(pair: Pair, facts: FileFacts) -> tuple[str, str]:
    if facts.collection is None:
        return "", ""
    old, new = pair.old.modes.get(facts.collection), pair.new.modes.get(facts.collection)
    return "" if old is None else old.value, "" if new is None else new.value


def _sha256(facts: FileFacts) -> str | None:
    digest = facts.hashes.sha256
    return None if digest is None or digest is UNKNOWN else digest.value


def _group(key: _Key, own: _Collected) -> FileGroup:
    files = [
        ChangedFile(path=path, sha256=digest, machines=tuple(item for item in machines if item))
        for (path, digest), machines in own.files.items()
    ]
    return FileGroup(
        turn=key[0],
        modes=key[1],
        verdicts=key[2],
        targets=key[5],
        old=tuple(own.old),
        new=tuple(own.new),
        files=tuple(sorted(files, key=lambda item: (item.path, item.sha256 or "", item.machines))),
    )
