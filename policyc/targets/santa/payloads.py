"""Settings and rules of a Santa file as they are written, good or bad: for lint and import."""

from __future__ import annotations

import json
import plistlib
from dataclasses import dataclass, field
from typing import Any
from xml.parsers.expat import ExpatError

from policyc.targets.base import ArtifactError

DOMAINS = ("com.northpolesec.santa", "com.google.santa")
MOST_BYTES = 16 << 20
_OWN_KEYS = frozenset({"StaticRules", "ClientMode", "FileAccessPolicy", "SyncBaseURL"})
_RULE_KEYS = frozenset({"rule_type", "policy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The keys of one configuration; ``static`` is false for rules that go to the database."""

    keys: dict[str, Any] = field(default_factory=dict)
    rules: tuple[Any, ...] = ()
    static: bool = True


def payloads(data: bytes) -> tuple[Payload, ...]:
    """The Santa payloads of a profile, a bare dictionary of keys, or rules in JSON.

    Empty for a profile of something else. Raises ArtifactError for what is none of them.
    """
    if len(data) > MOST_BYTES:
        raise ArtifactError(f"larger than {MOST_BYTES >> 20} MiB")
    if data.lstrip()[:1] in (b"{", b"["):
        return (_of_json(data),)
    document = _property_list(data)
    if not isinstance(document, dict):
        raise ArtifactError("the property list is no dictionary")
    content = document.get("PayloadContent")
    if isinstance(content, list):
        return tuple(_payload(keys) for item in content for keys in _settings(item))
    if document.keys() >= _RULE_KEYS:
        return (Payload(rules=(document,)),)
    return (_payload(document),) if document.keys() & _OWN_KEYS else ()


def _property_list(data: bytes) -> Any:  # noqa: ANN401
    try:
        return plistlib.loads(data, fmt=plistlib.FMT_XML)
    except ExpatError as error:
        raise ArtifactError(f"not a property list: {error}", line=error.lineno) from error
    except (plistlib.InvalidFileException, ValueError, TypeError, AttributeError) as error:
        raise ArtifactError(f"not a property list: {error}") from error
    except (LookupError, OverflowError, RecursionError) as error:
        raise ArtifactError("a malformed property list") from error


def _of_json(data: bytes) -> Payload:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"not JSON: {error}") from error
    rules = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(rules, list):
        raise ArtifactError("no list of rules")
    return Payload(rules=tuple(rules), static=False)


def _settings(item: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Both delivery forms: keys in the payload, or managed preferences."""
    if not isinstance(item, dict):
        return []
    if item.get("PayloadType") in DOMAINS:
        return [item]
    content = item.get("PayloadContent")
    if not isinstance(content, dict):
        return []
    found = []
    for domain in DOMAINS:
        own = content.get(domain)
        forced = own.get("Forced") if isinstance(own, dict) else None
        for part in forced if isinstance(forced, list) else ():
            settings = part.get("mcx_preference_settings") if isinstance(part, dict) else None
            if isinstance(settings, dict):
                found.append(settings)
    return found


def _payload(keys: dict[str, Any]) -> Payload:
    own = {str(key): value for key, value in keys.items() if not str(key).startswith("Payload")}
    rules = own.get("StaticRules")
    return Payload(keys=own, rules=tuple(rules) if isinstance(rules, list) else ())
