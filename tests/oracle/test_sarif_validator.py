"""SARIF of every command against Microsoft's own validator, with the rules for GitHub."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus import build
from tests.corpus.registry import Pin, fetch
from tests.unit.test_cli import policyc

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

TOOL = Pin(
    registry="npm",
    project="@microsoft/sarif-multitool-linux",
    version="5.7.0",
    file="microsoft-sarif-multitool-linux-5.7.0.tgz",
    sha256="27d8e3e96dde578a23b7c45035b8d741fece5731e2700aa068015b8c44d1514e",
)
BASELINE = """policyc: 1
name: Linux
groups: {idle: [{path: /srv/**}]}
targets: {fapolicyd: {collections: [executable, library, script]}}
rules:
  - {id: all, permit: {path: /opt/**}, platforms: [linux]}
  - {id: inner, permit: {path: /opt/a/**}, platforms: [linux]}
accept:
  - {lint: B015, rule: inner, reason: wanted}
  - {loss: L027, target: fapolicyd, reason: known}
"""


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("multitool")
    with tarfile.open(fetch(TOOL)) as archive:
        archive.extractall(folder, filter="data")
    program = folder / "package" / "Sarif.Multitool"
    program.chmod(0o755)
    return program


def complaints(validator: Path, folder: Path) -> Counter[tuple[str, str, str]]:
    """Level, rule and file of what the validator says of the logs of a folder."""
    report = folder.parent / "report.sarif"
    logs = sorted(folder.glob("*.sarif"))
    words = ["--rule-kind", "Sarif;Ghas", "-o", str(report), "--log", "ForceOverwrite"]
    done = subprocess.run(
        [str(validator), "validate", *map(str, logs), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
    )
    assert f"{len(logs)} files scanned" in done.stdout, done.stdout + done.stderr
    (run,) = json.loads(report.read_text(encoding="utf-8-sig"))["runs"]
    return Counter(
        (
            item.get("level", "warning"),
            item["ruleId"].partition("/")[0],
            item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].rpartition("/")[2],
        )
        for item in run["results"]
    )


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One log of each command, of which each has a result."""
    tmp_path = tmp_path_factory.mktemp("logs")
    folder = tmp_path / "logs"
    folder.mkdir()
    (tmp_path / "old.yaml").write_text(BASELINE.replace("/opt/**", "/usr/**"), encoding="utf-8")
    (tmp_path / "policyc.yaml").write_text(BASELINE, encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("policyc: 1\nname: X\nrules: 3\n", encoding="utf-8")
    (tmp_path / "10.rules").write_text("deny perm=any all : nonsense=1\n", encoding="utf-8")
    (tmp_path / "lies").mkdir()
    (tmp_path / "lies" / "invoice (1).pdf").write_bytes(build.elf())
    inventory = tmp_path / "i.jsonl"
    commands: dict[str, tuple[object, ...]] = {
        "scan": ("scan", "lies", "--as", "D:\\x", "-o", inventory),
        "lint": ("lint", "policyc.yaml"),
        "broken": ("lint", "broken.yaml"),
        "native": ("lint", "10.rules"),
        "absolute": ("lint", tmp_path / "10.rules"),
        "compile": ("compile", "-t", "fapolicyd", "--check"),
        "written": ("compile", "-t", "fapolicyd"),
        "diff": ("diff", "old.yaml", "policyc.yaml", "-t", "fapolicyd"),
        "verify": ("verify", "out", "-b", "old.yaml"),
        "check": ("check", "lies", tmp_path / "lies"),
        "windows": ("check", inventory),
    }
    for name, words in commands.items():
        form = () if name == "scan" else ("--report", f"sarif={folder / name}.sarif")
        done = policyc(*words, *form, cwd=tmp_path)
        assert done.returncode in (0, 1, 2), done.stderr
    done = policyc("check", "lies", "-f", "github", "-o", folder / "github.sarif", cwd=tmp_path)
    assert done.returncode == 1
    for path in folder.iterdir():
        assert json.loads(path.read_text())["runs"][0]["results"], path.name
    return folder


def test_the_validator_of_microsoft_has_nothing_against_our_sarif(
    validator: Path, logs: Path
) -> None:
    # There is no site yet that `informationUri` could lead to.
    count = len(list(logs.iterdir()))
    assert count == 11
    found = complaints(validator, logs)
    assert {(level, rule) for level, rule, _ in found} == {("warning", "SARIF2005")}
    assert sum(found.values()) == count


def test_the_validator_sees_what_is_wrong(validator: Path, logs: Path, tmp_path: Path) -> None:
    log = json.loads((logs / "lint.sarif").read_text(encoding="utf-8"))
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    place["artifactLocation"]["uri"] = "/policyc.yaml"
    place["region"]["startLine"] = 0
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "broken.sarif").write_text(json.dumps(log), encoding="utf-8")
    assert any(level == "error" for level, _, _ in complaints(validator, folder))
