"""A policy as the text of a baseline: what reading it gives is the policy again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, assert_never

import yaml

from policyc.baseline.conditions import HASHES
from policyc.model.facts import Collection, Platform
from policyc.model.identity import Digest, PublisherName
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    FromPackage,
    HasAnyHash,
    HasHash,
    HasMasquerade,
    IsProduct,
    IsTrusted,
    OfType,
    PolicyIR,
    Rule,
    SignedBy,
    TargetSettings,
)

MOST_HASHES = 5_000
"""Hashes in one rule of the text; more of them become several rules."""
_KINDS = {kind: name for name, kind in HASHES.items()}


def dump_baseline(policy: PolicyIR, remarks: Iterable[str] = ()) -> str:
    """YAML text; ``remarks`` stand above it as comments. ``levels`` and positions are not kept.

    Rules that differ only in a digest of one kind become one with a list.
    """
    modes = set(policy.governs.values())
    top: dict[str, Any] = {"policyc": 1, "name": policy.name}
    if len(modes) == 1:
        top["mode"] = modes.pop().value
        top["governs"] = [item.value for item in policy.governs]
    else:
        top["governs"] = {item.value: mode.value for item, mode in policy.governs.items()}
    targets = {name: _settings(own) for name, own in sorted(policy.targets.items())}
    if targets:
        top["targets"] = targets
    accepted = [
        {"loss": item.code, "target": item.target}
        | ({"rule": item.rule} if item.rule else {})
        | {"reason": item.reason}
        for item in policy.accepted
    ]
    rules = _rules(policy.ordered())
    parts = [f"# {_comment(text)}\n" for text in remarks]
    parts += [_text(top), "rules:\n" if rules else "rules: []\n"]
    # In pieces: what stands for one rule before it is text takes a hundred times its room.
    parts += [_text(rules[start : start + _PIECE]) for start in range(0, len(rules), _PIECE)]
    return "".join([*parts, _text({"accept": accepted})] if accepted else parts)


_PIECE = 1000


def _text(value: object) -> str:
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=None,
    )
    return text


class _Dumper(yaml.CSafeDumper):
    """No anchors: a baseline has none."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _comment(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _settings(own: TargetSettings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if own.mode is not None:
        found["mode"] = own.mode.value
    if own.collections is not None:
        found["collections"] = sorted(item.value for item in own.collections)
    for name, value in sorted(own.values.items()):
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


def _rules(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Rules by name, lists of hashes joined; every name once."""
    groups: dict[tuple[Rule, type[Digest]], list[Digest]] = {}
    single: list[Rule] = []
    for rule in rules:
        digest = _lone_digest(rule.match)
        if digest is None:
            single.append(rule)
        else:
            plain = replace(rule, match=AllOf(frozenset()))
            groups.setdefault((plain, type(digest)), []).append(digest)
    names = _Names()
    found = [
        _rule(rule, _condition(rule.match), names.new(rule.name))
        for rule in sorted(single, key=lambda item: (item.name, item.id))
    ]
    for (rule, kind), digests in groups.items():
        values = sorted(digest.value for digest in digests)
        own = names.base(rule, kind)
        for start in range(0, len(values), MOST_HASHES):
            condition = {"hash": {_KINDS[kind]: values[start : start + MOST_HASHES]}}
            found.append(_rule(rule, condition, names.new(own)))
    return found


def _lone_digest(match: AllOf) -> Digest | None:
    if len(match.atoms) != 1:
        return None
    (atom,) = match.atoms
    return atom.digest if isinstance(atom, HasHash) else None


class _Names:
    """Ids of the text: a rule's name, numbered where it was used before."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def base(self, rule: Rule, kind: type[Digest]) -> str:
        """A name for many hashes; their own names are of one file each."""
        return f"{rule.effect.value}-{_KINDS[kind].replace('_', '-')}"

    def new(self, name: str) -> str:
        """The name, or with a number that is not taken."""
        base = " ".join("".join(c if c.isprintable() else "?" for c in name).split()) or "rule"
        while True:
            count = self._seen[base] = self._seen.get(base, 0) + 1
            if count == 1:
                return base
            numbered = f"{base} ({count})"
            if numbered not in self._seen:
                self._seen[numbered] = 1
                return numbered


def _rule(rule: Rule, condition: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"id": name, rule.effect.value: condition}
    if rule.unless:
        branches = [_condition(item) for item in rule.unless]
        found["unless"] = sorted(branches, key=repr)
    if rule.collections != frozenset(Collection):
        found["collections"] = sorted(item.value for item in rule.collections)
    if rule.platforms != frozenset(Platform):
        found["platforms"] = sorted(item.value for item in rule.platforms)
    if rule.principals:
        found["principals"] = sorted(rule.principals)
    if rule.note:
        found["note"] = rule.note
    return found


def _condition(match: AllOf) -> dict[str, Any]:
    """One condition; ValueError for two of a kind, which the language does not have."""
    if not match.atoms:
        return {"everything": True}
    found: dict[str, Any] = {}
    for atom in match.atoms:
        key, value = _atom(atom)
        if key in found:
            raise ValueError(f"two conditions on {key} in one rule")
        found[key] = value
    return {key: found[key] for key in sorted(found)}


def _atom(atom: Atom) -> tuple[str, Any]:
    match atom:
        case HasHash(digest=digest):
            return "hash", {_KINDS[type(digest)]: digest.value}
        case HasAnyHash():
            raise AssertionError("lists of digests are written out before")
        case SignedBy():
            return "signer", _fields(atom)
        case IsProduct():
            own = _fields(atom)
            if atom.version.is_any and any(name is not None for name in atom.names):
                del own["version"]
            return "product", own
        case AtPath(pattern=pattern):
            return "path", pattern.text
        case FromPackage():
            return "package", _fields(atom)
        case OfType(ftype=ftype):
            return "type", ftype
        case IsTrusted():
            return "trusted", True
        case HasMasquerade(level=level):
            return "masquerade", level.value
        case _:
            assert_never(atom)


def _fields(atom: SignedBy | IsProduct | FromPackage) -> dict[str, Any]:
    values = ((name, getattr(atom, name)) for name in atom.__slots__)
    return {name: _field(value) for name, value in values if value is not None}


def _field(value: object) -> str | bool:
    """A flag stays one; a subject, which names a packaged app's publisher, keeps its case."""
    if value is True:
        return True
    if isinstance(value, PublisherName) and value.value.startswith("CN="):
        return value.written
    return str(value)
