"""XML to the model: hardened, strict where a guess could change what is allowed."""

from __future__ import annotations

from policyc.model.artifact import Artifact
from policyc.targets.applocker.model import AppLockerPolicy
from policyc.targets.applocker.read import read
from policyc.targets.applocker.tree import load
from policyc.targets.base import ArtifactError


def parse(artifacts: tuple[Artifact, ...]) -> AppLockerPolicy:
    """Read an AppLockerPolicy, or a bare RuleCollection; raises ArtifactError at the first fault.

    UTF-8 and UTF-16 are read as their byte order mark or declaration says.
    """
    enforced = [item for item in artifacts if item.enforced]
    if len(enforced) != 1:
        names = ", ".join(item.name for item in enforced) or "none"
        raise ArtifactError(f"an AppLocker policy is one XML file, got {names}")
    (artifact,) = enforced
    try:
        reading = read(load(artifact.data))
    except ArtifactError as error:
        error.artifact = artifact.name
        raise
    if reading.problems:
        first = reading.problems[0]
        raise ArtifactError(
            first.message, artifact=artifact.name, line=first.line, column=first.column
        )
    return reading.policy
