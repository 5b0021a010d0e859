"""The ``accept:`` section: losses, findings and lint results the baseline takes as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from policyc.baseline import read
from policyc.baseline.collector import Collector, did_you_mean
from policyc.baseline.nodes import Mapping, Node
from policyc.checks import CHECKS
from policyc.lowering.losses import LOSSES
from policyc.model.diagnostic import Diagnostic, Level
from policyc.model.identity import Sha256Flat
from policyc.model.ir import AcceptedLoss, PolicyIR
from policyc.model.path import PathPattern
from policyc.model.waiver import AcceptedLint, Waiver, parse_day
from policyc.targets import target_names

COMMON = ("reason", "owner", "until")
LOSS = ("loss", "target", "rule", *COMMON)
FINDING = ("finding", "sha256", "path", *COMMON)
LINT = ("lint", "rule", "path", *COMMON)
BASELINE_LINT = ("B014", "B015")
"""Lint results about a rule of the baseline; the others are about files of a platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What ``accept:`` holds, in its order."""

    losses: tuple[AcceptedLoss, ...] = ()
    findings: tuple[Waiver, ...] = ()
    lint: tuple[AcceptedLint, ...] = ()


def read_accept(node: Node | None, collector: Collector) -> Acceptance:
    """All entries; one with neither ``finding`` nor ``lint`` is an accepted loss."""
    losses: list[AcceptedLoss] = []
    findings: list[Waiver] = []
    lint: list[AcceptedLint] = []
    for item in read.items(node, "accept", collector):
        if isinstance(item, Mapping) and item.key("finding") is not None:
            findings.append(_finding(item, collector))
            continue
        if isinstance(item, Mapping) and item.key("lint") is not None:
            lint.append(_lint(item, collector))
            continue
        own = read.mapping(item, "an accepted loss", LOSS, collector)
        if own is not None:
            losses.append(_loss(own, collector))
    return Acceptance(losses=tuple(losses), findings=tuple(findings), lint=tuple(lint))


def check_accepted_rules(
    accepted: Iterable[AcceptedLoss | AcceptedLint], names: set[str], collector: Collector
) -> None:
    """Report what is accepted of rules that do not exist."""
    for item in accepted:
        if item.rule is not None and item.rule not in names:
            message = f"there is no rule `{item.rule}`"
            collector.add("B010", message, item.origin, remedy=did_you_mean(item.rule, names))


def _loss(own: Mapping, collector: Collector) -> AcceptedLoss:
    _needs(own, ("loss", "target", "reason"), "an accepted loss", collector)
    code = _known(own, "loss", LOSSES, collector)
    target = _known(own, "target", target_names(), collector)
    return AcceptedLoss(
        code=code,
        target=target,
        rule=read.text(own.get("rule"), "rule", collector),
        reason=read.text(own.get("reason"), "reason", collector) or "",
        owner=read.text(own.get("owner"), "owner", collector) or "",
        until=read.value(own.get("until"), "until", parse_day, collector),
        origin=own.span,
    )


def _finding(own: Mapping, collector: Collector) -> Waiver:
    read.mapping(own, "an accepted finding", FINDING, collector)
    _needs(own, ("reason",), "an accepted finding", collector)
    if own.get("sha256") is None and own.get("path") is None:
        remedy = "add `sha256: …` or `path: …`"
        collector.add("B006", "an accepted finding needs a scope", own.span, remedy=remedy)
    return Waiver(
        code=_known(own, "finding", CHECKS, collector),
        sha256=read.value(own.get("sha256"), "sha256", Sha256Flat, collector),
        path=read.value(own.get("path"), "path", PathPattern, collector),
        reason=read.text(own.get("reason"), "reason", collector) or "",
        owner=read.text(own.get("owner"), "owner", collector) or "",
        until=read.value(own.get("until"), "until", parse_day, collector),
        origin=own.span,
    )


def _lint(own: Mapping, collector: Collector) -> AcceptedLint:
    # Every target's rules: not for baselines that accept none of them.
    from policyc.targets.lint_codes import lint_pages  # noqa: PLC0415

    read.mapping(own, "an accepted lint result", LINT, collector)
    _needs(own, ("reason",), "an accepted lint result", collector)
    code = _known(own, "lint", (*BASELINE_LINT, *lint_pages()), collector)
    scope = "rule" if code in BASELINE_LINT else "path"
    _needs(own, (scope,), f"accepting {code}", collector)
    wrong = own.get("path" if scope == "rule" else "rule")
    if wrong is not None:
        collector.add("B005", f"{code} is accepted by `{scope}`", wrong.span, remedy="leave it out")
    return AcceptedLint(
        code=code,
        rule=read.text(own.get("rule"), "rule", collector),
        path=read.value(own.get("path"), "path", _ending, collector),
        reason=read.text(own.get("reason"), "reason", collector) or "",
        owner=read.text(own.get("owner"), "owner", collector) or "",
        until=read.value(own.get("until"), "until", parse_day, collector),
        origin=own.span,
    )


def _ending(text: str) -> str:
    """A pattern for the end of a path; ValueError for one that can match nothing."""
    if not PurePosixPath(text).parts or "**" in text:
        raise ValueError(f"{text!r} is no pattern for the end of a path, such as rules.d/*.rules")
    return text


def _needs(own: Mapping, keys: tuple[str, ...], what: str, collector: Collector) -> None:
    for key in keys:
        if own.get(key) is None:
            message = f"{what} needs `{key}`"
            collector.add("B006", message, own.span, remedy=f"add `{key}: …`")


def _known(own: Mapping, key: str, possible: Iterable[str], collector: Collector) -> str:
    node = own.get(key)
    word = read.text(node, key, collector)
    names = list(possible)
    if node is not None and word is not None and word not in names:
        message = f"there is no {key} `{word}`"
        collector.add("B008", message, node.span, remedy=did_you_mean(word, names))
    return word or ""


def covering_lint(
    items: Iterable[AcceptedLint], code: str, *, rule: str | None = None, path: str | None = None
) -> AcceptedLint | None:
    """The first entry that accepts a lint result, or None."""
    return next((item for item in items if item.covers(code, rule=rule, path=path)), None)


def unused_lint(
    items: Iterable[AcceptedLint], used: frozenset[AcceptedLint]
) -> tuple[Diagnostic, ...]:
    """A warning for every accepted lint result that did not occur."""
    collector = Collector()
    for item in items:
        if item not in used:
            _unused(f"lint has no result {item.code} in scope", item, collector)
    return tuple(collector.found)


def unused_acceptances(policy: PolicyIR, used: frozenset[AcceptedLoss]) -> tuple[Diagnostic, ...]:
    """A warning for every accepted loss that did not occur."""
    collector = Collector()
    for item in policy.accepted:
        if item not in used:
            _unused(f"{item.code} does not occur for {item.target}", item, collector)
    return tuple(collector.found)


def unused_waivers(waivers: tuple[Waiver, ...], used: frozenset[Waiver]) -> tuple[Diagnostic, ...]:
    """A warning for every accepted finding that no file has."""
    collector = Collector()
    for item in waivers:
        if item not in used:
            _unused(f"no file in scope has the finding {item.code}", item, collector)
    return tuple(collector.found)


def _unused(message: str, item: AcceptedLoss | Waiver | AcceptedLint, collector: Collector) -> None:
    remedy = "remove it from accept"
    collector.add("B013", message, item.origin, remedy=remedy, level=Level.WARNING)
