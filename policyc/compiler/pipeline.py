"""The pipeline for one target: every compile is proved by parsing its own output back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policyc.lowering.specialise import specialise
from policyc.model.artifact import Artifact
from policyc.model.decision import Decision
from policyc.model.facts import FileFacts, Inventory
from policyc.model.ir import AcceptedLoss, PolicyIR, RuleId
from policyc.model.loss import Drift, Loss
from policyc.targets import load_target
from policyc.targets.base import ArtifactError, Lowered, Target
from policyc.verify import Report, compare


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResult:
    """What became of one target.

    ``refused`` are the widening losses the baseline does not accept: nothing is written.
    ``failure`` says that our own output did not verify; that is a defect of policyc.
    """

    target: str
    artifacts: tuple[Artifact, ...]
    losses: tuple[Loss, ...]
    refused: tuple[Loss, ...]
    accepted: frozenset[AcceptedLoss]
    report: Report
    rules: int
    provenance: Mapping[str, tuple[RuleId, ...]] = field(default_factory=dict)
    failure: str | None = None

    @property
    def writable(self) -> bool:
        """True if the artifacts may be written."""
        return not self.refused and self.failure is None


def compile_policy(
    policy: PolicyIR, inventory: Inventory, targets: Iterable[str]
) -> tuple[TargetResult, ...]:
    """Compile for each target; raises KeyError for an unknown one. Writes nothing."""
    return tuple(compile_target(policy, inventory, name) for name in targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    target: Target[Any]
    policy: PolicyIR
    files: tuple[FileFacts, ...]
    lowered: Lowered[Any]
    losses: tuple[Loss, ...]


def _prepare(policy: PolicyIR, inventory: Inventory, name: str) -> _Prepared:
    target = load_target(name)
    files = tuple(facts for facts in inventory.files if target.governs(facts))
    own = specialise(
        policy,
        files,
        target=name,
        platform=target.capabilities.platform,
        collections=target.capabilities.collections,
    )
    lowered = target.lower(own.policy, inventory)
    losses = tuple(sorted({*own.losses, *lowered.losses}, key=_loss_order))
    return _Prepared(target=target, policy=own.policy, files=files, lowered=lowered, losses=losses)


def _loss_order(loss: Loss) -> tuple[object, ...]:
    return (loss.origin, loss.code, loss.drift.value, loss.message, loss.rule or RuleId(""))


def compile_target(policy: PolicyIR, inventory: Inventory, name: str) -> TargetResult:
    """Compile for one target and verify; raises KeyError for an unknown one."""
    prepared = _prepare(policy, inventory, name)
    artifacts = prepared.target.emit(prepared.lowered.model)
    refused, accepted = _accept(policy, prepared.losses)
    failure = None
    report = Report(target=name, agree=0, narrower=0, wider=0, unknown=0)
    try:
        model = prepared.target.parse(_enforced(artifacts))
    except ArtifactError as error:
        failure = f"our own artifact {error.artifact} cannot be read: {error.message}"
    else:
        if model != prepared.lowered.model:
            failure = "the artifact read back is not the policy that was written"
        report = _compare(prepared, model)
        if report.mismatches:
            failure = _mismatch_text(report)
    provenance = dict(sorted(prepared.lowered.provenance.items()))
    origins = _provenance_artifact(policy, provenance)
    return TargetResult(
        target=name,
        artifacts=tuple(sorted((*artifacts, origins), key=lambda item: item.name)),
        losses=prepared.losses,
        refused=refused,
        accepted=accepted,
        report=report,
        rules=len(provenance),
        provenance=provenance,
        failure=failure,
    )


def verify_artifacts(
    policy: PolicyIR, inventory: Inventory, name: str, artifacts: tuple[Artifact, ...]
) -> Report:
    """Compare any artifact of a target, even an edited one, with the baseline.

    Raises ArtifactError if it cannot be read, KeyError for an unknown target.
    """
    prepared = _prepare(policy, inventory, name)
    return _compare(prepared, prepared.target.parse(artifacts))


def evaluate_result(result: TargetResult, facts: FileFacts) -> Decision:
    """What a compiled policy decides about one file; raises ArtifactError."""
    target = load_target(result.target)
    return target.evaluate(target.parse(_enforced(result.artifacts)), facts)


def _compare(prepared: _Prepared, model: object) -> Report:
    target = prepared.target
    return compare(
        prepared.policy,
        prepared.files,
        lambda facts: target.evaluate(model, facts),
        target=target.capabilities.target,
        platform=target.capabilities.platform,
        losses=prepared.losses,
    )


def _enforced(artifacts: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    return tuple(item for item in artifacts if item.enforced)


def _accept(
    policy: PolicyIR, losses: tuple[Loss, ...]
) -> tuple[tuple[Loss, ...], frozenset[AcceptedLoss]]:
    refused = []
    used: set[AcceptedLoss] = set()
    for loss in losses:
        matching = [
            item
            for item in policy.accepted
            if item.code == loss.code
            and item.target == loss.target
            and item.rule in (None, loss.rule_name)
        ]
        used.update(matching)
        if loss.drift is Drift.WIDENS and not matching:
            refused.append(loss)
    return tuple(refused), frozenset(used)


def _mismatch_text(report: Report) -> str:
    first = report.mismatches[0]
    return (
        f"{len(report.mismatches)} files are decided differently and no loss says so; the first "
        f"is {first.facts.path!r}: baseline {first.baseline.verdict.value}, {report.target} "
        f"{first.target.verdict.value} ({first.target.reason})"
    )


def _provenance_artifact(
    policy: PolicyIR, provenance: Mapping[str, tuple[RuleId, ...]]
) -> Artifact:
    """Where each native id comes from, so that an event on an endpoint leads to the baseline."""
    rules = {rule.id: rule for rule in policy.rules}
    table = {
        native: [
            {
                "rule": identifier.value,
                "name": rules[identifier].name,
                "line": rules[identifier].origin.line,
                "column": rules[identifier].origin.column,
            }
            for identifier in identifiers
            if identifier in rules
        ]
        for native, identifiers in provenance.items()
    }
    data = json.dumps(table, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
    return Artifact(
        name="provenance.json",
        data=data.encode("ascii"),
        media_type="application/json",
        enforced=False,
    )
