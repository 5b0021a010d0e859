"""``groups``: named lists of conditions; ``group: NAME`` holds where one of them does."""

from __future__ import annotations

from collections.abc import Iterable

from policyc.baseline import read
from policyc.baseline.collector import Collector, did_you_mean
from policyc.baseline.conditions import MAX_ALTERNATIVES, read_condition
from policyc.baseline.nodes import Mapping, Node, Scalar
from policyc.model.diagnostic import Diagnostic, Label, Level
from policyc.model.ir import AllOf
from policyc.model.span import Span

MAX_DEPTH = 16
"""Groups inside each other."""


class Groups:
    """The groups of all files of a baseline, in one name space.

    Every group is read, used or not, so that its errors are reported.
    """

    def __init__(self, nodes: Iterable[Node | None], collector: Collector) -> None:
        self._collector = collector
        self._names: dict[str, Scalar] = {}
        self._nodes: dict[str, Node] = {}
        self._read: dict[str, tuple[AllOf, ...]] = {}
        self._chain: list[str] = []
        self._used: set[str] = set()
        for node in nodes:
            self._add(node)
        for name in self._nodes:
            self._members(name)

    def __call__(self, reference: Scalar) -> tuple[AllOf, ...]:
        """The alternatives a reference stands for; empty after reporting an error."""
        name = reference.text
        if name not in self._nodes:
            remedy = "add it to `groups:`"
            if self._nodes:
                remedy = did_you_mean(name, self._nodes)
            self._collector.add(
                "B008", f"there is no group `{name}`", reference.span, remedy=remedy
            )
            return ()
        self._used.add(name)
        if name in self._chain:
            chain = " → ".join([*self._chain[self._chain.index(name) :], name])
            self._collector.add(
                "B021",
                f"the group `{name}` holds itself: {chain}",
                reference.span,
                remedy="remove one of these references",
            )
            return ()
        if len(self._chain) >= MAX_DEPTH:
            message = f"more than {MAX_DEPTH} groups inside each other"
            self._collector.add("B023", message, reference.span, remedy="put some together")
            return ()
        return self._members(name)

    def unused(self, file: str) -> tuple[Diagnostic, ...]:
        """A warning for each group of ``file`` that nothing refers to."""
        collector = Collector()
        for name, key in self._names.items():
            if name not in self._used and key.span.file == file:
                collector.add(
                    "B024",
                    f"no rule uses the group `{name}`",
                    key.span,
                    remedy="remove it, or write `group:` into a rule",
                    level=Level.WARNING,
                )
        return tuple(collector.found)

    def _add(self, node: Node | None) -> None:
        if node is None:
            return
        if not isinstance(node, Mapping):
            remedy = "write `name: [conditions]`"
            self._collector.add("B004", "groups must be a mapping", node.span, remedy=remedy)
            return
        for key, value in node.entries:
            first = self._names.get(key.text)
            if first is None:
                self._names[key.text] = key
                self._nodes[key.text] = value
            else:
                self._twice(key.text, key.span, first.span)

    def _twice(self, name: str, span: Span, first: Span) -> None:
        self._collector.add(
            "B010",
            f"two groups have the name `{name}`",
            span,
            remedy="rename one of them",
            other=Label(span=first, text="first here"),
        )

    def _members(self, name: str) -> tuple[AllOf, ...]:
        known = self._read.get(name)
        if known is not None:
            return known
        self._chain.append(name)
        node = self._nodes[name]
        found: list[AllOf] = []
        # One condition may stand without the brackets of a list.
        listed = (node,) if isinstance(node, Mapping) else read.items(node, name, self._collector)
        if not listed:
            remedy = "write conditions into it, or remove it"
            self._collector.add("B009", f"the group `{name}` is empty", node.span, remedy=remedy)
        for item in listed:
            condition = read_condition(item, "a member of a group", self._collector, self)
            if isinstance(condition, tuple):
                found += condition
            if len(found) > MAX_ALTERNATIVES:
                message = f"`{name}` stands for more than {MAX_ALTERNATIVES:,} alternatives"
                self._collector.add("B023", message, item.span, remedy="split the group")
                break
        self._chain.pop()
        self._read[name] = tuple(dict.fromkeys(found))
        return self._read[name]
