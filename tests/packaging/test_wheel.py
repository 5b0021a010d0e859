"""The wheel carries templates and baselines, and an editable install finds them too."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import policyc
from policyc.cli.options import SchemaName
from policyc.resources import root
from tests.requires import PROJECT

SCHEMAS = [f"{item.value}.schema.json" for item in SchemaName if item is not SchemaName.BASELINE]


def test_resources_are_found_in_the_source_tree() -> None:
    assert root("templates").is_dir()
    assert root("baselines").is_dir()


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == policyc.__version__


def test_public_names_exist() -> None:
    for name in policyc.__all__:
        assert getattr(policyc, name) is not None
    with pytest.raises(AttributeError):
        _ = policyc.nothing


@pytest.mark.slow
def test_the_wheel_holds_the_resources(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, PROJECT],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "policyc/py.typed" in names
    assert any(name.startswith("policyc/templates/") for name in names)
    assert any(name.startswith("policyc/baselines/") for name in names)
    schemas = {f"policyc/docs/{name}" for name in SCHEMAS}
    assert schemas <= set(names)
    assert len([name for name in names if name.startswith("policyc/docs/")]) == len(schemas)
    assert not any(name.startswith(("tests/", "demo/")) for name in names)
