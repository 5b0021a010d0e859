"""``profiles``: what differs for a group of machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policyc.baseline import read
from policyc.baseline.collector import Collector, did_you_mean
from policyc.baseline.entries import Entry
from policyc.baseline.nodes import Mapping as MappingNode
from policyc.baseline.nodes import Node, Scalar
from policyc.baseline.settings import merged, read_targets
from policyc.model.facts import Collection
from policyc.model.ir import Mode, TargetSettings

PROFILE = ("extends", "include", "mode", "governs", "targets", "drop", "rules", "accept")
MAX_PROFILES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one layer, the baseline or a profile, says besides rules. None: it says nothing."""

    mode: Mode | None
    collections: tuple[Collection, ...] | None
    modes: Mapping[Collection, Mode]
    targets: Mapping[str, TargetSettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One profile as it is written; ``chain`` are the profiles it extends, farthest first."""

    name: str
    own: MappingNode
    settings: Settings
    drop: tuple[Scalar, ...]
    chain: tuple[str, ...] = field(default=())


def read_settings(own: MappingNode, collector: Collector) -> Settings:
    """Mode, collections and target settings of a layer."""
    collections, modes = _governs(own.get("governs"), collector)
    return Settings(
        mode=read.choice(own.get("mode"), "mode", Mode, collector),
        collections=collections,
        modes=modes,
        targets=read_targets(own.get("targets"), collector),
    )


def over(base: Settings, upper: Settings) -> Settings:
    """A layer over another. The nearer layer wins: its mode is for all that it governs."""
    names = (*base.targets, *(name for name in upper.targets if name not in base.targets))
    fresh = upper.mode is not None or upper.collections is not None
    return Settings(
        mode=upper.mode or base.mode,
        collections=base.collections if upper.collections is None else upper.collections,
        modes=upper.modes if fresh else base.modes,
        targets={
            name: merged(base.targets[name], upper.targets[name])
            if name in base.targets and name in upper.targets
            else (upper.targets.get(name) or base.targets[name])
            for name in names
        },
    )


def _governs(
    node: Node | None, collector: Collector
) -> tuple[tuple[Collection, ...] | None, dict[Collection, Mode]]:
    """A list of collections, or a mode for each."""
    if node is None:
        return None, {}
    found: dict[Collection, Mode | None] = {}
    if isinstance(node, MappingNode):
        names = [item.value for item in Collection]
        read.mapping(node, "governs", names, collector)
        for key, value in node.entries:
            if key.text in names:
                found[Collection(key.text)] = read.choice(value, "mode", Mode, collector)
    else:
        for item in read.items(node, "governs", collector):
            collection = read.choice(item, "collection", Collection, collector)
            if collection is not None:
                found[collection] = None
    modes = {item: mode for item, mode in found.items() if mode is not None}
    return tuple(found) or None, modes


def read_profiles(node: Node | None, collector: Collector) -> dict[str, Profile]:
    """The profiles by name; ``chain`` is empty where the names lead in a circle or nowhere."""
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        remedy = "write `name: {rules: […]}`"
        collector.add("B004", "profiles must be a mapping", node.span, remedy=remedy)
        return {}
    if len(node.entries) > MAX_PROFILES:
        message = f"more than {MAX_PROFILES} profiles"
        collector.add("B023", message, node.span, remedy="make several baselines")
        return {}
    written: dict[str, MappingNode] = {}
    for key, value in node.entries:
        own = read.mapping(value, "a profile", PROFILE, collector)
        if own is not None:
            written[key.text] = own
    return {
        name: Profile(
            name=name,
            own=own,
            settings=read_settings(own, collector),
            drop=_texts(own.get("drop"), collector),
            chain=_chain(name, written, collector),
        )
        for name, own in written.items()
    }


def _texts(node: Node | None, collector: Collector) -> tuple[Scalar, ...]:
    return tuple(
        item
        for item in read.items(node, "drop", collector)
        if read.text(item, "a rule id", collector) is not None and isinstance(item, Scalar)
    )


def _chain(name: str, written: Mapping[str, MappingNode], collector: Collector) -> tuple[str, ...]:
    """What a profile extends, farthest first; a fault is reported by the profile that has it."""
    found: list[str] = []
    at = name
    while (node := written[at].get("extends")) is not None:
        # Only the profile's own word is reported, so that each fault is named once.
        base = read.text(node, "extends", collector if at == name else Collector())
        if base is None:
            return ()
        if base not in written:
            if at == name:
                others = [item for item in written if item != name]
                remedy = did_you_mean(base, others) if others else "leave `extends` out"
                collector.add("B008", f"there is no profile `{base}`", node.span, remedy=remedy)
            return ()
        if base == name or base in found:
            if base == name:
                circle = " → ".join([name, *reversed(found), name])
                message = f"the profile `{name}` extends itself: {circle}"
                collector.add("B021", message, node.span, remedy="remove one `extends`")
            return ()
        found.insert(0, base)
        at = base
    return tuple(found)


def dropped(entries: Iterable[Entry], profile: Profile, collector: Collector) -> tuple[Entry, ...]:
    """The rules without those that the profile drops; an unknown id is reported."""
    listed = tuple(entries)
    names = {entry.name for entry in listed if entry.name}
    for item in profile.drop:
        if item.text not in names:
            remedy = did_you_mean(item.text, names) if names else "give the rule an id first"
            message = f"there is no rule `{item.text}` to drop"
            collector.add("B010", message, item.span, remedy=remedy)
    gone = {item.text for item in profile.drop}
    return tuple(entry for entry in listed if entry.name not in gone)
