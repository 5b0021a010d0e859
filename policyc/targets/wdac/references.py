"""Ids of a policy: each once, and every reference to something of the kind that can stand there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from policyc.targets.wdac.document import Notes
from policyc.targets.wdac.model import FileRuleKind, SignerGroup, SignerRef, SiPolicy


def groups(policy: SiPolicy) -> Iterator[SignerGroup]:
    """Every group of signers and file rules, in all scenarios."""
    for scenario in policy.scenarios:
        for group in (scenario.product, scenario.test, scenario.test_signing):
            if group is not None:
                yield group


def duplicate_ids(policy: SiPolicy) -> tuple[str, ...]:
    """Ids that stand for two things, sorted."""
    everything = (
        policy.ekus,
        policy.file_rules,
        policy.artifact_rules,
        policy.signers,
        policy.scenarios,
    )
    counts = Counter(item.id for items in everything for item in items)
    return tuple(sorted(name for name, count in counts.items() if count > 1))


def check_references(root: Any, policy: SiPolicy, notes: Notes) -> None:  # noqa: ANN401
    """Note ids that stand for two things and references that lead nowhere."""
    twice = duplicate_ids(policy)
    if twice:
        notes.add(root, f"has an ID twice: {twice[0]}", schema=False)
    for wrong, what in wrong_references(policy):
        notes.add(root, f"refers to {wrong}, which is not {what}", schema=False)


def wrong_references(policy: SiPolicy) -> Iterator[tuple[str, str]]:
    """References to nothing, or to what cannot stand there: the id, and what it should be."""
    kinds = {item.id: item.kind for item in policy.file_rules}
    attribs = {name for name, kind in kinds.items() if kind is FileRuleKind.ATTRIBUTE}
    allows = {name for name, kind in kinds.items() if kind is FileRuleKind.ALLOW}
    denies = {name for name, kind in kinds.items() if kind is FileRuleKind.DENY}
    signers = {item.id for item in policy.signers}
    ekus = {item.id for item in policy.ekus}
    for group in groups(policy):
        yield from _missing(_signers_of(group), signers, "a signer")
        yield from _missing(group.rules, allows | denies, "an Allow or Deny rule")
        yield from _missing(_exceptions(group.allowed), denies, "a Deny rule")
        yield from _missing(_exceptions(group.denied), allows, "an Allow rule")
    for signer in policy.signers:
        yield from _missing((*signer.ekus, *signer.except_ekus), ekus, "an EKU")
        yield from _missing(signer.file_attribs, attribs, "a FileAttrib")
    lists = (*policy.update_signers, *policy.ci_signers, *policy.supplemental_signers)
    yield from _missing(lists, signers, "a signer")
    scenarios = {item.id for item in policy.scenarios}
    for scenario in policy.scenarios:
        yield from _missing(scenario.inherited, scenarios, "a scenario")


def _signers_of(group: SignerGroup) -> list[str]:
    return [item.signer for item in (*group.allowed, *group.denied)]


def _exceptions(references: Iterable[SignerRef]) -> list[str]:
    return [name for item in references for name in item.exceptions]


def _missing(used: Iterable[str], known: set[str], what: str) -> list[tuple[str, str]]:
    return [(name, what) for name in sorted(set(used) - known)]
