"""A profile back to the model; what could change a decision and is not known is refused."""

from __future__ import annotations

import json
import plistlib
import re
from typing import Any
from xml.parsers.expat import ExpatError

from policyc.model.artifact import Artifact
from policyc.targets.base import ArtifactError
from policyc.targets.santa.model import (
    PLATFORM_SINCE,
    ClientMode,
    RulePolicy,
    RuleType,
    SantaPolicy,
    SantaRule,
)

_DOMAINS = ("com.northpolesec.santa", "com.google.santa")
_LENGTHS = {RuleType.CDHASH: 40, RuleType.BINARY: 64, RuleType.CERTIFICATE: 64}
_POLICIES = {item.value: item for item in RulePolicy if item is not RulePolicy.TRANSITIVE} | {
    "WHITELIST": RulePolicy.ALLOWLIST,
    "WHITELIST_COMPILER": RulePolicy.ALLOWLIST_COMPILER,
    "BLACKLIST": RulePolicy.BLOCKLIST,
    "SILENT_BLACKLIST": RulePolicy.SILENT_BLOCKLIST,
}
_FOR = re.compile(r"For Santa ([0-9]{4})\.([0-9]{1,2}) or later\.", re.ASCII)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_HEAD = 64
"""Bytes that have a zero among them in every encoding of more than a byte."""
_DECIDING = ("CELFallback",)
RULE_KEYS = frozenset(
    """identifier sha256 policy rule_type comment custom_msg custom_url event_detail_button_label
    cel_expr""".split()
)


def parse(artifacts: tuple[Artifact, ...]) -> SantaPolicy:
    """Read a profile, and compare ``rules.json`` with it where it is given.

    Both payload forms are read (keys in the payload, or managed preferences). Raises
    ArtifactError.
    """
    profiles = [item for item in artifacts if not item.name.endswith(".json")]
    if len(profiles) != 1:
        raise ArtifactError(f"expected one Santa profile, got {len(profiles)}")
    policy: SantaPolicy = _located(profiles[0], _profile)
    for item in artifacts:
        if item.name.endswith(".json") and _located(item, _rules_file) != policy.rules:
            raise ArtifactError("the rules differ from the profile's", artifact=item.name)
    return policy


def _located(artifact: Artifact, read: Any) -> Any:  # noqa: ANN401
    try:
        return read(artifact.data)
    except ArtifactError as error:
        raise ArtifactError(error.message, artifact=artifact.name, line=error.line) from error


def _profile(data: bytes) -> SantaPolicy:
    if b"<dict" not in data and b"\0" not in data[:_HEAD]:
        raise ArtifactError("not a property list: it has no dictionary")  # the XML of others
    try:
        profile = plistlib.loads(data, fmt=plistlib.FMT_XML)
    except ExpatError as error:
        raise ArtifactError(f"not a property list: {error}", line=error.lineno) from error
    except (plistlib.InvalidFileException, ValueError, TypeError, AttributeError) as error:
        raise ArtifactError(f"not a property list: {error}") from error
    except (LookupError, OverflowError, RecursionError) as error:
        raise ArtifactError("a malformed property list") from error
    if not isinstance(profile, dict):
        raise ArtifactError("the profile is no dictionary")
    payloads = [own for item in _list(profile, "PayloadContent") if (own := _payload(item))]
    if len(payloads) != 1:
        raise ArtifactError(f"the profile has {len(payloads)} Santa payloads, not one")
    return _policy(profile, payloads[0])


def _list(value: dict[str, Any], key: str) -> list[Any]:
    found = value.get(key, [])
    if not isinstance(found, list):
        raise ArtifactError(f"{key} is no list")
    return found


def _payload(item: Any) -> dict[str, Any] | None:  # noqa: ANN401
    if not isinstance(item, dict):
        raise ArtifactError("a payload is no dictionary")
    if item.get("PayloadType") in _DOMAINS:
        return item
    content = item.get("PayloadContent")
    if not isinstance(content, dict):
        return None
    for domain in _DOMAINS:
        forced = content.get(domain, {}).get("Forced") if domain in content else None
        if isinstance(forced, list) and len(forced) == 1 and isinstance(forced[0], dict):
            settings = forced[0].get("mcx_preference_settings")
            return settings if isinstance(settings, dict) else None
    return None


def _policy(profile: dict[str, Any], payload: dict[str, Any]) -> SantaPolicy:
    for key in _DECIDING:
        if payload.get(key):
            raise ArtifactError(f"{key} changes decisions and is not supported")
    mode = payload.get("ClientMode", 1)
    if isinstance(mode, bool) or mode not in tuple(ClientMode):
        raise ArtifactError(f"ClientMode {mode!r} is not supported")
    return SantaPolicy(
        name=_text(profile, "PayloadDisplayName"),
        organization=_text(profile, "PayloadOrganization"),
        mode=ClientMode(mode),
        rules=_rules(_list(payload, "StaticRules")),
        allowed_path_regex=_expression(payload, "AllowedPathRegex", "WhitelistRegex"),
        blocked_path_regex=_expression(payload, "BlockedPathRegex", "BlacklistRegex"),
        fail_closed=_flag(payload, "FailClosed"),
        bad_signature_protection=_flag(payload, "EnableBadSignatureProtection"),
        transitive_rules=_flag(payload, "EnableTransitiveRules")
        or _flag(payload, "EnableTransitiveWhitelisting"),
        min_version=_min_version(_text(profile, "PayloadDescription")),
    )


def _min_version(description: str) -> tuple[int, int]:
    """The oldest release a profile of ours is for; any other profile meets today's Santa."""
    found = _FOR.fullmatch(description)
    return PLATFORM_SINCE if found is None else (int(found[1]), int(found[2]))


def _flag(payload: dict[str, Any], key: str) -> bool:
    """A switch; Santa takes any number for one."""
    found = payload.get(key, False)
    if not isinstance(found, int):
        raise ArtifactError(f"{key} is no switch")
    return bool(found)


def _text(value: dict[str, Any], key: str) -> str:
    found = value.get(key, "")
    if not isinstance(found, str):
        raise ArtifactError(f"{key} is no text")
    return found


def _expression(payload: dict[str, Any], key: str, old: str) -> str:
    text = _text(payload, key) or _text(payload, old)
    try:
        re.compile(python_expression(text))
    except (re.error, RecursionError, OverflowError) as error:
        raise ArtifactError(f"{key} is no expression policyc can evaluate: {error}") from error
    return text


def python_expression(text: str) -> str:
    r"""An ICU expression as Python writes it: ``\z`` is ``\Z``; ICU's ``\Z`` has no word there."""
    ends = {"z": r"\Z", "Z": r"(?=\n?\Z)"}
    return _ESCAPE.sub(lambda found: ends.get(found[1], found[0]), text)


def _rules_file(data: bytes) -> tuple[SantaRule, ...]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ArtifactError("the rules are no object")
    return _rules(_list(value, "rules"))


def _rules(items: list[Any]) -> tuple[SantaRule, ...]:
    rules = [read_rule(item) for item in items]
    seen = {rule.identifier for rule in rules}
    if len(seen) != len(rules):
        # Santa keys its static rules by identifier alone: the last one would win silently.
        raise ArtifactError("two static rules have the same identifier")
    return tuple(sorted(rules, key=lambda rule: (rule.type, rule.identifier)))


def read_rule(item: Any) -> SantaRule:  # noqa: ANN401
    """One rule dictionary as Santa reads it (SNTRule.mm); raises ArtifactError."""
    if not isinstance(item, dict):
        raise ArtifactError("a rule is no dictionary")
    values = {str(key).lower(): value for key, value in item.items()}
    unknown = sorted(set(values) - RULE_KEYS)
    if unknown:
        raise ArtifactError(f"a rule has the key {unknown[0]}, which is not supported")
    kind, policy = str(values.get("rule_type", "")).upper(), str(values.get("policy", "")).upper()
    if kind not in RuleType.__members__ or policy not in _POLICIES:
        raise ArtifactError(f"a rule of type {kind!r} and policy {policy!r} is not supported")
    identifier = values.get("identifier") or values.get("sha256")
    if not isinstance(identifier, str):
        raise ArtifactError("a rule has no identifier")
    expression = values.get("cel_expr", "") if policy == "CEL" else ""
    if not isinstance(expression, str) or (policy == "CEL" and not expression):
        raise ArtifactError("a CEL rule has no expression")
    return SantaRule(
        type=RuleType[kind],
        identifier=_normal(RuleType[kind], identifier),
        policy=_POLICIES[policy],
        comment=str(values.get("comment", "")),
        cel=expression,
    )


def _normal(kind: RuleType, text: str) -> str:
    """The identifier as Santa normalises it; raises where it would ignore the rule (SNTRule.mm)."""
    if kind in _LENGTHS:
        if not re.fullmatch(rf"[0-9A-Fa-f]{{{_LENGTHS[kind]}}}", text, re.ASCII):
            raise ArtifactError(f"{text!r} is no {kind.name} identifier")
        return text.lower()
    team, colon, rest = text.partition(":")
    if kind is RuleType.SIGNINGID and team.lower() == "platform" and rest:
        return f"platform:{rest}"
    if not re.fullmatch(r"[0-9A-Za-z]{10}", team, re.ASCII):
        raise ArtifactError(f"{text!r} is no {kind.name} identifier")
    if (kind is RuleType.SIGNINGID) != bool(colon and rest):
        raise ArtifactError(f"{text!r} is no {kind.name} identifier")
    return team.upper() + colon + rest
