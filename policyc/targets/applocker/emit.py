"""The policy as XML, and the files for other ways to deploy it."""

from __future__ import annotations

from lxml import etree

from policyc.model.artifact import Artifact
from policyc.targets.applocker.deploy import deployment
from policyc.targets.applocker.model import AppLockerPolicy
from policyc.targets.applocker.xml import collection_element

FILE_NAME = "applocker.xml"


def emit(model: AppLockerPolicy) -> tuple[Artifact, ...]:
    """One XML document for ``Set-AppLockerPolicy``, and the files for other ways to deploy it."""
    root = etree.Element("AppLockerPolicy", Version="1")
    root.extend(map(collection_element, model.collections))
    etree.indent(root, "  ")
    data = etree.tostring(root, xml_declaration=True, encoding="utf-8") + b"\n"
    policy = Artifact(name=FILE_NAME, data=data, media_type="application/xml")
    return policy, *deployment(model)
