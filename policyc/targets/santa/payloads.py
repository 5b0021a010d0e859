"""What the files of Santa's world say to Santa, good or bad: for lint and import."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from policyc.targets.base import ArtifactError
from policyc.targets.santa.formats.document import Document, Format
from policyc.targets.santa.formats.plist import Step

DOMAINS = ("com.northpolesec.santa", "com.google.santa")
MODES = {"MONITOR": 1, "LOCKDOWN": 2, "STANDALONE": 3}
_SERVER_KEYS = {
    "allowed_path_regex": "AllowedPathRegex",
    "whitelist_regex": "AllowedPathRegex",
    "blocked_path_regex": "BlockedPathRegex",
    "blacklist_regex": "BlockedPathRegex",
    "enable_transitive_rules": "EnableTransitiveRules",
    "enable_all_event_upload": "EnableAllEventUpload",
    "disable_unknown_event_upload": "DisableUnknownEventUpload",
    "block_usb_mount": "BlockUSBMount",
    "remount_usb_mode": "RemountUSBMode",
    "override_file_access_action": "OverrideFileAccessAction",
}
"""Settings of a sync server that a profile has as well (sync/v1.proto, PreflightResponse)."""
_ZENTRAL_POLICIES = {
    1: "ALLOWLIST",
    2: "BLOCKLIST",
    3: "SILENT_BLOCKLIST",
    4: "REMOVE",
    5: "ALLOWLIST_COMPILER",
    9: "CEL",
}
SCOPES = frozenset(
    """serial_numbers excluded_serial_numbers primary_users excluded_primary_users tags
    excluded_tags""".split()
)
"""Keys with which Zentral limits a rule to some machines."""
_CDHASH = re.compile(r"[0-9a-fA-F]{40}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The keys of one configuration; ``static`` is false for what a server or santactl brings.

    ``rules`` have Santa's own names for what they say. ``at`` and ``rules_at`` are where the keys
    and the rules stand in the document.
    """

    document: Document
    keys: dict[str, Any] = field(default_factory=dict)
    rules: tuple[Any, ...] = ()
    static: bool = True
    at: tuple[Step, ...] = ()
    rules_at: tuple[Step, ...] = ()

    def key_line(self, key: str) -> int:
        """The line of a key's value; 0 is not known."""
        return self.document.line(*self.at, key)

    def rule_line(self, number: int) -> int:
        """The line of a rule, counted from 1; 0 is not known."""
        return self.document.line(*self.rules_at, number - 1)

    @property
    def goes_on(self) -> bool:
        """Whether a server has more rules than the file: another page, or another batch."""
        content = self.document.content
        more = content.get("cursor") or content.get("next") if isinstance(content, dict) else None
        return not self.static and bool(more)

    @property
    def file_access(self) -> tuple[Mapping[str, Any], tuple[Step, ...]] | None:
        """A file access policy of the keys with its place, if it is a dictionary."""
        own = self.keys.get("FileAccessPolicy")
        if not isinstance(own, dict):
            return None
        alone = self.document.format is Format.FILE_ACCESS
        return own, self.at if alone else (*self.at, "FileAccessPolicy")


def payloads(document: Document) -> tuple[Payload, ...]:
    """What the document says to Santa; empty for a property list of something else.

    Raises ArtifactError for what is none of Santa's formats.
    """
    content = document.content
    match document.format:
        case Format.PROFILE:
            found = _settings(content["PayloadContent"])
            return tuple(_of_keys(document, keys, at) for keys, at in found)
        case Format.KEYS:
            return (_of_keys(document, content, ()),)
        case Format.RULE:
            return (Payload(document=document, rules=(content,)),)
        case Format.FILE_ACCESS:
            part = {"Version": "of what the items are a part of", "WatchItems": content}
            own = content if "WatchItems" in content else part
            return (Payload(document=document, keys={"FileAccessPolicy": own}),)
        case Format.OTHER_PLIST:
            if isinstance(content, dict):
                return ()
            raise ArtifactError("the property list is no dictionary")
        case Format.SANTACTL | Format.SYNC_RULES | Format.ZENTRAL_RULESET | Format.MOROZ:
            return (_of_server(document),)
        case Format.PREFLIGHT:
            return (Payload(document=document, keys=_of_preflight(content), static=False),)
        case Format.ZENTRAL_PAGE:
            rules = tuple(map(_of_zentral, content["results"]))
            return (Payload(document=document, rules=rules, static=False, rules_at=("results",)),)
        case Format.RUDOLPH_CSV | Format.RUDOLPH_JSON:
            return (
                Payload(document=document, rules=tuple(map(_of_rudolph, content)), static=False),
            )
        case Format.OTHER_JSON:
            raise ArtifactError("neither rules nor settings of Santa")


def _settings(content: list[Any]) -> Iterator[tuple[dict[str, Any], tuple[Step, ...]]]:
    """Both delivery forms, with their place: keys in the payload, or managed preferences."""
    for number, item in enumerate(content):
        if not isinstance(item, dict):
            continue
        if item.get("PayloadType") in DOMAINS:
            yield item, ("PayloadContent", number)
            continue
        inner = item.get("PayloadContent")
        if not isinstance(inner, dict):
            continue
        for domain in DOMAINS:
            own = inner.get(domain)
            forced = own.get("Forced") if isinstance(own, dict) else None
            for at, part in enumerate(forced if isinstance(forced, list) else ()):
                settings = part.get("mcx_preference_settings") if isinstance(part, dict) else None
                if isinstance(settings, dict):
                    where = ("PayloadContent", number, "PayloadContent", domain, "Forced", at)
                    yield settings, (*where, "mcx_preference_settings")


def _of_keys(document: Document, keys: dict[str, Any], at: tuple[Step, ...]) -> Payload:
    own = {str(key): value for key, value in keys.items() if not str(key).startswith("Payload")}
    rules = own.get("StaticRules")
    return Payload(
        document=document,
        keys=own,
        rules=tuple(rules) if isinstance(rules, list) else (),
        at=at,
        rules_at=(*at, "StaticRules"),
    )


def _of_server(document: Document) -> Payload:
    content = document.content
    listed = content.get("rules")
    rules = tuple(map(_of_database, listed if isinstance(listed, list) else ()))
    keys = _of_preflight(content) if document.format is Format.MOROZ else {}
    return Payload(document=document, keys=keys, rules=rules, static=False, rules_at=("rules",))


def _snake(name: str) -> str:
    """A name of JSON's as the protocol has it: both spellings are taken."""
    return re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name)


def _of_database(item: Any) -> Any:  # noqa: ANN401
    """A rule of a server or for santactl, whose export forgets the name of CDHASH."""
    if not isinstance(item, dict):
        return item
    own = {_snake(str(key)): value for key, value in item.items()}
    if "description" in own:
        own.setdefault("comment", own.pop("description"))
    text = own.get("identifier")
    if own.get("rule_type") == "Unknown" and isinstance(text, str) and _CDHASH.fullmatch(text):
        own["rule_type"] = "CDHASH"
    return own


def _of_rudolph(item: Mapping[str, Any]) -> dict[str, Any]:
    names = {"type": "rule_type", "description": "comment"}
    return {names.get(key, key): value for key, value in item.items()}


def _of_zentral(item: Any) -> Any:  # noqa: ANN401
    if not isinstance(item, dict):
        return item
    names = {
        "target_type": "rule_type",
        "target_identifier": "identifier",
        "description": "comment",
    }
    own = {names.get(key, key): value for key, value in item.items()}
    policy = own.get("policy")
    if isinstance(policy, int):
        own["policy"] = _ZENTRAL_POLICIES.get(policy, str(policy))
    return own


def _of_preflight(content: Mapping[str, Any]) -> dict[str, Any]:
    """The settings under the names that a profile has for them."""
    own = {_snake(str(key)): value for key, value in content.items()}
    found = {name: own[key] for key, name in _SERVER_KEYS.items() if own.get(key) is not None}
    mode = own.get("client_mode")
    if mode is not None:
        found["ClientMode"] = MODES.get(str(mode).upper(), mode)
    return found
