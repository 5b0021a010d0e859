"""No regular expression of policyc costs more than linear time, whatever it is given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyc.readers.tokens import _TOKENS
from tests.linear import NotLinearError, prove_linear
from tests.requires import PROJECT

_SEARCHES = frozenset({"search", "finditer", "findall", "sub", "split"})
_METHODS = _SEARCHES | {"match", "fullmatch"}


def _text(node: ast.expr) -> str | bytes | None:
    """A literal pattern; what an f-string puts in stands as one letter."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (item.value if isinstance(item, ast.Constant) else "(?:X)" for item in node.values)
        return "".join(map(str, parts)).replace("{(?:X)}", "{4}")
    return None


def _flags(call: ast.Call) -> int:
    source = " ".join(
        ast.unparse(item) for item in [*call.args[1:], *(k.value for k in call.keywords)]
    )
    named = re.findall(r"re\.([A-Z]+)", source)
    return sum(int(getattr(re, name)) for name in set(named))


def _uses(tree: ast.Module, name: str) -> set[str]:
    """The methods that are called on a module's pattern."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in _METHODS
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    }


def _patterns(path: Path) -> Iterator[tuple[str, str | bytes, int, set[str]]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {
        id(node.value): node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re"):
            continue
        method = node.func.attr
        if method not in _METHODS | {"compile"}:
            continue
        text = _text(node.args[0])
        if text is None:
            yield f"line {node.lineno}", "", 0, set()
            continue
        used = {method} if method in _METHODS else _uses(tree, named.get(id(node), ""))
        # A pattern in a table may be used in any way.
        yield f"line {node.lineno}", text, _flags(node), used or {"search", "fullmatch"}


def _all() -> list[object]:
    found: list[object] = []
    for path in sorted((PROJECT / "policyc").rglob("*.py")):
        for where, text, flags, used in _patterns(path):
            identity = f"{path.relative_to(PROJECT)} {where}"
            found.append(pytest.param(text, flags, used, id=identity))
    return found


# Made from the baseline's own words, and matched with paths that are bounded: see PathPattern.
# Santa's expressions are those of the profile itself. The tokens are looked at below.
_MADE = {"policyc/model/path.py", "policyc/targets/santa/", "policyc/readers/tokens.py"}


@pytest.mark.parametrize(("text", "flags", "used"), _all())
def test_it_is_linear(
    request: pytest.FixtureRequest, text: str | bytes, flags: int, used: set[str]
) -> None:
    if text == "":
        assert any(name in request.node.name for name in _MADE)
        return
    prove_linear(text, flags, searched=bool(used & _SEARCHES), whole="fullmatch" in used)


def test_every_sign_of_a_language_is_linear() -> None:
    tokens = [token for _, listed in _TOKENS for token in listed]
    assert len(tokens) > 50
    for token in tokens:
        try:
            prove_linear(token.pattern.pattern, token.pattern.flags, searched=True, whole=False)
        except NotLinearError as error:
            pytest.fail(f"{token.pattern.pattern!r}: {error}")


@pytest.mark.parametrize(
    ("text", "method"),
    [
        (r"(a+)+b", "match"),
        (r"(?:<!--.*?-->\s*)*x", "match"),
        (r"a*a*b", "match"),
        (r".*.*=", "match"),
        (r"\s+x", "search"),
        (r"(?:a|a)*b*[ab]*c", "match"),
        (r"[0-9]*.[0-9]*.[0-9]*", "fullmatch"),
        (r"x*$", "search"),
        (r"x=[^\n]*\n", "search"),
    ],
)
def test_the_proof_refuses_what_is_not_linear(text: str, method: str) -> None:
    with pytest.raises(NotLinearError):
        prove_linear(text, 0, searched=method == "search", whole=method == "fullmatch")


@pytest.mark.parametrize(
    ("text", "method"),
    [
        (r"a*b*c", "match"),
        (r"[0-9]+(?:\.[0-9]+)*", "fullmatch"),
        (r"(?<!\s)\s+x", "search"),
        (r"\nx=[^\n]*\n", "search"),
        (r"[A-Za-z0-9+/]{64,}", "search"),
        (r".{1,8}x", "search"),
    ],
)
def test_the_proof_takes_what_is(text: str, method: str) -> None:
    prove_linear(text, 0, searched=method == "search", whole=method == "fullmatch")
