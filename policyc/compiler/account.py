"""What a verification found, as JSON types: counts, and every difference with its loss."""

from __future__ import annotations

from typing import Any

from policyc.compiler.pipeline import TargetResult
from policyc.model.facts import UNKNOWN
from policyc.model.loss import Loss
from policyc.model.span import NOWHERE, Span
from policyc.verify import Difference, Report


def result_value(result: TargetResult) -> dict[str, Any]:
    """One compiled target, as docs/compile.schema.json describes it."""
    accepted = {(item.code, item.rule): item.reason for item in result.accepted}
    return {
        "target": result.target,
        "rules": result.rules,
        "verified": result.failure is None,
        "failure": _text(result.failure or ""),
        "written": result.writable,
        "losses": [
            {
                **loss_value(loss),
                "files": loss.inventory_hits,
                "refused": loss in result.refused,
                "accepted": _text(
                    accepted.get((loss.code, loss.rule_name)) or accepted.get((loss.code, None), "")
                ),
            }
            for loss in result.losses
        ],
        "inventory": report_value(result.report),
        "witnesses": {**report_value(result.witness_report), "complete": not result.truncated},
    }


def report_value(report: Report) -> dict[str, Any]:
    """The counts of a report and its differences, by path."""
    return {
        "agree": report.agree,
        "narrower": report.narrower,
        "wider": report.wider,
        "unknown": report.unknown,
        "unexplained": len(report.mismatches),
        "differences": [_difference(item) for item in report.differences],
    }


def _difference(item: Difference) -> dict[str, Any]:
    digest = item.facts.hashes.sha256
    return {
        "path": _text(item.facts.path),
        "sha256": None if digest is None or digest is UNKNOWN else digest.value,
        "is": item.agreement.value,
        "baseline": item.baseline.verdict.value,
        "baseline_rules": [rule.value for rule in item.baseline.because],
        "target": item.target.verdict.value,
        "target_reason": _text(item.target.reason),
        "loss": None if item.loss is None else loss_value(item.loss),
        **({"principals": sorted(map(_text, item.who))} if item.who else {}),
    }


def loss_value(loss: Loss) -> dict[str, Any]:
    """What a loss says and where it comes from."""
    return {
        "code": loss.code,
        "drift": loss.drift.value,
        "rule": _text(loss.rule_name),
        "origin": _origin(loss.origin),
        "message": _text(loss.message),
        "remedy": _text(loss.remedy),
    }


def difference_line(item: Difference) -> str:
    """One difference on one line; not yet safe to print."""
    loss = item.loss
    why = "NO LOSS EXPLAINS IT"
    if loss is not None:
        at = _origin(loss.origin) or "the whole policy"
        why = f"{loss.code} {loss.rule_name} ({at})".replace("  ", " ")
    return (
        f"{item.agreement.value}: {item.facts.path}{item.whom}: "
        f"baseline {item.baseline.verdict.value}, "
        f"target {item.target.verdict.value} ({item.target.reason}); {why}"
    )


def _origin(span: Span) -> str:
    return "" if span == NOWHERE else f"{span.file}:{span.line}:{span.column}"


def _text(text: str) -> str:
    """Text that every JSON reader takes; bytes that were no UTF-8 become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
