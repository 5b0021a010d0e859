"""What it takes to bring a compiled policy to machines: script, MDM message, runbook."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterable, Mapping

from policyc.model.artifact import Artifact
from policyc.model.ir import NAMESPACE
from policyc.resources import deployment_text
from policyc.targets.wdac.build import build
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.model import TAGGING, SiPolicy
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.restore import restore
from policyc.targets.wdac.twins import audit_twin, next_version, rollback

INTUNE_LIMIT = 350_000
"""Bytes of a policy in a custom OMA-URI profile ("Deploy App Control policies using MDM")."""


MANAGED_INSTALLERS = {
    "intune": (("MICROSOFT.MANAGEMENT.SERVICES.INTUNEWINDOWSAGENT.EXE", "1.39.200.2"),),
    "configmgr": (("CCMEXEC.EXE", "5.0.0.0"), ("CCMSETUP.EXE", "5.0.0.0")),
}
"""Programs and their lowest versions ("Automatically allow apps deployed by a managed installer").
"""


def deployment(data: bytes, installers: Iterable[str] = ()) -> tuple[Artifact, ...]:
    """The policy under the name Windows looks for, and how to deploy it; ArtifactError.

    An enforced base policy comes with its twin in audit mode, every base policy with one that
    allows everything, both of the next version. ``installers`` are keys of
    ``MANAGED_INSTALLERS``. Only numbers, GUIDs and digests reach the templates: no text of the
    policy does.
    """
    unwrapped = unwrap(data)
    policy = restore(decode(unwrapped.body))
    name = "SiPolicy.p7b" if policy.is_legacy else f"{policy.own_id}.cip"
    twins = _twins(policy)
    chosen = [item for key in sorted(set(installers)) for item in MANAGED_INSTALLERS[key]]
    values = {
        "guid": policy.own_id,
        "bare": policy.own_id.strip("{}"),
        "version": str(policy.version),
        "next": str(next_version(policy.version)),
        "mode": "audit" if Option.AUDIT_MODE in policy.options else "enforced",
        "file": name,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest().upper(),
        "legacy": policy.is_legacy,
        "signed": unwrapped.signed or Option.UNSIGNED_POLICY not in policy.options,
        "twins": [folder for folder, _ in twins],
        "installer": Option.MANAGED_INSTALLER in policy.options,
        "installers": [
            (str(uuid.uuid5(NAMESPACE, f"managed installer {binary}")), binary, low)
            for binary, low in chosen
        ],
        "benign": [str(uuid.uuid5(NAMESPACE, f"benign rule {kind}")) for kind in ("Dll", "Exe")],
        "too_big": len(data) > INTUNE_LIMIT,
        "base64": base64.b64encode(data).decode("ascii"),
    }
    texts = ["install.ps1", "RUNBOOK.md"]
    if not policy.is_legacy and len(data) <= INTUNE_LIMIT:
        texts.append("syncml.xml")
    if chosen:
        texts.append("managed-installer.xml")
    return (
        Artifact(name=name, data=data, media_type="application/octet-stream"),
        *(
            Artifact(name=f"{folder}/{name}", data=body, media_type="application/octet-stream")
            for folder, body in twins
        ),
        *_texts(texts, values),
    )


def _twins(policy: SiPolicy) -> list[tuple[str, bytes]]:
    """By folder. Supplementals are taken back by removing them, and have no mode of their own."""
    if policy.is_supplemental or policy.policy_type == TAGGING:
        return []
    found = [("rollback", rollback(policy))]
    if Option.AUDIT_MODE not in policy.options:
        found.append(("audit", audit_twin(policy)))
    return [(folder, build(item)) for folder, item in found]


def _texts(texts: list[str], values: Mapping[str, object]) -> list[Artifact]:
    return [
        Artifact(
            name=text,
            data=deployment_text("wdac", text, values),
            media_type="text/plain",
            enforced=False,
        )
        for text in sorted(texts)
    ]
