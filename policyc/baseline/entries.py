"""The rules of one ``rules:`` list, each with the id it has in the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policyc.baseline import read
from policyc.baseline.collector import Collector
from policyc.baseline.nodes import Node
from policyc.baseline.rules import RULE, Surroundings, read_rule
from policyc.model.diagnostic import Label
from policyc.model.ir import Rule
from policyc.model.lists import size
from policyc.model.span import Span

MAX_RULES = 1_000_000
"""Rules of one file after groups, lists and inventories are written out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One rule as it is written: its id ("" for none), where that stands, what it stands for."""

    name: str
    span: Span
    rules: tuple[Rule, ...]


def read_entries(
    node: Node | None, around: Surroundings, collector: Collector
) -> tuple[Entry, ...]:
    """The rules of a list, in the order of the file."""
    entries: list[Entry] = []
    total = 0
    for item in read.items(node, "rules", collector):
        own = read.mapping(item, "a rule", RULE, collector)
        if own is None:
            continue
        identifier = own.get("id")
        name = read.text(identifier, "id", collector) or ""
        span = own.span if identifier is None else identifier.span
        rules = tuple(read_rule(own, name, around, collector))
        entries.append(Entry(name=name, span=span, rules=rules))
        total += sum(map(size, rules))
        if total > MAX_RULES:
            message = f"the rules stand for more than {MAX_RULES:,}"
            collector.add(
                "B023", message, span, remedy="use wider conditions, or a level above hash"
            )
            break
    return tuple(entries)


def check_unique(entries: Iterable[Entry], collector: Collector) -> None:
    """Report every id that stands twice. One pair is reported once, however often it is met."""
    known = {item.span for item in collector.found if item.code == "B010"}
    seen: dict[str, Span] = {}
    for entry in entries:
        if not entry.name:
            continue
        first = seen.setdefault(entry.name, entry.span)
        if first != entry.span and entry.span not in known:
            collector.add(
                "B010",
                f"two rules have the id `{entry.name}`",
                entry.span,
                remedy="rename one of them",
                other=Label(span=first, text="first here"),
            )
