"""The rpm database as a source of trust: ``trust = rpmdb,file``.

The daemon trusts every file of every installed package that its filter includes, by the digest in
the database (rpm-backend, fapolicyd-filter.conf).
"""

from __future__ import annotations

from policyc.lowering.losses import loss
from policyc.model.facts import Collection, FileFacts
from policyc.model.ir import AllOf, Effect, FromPackage, PolicyIR, Rule
from policyc.model.loss import Drift, Loss
from policyc.targets.fapolicyd.capabilities import CAPABILITIES

MANAGER = "rpm"
_ALL = AllOf(frozenset({FromPackage(manager=MANAGER)}))
_TARGET = "fapolicyd"


def from_database(policy: PolicyIR) -> bool:
    """Whether the baseline leaves packaged files to the database."""
    return CAPABILITIES.setting(policy, "packages") == MANAGER


def is_database(rule: Rule, governed: frozenset[Collection]) -> bool:
    """Whether the rule permits everybody just what the database is trusted for."""
    return (
        rule.effect is Effect.PERMIT
        and rule.match == _ALL
        and not rule.unless
        and not rule.principals
        and governed <= rule.collections
    )


def database_losses(policy: PolicyIR, files: tuple[FileFacts, ...]) -> list[Loss]:
    """That no rule permits the packages, or that the daemon's filter leaves some out."""
    if not from_database(policy):
        return []
    governed = frozenset(policy.governs)
    asking = [rule for rule in policy.ordered() if is_database(rule, governed)]
    if not asking:
        return [
            loss(
                "L034",
                Drift.WIDENS,
                target=_TARGET,
                covers=(_ALL,),
                files=files,
                policy=policy,
                message="the daemon trusts every installed rpm package, and no rule permits that",
                remedy="permit: {package: {manager: rpm}}, or leave targets.fapolicyd.packages out",
            )
        ]
    return [
        loss(
            "L035",
            Drift.NARROWS,
            target=_TARGET,
            covers=(rule.match,),
            files=files,
            rule=rule,
            message="packaged files count that /etc/fapolicyd/fapolicyd-filter.conf includes",
            remedy="look at the filter; permit what it leaves out by path or hash",
        )
        for rule in asking
    ]
