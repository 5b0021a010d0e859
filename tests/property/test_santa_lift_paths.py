"""An expression that becomes patterns means what Santa makes of it, for every path."""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from policyc.targets.santa.conditions import expression
from policyc.targets.santa.decide import matches
from policyc.targets.santa.lift_paths import patterns

PIECES = ("/opt", "/", "a", "b", r"\.", r"\/", "[^/]*", "(?s:.*)", ".*", "(?:", ")", "|", "^")
MORE = (r"\z", "$", ".", "+", "*", r"\*", r"\d", "[ab]", "(?i)", "ü")
NAMES = ("/opt", "/", "a", "b", ".", "ü", "*")


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(
    pieces=st.lists(st.sampled_from((*PIECES, *MORE)), min_size=1, max_size=7),
    names=st.lists(st.lists(st.sampled_from(NAMES), max_size=6), min_size=1, max_size=8),
)
def test_patterns_are_the_expression(pieces: list[str], names: list[list[str]]) -> None:
    text = "".join(pieces)
    found = patterns(text)
    event("said" if found else "not said")
    if found is None:
        return
    for parts in names:
        path = "/" + "".join(parts)
        said = any(pattern.matches(path) for pattern in found)
        assert said is matches(text, path), (text, path, found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"^(?:\/opt\/acme\/(?s:.*)|\/usr\/bin\/x)\z", ["/opt/acme/**", "/usr/bin/x"]),
        ("^/opt/", ["/opt/**"]),
        ("^/opt/.*", ["/opt/**"]),
        ("^(?:/Users)/.*", ["/Users/**"]),
        ("/opt/x", ["/opt/x**"]),
        (r"^(?:/opt/[^/]*/run)\z", ["/opt/*/run"]),
        ("^/opt/a|^/opt/b", ["/opt/a**", "/opt/b**"]),
        (r"^/opt/a\.b/.*", ["/opt/a.b/**"]),
    ],
)
def test_usual_expressions_are_said(text: str, expected: list[str]) -> None:
    found = patterns(text)
    assert found is not None
    assert [pattern.text for pattern in found] == expected


@pytest.mark.parametrize(
    "text",
    [
        *("/opt/x|/usr/y", "^/opt/a.b", "^/opt/x$", "(?!)", "", "^", "^/a{2}", "^/x\\", "opt"),
        *(r"^/opt/x\z|^/y", r"^/opt/x|^/y\z", "^(?:/a|/b)+", "^(?:/a", "^/a)", "^/a.*b", r"^/\d"),
        "|".join(["^/a"] * 2000),
    ],
)
def test_what_is_not_so_simple_is_not_said(text: str) -> None:
    assert patterns(text) is None


def test_what_we_write_is_read() -> None:
    from policyc.model.path import PathPattern  # noqa: PLC0415

    for text in ("/opt/acme/**", "/usr/bin/tool", "/opt/*/run", "/a-b (c)/[d]/*.e+f/**"):
        own = PathPattern(text)
        assert patterns(f"^(?:{expression(own)})\\z") == (own,)
