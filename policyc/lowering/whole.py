"""Losses of a policy as a whole that several targets share."""

from __future__ import annotations

from collections.abc import Iterable

from policyc.lowering.losses import loss
from policyc.model.facts import Collection, FileFacts
from policyc.model.ir import AllOf, PolicyIR
from policyc.model.loss import Drift, Loss


def one_mode(
    policy: PolicyIR, files: tuple[FileFacts, ...], *, target: str, message: str
) -> list[Loss]:
    """L004, if the policy has several modes and the target one switch for all."""
    if len(set(policy.governs.values())) < 2:
        return []
    remedy = "give every collection the same mode"
    found = loss(
        "L004",
        Drift.WIDENS,
        target=target,
        covers=(),
        files=files,
        policy=policy,
        message=message,
        remedy=remedy,
    )
    return [found]


def also_governed(
    policy: PolicyIR,
    files: tuple[FileFacts, ...],
    others: Iterable[Collection],
    *,
    target: str,
    message: str,
    remedy: str,
) -> list[Loss]:
    """L002, if the target decides about other collections than the policy asks it to."""
    collections = frozenset(others)
    if not collections:
        return []
    found = loss(
        "L002",
        Drift.NARROWS,
        target=target,
        covers=(AllOf(frozenset()),),
        collections=collections,
        files=files,
        policy=policy,
        message=message,
        remedy=remedy,
    )
    return [found]
