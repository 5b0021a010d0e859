"""Baseline rules to AppLocker rules: deny wins and default deny are AppLocker's own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from policyc.lowering.authenticode import by_authenticode, by_flat_hash
from policyc.lowering.expand import expand
from policyc.lowering.losses import loss
from policyc.model.facts import UNKNOWN, Collection, FileFacts
from policyc.model.identity import AuthenticodeSha256, Digest
from policyc.model.inventory import Inventory
from policyc.model.ir import (
    NAMESPACE,
    AllOf,
    AtPath,
    Effect,
    HasHash,
    Mode,
    PolicyIR,
    Rule,
    RuleId,
)
from policyc.model.loss import Drift, Loss
from policyc.model.path import PathPattern
from policyc.targets.applocker.capabilities import CAPABILITIES, governs
from policyc.targets.applocker.conditions import (
    collections_for,
    condition_for,
    crosses_separators,
    needs_signature,
)
from policyc.targets.applocker.covering import disjoint
from policyc.targets.applocker.model import (
    EVERYONE,
    Action,
    AppLockerPolicy,
    AppRule,
    CollectionType,
    Condition,
    EnforcementMode,
    Extensions,
    FileHash,
    HashCondition,
    PublisherCondition,
    RuleCollection,
)
from policyc.targets.applocker.packaged import (
    app_condition_for,
    app_exceptions,
    is_about_apps_only,
    says_apps,
)
from policyc.targets.applocker.principals import sid_of
from policyc.targets.base import Lowered

_TARGET = "applocker"
_TYPES = {
    Collection.EXECUTABLE: CollectionType.EXE,
    Collection.LIBRARY: CollectionType.DLL,
    Collection.SCRIPT: CollectionType.SCRIPT,
    Collection.INSTALLER: CollectionType.MSI,
    Collection.PACKAGED_APP: CollectionType.APPX,
}
_MODES = {Mode.AUDIT: EnforcementMode.AUDIT_ONLY, Mode.ENFORCE: EnforcementMode.ENABLED}


_NO_FILE = HashCondition(hashes=(FileHash(kind="SHA256", data="0" * 64),))
_NO_APP = PublisherCondition(publisher="CN=policyc: nobody")
_EXTENDED = (CollectionType.EXE, CollectionType.DLL)
_SERVICES = Extensions(services="Enabled", system_apps="NotEnabled")
"""Both parts must be there ("Rule collection extensions"); Windows gets no free pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Native:
    """A rule in AppLocker's terms with the baseline rule it stands for."""

    rule: Rule
    source: RuleId
    sids: tuple[str, ...]


def lower(policy: PolicyIR, inventory: Inventory) -> Lowered[AppLockerPolicy]:
    """Lower a policy that is specialised to AppLocker."""
    files = tuple(facts for facts in inventory.files if governs(facts))
    losses: list[Loss] = []
    addressed = [_addressed(rule, files, losses) for rule in policy.ordered()]
    natives: list[_Native] = []
    by_flat = by_flat_hash(inventory.files)
    for rule, source, sids in (item for item in addressed if item is not None):
        expansion = expand([rule], files, target=_TARGET, native=_is_native, digest_of=_digest)
        own = list(expansion.losses)
        for derived in expansion.rules:
            named = by_authenticode(derived.rule, files, by_flat, own, target=_TARGET)
            natives += [_Native(rule=item, source=source, sids=sids) for item in named]
        losses += [replace(item, rule=source) for item in own]
    for native in natives:
        own = [*_form_losses(native.rule, files), *_app_losses(native.rule, files, policy)]
        losses += [replace(item, rule=native.source) for item in own]
    rules: dict[CollectionType, dict[str, AppRule]] = {}
    provenance: dict[str, set[RuleId]] = {}
    for native in natives:
        for kind, app_rule in _app_rules(native, policy):
            rules.setdefault(kind, {})[app_rule.id] = app_rule
            provenance.setdefault(app_rule.id, set()).add(native.source)
    return Lowered(
        model=AppLockerPolicy(collections=_collections(policy, rules)),
        provenance={key: tuple(sorted(value)) for key, value in sorted(provenance.items())},
        losses=tuple(dict.fromkeys(losses)),
    )


def _addressed(
    rule: Rule, files: tuple[FileFacts, ...], losses: list[Loss]
) -> tuple[Rule, RuleId, tuple[str, ...]] | None:
    """The rule with its principals as SIDs, or None if nobody is left to apply it to."""
    sids = {name: sid_of(name) for name in rule.principals}
    bare = replace(rule, principals=frozenset())
    if EVERYONE in sids.values():
        losses.append(_for_everyone(rule, files))
    if all(sid is not None for sid in sids.values()):
        return bare, rule.id, tuple(sorted(sid for sid in sids.values() if sid)) or (EVERYONE,)
    unknown = ", ".join(sorted(name for name, sid in sids.items() if sid is None))
    losses.append(
        loss(
            "L040",
            Drift.NARROWS,
            target=_TARGET,
            covers=(rule.match,),
            files=files,
            rule=rule,
            message=f"AppLocker needs a SID for {unknown}",
            remedy="write its SID into `principals:`, or a well-known name such as Administrators",
        )
    )
    known = tuple(sorted(sid for sid in sids.values() if sid))
    if rule.effect is Effect.FORBID:
        return bare, rule.id, (EVERYONE,)
    return (bare, rule.id, known) if known else None


def _for_everyone(rule: Rule, files: tuple[FileFacts, ...]) -> Loss:
    """The baseline takes Everyone for a group that somebody is in or not; Windows does not."""
    return loss(
        "L040",
        Drift.WIDENS if rule.effect is Effect.PERMIT else Drift.NARROWS,
        target=_TARGET,
        covers=(rule.match,),
        files=files,
        rule=rule,
        message="Everyone is nobody in particular: the rule applies whoever runs the file",
        remedy="leave the principals out, which means everybody",
    )


def _is_native(rule: Rule) -> bool:
    if is_about_apps_only(rule):
        return says_apps(rule)
    condition = condition_for(rule.match)
    if condition is None:
        return False
    if not rule.unless:
        return True
    if isinstance(condition, HashCondition):
        return False
    return all(_exact_exception(branch) for branch in rule.unless)


def _exact_exception(branch: AllOf) -> bool:
    """Whether AppLocker's exception takes out exactly the branch."""
    if any(
        isinstance(atom, HasHash) and not isinstance(atom.digest, AuthenticodeSha256)
        for atom in branch.atoms
    ):
        return False
    exact = not crosses_separators(branch) and not needs_signature(branch)
    return exact and condition_for(branch) is not None


def _digest(facts: FileFacts) -> Digest | None:
    digest = facts.hashes.sha256 if facts.pe is None else facts.hashes.authenticode_sha256
    return None if digest is UNKNOWN else digest


def _form_losses(rule: Rule, files: tuple[FileFacts, ...]) -> list[Loss]:
    """What a native form loses: wildcards that reach further, products that need a signer."""
    permit = rule.effect is Effect.PERMIT
    found = []
    if crosses_separators(rule.match):
        found.append(
            loss(
                "L018",
                Drift.WIDENS if permit else Drift.NARROWS,
                target=_TARGET,
                covers=(_across_separators(rule.match),),
                files=files,
                rule=rule,
                message="the * of AppLocker also matches across directories",
                remedy="write ** or one rule a directory, or accept L018 for applocker",
            )
        )
    if needs_signature(rule.match) and not is_about_apps_only(rule):
        found.append(
            loss(
                "L019",
                Drift.NARROWS if permit else Drift.WIDENS,
                target=_TARGET,
                covers=(rule.match,),
                files=files,
                rule=rule,
                message="AppLocker reads the product of signed files only",
                remedy="add the publisher, or accept L019 for applocker",
            )
        )
    return found


def _app_losses(rule: Rule, files: tuple[FileFacts, ...], policy: PolicyIR) -> list[Loss]:
    """A rule said to be for packaged apps, among others, by what no package has.

    A rule for all that is governed is about files, where its condition is.
    """
    apps = Collection.PACKAGED_APP
    named = apps in rule.collections and not rule.collections >= policy.governs.keys()
    if apps not in policy.governs or not named or says_apps(rule):
        return []
    permit = rule.effect is Effect.PERMIT
    return [
        loss(
            "L010" if permit else "L012",
            Drift.NARROWS if permit or app_condition_for(rule.match) else Drift.WIDENS,
            target=_TARGET,
            covers=(rule.match,),
            files=files,
            rule=rule,
            message="AppLocker names packaged apps by publisher, product and version only",
            remedy="write a rule of its own for packaged apps",
        )
    ]


def _across_separators(match: AllOf) -> AllOf:
    """What AppLocker makes of a path condition: every ``*`` reaches across directories."""
    return AllOf(
        frozenset(
            AtPath(PathPattern("".join("**" if item == "*" else item for item in tokens)))
            for atom in match.atoms
            if isinstance(atom, AtPath) and (tokens := atom.pattern.tokens())
        )
    )


def _app_rules(native: _Native, policy: PolicyIR) -> list[tuple[CollectionType, AppRule]]:
    rule = native.rule
    governed = rule.collections & policy.governs.keys()
    found: list[tuple[Collection, Condition, tuple[Condition, ...]]] = []
    condition = condition_for(rule.match)
    if condition is None and not is_about_apps_only(rule):
        raise AssertionError("expansion leaves native rules only")
    if condition is not None:
        files = collections_for(rule.match, governed - {Collection.PACKAGED_APP})
        found += [
            (item, condition, _exceptions(rule, condition, item))
            for item in sorted(files, key=_by_value)
        ]
    app = app_condition_for(rule.match) if Collection.PACKAGED_APP in governed else None
    # A permit without an exception that cannot be said would allow more.
    if app is not None and (rule.effect is Effect.FORBID or says_apps(rule)):
        found.append((Collection.PACKAGED_APP, app, app_exceptions(rule, app)))
    return [
        (
            _TYPES[collection],
            AppRule(
                id=_rule_id(rule, collection, sid),
                name=_text(rule.name) or rule.id.value,
                description=_text(rule.note),
                sid=sid,
                action=Action.ALLOW if rule.effect is Effect.PERMIT else Action.DENY,
                condition=own,
                exceptions=exceptions,
            ),
        )
        for collection, own, exceptions in found
        for sid in native.sids
    ]


def _exceptions(rule: Rule, condition: Condition, collection: Collection) -> tuple[Condition, ...]:
    """The exceptions that can hold in a collection, and about something that the rule matches.

    A version range alone would match a script, which counts as 0.0.0.0 and is no product.
    """
    found = [
        exception
        for branch in rule.unless
        if collections_for(branch, frozenset({collection}))
        and (exception := condition_for(branch)) is not None
        and not disjoint(exception, condition)
    ]
    return tuple(sorted(found, key=_condition_order))


def _rule_id(rule: Rule, collection: Collection, sid: str) -> str:
    meaning = replace(rule, collections=frozenset({collection}), platforms=frozenset())
    return str(uuid.uuid5(NAMESPACE, f"applocker {sid} {meaning.id}"))


def _by_value(collection: Collection) -> str:
    return collection.value


def _condition_order(condition: Condition) -> tuple[str, str]:
    return type(condition).__name__, repr(condition)


def _text(text: str) -> str:
    """A name for people: what XML or a console could stumble over becomes ``?``."""
    cleaned = "".join(char if char.isprintable() else "?" for char in text)
    return cleaned if len(cleaned) <= 1000 else cleaned[:997] + "..."


def _collections(
    policy: PolicyIR, rules: dict[CollectionType, dict[str, AppRule]]
) -> tuple[RuleCollection, ...]:
    found = []
    services = bool(CAPABILITIES.setting(policy, "services"))
    for collection, mode in policy.governs.items():
        kind = _TYPES[collection]
        own = dict(rules.get(kind, {}))
        # A collection without rules allows everything, so default deny needs one rule.
        placeholder = _placeholder(kind)
        own[placeholder.id] = placeholder
        ordered = tuple(own[key] for key in sorted(own))
        found.append(
            RuleCollection(
                type=kind,
                mode=_MODES[mode],
                rules=ordered,
                extensions=_SERVICES if services and kind in _EXTENDED else None,
            )
        )
    if Collection.EXECUTABLE in policy.governs and Collection.PACKAGED_APP not in policy.governs:
        found.append(_packaged_apps(_MODES[policy.governs[Collection.EXECUTABLE]]))
    return tuple(sorted(found, key=lambda item: item.type.value))


def _placeholder(kind: CollectionType) -> AppRule:
    return AppRule(
        id=str(uuid.uuid5(NAMESPACE, f"applocker default deny {kind.value}")),
        name="policyc: default deny",
        description="Matches no file. A collection without rules would allow everything.",
        sid=EVERYONE,
        action=Action.ALLOW,
        condition=_NO_APP if kind is CollectionType.APPX else _NO_FILE,
    )


def _packaged_apps(mode: EnforcementMode) -> RuleCollection:
    rule = AppRule(
        id=str(uuid.uuid5(NAMESPACE, "applocker packaged apps")),
        name="policyc: packaged apps are not governed",
        description="With Exe rules and no Appx rule, AppLocker blocks every packaged app.",
        sid=EVERYONE,
        action=Action.ALLOW,
        condition=PublisherCondition(publisher="*"),
    )
    return RuleCollection(type=CollectionType.APPX, mode=mode, rules=(rule,))
