"""Rules for some users on a target that knows none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from policyc.lowering.losses import loss
from policyc.model.facts import FileFacts
from policyc.model.ir import Effect, Rule
from policyc.model.loss import Drift, Loss


def for_everybody(
    rule: Rule, files: tuple[FileFacts, ...], losses: list[Loss], *, target: str
) -> Rule | None:
    """The rule without its principals: a permit for some goes (None), a forbid is for all.

    Both deny more than the baseline; the Loss is added to ``losses``.
    """
    if not rule.principals:
        return rule
    permit = rule.effect is Effect.PERMIT
    losses.append(
        loss(
            "L040",
            Drift.NARROWS,
            target=target,
            covers=(rule.match,),
            files=files,
            rule=rule,
            message=f"{target} rules know no users: "
            + ("the permit is left out" if permit else "the forbid applies to everybody"),
            remedy="leave the principals out, or limit the rule with platforms",
        )
    )
    return None if permit else replace(rule, principals=frozenset())


def not_named(
    rule: Rule, names: Iterable[str], files: tuple[FileFacts, ...], *, target: str, remedy: str
) -> Loss:
    """That a target cannot name some principals: a permit is not for them, a forbid is for all."""
    return loss(
        "L040",
        Drift.NARROWS,
        target=target,
        covers=(rule.match,),
        files=files,
        rule=rule,
        message=f"{target} cannot name {', '.join(names)}: "
        + (
            "they get no permit"
            if rule.effect is Effect.PERMIT
            else "the forbid applies to everybody"
        ),
        remedy=remedy,
    )
