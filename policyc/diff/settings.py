"""What a policy says beside its rules: governed collections, modes, options, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policyc.diff.pairs import Pair
from policyc.diff.sides import Side
from policyc.model.change import SettingChange, Turn
from policyc.model.ir import HasMasquerade, Mode, PolicyIR, TargetSettings
from policyc.model.span import NOWHERE, Span
from policyc.model.waiver import Waiver


def compare_settings(old: Side, new: Side, pairs: tuple[Pair, ...]) -> tuple[SettingChange, ...]:
    """Every setting that differs; what several targets share is one change."""
    found: dict[tuple[str, str, str, Turn, Span], list[str]] = {}
    for pair in pairs:
        if pair.identical:
            continue
        for change in (*_governed(pair), *_values(old, new, pair)):
            what, before, after, turn = change
            key = (what, before, after, turn, _place(new, pair))
            found.setdefault(key, []).append(pair.label)
    changes = [
        SettingChange(
            what=what, targets=tuple(names), old=before, new=after, turn=turn, origin=place
        )
        for (what, before, after, turn, place), names in found.items()
    ]
    changes += _missing(old, new)
    changes += _waivers(old.policy, new.policy) if old.loaded and new.loaded else ()
    return tuple(sorted(changes, key=lambda item: (item.targets, item.what, item.old, item.new)))


def _place(new: Side, pair: Pair) -> Span:
    """Where the new baseline speaks of the target, or its beginning."""
    policy = new.policy if new.loaded is not None else None
    settings = None if policy is None else policy.targets.get(pair.new.target)
    if settings is not None and settings.origin != NOWHERE:
        return settings.origin
    return new.place


def _governed(pair: Pair) -> Iterator[tuple[str, str, str, Turn]]:
    """Collections that begin or cease to be governed, and modes, where both are known."""
    if pair.old.policy is None or pair.new.policy is None:
        return
    for collection in sorted(pair.governed, key=lambda item: item.value):
        before, after = pair.old.modes.get(collection), pair.new.modes.get(collection)
        if before is not after:
            yield collection.value, _state(before), _state(after), _turn(before, after)


def _state(mode: Mode | None) -> str:
    return "not governed" if mode is None else mode.value


def _turn(before: Mode | None, after: Mode | None) -> Turn:
    """Only enforcement stops a file; auditing says what it would do."""
    order = (None, Mode.AUDIT, Mode.ENFORCE)
    return Turn.DENIED if order.index(after) > order.index(before) else Turn.ALLOWED


def _values(old: Side, new: Side, pair: Pair) -> Iterator[tuple[str, str, str, Turn]]:
    """A target's own options: what they do to a file is the target's to know."""
    if old.loaded is None or new.loaded is None:
        return
    before, after = _own(old.policy, pair), _own(new.policy, pair)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name, _text(before.get(name)), _text(after.get(name)), Turn.UNKNOWN


def _own(policy: PolicyIR | None, pair: Pair) -> Mapping[str, object]:
    settings = None if policy is None else policy.targets.get(pair.new.target)
    return (settings or TargetSettings()).values


def _text(value: object) -> str:
    if value is None:
        return "default"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _missing(old: Side, new: Side) -> Iterator[SettingChange]:
    """Targets that only one of two compiled folders has."""
    if old.loaded is not None or new.loaded is not None:
        return
    if len(old.natives) == len(new.natives) == 1:
        return
    for name in sorted(old.natives.keys() ^ new.natives.keys()):
        gone = name in old.natives
        yield SettingChange(
            what="policy",
            targets=(name,),
            old="present" if gone else "absent",
            new="absent" if gone else "present",
            turn=Turn.ALLOWED if gone else Turn.DENIED,
            origin=new.place,
        )


def _waivers(old: PolicyIR | None, new: PolicyIR | None) -> Iterator[SettingChange]:
    """Accepted findings, where a rule looks at findings: accepting one forbids less."""
    if old is None or new is None or not (old.waivers or new.waivers):
        return
    asked = any(
        isinstance(atom, HasMasquerade)
        for policy in (old, new)
        for rule in policy.rules
        for branch in (rule.match, *rule.unless)
        for atom in branch.atoms
    )
    if not asked:
        return
    for waiver in _ordered(frozenset(new.waivers) - frozenset(old.waivers)):
        yield _accepted(waiver, "reported", "accepted", Turn.ALLOWED)
    for waiver in _ordered(frozenset(old.waivers) - frozenset(new.waivers)):
        yield _accepted(waiver, "accepted", "reported", Turn.DENIED)


def _ordered(waivers: frozenset[Waiver]) -> list[Waiver]:
    return sorted(waivers, key=lambda item: (item.code, str(item.path), str(item.sha256)))


def _accepted(waiver: Waiver, old: str, new: str, turn: Turn) -> SettingChange:
    scope = " ".join(str(item) for item in (waiver.path, waiver.sha256) if item is not None)
    return SettingChange(
        what=f"finding {waiver.code} on {scope}",
        targets=(),
        old=old,
        new=new,
        turn=turn,
        origin=waiver.origin,
    )
