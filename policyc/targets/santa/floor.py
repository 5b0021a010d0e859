"""What runs whatever a policy says, and what must run: losses of a Santa policy as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from policyc.lowering.containment import contained
from policyc.lowering.losses import loss
from policyc.model.decision import holds
from policyc.model.facts import Collection, FileFacts
from policyc.model.identity import SigningId
from policyc.model.ir import AllOf, Effect, HasHash, Mode, PolicyIR, Rule, SignedBy
from policyc.model.known_files import file_index
from policyc.model.loss import Drift, Loss
from policyc.targets.santa.capabilities import CAPABILITIES, must_run, release
from policyc.targets.santa.critical import CRITICAL, FLOOR
from policyc.targets.santa.model import PLATFORM_SINCE, release_text

_TARGET = "santa"
PLATFORM_CODE = AllOf(frozenset({SignedBy(platform_binary=True)}))
_CRITICAL = tuple(
    AllOf(frozenset({SignedBy(signing_id=SigningId(text))})) for text in sorted(CRITICAL)
)


def floor_losses(policy: PolicyIR, files: tuple[FileFacts, ...]) -> list[Loss]:
    """L023, L024, L028 and L036 of a policy that is specialised to Santa."""
    if Collection.EXECUTABLE not in policy.governs:
        return []
    found = [*_runs_anyway(policy, files)]
    enforced = policy.governs[Collection.EXECUTABLE] is Mode.ENFORCE
    found += _locked_out(policy) if enforced else _blocks_anyway(policy)
    return [*found, *_must_run(policy, enforced=enforced)]


def oldest(policy: PolicyIR) -> tuple[int, int]:
    """The oldest release of Santa that the baseline is for."""
    return release(str(CAPABILITIES.setting(policy, "min_version")))


def _runs_anyway(policy: PolicyIR, files: tuple[FileFacts, ...]) -> Iterator[Loss]:
    """L023: what Santa lets run without a rule, or before any."""
    since = release_text(PLATFORM_SINCE)
    remedy = "permit it ({}), or accept L023 for santa with a reason"
    if not _permitted(policy, PLATFORM_CODE):
        yield loss(
            "L023",
            Drift.WIDENS,
            target=_TARGET,
            covers=(PLATFORM_CODE,),
            files=files,
            policy=policy,
            message=f"from {since} on, Santa lets Apple's own code run where no rule forbids it",
            remedy=remedy.format("signer: {platform_binary: true}"),
        )
    denied = [item for item in _CRITICAL if not _permitted(policy, item)]
    forbids = [rule for rule in policy.rules if rule.effect is Effect.FORBID]
    if any(_may_match_critical(rule, files) for rule in forbids):
        denied = list(_CRITICAL)
    if denied:
        yield loss(
            "L023",
            Drift.WIDENS,
            target=_TARGET,
            covers=tuple(denied),
            files=files,
            policy=policy,
            message=f"Santa lets {len(denied)} critical programs of macOS and of its own run "
            "before it looks at any rule",
            remedy="permit them and forbid nothing they could match, or accept L023 for santa "
            "with a reason",
        )


def _permitted(policy: PolicyIR, match: AllOf) -> bool:
    """Whether one permit holds for every program of ``match``, for everybody."""
    return any(
        rule.effect is Effect.PERMIT
        and Collection.EXECUTABLE in rule.collections
        and not rule.unless
        and not rule.principals
        and contained(match, rule.match)
        for rule in policy.rules
    )


def _may_match_critical(rule: Rule, files: tuple[FileFacts, ...]) -> bool:
    """False only where it is known that the rule matches none of the critical programs."""
    for atom in rule.match.atoms:
        if isinstance(atom, SignedBy) and _signs_no_critical(atom):
            return False
        if isinstance(atom, HasHash):
            known = [
                facts
                for facts in file_index(files).possible(rule.match)
                if holds(AllOf(frozenset({atom})), facts) is True
            ]
            if known and all(holds(item, facts) is False for facts in known for item in _CRITICAL):
                return False
    return True


def _signs_no_critical(atom: SignedBy) -> bool:
    if atom.signing_id is not None:
        return atom.signing_id.value not in CRITICAL
    return atom.team is not None and not any(text.startswith(f"{atom.team}:") for text in CRITICAL)


def _locked_out(policy: PolicyIR) -> Iterator[Loss]:
    """L024: Lockdown in which nothing, or nothing of macOS, may run."""
    permits = any(rule.effect is Effect.PERMIT for rule in policy.rules)
    if not permits:
        yield _grave(
            "L024",
            policy,
            message="enforced, and no rule permits anything: only Apple's own code would run",
            remedy="permit what the machines need, the MDM agent first, or audit",
        )


def _blocks_anyway(policy: PolicyIR) -> Iterator[Loss]:
    """L036: what an audited baseline forbids is blocked all the same."""
    forbids = [rule for rule in policy.rules if rule.effect is Effect.FORBID]
    if forbids:
        yield loss(
            "L036",
            Drift.NARROWS,
            target=_TARGET,
            covers=(),
            files=(),
            policy=policy,
            message=f"audited, but what {len(forbids)} rules forbid Santa blocks in Monitor, too",
            remedy="leave the forbids to a profile that enforces, if nothing may be blocked yet",
        )


def _must_run(policy: PolicyIR, *, enforced: bool) -> Iterator[Loss]:
    """L028: programs without which nobody can take a policy back."""
    named = CAPABILITIES.setting(policy, "must_run")
    wanted = dict.fromkeys(named if isinstance(named, tuple) else (), "must_run")
    for text, why in sorted({**FLOOR, **wanted}.items()):
        match = AllOf(frozenset({must_run(text)}))
        forbids = [
            rule
            for rule in policy.rules
            if rule.effect is Effect.FORBID
            and (contained(match, rule.match) or contained(rule.match, match))
        ]
        if forbids:
            names = ", ".join(sorted(rule.name or str(rule.origin) for rule in forbids))
            message = f"{text} ({why}) must run, and {names} forbids it"
            yield _grave("L028", policy, message=message, remedy="take it out of the forbid")
        elif enforced and text in wanted and not _permitted(policy, match):
            message = f"{text} must run (targets.santa.must_run), and no rule permits all of it"
            yield _grave("L028", policy, message=message, remedy="permit it by team or signing ID")


def _grave(code: str, policy: PolicyIR, *, message: str, remedy: str) -> Loss:
    """A loss that is refused until it is accepted, though it allows nothing more."""
    return loss(
        code,
        Drift.NARROWS,
        target=_TARGET,
        covers=(),
        files=(),
        policy=policy,
        message=message,
        remedy=f"{remedy}, or accept {code} for santa with a reason",
        grave=True,
    )
