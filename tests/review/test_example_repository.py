"""examples/ci is current, and its files are ones that the services take."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from policyc.inventory import read_inventory, write_inventory
from tests.requires import PROJECT, require_tool
from tests.review.world import inventory

EXAMPLE = PROJECT / "examples" / "ci"
UPDATE = os.environ.get("POLICYC_UPDATE_GOLDEN") == "1"
HOOKS = PROJECT / ".pre-commit-hooks.yaml"
ACTION = PROJECT / "action.yml"
GITLAB = PROJECT / "ci" / "gitlab" / "policyc.yml"
WORKFLOW = EXAMPLE / ".github" / "workflows" / "policy.yml"


def policyc(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "policyc", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )


def test_the_inventory_is_the_made_one(tmp_path: Path) -> None:
    path = EXAMPLE / "fleet.jsonl"
    if UPDATE:
        write_inventory(inventory(), path)
    write_inventory(inventory(), tmp_path / "fleet.jsonl")
    assert path.read_bytes() == (tmp_path / "fleet.jsonl").read_bytes()
    assert read_inventory(path) == inventory()


def test_the_compiled_policies_are_current() -> None:
    if UPDATE:
        policyc("compile", "policyc.yaml", "-i", "fleet.jsonl", "-o", "out", cwd=EXAMPLE)
    result = policyc(
        "compile", "policyc.yaml", "-i", "fleet.jsonl", "-o", "out", "--check", cwd=EXAMPLE
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert policyc("lint", "policyc.yaml", "-i", "fleet.jsonl", cwd=EXAMPLE).returncode == 0
    assert policyc("check", "fleet.jsonl", "-b", "policyc.yaml", cwd=EXAMPLE).returncode == 0


def test_the_hooks_are_complete() -> None:
    hooks = {item["id"]: item for item in yaml.safe_load(HOOKS.read_text(encoding="utf-8"))}
    configured = yaml.safe_load((EXAMPLE / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (repository,) = configured["repos"]
    assert {item["id"] for item in repository["hooks"]} <= hooks.keys()
    for item in hooks.values():
        assert {"id", "name", "entry", "language"} <= item.keys()
        assert item["language"] == "python"
        if "files" in item:
            assert re.compile(item["files"]).search("sub/policyc.yaml")


@pytest.mark.parametrize("hook", ["policyc-lint", "policyc-compile", "policyc-diff"])
def test_the_hooks_run(hook: str, tmp_path: Path) -> None:
    git = require_tool("git")
    copy = tmp_path / "repository"
    shutil.copytree(EXAMPLE, copy)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
        subprocess.run(
            [git, "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
            cwd=copy,
            check=True,
        )
    hooks = {item["id"]: item for item in yaml.safe_load(HOOKS.read_text(encoding="utf-8"))}
    configured = yaml.safe_load((copy / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (own,) = [item for item in configured["repos"][0]["hooks"] if item["id"] == hook]
    words = hooks[hook]["entry"].split()
    assert words[0] == "policyc"
    result = policyc(*words[1:], *own["args"], cwd=copy)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_action_hands_over_by_variables_only() -> None:
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite"
    script = (PROJECT / "templates" / "ci" / "review.sh").read_text(encoding="utf-8")
    known = set(re.findall(r"\$\{(POLICYC_[A-Z_]+)", script))
    (review,) = [item for item in action["runs"]["steps"] if item.get("id") == "review"]
    assert set(review["env"]) <= known
    for item in action["runs"]["steps"]:
        assert "${{" not in item["run"], "a text of a pull request would become shell"
    used = set(re.findall(r"inputs\.([a-z-]+)", ACTION.read_text(encoding="utf-8")))
    assert used == set(action["inputs"])
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    (step,) = [
        item
        for item in workflow["jobs"]["review"]["steps"]
        if item.get("uses", "").startswith("policyc/")
    ]
    assert set(step["with"]) <= set(action["inputs"])
    for item in workflow["jobs"]["review"]["steps"]:
        assert "${{" not in item.get("run", "")
    template = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))[".policyc"]
    job = yaml.safe_load((EXAMPLE / ".gitlab-ci.yml").read_text(encoding="utf-8"))["policy"]
    ours = {name for name in (*template["variables"], *job["variables"]) if "POLICYC" in name}
    assert ours - {"POLICYC_REQUIREMENT"} <= known


def test_shell_is_clean(tmp_path: Path) -> None:
    shellcheck = require_tool("shellcheck")
    scripts = [PROJECT / "templates" / "ci" / "review.sh"]
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    template = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))[".policyc"]
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    inside = [
        *(item["run"] for item in action["runs"]["steps"]),
        "\n".join([*template["before_script"], *template["script"]]),
        *(item["run"] for item in workflow["jobs"]["review"]["steps"] if "run" in item),
    ]
    for place, text in enumerate(inside):
        path = tmp_path / f"{place}.sh"
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        scripts.append(path)
    result = subprocess.run(
        [shellcheck, *map(str, scripts)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
