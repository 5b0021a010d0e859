"""What it takes to bring a compiled policy to machines: script, MDM message, runbook."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from policyc.model.artifact import Artifact
from policyc.resources import root
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.restore import restore

INTUNE_LIMIT = 350_000
"""Bytes of a policy in a custom OMA-URI profile ("Deploy App Control policies using MDM")."""


def deployment(data: bytes) -> tuple[Artifact, ...]:
    """The policy under the name Windows looks for, and how to deploy it; ArtifactError.

    Only numbers, GUIDs and digests reach the templates: no text of the policy does.
    """
    policy = restore(decode(unwrap(data).body))
    guid = policy.own_id
    name = "SiPolicy.p7b" if policy.is_legacy else f"{guid}.cip"
    values = {
        "guid": guid,
        "bare": guid.strip("{}"),
        "version": str(policy.version),
        "mode": "audit" if Option.AUDIT_MODE in policy.options else "enforced",
        "file": name,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest().upper(),
        "legacy": policy.is_legacy,
        "too_big": len(data) > INTUNE_LIMIT,
        "base64": base64.b64encode(data).decode("ascii"),
    }
    texts = ["install.ps1", "RUNBOOK.md"]
    if not policy.is_legacy and len(data) <= INTUNE_LIMIT:
        texts.append("syncml.xml")
    environment = Environment(
        loader=FileSystemLoader(root("templates") / "deploy" / "wdac"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  # values are numbers, GUIDs and digests
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    made = [
        Artifact(
            name=text,
            data=environment.get_template(f"{text}.j2").render(values).encode("ascii"),
            media_type="text/plain",
            enforced=False,
        )
        for text in sorted(texts)
    ]
    return Artifact(name=name, data=data, media_type="application/octet-stream"), *made
