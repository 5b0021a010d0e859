"""Rules in the formats of sync servers, as far as each of them can say them."""

from __future__ import annotations

from typing import Any

from policyc.targets.santa.formats.document import Document, Format
from policyc.targets.santa.model import ClientMode, RulePolicy, RuleType, SantaPolicy

_PLAIN = frozenset({RulePolicy.ALLOWLIST, RulePolicy.ALLOWLIST_COMPILER, RulePolicy.BLOCKLIST})
_TAKEN = {
    Format.SYNC_RULES: frozenset(RulePolicy) - {RulePolicy.TRANSITIVE},
    Format.MOROZ: _PLAIN | {RulePolicy.REMOVE},
    Format.RUDOLPH_CSV: _PLAIN | {RulePolicy.SILENT_BLOCKLIST, RulePolicy.REMOVE},
    Format.ZENTRAL_RULESET: _PLAIN | {RulePolicy.SILENT_BLOCKLIST},
}
"""What each takes: sync/v1.proto, moroz santa.go, rudolph policy.go, zentral serializers.py."""
_RUDOLPH_NAMES = ("identifier", "type", "policy", "custom_msg", "description")


def unsaid(form: Format, policy: SantaPolicy) -> tuple[str, ...]:
    """What the format cannot say of a policy, for people; empty if it says all of it."""
    taken = _TAKEN.get(form)
    found = []
    for kind, said in {(rule.type, rule.policy) for rule in policy.rules}:
        if form is Format.RUDOLPH_CSV and kind is RuleType.CDHASH:
            found.append("CDHASH rules")
        elif taken is not None and said not in taken:
            found.append(f"{said.value} rules")
    if form is Format.MOROZ and policy.mode is ClientMode.STANDALONE:
        found.append("Standalone mode")
    return tuple(sorted(set(found)))


def document_for(form: Format, policy: SantaPolicy) -> Document:
    """The policy in the format; ValueError where ``unsaid`` has something."""
    left = unsaid(form, policy)
    if left:
        raise ValueError(f"{form.value} cannot say {', '.join(left)}")
    match form:
        case Format.SYNC_RULES:
            return Document(format=form, content={"rules": _rules(policy), "cursor": ""})
        case Format.PREFLIGHT:
            return Document(format=form, content={**_settings(policy), "sync_type": "CLEAN"})
        case Format.MOROZ:
            rules = [
                {key: text for key, text in rule.items() if key != "comment"}
                for rule in _rules(policy)
            ]
            content = {**_settings(policy), "clean_sync": True}
            return Document(format=form, content={**content, **({"rules": rules} if rules else {})})
        case Format.RUDOLPH_CSV:
            rows = [
                {
                    "identifier": rule.identifier,
                    "type": rule.type.name,
                    "policy": rule.policy.value,
                    "custom_msg": "",
                    "description": _cell(rule.comment),
                }
                for rule in policy.rules
            ]
            return Document(format=form, content=rows, names=_RUDOLPH_NAMES)
        case Format.ZENTRAL_RULESET:
            rules = [
                {("description" if key == "comment" else key): text for key, text in rule.items()}
                for rule in _rules(policy)
            ]
            return Document(format=form, content={"name": policy.name, "rules": rules})
        case _:
            raise ValueError(f"{form.value} is not made here")


def _rules(policy: SantaPolicy) -> list[dict[str, str]]:
    return [
        {
            "rule_type": rule.type.name,
            "identifier": rule.identifier,
            "policy": rule.policy.value,
            **({"comment": rule.comment} if rule.comment else {}),
            **({"cel_expr": rule.cel} if rule.cel else {}),
        }
        for rule in policy.rules
    ]


def _settings(policy: SantaPolicy) -> dict[str, Any]:
    """The settings under the names that Moroz and sync v1 share."""
    found: dict[str, Any] = {
        "client_mode": policy.mode.name,
        "enable_transitive_rules": policy.transitive_rules,
        "batch_size": 100,
    }
    if policy.allowed_path_regex:
        found["allowed_path_regex"] = policy.allowed_path_regex
    if policy.blocked_path_regex:
        found["blocked_path_regex"] = policy.blocked_path_regex
    return found


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
