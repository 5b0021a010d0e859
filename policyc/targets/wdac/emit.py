"""What a compile writes: the XML for people and tools, and the binary Windows loads."""

from __future__ import annotations

from policyc.model.artifact import Artifact
from policyc.targets.wdac.build import binary_name, build
from policyc.targets.wdac.model import SiPolicy
from policyc.targets.wdac.write import write_xml

FILE_NAME = "policy.xml"


def emit(model: SiPolicy) -> tuple[Artifact, ...]:
    """Every policy twice: as XML, and compiled as ``{PolicyID}.cip``.

    The XML of a base is ``policy.xml``, that of supplemental n ``supplemental-n.xml``.
    """
    named = [(FILE_NAME, model)]
    named += [
        (f"supplemental-{number}.xml", item) for number, item in enumerate(model.supplementals, 1)
    ]
    return tuple(
        artifact
        for name, policy in named
        for artifact in (
            Artifact(name=name, data=write_xml(policy), media_type="application/xml"),
            Artifact(
                name=binary_name(policy),
                data=build(policy),
                media_type="application/octet-stream",
            ),
        )
    )
