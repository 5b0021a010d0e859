"""A whole baseline: text to PolicyIR, with every diagnostic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from policyc.baseline import read
from policyc.baseline.collector import Collector, did_you_mean
from policyc.baseline.nodes import Mapping, Node, compose
from policyc.baseline.rules import RULE, read_rule
from policyc.baseline.settings import read_targets
from policyc.inventory import InventoryError, read_inventory
from policyc.lowering.losses import LOSSES
from policyc.model.diagnostic import Diagnostic, Label, Level
from policyc.model.facts import Collection, Inventory
from policyc.model.ir import AcceptedLoss, Mode, PolicyIR, Rule
from policyc.model.span import Span
from policyc.targets import target_names

TOP = ("policyc", "name", "mode", "governs", "levels", "targets", "rules", "accept")
ACCEPT = ("loss", "target", "rule", "reason")
DEFAULT_GOVERNS = (
    Collection.EXECUTABLE,
    Collection.LIBRARY,
    Collection.SCRIPT,
    Collection.INSTALLER,
)

LoadInventory: TypeAlias = Callable[[str], Inventory]
"""Gives the inventory a ``from:`` names; raises InventoryError or OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBaseline:
    """A policy, or None when an error kept it from being built, and all diagnostics.

    ``text`` is the source the diagnostics' positions refer to.
    """

    policy: PolicyIR | None
    diagnostics: tuple[Diagnostic, ...]
    file: str
    text: str


def load_baseline(path: Path, given: Inventory | None = None) -> LoadedBaseline:
    """Read a baseline file; ``given`` is what ``from: inventory`` means.

    Raises OSError if the file cannot be read. Other inventories are looked for beside it.
    """
    raw = path.read_bytes()
    file = str(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        span = Span(file=file, line=line, column=1, end_line=line, end_column=1)
        collector = Collector()
        collector.add("B001", "the file is not UTF-8", span, remedy="save it as UTF-8")
        return LoadedBaseline(policy=None, diagnostics=tuple(collector.found), file=file, text="")

    def load(name: str) -> Inventory:
        if name == "inventory":
            if given is None:
                raise InventoryError("`from: inventory` needs one; give it with -i FILE")
            return given
        return read_inventory(path.parent / name)

    return parse_baseline(text, file, load)


def parse_baseline(text: str, file: str, load: LoadInventory) -> LoadedBaseline:
    """Read baseline text; ``file`` is the name that positions carry."""
    collector = Collector()
    root = compose(text, file, collector)
    top = read.mapping(root, "a baseline", TOP, collector)
    policy = None if top is None else _policy(top, load, collector)
    if collector.failed:
        policy = None
    found = tuple(sorted(collector.found, key=_position))
    return LoadedBaseline(policy=policy, diagnostics=found, file=file, text=text)


def _position(item: Diagnostic) -> tuple[str, int, int, str]:
    span = item.span
    return ("", 0, 0, item.code) if span is None else (span.file, span.line, span.column, item.code)


def _policy(top: Mapping, load: LoadInventory, collector: Collector) -> PolicyIR:
    version = read.text(top.get("policyc"), "policyc", collector)
    if version != "1":
        span = top.span if (node := top.get("policyc")) is None else node.span
        code = "B006" if version is None else "B008"
        remedy = "begin the file with `policyc: 1`"
        collector.add(code, "the language version is missing or unknown", span, remedy=remedy)
    name = read.text(top.get("name"), "name", collector)
    if top.get("name") is None:
        collector.add("B006", "a baseline needs a name", top.span, remedy="add `name: …`")
    mode = read.choice(top.get("mode"), "mode", Mode, collector) or Mode.AUDIT
    rules = _rules(top, load, collector)
    return PolicyIR(
        name=name or "",
        governs=_governs(top.get("governs"), mode, collector),
        rules=frozenset(rules),
        accepted=_accepted(top.get("accept"), {rule.name for rule in rules}, collector),
        targets=read_targets(top.get("targets"), collector),
        origin=top.span,
    )


def _governs(node: Node | None, mode: Mode, collector: Collector) -> dict[Collection, Mode]:
    """A list of collections, all in the baseline's mode, or a mode for each."""
    found: dict[Collection, Mode] = {}
    if isinstance(node, Mapping):
        own = read.mapping(node, "governs", [item.value for item in Collection], collector)
        for key, value in () if own is None else own.entries:
            chosen = read.choice(value, "mode", Mode, collector)
            if chosen is not None and key.text in {item.value for item in Collection}:
                found[Collection(key.text)] = chosen
    else:
        for item in read.items(node, "governs", collector):
            collection = read.choice(item, "collection", Collection, collector)
            if collection is not None:
                found[collection] = mode
    found = found or dict.fromkeys(DEFAULT_GOVERNS, mode)
    return {item: found[item] for item in sorted(found, key=lambda each: each.value)}


def _rules(top: Mapping, load: LoadInventory, collector: Collector) -> list[Rule]:
    node = top.get("rules")
    if node is None:
        collector.add(
            "B006", "a baseline without rules denies everything", top.span, remedy="add `rules:`"
        )
        return []
    levels = read.items(top.get("levels"), "levels", collector)
    rules: list[Rule] = []
    seen: dict[str, Span] = {}
    for item in read.items(node, "rules", collector):
        own = read.mapping(item, "a rule", RULE, collector)
        if own is None:
            continue
        identifier = own.get("id")
        name = read.text(identifier, "id", collector)
        if name is not None and identifier is not None:
            if name in seen:
                collector.add(
                    "B010",
                    f"two rules have the id `{name}`",
                    identifier.span,
                    remedy="rename one of them",
                    other=Label(span=seen[name], text="first here"),
                )
            seen[name] = identifier.span
        rules += read_rule(own, name or "", levels, load, collector)
    return rules


def _accepted(node: Node | None, rules: set[str], collector: Collector) -> tuple[AcceptedLoss, ...]:
    accepted = []
    for item in read.items(node, "accept", collector):
        own = read.mapping(item, "an accepted loss", ACCEPT, collector)
        if own is None:
            continue
        values = {key: read.text(own.get(key), key, collector) for key in ACCEPT}
        for key in ("loss", "target", "reason"):
            if own.get(key) is None:
                collector.add(
                    "B006", f"an accepted loss needs `{key}`", own.span, remedy=f"add `{key}: …`"
                )
        _known(own.get("loss"), values["loss"], "loss", LOSSES, collector)
        _known(own.get("target"), values["target"], "target", target_names(), collector)
        if values["rule"] is not None:
            _known(own.get("rule"), values["rule"], "rule", rules, collector)
        accepted.append(
            AcceptedLoss(
                code=values["loss"] or "",
                target=values["target"] or "",
                reason=values["reason"] or "",
                rule=values["rule"],
                origin=own.span,
            )
        )
    return tuple(accepted)


def _known(
    node: Node | None, word: str | None, what: str, possible: object, collector: Collector
) -> None:
    names = [str(item) for item in possible]  # type: ignore[attr-defined]
    if node is None or word is None or word in names:
        return
    code = "B010" if what == "rule" else "B008"
    message = f"there is no {what} `{word}`"
    collector.add(code, message, node.span, remedy=did_you_mean(word, names))


def unused_acceptances(policy: PolicyIR, used: frozenset[AcceptedLoss]) -> tuple[Diagnostic, ...]:
    """A warning for every accepted loss that did not occur."""
    collector = Collector()
    for item in policy.accepted:
        if item not in used:
            collector.add(
                "B013",
                f"{item.code} does not occur for {item.target}",
                item.origin,
                remedy="remove it from accept",
                level=Level.WARNING,
            )
    return tuple(collector.found)
