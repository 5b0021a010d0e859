"""What it takes to bring a policy to machines: Group Policy, Intune, Graph, runbook.

Sources: applocker-csp.md (one ``RuleCollection`` a node, no wrapper), "Configure the Application
Identity service", the limit of 350,000 characters of an OMA-URI. None could be tried on Windows.
"""

from __future__ import annotations

import json
import uuid

from lxml import etree

from policyc.model.artifact import COMPANIONS, Artifact
from policyc.model.ir import NAMESPACE
from policyc.resources import deployment_text
from policyc.targets.applocker.backup import backup_files
from policyc.targets.applocker.model import AppLockerPolicy, EnforcementMode
from policyc.targets.applocker.registry import entries_of, write_entries
from policyc.targets.applocker.xml import collection_element

OMA_LIMIT = 350_000
"""Characters of one OMA-URI value that Intune takes."""

_NODES = {"Exe": "EXE", "Dll": "DLL", "Msi": "MSI", "Script": "Script", "Appx": "StoreApps"}
_TEMPLATES = ("RUNBOOK.md", "install.ps1")
_SERVICE = (
    '[Unicode]\r\nUnicode=yes\r\n[Version]\r\nsignature="$CHICAGO$"\r\nRevision=1\r\n'
    '[Service General Setting]\r\n"AppIDSvc",2,""\r\n'
)


def deployment(model: AppLockerPolicy) -> tuple[Artifact, ...]:
    """Files for people and tools beside the policy; they take no part in verification."""
    values: dict[str, str] = {
        item.type.value: etree.tostring(collection_element(item), encoding="unicode")
        for item in model.collections
        if item.type.value in _NODES
    }
    registry = write_entries(entries_of(model))
    template = b"\xff\xfe" + _SERVICE.encode("utf-16-le")
    backup = backup_files(registry, template, "AppLocker")
    made = {
        "group-policy/registry.pol": registry,
        "group-policy/GptTmpl.inf": template,
        **{f"group-policy/backup/{name}": data for name, data in backup.items()},
        "intune/profile.json": _graph(values),
        **{f"intune/{_NODES[name]}.xml": text.encode() for name, text in values.items()},
        **_texts(model, values),
    }
    return tuple(
        Artifact(
            name=COMPANIONS + name,
            data=data,
            media_type="application/octet-stream",
            enforced=False,
        )
        for name, data in sorted(made.items())
    )


def grouping(values: dict[str, str]) -> str:
    """The name of the grouping: from the content, so that another policy has another one."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(f"{k}={v}" for k, v in sorted(values.items()))))


def _graph(values: dict[str, str]) -> bytes:
    """A ``windows10CustomConfiguration`` for Microsoft Graph."""
    place = "./Vendor/MSFT/AppLocker/ApplicationLaunchRestrictions"
    settings = [
        {
            "@odata.type": "#microsoft.graph.omaSettingString",
            "displayName": f"AppLocker {name}",
            "omaUri": f"{place}/{grouping(values)}/{_NODES[name]}/Policy",
            "value": text,
        }
        for name, text in sorted(values.items())
    ]
    body = {
        "@odata.type": "#microsoft.graph.windows10CustomConfiguration",
        "displayName": "AppLocker",
        "omaSettings": settings,
    }
    return (json.dumps(body, indent=1, ensure_ascii=True) + "\n").encode("ascii")


def _texts(model: AppLockerPolicy, values: dict[str, str]) -> dict[str, bytes]:
    """Only numbers and words of the schema reach the templates: no text of a scanned file does."""
    enforced = any(item.mode is EnforcementMode.ENABLED for item in model.collections)
    rows = [
        {
            "name": item.type.value,
            "mode": item.mode.value,
            "rules": len(item.rules),
            "size": len(values.get(item.type.value, "")),
        }
        for item in model.collections
    ]
    given = {
        "rows": rows,
        "enforced": enforced,
        "grouping": grouping(values),
        "limit": OMA_LIMIT,
        "too_big": [row["name"] for row in rows if int(str(row["size"])) > OMA_LIMIT],
        "managed": any(row["name"] == "ManagedInstaller" for row in rows),
    }
    return {name: deployment_text("applocker", name, given) for name in _TEMPLATES}
