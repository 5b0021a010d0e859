"""What a compile writes: the XML for people and tools, and the binary Windows loads."""

from __future__ import annotations

from policyc.model.artifact import Artifact
from policyc.targets.wdac.build import binary_name, build
from policyc.targets.wdac.model import SiPolicy
from policyc.targets.wdac.write import write_xml

FILE_NAME = "policy.xml"


def emit(model: SiPolicy) -> tuple[Artifact, ...]:
    """The policy twice: ``policy.xml``, and compiled as ``{PolicyID}.cip``."""
    return (
        Artifact(name=FILE_NAME, data=write_xml(model), media_type="application/xml"),
        Artifact(name=binary_name(model), data=build(model), media_type="application/octet-stream"),
    )
