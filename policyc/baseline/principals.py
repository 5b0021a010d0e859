"""``principals``: what a directory calls users and groups, each with the id that targets know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from policyc.baseline import read
from policyc.baseline.collector import Collector
from policyc.baseline.nodes import Mapping as Node
from policyc.baseline.nodes import Node as AnyNode
from policyc.model.ir import Rule

_ID = re.compile(r"S-1(?:-[0-9]{1,14}){2,15}|[ug]id:(?:0|[1-9][0-9]{0,8})", re.ASCII)


def read_principals(node: AnyNode | None, collector: Collector) -> Mapping[str, str]:
    """The id of each name; names are compared without case, as Windows does."""
    if node is None:
        return {}
    if not isinstance(node, Node):
        collector.add("B004", "principals must be a mapping", node.span, remedy="write `NAME: SID`")
        return {}
    found: dict[str, str] = {}
    seen: set[str] = set()
    for key, value in node.entries:
        name = key.text.casefold()
        if name in seen:
            message = f"two principals are called `{key.text}`, case aside"
            collector.add("B010", message, key.span, remedy="remove one")
        seen.add(name)
        identifier = read.value(value, "a principal", _identifier, collector)
        if identifier is not None:
            found[name] = identifier
    return found


def with_ids(rule: Rule, known: Mapping[str, str]) -> Rule:
    """The rule with ids in place of the names that the table has."""
    if not known or not rule.principals:
        return rule
    own = frozenset(known.get(name.casefold(), name) for name in rule.principals)
    return replace(rule, principals=own)


def _identifier(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} is no SID (S-1-5-21-…), uid:N or gid:N")
    return text
