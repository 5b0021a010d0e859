"""The import contracts hold, and each would catch the breach it is there for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.requires import PROJECT

BREACHES = {
    "a target imports another": (
        "policyc/targets/wdac/parse.py",
        "from policyc.targets.santa import model as _breach\n",
        "Targets never import each other",
    ),
    "an evaluator imports its printer": (
        "policyc/targets/fapolicyd/evaluate.py",
        "from policyc.targets.fapolicyd import emit as _breach\n",
        "A target's parser and evaluator share nothing",
    ),
    "the model imports lxml": (
        "policyc/model/span.py",
        "import lxml.etree as _breach\n",
        "The model is standard library only",
    ),
    "reports import the compiler": (
        "policyc/reports/text.py",
        "import policyc.compiler as _breach\n",
        "Reports render values",
    ),
    "an unlisted module": ("policyc/helpers.py", "BREACH = 1\n", "Floors"),
}


def _lint(project: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path.insert(0, '.'); "
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(
        PROJECT / "policyc", tmp_path / "policyc", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copyfile(PROJECT / ".importlinter", tmp_path / ".importlinter")
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    result = _lint(copy)
    assert result.returncode == 0, result.stdout
    assert "6 kept, 0 broken" in result.stdout


@pytest.mark.parametrize("name", sorted(BREACHES))
def test_a_breach_is_caught(copy: Path, name: str) -> None:
    relative, code, contract = BREACHES[name]
    path = copy / relative
    own = path.read_text() if path.exists() else ""
    head, future, tail = own.partition("from __future__ import annotations\n")
    path.write_text(head + future + code + tail if future else own + code)
    result = _lint(copy)
    assert result.returncode != 0
    if name == "an unlisted module":
        assert "helpers" in result.stdout + result.stderr
    else:
        broken = [line for line in result.stdout.splitlines() if line.endswith("BROKEN")]
        assert any(line.startswith(contract) for line in broken), result.stdout
