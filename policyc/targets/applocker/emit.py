"""The policy as XML, and the files for other ways to deploy it."""

from __future__ import annotations

from policyc.model.artifact import Artifact
from policyc.targets.applocker.deploy import deployment
from policyc.targets.applocker.model import AppLockerPolicy
from policyc.targets.applocker.xml import document

FILE_NAME = "applocker.xml"


def emit(model: AppLockerPolicy) -> tuple[Artifact, ...]:
    """One XML document for ``Set-AppLockerPolicy``, and the files for other ways to deploy it."""
    policy = Artifact(name=FILE_NAME, data=document(model), media_type="application/xml")
    return policy, *deployment(model)
