"""What ``compile`` and ``verify`` found, as findings about places in the baseline."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path

from policyc.compiler.bundle import BundleState, bundle_state
from policyc.compiler.pipeline import TargetResult
from policyc.compiler.stale import stale_reasons
from policyc.model.diagnostic import Level
from policyc.model.ir import PolicyIR, RuleId
from policyc.model.lists import written_out
from policyc.model.loss import Loss
from policyc.model.span import NOWHERE, Span
from policyc.reports.policy_sarif import PolicyFinding, of_diagnostic
from policyc.reports.text import loss_diagnostics
from policyc.verify import Agreement, Difference

_UNEXPLAINED = {Agreement.WIDER: "V001", Agreement.NARROWER: "V002"}
_WORDS = {Agreement.WIDER: "allowed", Agreement.NARROWER: "denied"}
_NAMED = 3
"""Files of a group that are named."""


def accepted_reason(loss: Loss, result: TargetResult) -> str | None:
    """The reason for which the baseline accepts a loss, or None."""
    for item in sorted(result.accepted, key=lambda each: each.origin):
        if item.code == loss.code and item.rule in (None, loss.rule_name):
            return item.reason
    return None


def result_findings(results: Iterable[TargetResult], place: str) -> list[PolicyFinding]:
    """Losses at the lines that have them, accepted ones too, and outputs that failed their proof.

    ``place`` is the baseline's file, for what has no line.
    """
    found: list[PolicyFinding] = []
    for result in results:
        told = [(item, accepted_reason(item, result)) for item in result.losses]
        found += [
            of_diagnostic(item, place, about=result.target) for item in loss_diagnostics(told)
        ]
        if result.failure is not None:
            found.append(_error("V004", place, f"{result.target}: {result.failure}"))
    return found


def stale_findings(results: Iterable[TargetResult], out: Path, place: str) -> list[PolicyFinding]:
    """Compiled folders that are not what would be written now; raises OSError."""
    found: list[PolicyFinding] = []
    for result in results:
        state, _ = bundle_state(result, out)
        if result.refused or state is BundleState.CURRENT:
            continue
        reasons = "; ".join(stale_reasons(result, out))
        text = f"{out / result.target} is {state.value}{f': {reasons}' if reasons else ''}"
        found.append(_error("V003", place, text, identity=result.target))
    return found


def _error(code: str, place: str, message: str, identity: str = "") -> PolicyFinding:
    return PolicyFinding(
        path=place, line=1, code=code, level=Level.ERROR, message=message, identity=identity
    )


def difference_findings(
    target: str, differences: Iterable[Difference], policy: PolicyIR
) -> list[PolicyFinding]:
    """Files that are decided otherwise, those of one cause together, unexplained ones first.

    What no loss explains is an error at the baseline's rule; the rest is at the loss's line.
    """
    groups: dict[Hashable, list[Difference]] = {}
    for item in differences:
        why = (item.baseline.because, item.target.reason) if item.loss is None else _key(item.loss)
        groups.setdefault((item.agreement, item.whom, why), []).append(item)
    origins = _origins(policy, {rule for group in groups.values() for rule in _named(group[0])})
    found = [_of_group(target, group, origins, policy.origin) for group in groups.values()]
    return sorted(found, key=lambda item: item.level.rank)


def _named(item: Difference) -> tuple[RuleId, ...]:
    """The rules whose places are needed."""
    return item.baseline.because if item.loss is None else ()


def _origins(policy: PolicyIR, wanted: set[RuleId]) -> dict[RuleId, Span]:
    """Where rules stand; one may be a single digest of a list, as a target without lists has."""
    found = {rule.id: rule.origin for rule in policy.rules if rule.id in wanted}
    if len(found) < len(wanted):
        found |= {rule.id: rule.origin for rule in written_out(policy).rules if rule.id in wanted}
    return found


def _key(loss: Loss) -> tuple[Hashable, ...]:
    return loss.code, loss.drift, loss.origin, loss.message


def _of_group(
    target: str, group: Sequence[Difference], origins: Mapping[RuleId, Span], start: Span
) -> PolicyFinding:
    first = group[0]
    loss = first.loss
    own = [origins.get(rule, NOWHERE) for rule in _named(first)]
    spans = [*own, start] if loss is None else [loss.origin, start]
    place = next((span for span in spans if span != NOWHERE), NOWHERE)
    names = ", ".join(item.facts.path for item in group[:_NAMED])
    more = ", …" if len(group) > _NAMED else ""
    count = f"{len(group):,} file{'' if len(group) == 1 else 's'}"
    decided = f"baseline {first.baseline.verdict.value}, target {first.target.verdict.value}"
    why = first.target.reason if loss is None else loss.message
    return PolicyFinding(
        path=place.file,
        line=place.line,
        column=place.column,
        code=_UNEXPLAINED[first.agreement] if loss is None else loss.code,
        level=Level.ERROR if loss is None else Level.INFO,
        message=f"{target}: {count} {_WORDS[first.agreement]}{first.whom} ({decided}): {why}: "
        f"{names}{more}",
        identity=f"{target}|{first.agreement.value}|{first.whom}|{why}",
    )
