"""A configuration profile and the same rules for ``santactl rule --import``."""

from __future__ import annotations

import json
import plistlib
from typing import Any

from policyc.model.artifact import Artifact
from policyc.targets.santa.deploy import deployment, identifier
from policyc.targets.santa.model import SantaPolicy, SantaRule, release_text

PROFILE, RULES = "santa.mobileconfig", "rules.json"
DOMAIN = "com.northpolesec.santa"


def emit(model: SantaPolicy) -> tuple[Artifact, ...]:
    """The profile (``com.northpolesec.santa``, keys in the payload), ``rules.json``, deploy/."""
    keys = _keys(model)
    profile = plistlib.dumps(_profile(model, keys), sort_keys=True)
    rules = {"rules": [_rule(rule) for rule in model.rules]}
    text = json.dumps(rules, indent=1, ensure_ascii=True, sort_keys=True) + "\n"
    return (
        Artifact(name=RULES, data=text.encode("ascii"), media_type="application/json"),
        Artifact(name=PROFILE, data=profile, media_type="application/x-apple-aspen-config"),
        *deployment(model, keys),
    )


def _keys(model: SantaPolicy) -> dict[str, Any]:
    """Santa's own keys."""
    keys: dict[str, Any] = {
        "ClientMode": int(model.mode),
        "StaticRules": [_rule(rule) for rule in model.rules],
    }
    if model.allowed_path_regex:
        keys["AllowedPathRegex"] = model.allowed_path_regex
    if model.blocked_path_regex:
        keys["BlockedPathRegex"] = model.blocked_path_regex
    switches = {
        "FailClosed": model.fail_closed,
        "EnableBadSignatureProtection": model.bad_signature_protection,
        "EnableTransitiveRules": model.transitive_rules,
    }
    return keys | {key: True for key, on in switches.items() if on}


def _profile(model: SantaPolicy, keys: dict[str, Any]) -> dict[str, Any]:
    payload = {
        "PayloadType": DOMAIN,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"policyc.santa.{identifier(model, 'payload')}",
        "PayloadUUID": identifier(model, "payload"),
        "PayloadDisplayName": "Santa",
        **keys,
    }
    return {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadScope": "System",
        "PayloadRemovalDisallowed": True,
        "PayloadIdentifier": f"policyc.profile.{identifier(model, 'profile')}",
        "PayloadUUID": identifier(model, "profile"),
        "PayloadDisplayName": model.name,
        "PayloadDescription": f"For Santa {release_text(model.min_version)} or later.",
        "PayloadOrganization": model.organization,
        "PayloadContent": [payload],
    }


def _rule(rule: SantaRule) -> dict[str, str]:
    value = {
        "rule_type": rule.type.name,
        "identifier": rule.identifier,
        "policy": rule.policy.value,
    }
    more = {"comment": rule.comment, "cel_expr": rule.cel}
    return value | {key: text for key, text in more.items() if text}
