"""What is ready to use, against the schemas of those who read it.

check-jsonschema carries the schemas that GitHub (by SchemaStore) and GitLab publish of workflows,
actions and pipelines; pre-commit judges its own two files. Each is shown a broken file, too.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.requires import PROJECT, require_module

pytestmark = pytest.mark.oracle

EXAMPLE = PROJECT / "examples" / "ci"
TEMPLATE = PROJECT / "ci" / "gitlab" / "policyc.yml"

Edit = Callable[[Any], None]


def runs(module: str, *words: object) -> subprocess.CompletedProcess[str]:
    require_module(module)
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


def schema_takes(name: str, path: Path) -> subprocess.CompletedProcess[str]:
    return runs("check_jsonschema", "--builtin-schema", f"vendor.{name}", path)


def in_action(value: Any) -> None:
    value["runs"]["using"] = "compost"


def in_workflow(value: Any) -> None:
    value["jobs"]["review"]["permissions"]["contents"] = "some"


def in_pipeline(value: Any) -> None:
    value["policy"]["variables"] = ["POLICYC_CHECK"]


def in_template(value: Any) -> None:
    value["policyc"]["artifacts"]["reports"]["codequality"] = {"path": "x"}


@pytest.mark.parametrize(
    ("name", "path", "breaks"),
    [
        ("github-actions", PROJECT / "action.yml", in_action),
        ("github-workflows", EXAMPLE / ".github" / "workflows" / "policy.yml", in_workflow),
        ("gitlab-ci", EXAMPLE / ".gitlab-ci.yml", in_pipeline),
        ("gitlab-ci", TEMPLATE, in_template),
    ],
    ids=["action", "workflow", "pipeline", "template"],
)
def test_a_file_for_a_service_keeps_to_its_schema(
    name: str, path: Path, breaks: Edit, tmp_path: Path
) -> None:
    text = path.read_text(encoding="utf-8")
    # A hidden job is judged loosely; as the job that it becomes it is judged in full.
    own = tmp_path / path.name.removeprefix(".")
    own.write_text(text.replace("\n.policyc:", "\npolicyc:"), encoding="utf-8")
    done = schema_takes(name, own)
    assert done.returncode == 0, done.stdout
    value = yaml.load(own.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    breaks(value)
    own.write_text(yaml.safe_dump(value), encoding="utf-8")
    assert schema_takes(name, own).returncode == 1


@pytest.mark.parametrize(
    ("command", "path", "key"),
    [
        ("validate-manifest", PROJECT / ".pre-commit-hooks.yaml", "entry:"),
        ("validate-config", EXAMPLE / ".pre-commit-config.yaml", "rev:"),
    ],
)
def test_pre_commit_takes_its_files(command: str, path: Path, key: str, tmp_path: Path) -> None:
    done = runs("pre_commit", command, path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == done.stderr == "", "a warning"
    broken = tmp_path / "broken.yaml"
    broken.write_text(path.read_text(encoding="utf-8").replace(key, "key:"), encoding="utf-8")
    assert runs("pre_commit", command, broken).returncode == 1
