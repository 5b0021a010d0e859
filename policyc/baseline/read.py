"""Typed reading of nodes: each function returns a value, or None after reporting why not."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from typing import TypeVar

from policyc.baseline.collector import Collector, did_you_mean
from policyc.baseline.nodes import Mapping, Node, Scalar, Sequence

T = TypeVar("T")
E = TypeVar("E", bound=enum.Enum)


def text(node: Node | None, what: str, collector: Collector) -> str | None:
    """A non-empty text."""
    if node is None:
        return None
    if not isinstance(node, Scalar):
        collector.add("B004", f"{what} must be a text", node.span, remedy="write one value here")
        return None
    if not node.text.strip():
        collector.add("B007", f"{what} is empty", node.span, remedy="write a value or drop the key")
        return None
    return node.text


def value(node: Node | None, what: str, make: Callable[[str], T], collector: Collector) -> T | None:
    """What ``make`` builds from a text; its ValueError becomes B007."""
    raw = text(node, what, collector)
    if raw is None or node is None:
        return None
    try:
        return make(raw)
    except ValueError as error:
        collector.add("B007", str(error), node.span, remedy=f"correct {what}")
        return None


def choice(node: Node | None, what: str, kind: type[E], collector: Collector) -> E | None:
    """A member of an enumeration, by value."""
    raw = text(node, what, collector)
    if raw is None or node is None:
        return None
    try:
        return kind(raw)
    except ValueError:
        possible = [str(item.value) for item in kind]
        message = f"`{raw}` is no {what}"
        collector.add("B008", message, node.span, remedy=did_you_mean(raw, possible))
        return None


def flag(node: Node | None, what: str, collector: Collector) -> bool | None:
    """``true`` or ``false``, unquoted; no other spelling."""
    raw = text(node, what, collector)
    if raw is None or node is None:
        return None
    if raw not in ("true", "false"):
        collector.add("B008", f"{what} is true or false", node.span, remedy="write true or false")
        return None
    return raw == "true"


def items(node: Node | None, what: str, collector: Collector) -> tuple[Node, ...]:
    """The elements of a list; a single value stands for a list of one."""
    if node is None:
        return ()
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Scalar):
        return (node,)
    collector.add("B004", f"{what} must be a list", node.span, remedy="write [a, b]")
    return ()


def mapping(
    node: Node | None, what: str, keys: Collection[str], collector: Collector
) -> Mapping | None:
    """A mapping with no other keys than ``keys``."""
    if node is None:
        return None
    if not isinstance(node, Mapping):
        collector.add("B004", f"{what} must be a mapping", node.span, remedy="write `key: value`")
        return None
    for key, _ in node.entries:
        if key.text not in keys:
            message = f"{what} has no key `{key.text}`"
            collector.add("B005", message, key.span, remedy=did_you_mean(key.text, keys))
    return node
