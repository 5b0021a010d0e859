"""A configuration profile and the same rules for ``santactl rule --import``."""

from __future__ import annotations

import json
import plistlib
import uuid
from typing import Any

from policyc.model.artifact import Artifact
from policyc.model.ir import NAMESPACE
from policyc.targets.santa.model import SantaPolicy, SantaRule

PROFILE, RULES = "santa.mobileconfig", "rules.json"
DOMAIN = "com.northpolesec.santa"


def emit(model: SantaPolicy) -> tuple[Artifact, ...]:
    """The profile (``com.northpolesec.santa``, keys in the payload) and ``rules.json``."""
    profile = plistlib.dumps(_profile(model), sort_keys=True)
    rules = {"rules": [_rule(rule) for rule in model.rules]}
    text = json.dumps(rules, indent=1, ensure_ascii=True, sort_keys=True) + "\n"
    return (
        Artifact(name=RULES, data=text.encode("ascii"), media_type="application/json"),
        Artifact(name=PROFILE, data=profile, media_type="application/x-apple-aspen-config"),
    )


def _profile(model: SantaPolicy) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "PayloadType": DOMAIN,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"policyc.santa.{_uuid(model, 'payload')}",
        "PayloadUUID": _uuid(model, "payload"),
        "PayloadDisplayName": "Santa",
        "ClientMode": int(model.mode),
        "StaticRules": [_rule(rule) for rule in model.rules],
    }
    if model.allowed_path_regex:
        payload["AllowedPathRegex"] = model.allowed_path_regex
    if model.blocked_path_regex:
        payload["BlockedPathRegex"] = model.blocked_path_regex
    switches = {
        "FailClosed": model.fail_closed,
        "EnableBadSignatureProtection": model.bad_signature_protection,
        "EnableTransitiveRules": model.transitive_rules,
    }
    payload |= {key: True for key, on in switches.items() if on}
    return {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadScope": "System",
        "PayloadRemovalDisallowed": True,
        "PayloadIdentifier": f"policyc.profile.{_uuid(model, 'profile')}",
        "PayloadUUID": _uuid(model, "profile"),
        "PayloadDisplayName": model.name,
        "PayloadOrganization": model.organization,
        "PayloadContent": [payload],
    }


def _uuid(model: SantaPolicy, part: str) -> str:
    """The same policy keeps its identifiers when its rules change: MDM then replaces it."""
    name = f"santa {part} {model.name}".encode("utf-8", "backslashreplace").decode()
    return str(uuid.uuid5(NAMESPACE, name)).upper()


def _rule(rule: SantaRule) -> dict[str, str]:
    value = {
        "rule_type": rule.type.name,
        "identifier": rule.identifier,
        "policy": rule.policy.value,
    }
    more = {"comment": rule.comment, "cel_expr": rule.cel}
    return value | {key: text for key, text in more.items() if text}
