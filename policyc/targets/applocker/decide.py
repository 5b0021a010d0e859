"""The four answers of Test-AppLockerPolicy, and the rule that gives them.

Sources: "Understand AppLocker rules and enforcement setting inheritance in Group Policy"
(explicit deny, explicit allow, implicit deny), "Working with AppLocker rules" (a collection
without rules allows), "Rule collection extensions" (services, Windows' own code), "Using Event
Viewer with AppLocker" (event numbers). What is inferred says so.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from policyc.model.decision import Tri
from policyc.model.facts import UNKNOWN, Collection, FileFacts
from policyc.model.index import Index, once_per_object
from policyc.model.version import FileVersion
from policyc.targets.applocker.capabilities import governs
from policyc.targets.applocker.host import THIS, Host
from policyc.targets.applocker.match import FACETS, applies, digests, facet, publishers_of, same
from policyc.targets.applocker.model import (
    EVERYONE,
    Action,
    AppLockerPolicy,
    AppRule,
    CollectionType,
    EnforcementMode,
    FileHash,
    HashCondition,
    PublisherCondition,
    RuleCollection,
)

_TYPES = {
    Collection.EXECUTABLE: CollectionType.EXE,
    Collection.LIBRARY: CollectionType.DLL,
    Collection.SCRIPT: CollectionType.SCRIPT,
    Collection.INSTALLER: CollectionType.MSI,
}
_FOR_SERVICES = ("Enabled", "ServicesOnly")
_MICROSOFT = "O=MICROSOFT CORPORATION"
_EVENTS = {
    CollectionType.EXE: (8002, 8003, 8004),
    CollectionType.DLL: (8002, 8003, 8004),
    CollectionType.MSI: (8005, 8006, 8007),
    CollectionType.SCRIPT: (8005, 8006, 8007),
    CollectionType.APPX: (8020, 8021, 8022),
}
"""Allowed, audited, blocked."""


class Answer(enum.Enum):
    """The words of Test-AppLockerPolicy."""

    ALLOWED = "Allowed"
    DENIED = "Denied"
    ALLOWED_BY_DEFAULT = "AllowedByDefault"
    DENIED_BY_DEFAULT = "DeniedByDefault"


class Consequence(enum.Enum):
    """What becomes of a file. PowerShell runs a script that is denied, in a smaller language."""

    RUNS = "runs"
    AUDITED = "audited"
    CONSTRAINED = "constrained"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Who runs a file, by SIDs.

    ``deny_only`` are those that only a deny rule sees, such as Administrators in the filtered
    token of User Account Control (standard token semantics, inferred for AppLocker).
    ``service`` is a process that no user started.
    """

    sids: frozenset[str] = frozenset({EVERYONE})
    deny_only: frozenset[str] = frozenset()
    service: bool = False

    def has(self, rule: AppRule) -> bool:
        """Whether the rule is for this token."""
        return rule.sid in self.sids or (rule.action is Action.DENY and rule.sid in self.deny_only)


ANYBODY = Token()
"""Somebody who is in no group but Everyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedApp:
    """An installed app package: the subject of its signer as it is, its identity name, version."""

    publisher: str
    name: str
    version: FileVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``answer`` is None where facts are missing; ``rule`` is then the one that might decide.

    ``own`` is the collection that was asked, None if none was. ``note`` says why there is no
    rule.
    """

    answer: Answer | None
    rule: AppRule | None = None
    own: RuleCollection | None = None
    note: str = ""

    @property
    def denies(self) -> bool:
        """Whether the answer is one of the two denials."""
        return self.answer in (Answer.DENIED, Answer.DENIED_BY_DEFAULT)

    @property
    def audited(self) -> bool:
        """Whether a denial is only logged."""
        return self.own is not None and self.own.mode is EnforcementMode.AUDIT_ONLY

    @property
    def event(self) -> int | None:
        """The number of the event that is logged, None without one."""
        if self.own is None or self.own.type not in _EVENTS or self.answer is None:
            return None
        allowed, audited, blocked = _EVENTS[self.own.type]
        if self.denies:
            return audited if self.audited else blocked
        return allowed if self.answer is Answer.ALLOWED else None

    def consequence(self, facts: FileFacts) -> Consequence:
        """What becomes of the file; an answer that is not known counts as a denial."""
        if self.answer in (Answer.ALLOWED, Answer.ALLOWED_BY_DEFAULT):
            return Consequence.RUNS
        if self.audited:
            return Consequence.AUDITED
        return Consequence.CONSTRAINED if facts.extension == "ps1" else Consequence.BLOCKED


def decide(
    policy: AppLockerPolicy,
    facts: FileFacts,
    token: Token = ANYBODY,
    host: Host = THIS,
) -> Outcome:
    """What the engine answers about a file that a token runs on a host."""
    if not governs(facts):
        return Outcome(answer=Answer.ALLOWED_BY_DEFAULT, note="not asked")
    kind = None if facts.collection is None else _TYPES.get(facts.collection)
    own = _collection(policy, kind)
    if own is None:
        return Outcome(answer=Answer.ALLOWED_BY_DEFAULT, note="no collection")
    if not own.rules:
        return Outcome(answer=Answer.ALLOWED_BY_DEFAULT, own=own, note="no rules")
    if not _concerns(own, token):
        return Outcome(answer=Answer.ALLOWED_BY_DEFAULT, own=own, note="not for this process")
    return _by_rules(own, facts, token, host)


def decide_groupings(
    policies: Iterable[AppLockerPolicy],
    facts: FileFacts,
    token: Token = ANYBODY,
    host: Host = THIS,
) -> Outcome:
    """What several groupings of the AppLocker CSP, or one and Group Policy, answer together.

    Each must allow the file, and a collection that is there without rules allows nothing. That
    was observed (README of AppLockerPolicyTool) and is documented nowhere.
    """
    kind = None if facts.collection is None else _TYPES.get(facts.collection)
    outcomes = []
    for policy in policies:
        own = _collection(policy, kind)
        if governs(facts) and own is not None and not own.rules:
            outcomes.append(Outcome(answer=Answer.DENIED_BY_DEFAULT, own=own, note="no rules"))
        else:
            outcomes.append(decide(policy, facts, token, host))
    if not outcomes:
        return Outcome(answer=Answer.ALLOWED_BY_DEFAULT, note="no collection")
    return min(outcomes, key=_strictness)


def decide_package(policy: AppLockerPolicy, app: PackagedApp, token: Token = ANYBODY) -> Outcome:
    """What the engine answers about a packaged app.

    With Exe rules that are enforced and no Appx rules, every packaged app is blocked (event
    8027).
    """
    own = _collection(policy, CollectionType.APPX)
    if own is None or not own.rules:
        programs = _collection(policy, CollectionType.EXE)
        enforced = programs is not None and programs.rules and programs.mode is not _AUDIT
        answer = Answer.DENIED_BY_DEFAULT if enforced else Answer.ALLOWED_BY_DEFAULT
        return Outcome(answer=answer, own=own, note="no Appx rules")
    for action, answer in ((Action.DENY, Answer.DENIED), (Action.ALLOW, Answer.ALLOWED)):
        for rule in own.rules:
            if rule.action is action and token.has(rule) and _is_app(rule, app):
                return Outcome(answer=answer, rule=rule, own=own)
    return Outcome(answer=Answer.DENIED_BY_DEFAULT, own=own)


def managed_installer(
    policy: AppLockerPolicy, facts: FileFacts, token: Token = ANYBODY, host: Host = THIS
) -> Outcome:
    """Whether a program counts as a managed installer: Allowed says yes.

    Its collection blocks nothing; a program that no rule names is just no managed installer.
    """
    own = _collection(policy, CollectionType.MANAGED_INSTALLER)
    if own is None or not own.rules or facts.collection is not Collection.EXECUTABLE:
        return Outcome(answer=Answer.ALLOWED_BY_DEFAULT, note="no managed installer")
    return _by_rules(own, facts, token, host)


_AUDIT = EnforcementMode.AUDIT_ONLY
_STRICTEST = (
    Answer.DENIED,
    Answer.DENIED_BY_DEFAULT,
    None,
    Answer.ALLOWED,
    Answer.ALLOWED_BY_DEFAULT,
)


def _strictness(outcome: Outcome) -> tuple[bool, bool, int]:
    """An audited denial blocks nothing, so one that is enforced comes first, an allow last."""
    allows = outcome.answer in (Answer.ALLOWED, Answer.ALLOWED_BY_DEFAULT)
    return allows, outcome.audited, _STRICTEST.index(outcome.answer)


def _collection(policy: AppLockerPolicy, kind: CollectionType | None) -> RuleCollection | None:
    return next((item for item in policy.collections if item.type is kind), None)


def _concerns(own: RuleCollection, token: Token) -> bool:
    """Program and library rules are for users' processes, unless the extensions say otherwise."""
    if own.type not in (CollectionType.EXE, CollectionType.DLL):
        return True
    services = None if own.extensions is None else own.extensions.services
    if token.service:
        return services in _FOR_SERVICES
    return services != "ServicesOnly"


def _by_rules(own: RuleCollection, facts: FileFacts, token: Token, host: Host) -> Outcome:
    index = _index(own)
    denied, denied_by = index.strongest(Action.DENY, facts, token, host)
    if denied is True:
        return Outcome(answer=Answer.DENIED, rule=denied_by, own=own)
    allowed, allowed_by = index.strongest(Action.ALLOW, facts, token, host)
    if allowed is False:
        if _may_be_windows(own, facts):
            return Outcome(answer=None, own=own, note="may be Windows' own code")
        return Outcome(answer=Answer.DENIED_BY_DEFAULT, own=own)
    if denied is None or allowed is None:
        return Outcome(answer=None, rule=denied_by or allowed_by, own=own)
    return Outcome(answer=Answer.ALLOWED, rule=allowed_by, own=own)


def _may_be_windows(own: RuleCollection, facts: FileFacts) -> bool:
    """Whether ``SystemApps Allow`` could let the file run: how Windows tells is not documented.

    A file that somebody else signed is none of it; an unsigned one may be in a catalog.
    """
    if own.extensions is None or own.extensions.system_apps != "Enabled":
        return False
    publishers = publishers_of(facts)
    return not publishers or any(item.startswith(_MICROSOFT) for item in publishers)


def _is_app(rule: AppRule, app: PackagedApp) -> bool:
    conditions = (rule.condition, *rule.exceptions)
    first, *others = (
        isinstance(item, PublisherCondition)
        and same(item.publisher, app.publisher)
        and same(item.product, app.name)
        and same(item.binary, "APPX")
        and item.low <= app.version <= item.high
        for item in conditions
    )
    return first and not any(others)


class _Index:
    """The rules of a collection; hashes are looked up, the others found by what they need."""

    def __init__(self, collection: RuleCollection) -> None:
        self._hashes: dict[Action, dict[FileHash, list[AppRule]]] = {item: {} for item in Action}
        self._others: dict[Action, Index[FileFacts, AppRule]] = {
            item: Index(FACETS) for item in Action
        }
        self._all: dict[Action, list[AppRule]] = {item: [] for item in Action}
        for rule in collection.rules:
            if isinstance(rule.condition, HashCondition):
                for item in rule.condition.hashes:
                    self._hashes[rule.action].setdefault(item, []).append(rule)
            else:
                self._others[rule.action].add(rule, *facet(rule.condition))
                self._all[rule.action].append(rule)

    def strongest(
        self, action: Action, facts: FileFacts, token: Token, host: Host
    ) -> tuple[Tri, AppRule | None]:
        """True if some rule of the action applies, else None if some might; with that rule."""
        value, name = self._by_hash(action, facts, token)
        if value is True:
            return value, name
        # The index knows the folders of a plain machine only.
        rules = self._others[action].find(facts) if host is THIS else self._all[action]
        for rule in rules:
            if not token.has(rule):
                continue
            match = applies(rule, facts, host)
            if match is True:
                return True, rule
            if match is None and value is False:
                value, name = None, rule
        return value, name

    def _by_hash(
        self, action: Action, facts: FileFacts, token: Token
    ) -> tuple[Tri, AppRule | None]:
        hashes = self._hashes[action]
        value: Tri = False
        name = None
        for kind, digest in digests(facts):
            if digest is UNKNOWN:
                found = [rule for item, own in hashes.items() if item.kind == kind for rule in own]
            else:
                found = hashes.get(FileHash(kind=kind, data=str(digest)), [])
            rule = next((item for item in found if token.has(item)), None)
            if rule is not None and digest is not UNKNOWN:
                return True, rule
            if rule is not None:
                value, name = None, rule
        return value, name


@once_per_object(16)
def _index(collection: RuleCollection) -> _Index:
    return _Index(collection)
