"""The install script on a folder of its own: installs, goes back, refuses what would not work."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from policyc.targets.fapolicyd.emit import emit
from policyc.targets.fapolicyd.model import FapolicydPolicy, FaRule, TrustEntry
from policyc.targets.fapolicyd.parse import parse
from tests.requires import absent, require_tool

MODEL = FapolicydPolicy(
    rules=(FaRule(decision="deny_audit", perm="execute"), FaRule(decision="allow", perm="open")),
    trust=(TrustEntry(path="/opt/a b", size=1, sha256="ab" * 32),),
    conf=(("permissive", "1"), ("watch_fs", "ext4,xfs"), ("integrity", "sha256")),
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    for item in emit(MODEL):
        path = folder / item.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.data)
    return folder


def install(bundle: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    if os.geteuid() != 0:
        absent("root, which the install script asks for")
    etc = bundle.parent / "etc"
    # An empty PATH for the daemon's own tools: nothing of this machine is touched.
    environment = {
        "PATH": "/usr/bin:/bin",
        "FAPOLICYD_ETC": str(etc),
        "FAPOLICYD_KEPT": str(bundle.parent / "kept"),
        "FAPOLICYD_NO_SERVICE": "1",
    }
    command = [require_tool("sh"), str(bundle / "deploy" / "install.sh"), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


def test_it_installs_and_goes_back(bundle: Path) -> None:
    etc = bundle.parent / "etc"
    (etc / "rules.d").mkdir(parents=True)
    (etc / "fapolicyd.conf").write_text("permissive = 0\n")
    first = install(bundle)
    assert first.returncode == 0, first.stderr
    for name in ("fapolicyd.conf", "rules.d/00-policyc.rules", "trust.d/policyc"):
        assert (etc / name).read_bytes() == (bundle / name).read_bytes()
    assert not list(etc.rglob("*.new"))
    assert install(bundle).returncode == 0, "a second run is as good as the first"
    back = install(bundle, "--rollback")
    assert back.returncode == 0, back.stderr


def test_the_way_back_restores_and_removes(bundle: Path) -> None:
    etc = bundle.parent / "etc"
    etc.mkdir()
    (etc / "fapolicyd.conf").write_text("permissive = 0\n")
    assert install(bundle).returncode == 0
    assert install(bundle, "--rollback").returncode == 0
    assert (etc / "fapolicyd.conf").read_text() == "permissive = 0\n"
    assert not (etc / "rules.d" / "00-policyc.rules").exists()
    assert not (etc / "trust.d" / "policyc").exists()


def test_it_refuses_where_it_would_not_work(bundle: Path) -> None:
    assert install(bundle).returncode == 2, "fapolicyd is not installed"
    (bundle.parent / "etc").mkdir()
    assert install(bundle, "--rollback").returncode == 2, "nothing to go back to"
    (bundle.parent / "etc" / "fapolicyd.rules").write_text("allow all all\n")
    refused = install(bundle)
    assert refused.returncode == 2
    assert "old file" in refused.stderr


def test_the_variables_are_yaml_and_the_deployment_decides_nothing(bundle: Path) -> None:
    values = yaml.safe_load((bundle / "deploy" / "ansible-vars.yml").read_text())
    assert values["fapolicyd_setup_permissive"] is True
    assert values["fapolicyd_setup_watch_fs"] == ["ext4", "xfs"]
    assert parse(emit(MODEL)) == MODEL
    assert [item.name for item in emit(MODEL) if not item.enforced] == [
        "deploy/RUNBOOK.md",
        "deploy/ansible-vars.yml",
        "deploy/install.sh",
    ]
