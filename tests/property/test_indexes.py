"""An index leaves out only what cannot match: with and without it every decision is the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyc.compiler.pipeline import compile_target
from policyc.model.decision import applies, holds
from policyc.model.facets import folded, folders, literal_folder
from policyc.model.facts import FileFacts
from policyc.model.index import Index, once_per_object
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, PolicyIR, Rule
from policyc.model.known_files import FileIndex
from policyc.model.loss import Loss
from policyc.model.path import PathPattern
from policyc.targets import load_target
from policyc.targets.base import ArtifactError
from policyc.verify.compare import Agreement, Explanations, explaining
from policyc.verify.native import native_witnesses
from policyc.verify.synthetic import known
from tests.property import strategies, windows
from tests.requires import require_shared

pytestmark = pytest.mark.slow

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def without_indexes() -> Iterator[None]:
    """Every index gives everything, in its order: rule by rule, as the meaning is written."""
    with (
        patch.object(Index, "find", lambda self, _: list(self._entries)),
        patch.object(Index, "certain", lambda _, __: None),
    ):
        yield


def same(target: Any, model: object, files: list[FileFacts]) -> None:
    quick = [target.evaluate(model, facts) for facts in files]
    with without_indexes():
        assert quick == [target.evaluate(model, facts) for facts in files]


@pytest.mark.parametrize("name", ["wdac", "applocker", "fapolicyd", "santa"])
@MANY
@given(
    policy=strategies.policies(max_rules=8),
    files=st.lists(strategies.files(), min_size=1, max_size=8),
)
def test_evaluators_decide_as_rule_by_rule(
    name: str, policy: PolicyIR, files: list[FileFacts]
) -> None:
    target = load_target(name)
    result = compile_target(policy, Inventory(files=tuple(files[:4])), name)
    model = target.parse(tuple(item for item in result.artifacts if item.enforced))
    same(target, model, files)


@pytest.mark.parametrize("name", ["wdac", "applocker"])
@MANY
@given(data=st.data(), files=st.lists(windows.files(), min_size=1, max_size=8))
def test_windows_evaluators_decide_as_rule_by_rule(
    name: str, data: st.DataObject, files: list[FileFacts]
) -> None:
    """Awkward files: unknown facts, letters without one case, several signatures."""
    policy = data.draw(windows.policies(name, {}))
    target = load_target(name)
    result = compile_target(policy, Inventory(files=tuple(files[:4])), name)
    model = target.parse(tuple(item for item in result.artifacts if item.enforced))
    same(target, model, files)


def test_real_app_control_policies_decide_as_rule_by_rule() -> None:
    _real("wdac", sorted(require_shared("wdac/policies").rglob("*.xml")))


def test_real_applocker_policies_decide_as_rule_by_rule() -> None:
    _real("applocker", sorted(require_shared("applocker/policies").rglob("*.xml")))


def _real(name: str, paths: list[Any]) -> None:
    from policyc.model.artifact import Artifact  # noqa: PLC0415

    target = load_target(name)
    read = 0
    for path in paths:
        if path.stat().st_size > 300_000:
            continue
        artifact = Artifact(name=path.name, data=path.read_bytes(), media_type="text/xml")
        try:
            model = target.parse((artifact,))
        except ArtifactError:
            continue
        read += 1
        made = native_witnesses(
            model, known(()), target.capabilities.platform, target.capabilities.collections
        )
        files = [facts for _, facts in zip(range(60), made, strict=False)]
        same(target, model, files)
    assert read > 10


@MANY
@given(st.lists(strategies.files(), max_size=8), strategies.rules())
def test_a_file_index_gives_what_trying_each_gives(files: list[FileFacts], rule: Rule) -> None:
    index = FileIndex(files)
    assert index.satisfying(rule) == [facts for facts in files if applies(rule, facts) is True]


@MANY
@given(
    st.lists(st.one_of(strategies.files(), windows.files()), max_size=8, unique_by=id),
    st.lists(st.one_of(strategies.matches(), windows.matches()), max_size=3),
)
def test_covered_files_are_all_that_are_not_false(
    files: list[FileFacts], covers: list[AllOf]
) -> None:
    found = {id(facts) for facts in FileIndex(files).covered(covers)}
    expected = {
        id(facts) for facts in files if any(holds(item, facts) is not False for item in covers)
    }
    assert found == expected


@MANY
@given(
    st.lists(strategies.policies(), min_size=1, max_size=1),
    st.lists(strategies.files(), max_size=6),
    st.sampled_from([Agreement.WIDER, Agreement.NARROWER]),
)
def test_explanations_are_those_of_trying_each_loss(
    policies: list[PolicyIR], files: list[FileFacts], agreement: Agreement
) -> None:
    losses: tuple[Loss, ...] = compile_target(
        policies[0], Inventory(files=tuple(files)), "wdac"
    ).losses
    explanations = Explanations(losses)
    for facts in files:
        assert explanations.find(facts, agreement) is explaining(facts, agreement, losses)


PIECES = st.sampled_from(
    ["a", "K", "\u212a", "s", "\u017f", "i", "\u0130", "\u0131", "ß", "ẞ", "é"]
)


@given(st.lists(PIECES, max_size=4).map("".join), st.lists(PIECES, max_size=4).map("".join))
def test_a_path_in_a_pattern_is_in_its_folder(folder: str, path: str) -> None:
    pattern = PathPattern(f"C:\\d{folder}\\**")
    full = f"c:/D{path}/x.exe"
    if pattern.matches(full):
        assert literal_folder(pattern) in set(folders(full))


def test_no_letter_beyond_ascii_matches_an_ascii_one_unseen() -> None:
    """All letters that are equal without case have one key."""
    ascii_letters = [chr(code) for code in range(0x80)]
    every = "".join(chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000)
    for letter in ascii_letters:
        for other in re.findall(re.escape(letter), every, re.IGNORECASE):
            assert folded(letter) == folded(other), (letter, other)


def test_results_are_kept_for_the_object_and_not_for_its_like() -> None:
    calls = []

    @once_per_object(2)
    def build(argument: list[int]) -> int:
        calls.append(argument)
        return len(argument)

    first, second = [1], [1]
    assert [build(first), build(first), build(second), build(first)] == [1, 1, 1, 1]
    assert len(calls) == 2
    build([1, 2])
    build([1, 2, 3])
    build(second)
    assert len(calls) == 5
