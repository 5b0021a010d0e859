"""The ``targets:`` section, checked against what each target declares."""

from __future__ import annotations

from collections.abc import Iterable

from policyc.baseline import read
from policyc.baseline.collector import Collector, did_you_mean
from policyc.baseline.nodes import Mapping, Node, Scalar
from policyc.model.facts import Collection
from policyc.model.ir import Mode, Setting, TargetSettings
from policyc.targets import load_target, target_names
from policyc.targets.base import Capabilities, SettingKind, SettingSpec

COMMON = ("mode", "collections", "governs")


def read_targets(node: Node | None, collector: Collector) -> dict[str, TargetSettings]:
    """Settings by target name; unknown targets and keys are reported."""
    own = read.mapping(node, "targets", target_names(), collector)
    if own is None:
        return {}
    known = target_names()
    return {
        key.text: _settings(key.text, value, collector)
        for key, value in own.entries
        if key.text in known
    }


def _settings(name: str, node: Node, collector: Collector) -> TargetSettings:
    capabilities = load_target(name).capabilities
    specs = {spec.name: spec for spec in capabilities.settings}
    if isinstance(node, Scalar) and not node.text:
        return TargetSettings(origin=node.span)
    own = read.mapping(node, name, (*COMMON, *specs), collector)
    if own is None:
        return TargetSettings(origin=node.span)
    values: dict[str, Setting] = {}
    for key, value in own.entries:
        spec = specs.get(key.text)
        setting = None if spec is None else _setting(spec, value, collector)
        if setting is not None:
            values[key.text] = setting
    collections, modes = _governed(own, capabilities, collector)
    return TargetSettings(
        mode=read.choice(own.get("mode"), "mode", Mode, collector),
        collections=collections,
        modes=modes,
        values=values,
        origin=own.span,
    )


def _governed(
    own: Mapping, capabilities: Capabilities, collector: Collector
) -> tuple[frozenset[Collection] | None, dict[Collection, Mode]]:
    """What the target is asked to govern, and the modes of single collections.

    ``collections`` is a list; ``governs`` a list too, or a mode for each collection.
    """
    node = own.get("governs")
    listed = own.get("collections")
    if node is not None and listed is not None:
        message = "`governs` and `collections` say the same"
        collector.add("B009", message, node.span, remedy="keep one of them")
    if not isinstance(node, Mapping):
        given = node if node is not None else listed
        if given is None:
            return None, {}
        items = read.items(given, "collections", collector)
        return frozenset(_known(items, capabilities, collector)), {}
    names = [item.value for item in Collection]
    read.mapping(node, "governs", names, collector)
    entries = [(key, value) for key, value in node.entries if key.text in names]
    modes = {
        Collection(key.text): read.choice(value, "mode", Mode, collector) for key, value in entries
    }
    known = _known((key for key, _ in entries), capabilities, collector)
    found = {item: mode for item, mode in modes.items() if mode is not None}
    return frozenset(known), found


def _known(
    items: Iterable[Node], capabilities: Capabilities, collector: Collector
) -> set[Collection]:
    """The collections named, after reporting those the target cannot govern."""
    found = set()
    for item in items:
        collection = read.choice(item, "collection", Collection, collector)
        if collection is None:
            continue
        if collection not in capabilities.collections:
            possible = ", ".join(sorted(each.value for each in capabilities.collections))
            collector.add(
                "B008",
                f"{capabilities.target} cannot govern {collection.value}",
                item.span,
                remedy=f"possible: {possible}",
            )
        found.add(collection)
    return found


def merged(base: TargetSettings, over: TargetSettings) -> TargetSettings:
    """The settings of a target with those of a profile over them, key by key."""
    # A mode for the target as a whole replaces modes that the base gave single collections.
    modes = {} if over.mode is not None or over.collections is not None else base.modes
    return TargetSettings(
        mode=over.mode or base.mode,
        collections=base.collections if over.collections is None else over.collections,
        modes={**modes, **over.modes},
        values={**base.values, **over.values},
        origin=over.origin,
    )


def _setting(spec: SettingSpec, node: Node, collector: Collector) -> Setting | None:
    match spec.kind:
        case SettingKind.FLAG:
            return read.flag(node, spec.name, collector)
        case SettingKind.NUMBER:
            return read.value(node, spec.name, _number, collector)
        case SettingKind.LIST:
            texts = [
                read.text(item, spec.name, collector)
                for item in read.items(node, spec.name, collector)
            ]
            if spec.choices:
                for item, text in zip(read.items(node, spec.name, collector), texts, strict=True):
                    if text is not None and text not in spec.choices:
                        remedy = did_you_mean(text, spec.choices)
                        message = f"`{text}` is no {spec.name}"
                        collector.add("B008", message, item.span, remedy=remedy)
            for item in read.items(node, spec.name, collector):
                read.value(item, spec.name, spec.check, collector)
            return tuple(text for text in texts if text is not None)
        case SettingKind.TEXT:
            read.value(node, spec.name, spec.check, collector)
            return read.text(node, spec.name, collector)
        case SettingKind.CHOICE:
            word = read.text(node, spec.name, collector)
            if word is not None and word not in spec.choices:
                collector.add(
                    "B008",
                    f"`{word}` is no {spec.name}",
                    node.span,
                    remedy=did_you_mean(word, spec.choices),
                )
                return None
            return word


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)
