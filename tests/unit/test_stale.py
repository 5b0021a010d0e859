"""Why a compiled folder is stale, and that nothing around a run is a reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyc.baseline import parse_baseline
from policyc.compiler import TargetResult, compile_target, stale_reasons, write_bundle
from policyc.inventory import write_inventory
from policyc.model.facts import Platform
from policyc.model.inventory import Inventory
from tests.conformance.probes import file_on

HEAD = "policyc: 1\nname: Case\nmode: enforce\ngoverns: [executable, library, script]\nrules:\n"
ONE = "  - id: one\n    permit: {path: /opt/one/**}\n"
TWO = "  - id: two\n    permit: {path: /opt/two/**}\n"


def compiled(text: str, target: str = "fapolicyd") -> TargetResult:
    loaded = parse_baseline(text, "policyc.yaml", lambda _: Inventory())
    assert loaded.policy is not None, loaded.diagnostics
    result = compile_target(loaded.policy, Inventory(), target)
    assert result.failure is None
    return result


def reasons(tmp_path: Path, before: str, after: str) -> tuple[str, ...]:
    write_bundle([compiled(before)], tmp_path)
    return stale_reasons(compiled(after), tmp_path)


def test_nothing_stale_has_no_reasons(tmp_path: Path) -> None:
    assert reasons(tmp_path, HEAD + ONE + TWO, HEAD + ONE + TWO) == ()


def test_rules_that_came_went_and_changed(tmp_path: Path) -> None:
    found = reasons(tmp_path, HEAD + ONE + TWO, HEAD + ONE.replace("/opt/one", "/srv/one"))
    assert found[:2] == ("rule one (7:5) changed", "rule two is gone")
    assert any(item.startswith("rules.d/00-policyc.rules:") for item in found)
    found = reasons(tmp_path, HEAD + ONE, HEAD + ONE + TWO)
    assert found[0] == "rule two (9:5) is new"


def test_moved_rules_are_no_change_of_the_policy(tmp_path: Path) -> None:
    assert reasons(tmp_path, HEAD + ONE + TWO, HEAD + TWO + ONE) == (
        "the policy is the same; only places of rules in the baseline moved",
    )


def test_many_rules_are_counted(tmp_path: Path) -> None:
    many = "".join(
        f"  - id: r{number:02}\n    permit: {{path: /opt/{number}/**}}\n" for number in range(14)
    )
    found = reasons(tmp_path, HEAD + ONE, HEAD + ONE + many)
    assert "and 4 more rules" in found


def _broken(folder: Path) -> Iterator[tuple[str, str]]:
    rules = folder / "rules.d" / "00-policyc.rules"
    text = rules.read_text()
    rules.write_text(text.replace("/opt/one/", "/opt/\x1b[31mone/"))
    yield "rules.d/00-policyc.rules", "\\x1b[31mone"
    rules.write_text(text + "allow perm=any all : all\n")
    yield "rules.d/00-policyc.rules", "is too much"
    rules.write_bytes(text.encode() + b"\0")
    yield "rules.d/00-policyc.rules", "differs from byte"
    rules.unlink()
    yield "rules.d/00-policyc.rules", "is missing"
    rules.write_text(text)
    (folder / "more.txt").write_text("x")
    yield "more.txt", "no compile writes it"
    (folder / "more.txt").unlink()
    for damaged in (b"[1", b"[]", b'{"a": 1}', b'{"a": [{"rule": 3}]}', b"\xff"):
        (folder / "provenance.json").write_bytes(damaged)
        yield "provenance.json", "provenance.json"


def test_edited_files_are_named_with_their_place(tmp_path: Path) -> None:
    result = compiled(HEAD + ONE)
    write_bundle([result], tmp_path)
    for name, expected in _broken(tmp_path / "fapolicyd"):
        found = stale_reasons(result, tmp_path)
        assert any(item.startswith(name) and expected in item for item in found), (name, found)
        assert all(item.isprintable() for item in found)


@pytest.mark.slow
def test_the_surroundings_of_a_run_change_no_byte(tmp_path: Path) -> None:
    """Another folder, locale, time zone, hash seed, umask and home; sums of all files."""
    files = tuple(file_on(platform, number) for platform in Platform for number in (1, 2, 3))
    around = {
        "plain": {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
        "deep/er/place": {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "77"},
        "with blank": {"LANG": "ja_JP.eucJP", "TZ": "America/St_Johns", "PYTHONHASHSEED": "4711"},
    }
    sums = []
    for number, (name, environment) in enumerate(around.items()):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        write_inventory(Inventory(files=files), folder / "inventory.jsonl")
        text = HEAD + ONE + "  - id: seen\n    permit: {from: inventory, levels: [hash]}\n"
        text += "accept:\n" + "".join(
            f"  - {{loss: {code}, target: {target}, reason: made}}\n"
            for code, target in (("L001", "santa"), ("L013", "wdac"), ("L013", "applocker"))
        )
        (folder / "policyc.yaml").write_text(text)
        clean = {"PATH": os.environ["PATH"], "HOME": str(folder), **environment}
        words = ["compile", "-i", "inventory.jsonl", "-o", "out"]
        done = subprocess.run(
            [sys.executable, "-m", "policyc", *words],
            cwd=folder,
            env=clean | {"PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            check=False,
            umask=(0o022, 0o077, 0o027)[number],
        )
        assert done.returncode in (0, 1), done.stderr
        out = folder / "out"
        sums.append(
            json.dumps(
                {
                    str(path.relative_to(out)): path.read_bytes().hex()
                    for path in sorted(out.rglob("*"))
                    if path.is_file()
                }
            )
        )
    assert len(json.loads(sums[0])) > 10
    assert sums[0] == sums[1] == sums[2]
