"""A whole baseline: text to PolicyIR, with every diagnostic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from policyc.baseline import read
from policyc.baseline.acceptance import check_accepted_rules, read_accept
from policyc.baseline.collector import Collector
from policyc.baseline.nodes import Mapping, Node, compose
from policyc.baseline.rules import RULE, read_rule
from policyc.baseline.settings import read_targets
from policyc.checks.waiving import waived
from policyc.inventory import InventoryError, read_inventory
from policyc.model.diagnostic import Diagnostic, Label
from policyc.model.facts import Collection, Inventory
from policyc.model.ir import Mode, PolicyIR, Rule
from policyc.model.span import Span

TOP = ("policyc", "name", "mode", "governs", "levels", "targets", "rules", "accept")
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
    accepted = read_accept(top.get("accept"), collector)

    def load_waived(inventory: str) -> Inventory:
        return waived(load(inventory), accepted.findings)

    rules = _rules(top, load_waived, collector)
    check_accepted_rules(accepted.losses, {rule.name for rule in rules}, collector)
    return PolicyIR(
        name=name or "",
        governs=_governs(top.get("governs"), mode, collector),
        rules=frozenset(rules),
        accepted=accepted.losses,
        waivers=accepted.findings,
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
