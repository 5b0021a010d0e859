"""What App Control governs as one, and what follows for a baseline that does not."""

from __future__ import annotations

from policyc.lowering.losses import loss
from policyc.lowering.whole import also_governed, one_mode
from policyc.model.facts import Collection, FileFacts
from policyc.model.ir import AtPath, Effect, Mode, PolicyIR, SignedBy
from policyc.model.loss import Drift, Loss
from policyc.model.path import PathPattern
from policyc.targets.wdac.capabilities import CAPABILITIES
from policyc.targets.wdac.choices import Choices
from policyc.targets.wdac.kind_losses import kind_losses
from policyc.targets.wdac.known import SCENARIOS
from policyc.targets.wdac.signer_sets import STARTS, built_in

_TARGET = "wdac"
_HOSTS = frozenset({Collection.SCRIPT, Collection.INSTALLER})
_USER_MODE = CAPABILITIES.collections - {Collection.DRIVER}
_NTDLL = "C:\\Windows\\System32\\ntdll.dll"


def kind_of(policy: PolicyIR) -> str:
    """``base``, ``supplemental`` or ``tagging``."""
    return str(CAPABILITIES.setting(policy, "kind"))


def enforces_scripts(policy: PolicyIR) -> bool:
    """Script enforcement covers scripts and installers alike, or neither (option 11)."""
    return bool(policy.governs.keys() & _HOSTS) or kind_of(policy) == "supplemental"


def governs_user_mode(policy: PolicyIR) -> bool:
    """Whether user-mode code integrity is wanted (option 0)."""
    return bool(policy.governs.keys() & _USER_MODE)


def governs_drivers(policy: PolicyIR) -> bool:
    """Whether rules decide about drivers; otherwise all of them are allowed."""
    return Collection.DRIVER in policy.governs and kind_of(policy) != "tagging"


def enforced_collections(policy: PolicyIR) -> frozenset[Collection]:
    """What the policy decides about, asked to or not; a supplemental answers for everything."""
    kind = kind_of(policy)
    if kind != "base":
        return CAPABILITIES.collections if kind == "supplemental" else frozenset()
    drivers = frozenset({Collection.DRIVER}) if governs_drivers(policy) else frozenset()
    if not governs_user_mode(policy):
        return drivers
    return drivers | _USER_MODE - (frozenset() if enforces_scripts(policy) else _HOSTS)


def scope_losses(policy: PolicyIR, files: tuple[FileFacts, ...], choices: Choices) -> list[Loss]:
    """Losses of the policy as a whole."""
    found = _signer_set_losses(policy, files, choices) + kind_losses(policy, files, choices)
    extra = enforced_collections(policy) - frozenset(policy.governs)
    names = ", ".join(sorted(item.value for item in extra))
    found += also_governed(
        policy,
        files,
        extra,
        target=_TARGET,
        message=f"App Control governs {names} files as well"
        if choices.kind == "base"
        else f"what it does not permit of {names} files is its base policy's to decide",
        remedy="govern executable and library, and script and installer, together",
    )
    if choices.kind == "base":
        message = "App Control has one mode; as some collections are only audited, all are"
        found += one_mode(policy, files, target=_TARGET, message=message)
    starts = bool(STARTS & set(choices.signer_sets))
    enforced = Mode.ENFORCE in policy.governs.values() and choices.kind == "base"
    if enforced and governs_drivers(policy) and not starts and not _signs_drivers(policy):
        found.append(
            loss(
                "L052",
                Drift.NARROWS,
                target=_TARGET,
                covers=(),
                files=(),
                policy=policy,
                message="drivers are enforced, and no rule is about who signs them",
                remedy="set targets.wdac.signer_sets: [windows], or audit first",
            )
        )
    if enforced and governs_user_mode(policy) and not starts and not _covers_windows(policy):
        found.append(
            loss(
                "L051",
                Drift.NARROWS,
                target=_TARGET,
                covers=(),
                files=(),
                policy=policy,
                message="enforced, and no rule can permit the files of Windows itself",
                remedy="set targets.wdac.signer_sets: [windows], permit C:\\Windows\\**, or audit "
                "first",
            )
        )
    return found


def _signer_set_losses(
    policy: PolicyIR, files: tuple[FileFacts, ...], choices: Choices
) -> list[Loss]:
    """A set allows files that no rule of the baseline names."""
    found = []
    for scenario, collections in SCENARIOS.items():
        enforced = enforced_collections(policy) & collections
        if not enforced:
            continue
        for name in choices.signer_sets:
            covers = [item.covers for item in built_in((name,), scenario)]
            found.append(
                loss(
                    "L053",
                    Drift.WIDENS,
                    target=_TARGET,
                    covers=tuple(item for item in covers if item is not None),
                    collections=collections,
                    files=files,
                    policy=policy,
                    message=f"the signer set {name} allows files that no rule permits",
                    remedy="accept L053 for wdac with a reason",
                )
            )
    return [item for item in found if item.covers]


def _signs_drivers(policy: PolicyIR) -> bool:
    """Whether some permit is about the signers of drivers."""
    return any(
        rule.effect is Effect.PERMIT
        and Collection.DRIVER in rule.collections
        and any(isinstance(atom, SignedBy) for atom in rule.match.atoms)
        for rule in policy.rules
    )


def _covers_windows(policy: PolicyIR) -> bool:
    """Whether some permit might: a path that holds ntdll.dll, or any signer."""
    for rule in policy.rules:
        if rule.effect is Effect.FORBID:
            continue
        for atom in rule.match.atoms:
            pattern: PathPattern | None = atom.pattern if isinstance(atom, AtPath) else None
            if isinstance(atom, SignedBy) or (pattern and pattern.matches(_NTDLL)):
                return True
    return False
