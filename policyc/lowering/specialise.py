"""Cut a policy down to what one target is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from policyc.lowering.losses import loss
from policyc.model.facts import Collection, FileFacts, Platform
from policyc.model.identity import CdHash, Digest, Sha256Flat
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    Effect,
    HasAnyHash,
    HasHash,
    IsProduct,
    Mode,
    PolicyIR,
    Rule,
    SignedBy,
    TargetSettings,
)
from policyc.model.loss import Drift, Loss
from policyc.model.path import PathStyle

EXISTING: dict[Platform, frozenset[Collection]] = {
    Platform.WINDOWS: frozenset(Collection),
    Platform.MACOS: frozenset(
        {Collection.EXECUTABLE, Collection.LIBRARY, Collection.SCRIPT, Collection.DRIVER}
    ),
    Platform.LINUX: frozenset({Collection.EXECUTABLE, Collection.LIBRARY, Collection.SCRIPT}),
}
"""The collections that have files on a platform, as far as the readers tell them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specialised:
    """The policy a target gets, and what was lost on the way to it."""

    policy: PolicyIR
    losses: tuple[Loss, ...]


def specialise(
    policy: PolicyIR,
    files: tuple[FileFacts, ...],
    *,
    target: str,
    platform: Platform,
    collections: frozenset[Collection],
) -> Specialised:
    """Keep the rules and collections that concern a target.

    ``files`` are the inventory's files the target is asked about. Rules for other platforms
    go, collections the baseline does not ask of the target go (``targets.<t>.collections``),
    and so do rules that no file on the platform can satisfy. A governed collection that the
    target cannot govern is L001 unless the baseline says which collections it asks for; a
    path of the wrong platform is L015.
    """
    asked = asked_modes(policy, target)
    missing = (frozenset(asked) & EXISTING[platform]) - collections
    losses = _ungoverned(policy, files, target, missing)
    governed = {item: asked[item] for item in sorted(asked, key=_by_value) if item in collections}
    rules = set()
    for rule in policy.ordered():
        if platform not in rule.platforms or not rule.collections & governed.keys():
            continue
        foreign = _foreign_path(rule, platform)
        if foreign:
            losses.append(_foreign_loss(rule, files, target, platform))
            continue
        own = on_platform(rule, platform)
        if own is not None:
            rules.add(own)
    specialised = replace(policy, governs=governed, rules=frozenset(rules))
    return Specialised(policy=specialised, losses=tuple(losses))


def on_platform(rule: Rule, platform: Platform) -> Rule | None:
    """A rule without the exceptions that no file on a platform is in; None if it says nothing."""
    if platform not in rule.platforms or _foreign_path(rule, platform):
        return None
    if _vacuous(rule.match, platform):
        return None
    return _without_vacuous_exceptions(rule, platform)


def asked_modes(policy: PolicyIR, target: str) -> dict[Collection, Mode]:
    """The collections the baseline asks of a target, each with the nearest mode said for it."""
    settings = policy.targets.get(target, TargetSettings())
    default = settings.mode or _common_mode(policy)
    wanted = policy.governs if settings.collections is None else settings.collections
    return {
        item: settings.modes.get(item, settings.mode or policy.governs.get(item, default))
        for item in wanted
    }


def _by_value(collection: Collection) -> str:
    return collection.value


def _common_mode(policy: PolicyIR) -> Mode:
    modes = set(policy.governs.values())
    return Mode.ENFORCE if modes == {Mode.ENFORCE} else Mode.AUDIT


def _ungoverned(
    policy: PolicyIR,
    files: tuple[FileFacts, ...],
    target: str,
    collections: frozenset[Collection],
) -> list[Loss]:
    found = []
    for collection in sorted(collections, key=_by_value):
        concerned = tuple(facts for facts in files if facts.collection is collection)
        found.append(
            loss(
                "L001",
                Drift.WIDENS,
                target=target,
                covers=(),  # decide() does not govern the collection for this target either
                files=concerned,
                policy=policy,
                message=f"{target} cannot govern {collection.value} files",
                remedy=f"say what you ask of it with `targets: {{{target}: {{collections: […]}}}}`,"
                f" or accept L001 for {target} with a reason",
            )
        )
    return found


def style_on(platform: Platform) -> PathStyle:
    """How paths are written on a platform."""
    return PathStyle.WINDOWS if platform is Platform.WINDOWS else PathStyle.POSIX


def _foreign_path(rule: Rule, platform: Platform) -> bool:
    style = style_on(platform)
    return any(
        isinstance(atom, AtPath) and atom.pattern.style is not style for atom in rule.match.atoms
    )


def _foreign_loss(
    rule: Rule, files: tuple[FileFacts, ...], target: str, platform: Platform
) -> Loss:
    drift = Drift.NARROWS if rule.effect is Effect.PERMIT else Drift.WIDENS
    return loss(
        "L015",
        drift,
        target=target,
        covers=(rule.match,),
        files=files,
        rule=rule,
        message=f"this path cannot exist on {platform.value}, so {target} gets no rule for it",
        remedy="limit the rule with `platforms: […]`",
    )


def _vacuous(match: AllOf, platform: Platform) -> bool:
    return any(_never_on(atom, platform) for atom in match.atoms)


def _without_vacuous_exceptions(rule: Rule, platform: Platform) -> Rule:
    style = style_on(platform)
    kept = frozenset(
        branch
        for branch in rule.unless
        if not _vacuous(branch, platform)
        and not any(
            isinstance(atom, AtPath) and atom.pattern.style is not style for atom in branch.atoms
        )
    )
    return rule if kept == rule.unless else replace(rule, unless=kept)


def _never_on(atom: Atom, platform: Platform) -> bool:
    """Whether no file a target of ``platform`` is asked about can satisfy ``atom``.

    Only Windows targets see PE files and only Santa sees Mach-O files; Linux has neither.
    """
    match atom:
        case HasHash():
            return _no_digest_on(type(atom.digest), platform)
        case HasAnyHash():
            return _no_digest_on(atom.kind, platform)
        case IsProduct():
            return platform is not Platform.WINDOWS
        case SignedBy():
            if atom.apple:
                return platform is not Platform.MACOS
            if atom.program is not None:
                return platform is not Platform.WINDOWS
            return platform is Platform.LINUX
        case _:
            return False


def _no_digest_on(kind: type[Digest], platform: Platform) -> bool:
    if kind is CdHash:
        return platform is not Platform.MACOS
    return kind is not Sha256Flat and platform is not Platform.WINDOWS
