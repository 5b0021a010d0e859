"""The baseline language as JSON Schema, built from the tables the reader itself uses."""

from __future__ import annotations

import enum
from typing import Any

from policyc.baseline.acceptance import BASELINE_LINT
from policyc.baseline.conditions import CONDITIONS, HASHES, MASQUERADE
from policyc.baseline.includes import TOP
from policyc.baseline.profiles import PROFILE
from policyc.baseline.propose import RuleLevel
from policyc.baseline.rules import RULE
from policyc.baseline.sources import BUILTIN, builtin_names
from policyc.checks import CHECKS
from policyc.lowering.losses import LOSSES
from policyc.model.diagnostic import Level
from policyc.model.facts import Collection, Platform
from policyc.model.ir import Mode
from policyc.targets import load_target, target_names
from policyc.targets.base import SettingKind, SettingSpec
from policyc.targets.lint_codes import lint_pages

_TEXT: dict[str, Any] = {"type": ["string", "number"]}
_DAY: dict[str, Any] = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of ``policyc.yaml``, for editors and other tools."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "policyc baseline",
        "type": "object",
        "additionalProperties": False,
        "required": ["policyc", "name"],
        "anyOf": [{"required": [key]} for key in ("rules", "include", "groups")],
        "properties": _top(),
        "$defs": {
            "include": _include(),
            "governs": _governs([item.value for item in Collection]),
            "targets": _targets(),
            "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
            "rule": _rule(),
            "condition": _condition(),
            "conditions": _one_or_more({"$ref": "#/$defs/condition"}),
            "accepts": {"type": "array", "items": {"$ref": "#/$defs/accept"}},
            "accept": _accept(),
            "profile": _profile(),
        },
    }


def _top() -> dict[str, Any]:
    parts: dict[str, Any] = {
        "policyc": {"const": 1},
        "name": {"type": "string", "minLength": 1},
        "include": {"$ref": "#/$defs/include"},
        "mode": _words(Mode),
        "governs": {"$ref": "#/$defs/governs"},
        "levels": _one_or_more(_words(RuleLevel)),
        "targets": {"$ref": "#/$defs/targets"},
        "groups": {"type": "object", "additionalProperties": {"$ref": "#/$defs/conditions"}},
        "principals": {
            "type": "object",
            "additionalProperties": {
                "type": "string",
                "pattern": "^(S-1(-[0-9]{1,14}){2,15}|[ug]id:(0|[1-9][0-9]{0,8}))$",
            },
            "description": "the SID, uid:N or gid:N of a user or group that rules name",
        },
        "rules": {"$ref": "#/$defs/rules"},
        "profiles": {"type": "object", "additionalProperties": {"$ref": "#/$defs/profile"}},
        "accept": {"$ref": "#/$defs/accepts"},
    }
    assert tuple(parts) == TOP
    return parts


def _include() -> dict[str, Any]:
    """A file beside this one, or a built-in set; editors offer the names of the sets."""
    known = {"enum": [f"{BUILTIN}{name}" for name in builtin_names()]}
    return _one_or_more({"anyOf": [known, {"type": "string", "pattern": "^[^/~:\\\\][^:\\\\]*$"}]})


def _profile() -> dict[str, Any]:
    parts: dict[str, Any] = {
        "extends": {"type": "string", "description": "another profile of this baseline"},
        "include": {"$ref": "#/$defs/include"},
        "mode": _words(Mode),
        "governs": {"$ref": "#/$defs/governs"},
        "targets": {"$ref": "#/$defs/targets"},
        "drop": _one_or_more({"type": "string", "description": "the id of a rule"}),
        "rules": {"$ref": "#/$defs/rules"},
        "accept": {"$ref": "#/$defs/accepts"},
    }
    assert tuple(parts) == PROFILE
    return _object(parts)


def _accept() -> dict[str, Any]:
    common = {
        "reason": {"type": "string", "minLength": 1},
        "owner": {"type": "string"},
        "until": {**_DAY, "description": "the last day it holds"},
    }
    loss = {
        "loss": {"enum": sorted(LOSSES)},
        "target": {"enum": list(target_names())},
        "rule": {"type": "string"},
    }
    finding = {
        "finding": {"enum": sorted(CHECKS)},
        "sha256": {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"},
        "path": {"type": "string"},
    }
    about_rule = {"lint": {"enum": list(BASELINE_LINT)}, "rule": {"type": "string"}}
    about_file = {
        "lint": {"enum": sorted(lint_pages())},
        "path": {"type": "string", "description": "the end of a file's name: rules.d/*.rules"},
    }
    scoped = {"anyOf": [{"required": ["sha256"]}, {"required": ["path"]}]}
    return {
        "anyOf": [
            _object({**loss, **common}, required=("loss", "target", "reason")),
            {**_object({**finding, **common}, required=("finding", "reason")), **scoped},
            _object({**about_rule, **common}, required=("lint", "rule", "reason")),
            _object({**about_file, **common}, required=("lint", "path", "reason")),
        ]
    }


def _governs(collections: list[str]) -> dict[str, Any]:
    return {
        "anyOf": [
            _one_or_more({"enum": collections}),
            _object({name: _words(Mode) for name in collections}),
        ]
    }


def _words(kind: type[enum.Enum]) -> dict[str, Any]:
    return {"enum": [item.value for item in kind]}


def _one_or_more(item: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item}]}


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    return {**schema, "required": list(required)} if required else schema


def _rule() -> dict[str, Any]:
    effect = {
        "anyOf": [
            {"$ref": "#/$defs/condition"},
            _object(
                {"from": {"type": "string"}, "levels": _one_or_more(_words(RuleLevel))},
                required=("from",),
            ),
        ]
    }
    rule = _object(
        {
            "id": {"type": "string", "minLength": 1},
            "permit": effect,
            "forbid": effect,
            "unless": {"$ref": "#/$defs/conditions"},
            "collections": _one_or_more(_words(Collection)),
            "platforms": _one_or_more(_words(Platform)),
            "principals": _one_or_more({"type": "string"}),
            "owner": {"type": "string", "description": "who answers for the rule"},
            "until": {**_DAY, "description": "the last day it is meant for; see lint --on"},
            "note": {"type": "string"},
        }
    )
    assert {*rule["properties"]} == {*RULE}
    return {**rule, "oneOf": [{"required": ["permit"]}, {"required": ["forbid"]}]}


def _condition() -> dict[str, Any]:
    parts: dict[str, Any] = {
        "hash": {
            **_object({name: _one_or_more({"type": "string"}) for name in HASHES}),
            "minProperties": 1,
            "maxProperties": 1,
        },
        "signer": _object(
            {
                "publisher": {"type": "string", "description": "O=…, L=…, S=…, C=…"},
                "common_name": {"type": "string"},
                "issuer": {"type": "string", "description": "TBS hash of a chain certificate"},
                "leaf": {"type": "string", "description": "SHA-256 of the signing certificate"},
                "team": {"type": "string", "pattern": "^[A-Za-z0-9]{10}$"},
                "signing_id": {"type": "string"},
                "eku": {"type": "string"},
                "program": {"type": "string", "description": "the signer's name for the program"},
                "platform_binary": {"const": True, "description": "Apple's own code"},
            }
        ),
        "product": _object(
            {
                "name": {"type": "string"},
                "original_filename": {"type": "string"},
                "internal_name": {"type": "string"},
                "file_description": {"type": "string"},
                "version": {**_TEXT, "description": ">=24.0, <25"},
            }
        ),
        "path": {"type": "string", "description": "/opt/acme/** or C:\\Acme\\*.exe"},
        "package": _object(
            {"manager": {"type": "string"}, "name": {"type": "string"}}, required=("manager",)
        ),
        "type": {"type": "string", "description": "MIME type as fapolicyd names it"},
        "trusted": {"const": True},
        "masquerade": {"anyOf": [_words(Level), _masquerade()]},
        "group": _one_or_more({"type": "string", "description": "a name under `groups`"}),
        "everything": {"const": True},
    }
    assert tuple(parts) == CONDITIONS
    return {**_object(parts), "minProperties": 1}


def _masquerade() -> dict[str, Any]:
    parts = {"level": _words(Level), "codes": _one_or_more({"enum": sorted(CHECKS)})}
    assert tuple(parts) == MASQUERADE
    return {**_object(parts), "minProperties": 1}


def _targets() -> dict[str, Any]:
    sections = {}
    for name in target_names():
        capabilities = load_target(name).capabilities
        collections = sorted(item.value for item in capabilities.collections)
        own: dict[str, Any] = {
            "mode": _words(Mode),
            "collections": _one_or_more({"enum": collections}),
            "governs": _governs(collections),
        }
        own |= {spec.name: _setting(spec) for spec in capabilities.settings}
        sections[name] = _object(own)
    return _object(sections)


def _setting(spec: SettingSpec) -> dict[str, Any]:
    kinds: dict[SettingKind, dict[str, Any]] = {
        SettingKind.FLAG: {"type": "boolean"},
        SettingKind.NUMBER: {"type": "integer", "minimum": 0},
        SettingKind.TEXT: dict(_TEXT),
        SettingKind.LIST: _one_or_more(
            {"enum": list(spec.choices)} if spec.choices else {"type": "string"}
        ),
        SettingKind.CHOICE: {"enum": [*spec.choices, *_as_numbers(spec.choices)]},
    }
    return {**kinds[spec.kind], "description": spec.doc}


def _as_numbers(choices: tuple[str, ...]) -> list[float]:
    """``version: 1.3`` unquoted is a number to other YAML readers."""
    numbers = []
    for choice in choices:
        try:
            numbers.append(float(choice))
        except ValueError:
            continue
    return numbers
