"""Nodes of a baseline say what PyYAML's own composer says, at the same places."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyc.baseline.collector import Collector
from policyc.baseline.nodes import Mapping, Node, Scalar, Sequence, compose
from policyc.model.span import Span

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FILE = "policyc.yaml"

TEXTS = st.one_of(
    st.sampled_from(
        ["id", "permit", "true", "1.0", "a: b", "# no comment", "<<", "", " x ", "é\t"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40),
    st.text("ab \n", max_size=120),
)
VALUES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=20,
)
STYLES = st.fixed_dictionaries(
    {
        "default_flow_style": st.sampled_from([True, False, None]),
        "default_style": st.sampled_from([None, None, "'", '"', "|", ">"]),
        "width": st.sampled_from([10, 80, 10_000]),
        "indent": st.integers(2, 8),
        "allow_unicode": st.booleans(),
        "explicit_start": st.booleans(),
    }
)


class Dumper(yaml.SafeDumper):
    """Never writes an alias, which a baseline refuses."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def said(node: Node) -> object:
    """A node as values, each with its place."""
    match node:
        case Scalar():
            return node.span, node.text, node.plain
        case Sequence():
            return node.span, [said(item) for item in node.items]
        case Mapping():
            return node.span, [(said(key), said(value)) for key, value in node.entries]


def expected(node: Any) -> object:
    """The same of what PyYAML's composer makes, which counts from 0."""
    start, end = node.start_mark, node.end_mark
    span = Span(
        file=FILE,
        line=start.line + 1,
        column=start.column + 1,
        end_line=end.line + 1,
        end_column=end.column + 1,
    )
    if isinstance(node, yaml.ScalarNode):
        return span, node.value, not node.style
    if isinstance(node, yaml.SequenceNode):
        return span, [expected(item) for item in node.value]
    return span, [(expected(key), expected(value)) for key, value in node.value]


@MANY
@given(value=VALUES, style=STYLES)
def test_every_node_says_what_the_composer_says(value: object, style: dict[str, Any]) -> None:
    text = yaml.dump(value, Dumper=Dumper, sort_keys=False, **style)
    collector = Collector()
    node = compose(text, FILE, collector)
    assert collector.found == []
    assert node is not None
    assert said(node) == expected(yaml.compose(text, Loader=LOADER))


@MANY
@given(depth=st.integers(1, 40), flow=st.booleans())
def test_what_lies_too_deep_is_refused_where_it_begins(depth: int, *, flow: bool) -> None:
    text = "[" * depth + "x" + "]" * depth if flow else "- " * depth + "x"
    collector = Collector()
    node = compose(text, FILE, collector)
    if depth <= 32:
        assert node is not None
        assert collector.found == []
        return
    (problem,) = collector.found
    assert node is None
    assert problem.code == "B001"
    assert problem.span is not None
    assert (problem.span.line, problem.span.column) == (1, 34 if flow else 67)
