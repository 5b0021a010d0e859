"""Losses of what a baseline asks for beyond rules: kinds of policies, and others who may allow."""

from __future__ import annotations

from policyc.lowering.losses import loss
from policyc.model.facts import FileFacts
from policyc.model.ir import AllOf, Effect, PolicyIR
from policyc.model.loss import Drift, Loss
from policyc.targets.wdac.choices import Choices

_TARGET = "wdac"


def kind_losses(policy: PolicyIR, files: tuple[FileFacts, ...], choices: Choices) -> list[Loss]:
    """What the kind of the policy, and its options 13 and 14, do to its meaning."""
    found = []
    if choices.kind == "supplemental":
        found += _supplemental(policy, files, choices)
    if choices.kind == "tagging":
        found.append(
            loss(
                "L056",
                Drift.WIDENS,
                target=_TARGET,
                covers=(AllOf(frozenset()),),
                files=files,
                policy=policy,
                message="a tagging policy blocks nothing",
                remedy="compile a base policy too, and accept L056 for wdac with a reason",
            )
        )
    for asked, who in (
        (choices.managed_installer, "a managed installer"),
        (choices.intelligent_security_graph, "Microsoft's reputation service"),
    ):
        if asked:
            found.append(
                loss(
                    "L055",
                    Drift.WIDENS,
                    target=_TARGET,
                    covers=(),
                    files=(),
                    policy=policy,
                    message=f"{who} may allow what no rule permits",
                    remedy="accept L055 for wdac with a reason",
                )
            )
    return found


def _supplemental(policy: PolicyIR, files: tuple[FileFacts, ...], choices: Choices) -> list[Loss]:
    found = [
        loss(
            "L054",
            Drift.WIDENS,
            target=_TARGET,
            covers=(rule.match,),
            files=files,
            rule=rule,
            message="Windows ignores what a supplemental policy denies",
            remedy="forbid in the base policy, and accept L054 for wdac with a reason",
        )
        for rule in policy.ordered()
        if rule.effect is Effect.FORBID
    ]
    if not choices.base:
        found.append(
            loss(
                "L057",
                Drift.NARROWS,
                target=_TARGET,
                covers=(),
                files=(),
                policy=policy,
                message="the supplemental policy names no base policy, so none takes it",
                remedy="set targets.wdac.base to the base's name or GUID",
            )
        )
    return found
