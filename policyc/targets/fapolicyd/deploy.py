"""What it takes to bring a policy to machines: install script, Ansible variables, runbook."""

from __future__ import annotations

from policyc.model.artifact import COMPANIONS, Artifact
from policyc.resources import deployment_text
from policyc.targets.fapolicyd.model import FapolicydPolicy

_NAMES = ("RUNBOOK.md", "ansible-vars.yml", "install.sh")
_SLOW = 5_000
"""Trust entries from which an old daemon's start takes a noticeable time."""


def deployment(model: FapolicydPolicy, files: tuple[str, ...]) -> tuple[Artifact, ...]:
    """Files for people beside the policy. ``files`` are the policy's own names, trust first.

    Only numbers, our own file names and settings reach the templates: no text of a scanned
    file does.
    """
    conf = dict(model.conf)
    count = len(model.trust)
    values = {
        "files": files,
        "rules": len(model.rules),
        "entries": count,
        "permissive": conf.get("permissive") != "0",
        "integrity": conf.get("integrity", "sha256"),
        "trust": conf.get("trust", "file"),
        "watched": conf.get("watch_fs", "").split(","),
        "slow": max(1, round(1.1e-8 * count * count)) if count > _SLOW else 0,
    }
    return tuple(
        Artifact(
            name=COMPANIONS + name,
            data=deployment_text("fapolicyd", name, values),
            media_type="text/plain",
            enforced=False,
        )
        for name in _NAMES
    )
