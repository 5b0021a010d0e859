"""What it takes to bring a policy to Macs: profiles for MDM servers, files for sync servers.

Sources: Santa's documentation (deployment profiles), Apple's device management reference, the
servers' own sources. None of it could be tried on a Mac.
"""

from __future__ import annotations

import plistlib
import uuid
from typing import Any

from policyc.model.artifact import COMPANIONS, Artifact
from policyc.model.ir import NAMESPACE
from policyc.resources import deployment_text
from policyc.targets.santa.critical import SANTA_TEAM
from policyc.targets.santa.formats.document import Format, write_document
from policyc.targets.santa.formats.servers import document_for, unsaid
from policyc.targets.santa.model import ClientMode, SantaPolicy, release_text

_SANTA = "com.northpolesec.santa"
_DAEMON = f"{_SANTA}.daemon"
_MANY = 2_000
"""Static rules from which Santa's documentation advises a sync server."""

_SERVERS = {
    "moroz/global.toml": Format.MOROZ,
    "rudolph/rules.csv": Format.RUDOLPH_CSV,
    "sync-v1/preflight.json": Format.PREFLIGHT,
    "sync-v1/ruledownload.json": Format.SYNC_RULES,
    "zentral/ruleset.json": Format.ZENTRAL_RULESET,
}


def deployment(model: SantaPolicy, keys: dict[str, Any]) -> tuple[Artifact, ...]:
    """Files for people and tools beside the policy; they take no part in verification.

    ``keys`` are Santa's own, as the profile has them.
    """
    left = {name: unsaid(form, model) for name, form in _SERVERS.items()}
    made = {
        name: write_document(document_for(form, model))
        for name, form in _SERVERS.items()
        if not left[name]
    }
    made |= {
        "mdm/jamf-custom-settings.plist": plistlib.dumps(keys, sort_keys=True),
        "mdm/managed-preferences.mobileconfig": _managed(model, keys),
        "mdm/santa-extension.mobileconfig": _profile(model, "extension", [_extension(model)]),
        "mdm/santa-full-disk-access.mobileconfig": _profile(model, "disk", [_full_disk(model)]),
        "mdm/santa-notifications.mobileconfig": _profile(model, "notice", [_notifications(model)]),
        "mdm/santa-background.mobileconfig": _profile(model, "background", [_background(model)]),
        "sync-v1/eventupload.json": b"{}\n",
        "sync-v1/postflight.json": b"{}\n",
        **_texts(model, left),
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


def identifier(model: SantaPolicy, part: str) -> str:
    """A UUID that follows from the policy's name: MDM replaces a profile that keeps it."""
    name = f"santa {part} {model.name}".encode("utf-8", "backslashreplace").decode()
    return str(uuid.uuid5(NAMESPACE, name)).upper()


def _profile(
    model: SantaPolicy, part: str, payloads: list[dict[str, Any]], description: str = ""
) -> bytes:
    own = identifier(model, part)
    said = {"PayloadDescription": description} if description else {}
    return plistlib.dumps(
        {
            **said,
            "PayloadType": "Configuration",
            "PayloadVersion": 1,
            "PayloadScope": "System",
            "PayloadRemovalDisallowed": True,
            "PayloadIdentifier": f"policyc.{part}.{own}",
            "PayloadUUID": own,
            "PayloadDisplayName": f"{model.name}: Santa, {part}",
            "PayloadOrganization": model.organization,
            "PayloadContent": payloads,
        },
        sort_keys=True,
    )


def _payload(model: SantaPolicy, kind: str, keys: dict[str, Any]) -> dict[str, Any]:
    own = identifier(model, f"payload {kind}")
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"policyc.{kind}.{own}",
        "PayloadUUID": own,
        "PayloadDisplayName": "Santa",
        **keys,
    }


def _managed(model: SantaPolicy, keys: dict[str, Any]) -> bytes:
    """The same keys as managed preferences, which some servers make of what they are given."""
    forced = {"Forced": [{"mcx_preference_settings": keys}]}
    kind = "com.apple.ManagedClient.preferences"
    own = _payload(model, kind, {"PayloadContent": {_SANTA: forced}})
    description = f"For Santa {release_text(model.min_version)} or later."
    return _profile(model, "managed", [own], description)


def _extension(model: SantaPolicy) -> dict[str, Any]:
    keys = {
        "AllowedSystemExtensions": {SANTA_TEAM: [_DAEMON]},
        "AllowedSystemExtensionTypes": {SANTA_TEAM: ["EndpointSecurityExtension"]},
        "NonRemovableSystemExtensions": {SANTA_TEAM: [_DAEMON]},
    }
    return _payload(model, "com.apple.system-extension-policy", keys)


def _full_disk(model: SantaPolicy) -> dict[str, Any]:
    """Privacy preferences: without them the extension sees nothing (PPPC)."""
    allowed = [
        {
            "Allowed": True,
            "CodeRequirement": _requirement(name),
            "Identifier": name,
            "IdentifierType": "bundleID",
            "StaticCode": False,
        }
        for name in (_DAEMON, f"{_SANTA}.bundleservice")
    ]
    keys = {"Services": {"SystemPolicyAllFiles": allowed}}
    return _payload(model, "com.apple.TCC.configuration-profile-policy", keys)


def _requirement(name: str) -> str:
    """Code of this name that Santa's makers signed with a Developer ID."""
    oids = "1.2.840.113635.100.6"
    return (
        f'identifier "{name}" and anchor apple generic and certificate 1[field.{oids}.2.6] '
        f"/* exists */ and certificate leaf[field.{oids}.1.13] /* exists */ and certificate "
        f"leaf[subject.OU] = {SANTA_TEAM}"
    )


def _notifications(model: SantaPolicy) -> dict[str, Any]:
    own = {
        "AlertType": 1,
        "BundleIdentifier": _SANTA,
        "CriticalAlertEnabled": True,
        "NotificationsEnabled": True,
        "ShowInLockScreen": True,
        "ShowInNotificationCenter": True,
    }
    keys = {"NotificationSettings": [own]}
    return _payload(model, "com.apple.notificationsettings", keys)


def _background(model: SantaPolicy) -> dict[str, Any]:
    rule = {"RuleType": "TeamIdentifier", "RuleValue": SANTA_TEAM}
    return _payload(model, "com.apple.servicemanagement", {"Rules": [rule]})


def _texts(model: SantaPolicy, left: dict[str, tuple[str, ...]]) -> dict[str, bytes]:
    """Only numbers and words of ours reach the templates: no text of a scanned file does."""
    values = {
        "rules": len(model.rules),
        "lockdown": model.mode is ClientMode.LOCKDOWN,
        "release": release_text(model.min_version),
        "paths": bool(model.allowed_path_regex or model.blocked_path_regex),
        "many": len(model.rules) > _MANY,
        "left": {name: words for name, words in sorted(left.items()) if words},
    }
    names = ("RUNBOOK.md", "sync-v1/nginx.conf")
    return {name: deployment_text("santa", name, values) for name in names}
