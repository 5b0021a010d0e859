"""XML to the model: hardened, strict where a guess could change what is allowed."""

from __future__ import annotations

from policyc.model.artifact import Artifact
from policyc.model.index import once_per_object
from policyc.targets.applocker.model import AppLockerPolicy
from policyc.targets.applocker.read import Reading, read
from policyc.targets.applocker.tree import load
from policyc.targets.base import ArtifactError

_ROOTS = ("AppLockerPolicy", "RuleCollection")


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
        reading = _reading(artifact.data)
    except ArtifactError as error:
        error.artifact = artifact.name
        raise
    if reading.problems:
        first = reading.problems[0]
        raise ArtifactError(
            first.message, artifact=artifact.name, line=first.line, column=first.column
        )
    return reading.policy


@once_per_object(1)
def _reading(data: bytes) -> Reading:
    """A policy is parsed and then lifted, so the last one is kept."""
    return read(load(data, _ROOTS))
