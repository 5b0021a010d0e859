"""Files of a baseline: what they mean together, and what they cannot reach."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyc.baseline import LoadedBaseline, load_baseline, parse_baseline
from policyc.baseline.sources import MAX_BYTES
from policyc.model.inventory import Inventory

HEAD = "policyc: 1\nname: Includes\n"


def write(folder: Path, **files: str) -> Path:
    """Files by their stem; `policyc` is the baseline."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + text)
    return folder / "policyc.yaml"


def codes(loaded: LoadedBaseline) -> list[str]:
    return [item.code for item in loaded.diagnostics]


def test_an_include_adds_its_rules_and_keeps_their_places(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        policyc="include: [more__tools.yaml]\nrules:\n  - permit: {path: /a}\n".replace("__", "/"),
        more__tools="include: [deep.yaml]\nrules:\n  - {id: b, permit: {path: /b}}\n",
        more__deep="rules:\n  - {id: c, permit: {path: /c}}\n",
    )
    policy = load_baseline(path).policy
    assert policy is not None
    places = {rule.name: Path(rule.origin.file).relative_to(tmp_path) for rule in policy.rules}
    assert places == {
        "": Path("policyc.yaml"),
        "b": Path("more/tools.yaml"),
        "c": Path("more/deep.yaml"),
    }


def test_a_file_that_is_reached_twice_counts_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        policyc="include: [a.yaml, b.yaml, ./a.yaml]\n",
        a="include: [c.yaml]\n",
        b="include: [c.yaml]\n",
        c="rules:\n  - {id: c, permit: {path: /c}}\n",
    )
    loaded = load_baseline(path)
    assert loaded.policy is not None
    assert len(loaded.written) == 1


def test_inventories_are_beside_the_file_that_names_them(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        policyc="include: [team/own.yaml]\n",
        team__own="rules:\n  - permit: {from: golden.jsonl}\n",
    )
    loaded = load_baseline(path)
    assert codes(loaded) == ["B011"]
    assert str(tmp_path / "team" / "golden.jsonl") in loaded.diagnostics[0].message


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    path = write(inside, policyc="include: [link.yaml, folder/other.yaml, own.yaml]\n")
    write(tmp_path / "outside", other="rules: []\n")
    write(inside, real="rules:\n  - permit: {path: /a}\n")
    (inside / "link.yaml").symlink_to(tmp_path / "outside" / "other.yaml")
    (inside / "folder").symlink_to(tmp_path / "outside")
    (inside / "own.yaml").symlink_to("real.yaml")
    loaded = load_baseline(path)
    assert codes(loaded) == ["B020", "B020"]
    assert all("leads out" in item.message for item in loaded.diagnostics)
    assert not any("other" in name for name in loaded.sources)


def test_a_repository_is_one_place(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, common="rules:\n  - permit: {path: /a}\n")
    path = write(tmp_path / "site", policyc="include: [../common.yaml]\n")
    assert load_baseline(path).policy is not None
    (tmp_path / ".git").rmdir()
    assert codes(load_baseline(path)) == ["B020"]


def test_a_link_to_itself_and_a_pipe_are_refused_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, policyc="include: [loop.yaml, pipe.yaml]\n")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert codes(load_baseline(path)) == ["B020", "B020"]


def test_files_are_bounded_in_number_depth_and_size(tmp_path: Path) -> None:
    names = ", ".join(f"n{number}.yaml" for number in range(120))
    path = write(tmp_path, policyc=f"include: [{names}]\n")
    for number in range(120):
        write(tmp_path, **{f"n{number}": "rules: []\n"})
    assert codes(load_baseline(path)) == ["B020"] * 21
    for number in range(40):
        write(tmp_path, **{f"d{number}": f"include: [d{number + 1}.yaml]\n"})
    path = write(tmp_path, policyc="include: [d0.yaml]\n")
    assert codes(load_baseline(path)) == ["B020"]
    path = write(tmp_path, policyc="include: [big.yaml]\n")
    (tmp_path / "big.yaml").write_text("#" * (MAX_BYTES + 1))
    assert codes(load_baseline(path)) == ["B020"]
    (tmp_path / "policyc.yaml").write_text("#" * (MAX_BYTES + 1))
    assert codes(load_baseline(path)) == ["B001"]


@given(order=st.permutations(["a", "b", "c"]), twice=st.booleans())
def test_the_order_of_includes_means_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], *, twice: bool
) -> None:
    folder = tmp_path_factory.mktemp("order")
    rules = {
        "a": "  - {id: one, permit: {path: /x}}\n",
        "b": "  - {id: two, permit: {path: /x}}\n  - {id: three, forbid: {path: /y}}\n",
        "c": "  - {id: four, permit: {path: /z}}\n",
    }
    for name, text in rules.items():
        write(folder, **{name: "rules:\n" + text})

    def meaning(names: list[str]) -> tuple[tuple[str, str], ...]:
        listed = ", ".join(f"{name}.yaml" for name in names)
        policy = load_baseline(write(folder, policyc=f"include: [{listed}]\n")).policy
        assert policy is not None
        return tuple((rule.id.value, rule.name) for rule in policy.ordered())

    assert meaning(order + order if twice else order) == meaning(["a", "b", "c"])


def test_a_text_includes_built_in_sets_and_no_files() -> None:
    loaded = parse_baseline(HEAD + "include: [x.yaml]\n", "policyc.yaml", lambda _: Inventory())
    assert codes(loaded) == ["B020"]
