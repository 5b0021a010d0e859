"""The pipeline for one target: every compile is proved by parsing its own output back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from policyc.checks.waiving import waived
from policyc.lowering.specialise import specialise
from policyc.model.artifact import PROVENANCE, Artifact
from policyc.model.decision import Decision
from policyc.model.facts import FileFacts
from policyc.model.inventory import Inventory
from policyc.model.ir import AcceptedLoss, PolicyIR, RuleId
from policyc.model.known_files import governed
from policyc.model.lists import written_out
from policyc.model.loss import Loss
from policyc.targets import load_target
from policyc.targets.base import ArtifactError, Lowered, Target
from policyc.verify import Report, Witnesses, compare, reduced, together, witnesses
from policyc.verify.personas import personas


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResult:
    """What became of one target.

    ``refused`` are the widening or grave losses the baseline does not accept: nothing is written.
    ``failure`` says that our own output did not verify; that is a defect of policyc.
    ``report`` counts the inventory's files, ``witness_report`` the made ones; ``truncated``
    says that there are more rules than the budget of witnesses reaches. ``reproducer`` holds
    the fewest rules that show a failure.
    """

    target: str
    artifacts: tuple[Artifact, ...]
    losses: tuple[Loss, ...]
    refused: tuple[Loss, ...]
    accepted: frozenset[AcceptedLoss]
    report: Report
    rules: int
    witness_report: Report
    truncated: bool = False
    provenance: Mapping[str, tuple[RuleId, ...]] = field(default_factory=dict)
    failure: str | None = None
    reproducer: PolicyIR | None = None

    @property
    def writable(self) -> bool:
        """True if the artifacts may be written."""
        return not self.refused and self.failure is None


_SHOWN = 20
"""Files of the inventory that a reproducer is tried with first: each try is a compile."""


def compile_policy(
    policy: PolicyIR, inventory: Inventory, targets: Iterable[str]
) -> tuple[TargetResult, ...]:
    """Compile for each target; raises KeyError for an unknown one. Writes nothing."""
    return tuple(compile_target(policy, inventory, name) for name in targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """``asked`` is the baseline's policy, with lists if the target has them; ``policy`` its own."""

    target: Target[Any]
    asked: PolicyIR
    policy: PolicyIR
    files: tuple[FileFacts, ...]
    known: tuple[FileFacts, ...]
    losses: tuple[Loss, ...]


def _prepare(policy: PolicyIR, inventory: Inventory, name: str) -> tuple[_Prepared, Lowered[Any]]:
    target = load_target(name)
    if not target.capabilities.lists:
        policy = written_out(policy)
    inventory = waived(inventory, policy.waivers)
    files = governed(inventory.files, target.governs)
    own = specialise(
        policy,
        files,
        target=name,
        platform=target.capabilities.platform,
        collections=target.capabilities.collections,
    )
    lowered = target.lower(own.policy, inventory)
    losses = tuple(sorted({*own.losses, *lowered.losses}, key=_loss_order))
    prepared = _Prepared(
        target=target,
        asked=policy,
        policy=own.policy,
        files=files,
        known=inventory.files,
        losses=losses,
    )
    return prepared, lowered


def _loss_order(loss: Loss) -> tuple[object, ...]:
    return (loss.origin, loss.code, loss.drift.value, loss.message, loss.rule or RuleId(""))


def compile_target(
    policy: PolicyIR, inventory: Inventory, name: str, *, reduce: bool = True
) -> TargetResult:
    """Compile for one target and verify; raises KeyError for an unknown one.

    A failure comes with a reduced policy unless ``reduce`` is false.
    """
    prepared, lowered = _prepare(policy, inventory, name)
    artifacts = prepared.target.emit(lowered.model)
    provenance = dict(sorted(lowered.provenance.items()))
    refused, accepted = _accept(policy, prepared.losses)
    failure = None
    report = seen = Report(target=name, agree=0, narrower=0, wider=0, unknown=0)
    truncated = False
    try:
        model = prepared.target.parse(_enforced(artifacts))
    except ArtifactError as error:
        failure = f"our own artifact {error.artifact} cannot be read: {error.message}"
    else:
        if model != lowered.model:
            failure = "the artifact read back is not the policy that was written"
        del lowered  # from here on only what was read back counts, and memory does too
        report = _compare(prepared, model, prepared.files)
        made = _witnesses(prepared, model)
        seen = together(_compare(prepared, model, made), *_for_people(prepared, model))
        truncated = made.truncated
        if report.mismatches or seen.mismatches:
            failure = _mismatch_text(report if report.mismatches else seen)
    origins = _provenance_artifact(prepared.asked, provenance)
    return TargetResult(
        target=name,
        artifacts=tuple(sorted((*artifacts, origins), key=lambda item: item.name)),
        losses=prepared.losses,
        refused=refused,
        accepted=accepted,
        report=report,
        rules=len(provenance),
        witness_report=seen,
        truncated=truncated,
        provenance=provenance,
        failure=failure,
        reproducer=_reproducer(policy, inventory, name, report) if failure and reduce else None,
    )


def _reproducer(policy: PolicyIR, inventory: Inventory, name: str, report: Report) -> PolicyIR:
    """The fewest rules whose compile fails too, on few files if those show it as well."""

    def fails(smaller: PolicyIR, files: Inventory) -> bool:
        return compile_target(smaller, files, name, reduce=False).failure is not None

    wrong = tuple(dict.fromkeys(item.facts for item in report.mismatches[:_SHOWN]))
    few = Inventory(host=inventory.host, files=wrong)
    chosen = few if fails(policy, few) else inventory
    return reduced(written_out(policy), lambda smaller: fails(smaller, chosen))


def losses_for(policy: PolicyIR, inventory: Inventory, name: str) -> tuple[Loss, ...]:
    """What a compile would lose, without printing or proving it; KeyError for no such target."""
    return _prepare(policy, inventory, name)[0].losses


def verify_artifacts(
    policy: PolicyIR, inventory: Inventory, name: str, artifacts: tuple[Artifact, ...]
) -> Report:
    """Compare any artifact of a target, even an edited one, with the baseline.

    Raises ArtifactError if it cannot be read, KeyError for an unknown target.
    """
    prepared, _ = _prepare(policy, inventory, name)
    model = prepared.target.parse(artifacts)
    return _compare(prepared, model, prepared.files)


def verify_witnesses(
    policy: PolicyIR, inventory: Inventory, name: str, artifacts: tuple[Artifact, ...]
) -> Report:
    """As ``verify_artifacts``, on files made from the rules of both sides."""
    prepared, _ = _prepare(policy, inventory, name)
    model = prepared.target.parse(artifacts)
    made = _compare(prepared, model, _witnesses(prepared, model))
    return together(made, *_for_people(prepared, model))


def evaluate_result(result: TargetResult, facts: FileFacts) -> Decision:
    """What a compiled policy decides about one file; raises ArtifactError."""
    target = load_target(result.target)
    return target.evaluate(target.parse(_enforced(result.artifacts)), facts)


def describe_result(result: TargetResult, facts: FileFacts) -> tuple[str, ...]:
    """How a compiled policy comes to its decision, in the target's words; raises ArtifactError."""
    target = load_target(result.target)
    if target.describe is None:
        return ()
    return target.describe(target.parse(_enforced(result.artifacts)), facts)


def _witnesses(prepared: _Prepared, model: object) -> Witnesses:
    target = prepared.target
    return witnesses(
        prepared.policy,
        model,
        prepared.known,
        platform=target.capabilities.platform,
        collections=target.capabilities.collections,
        governs=target.governs,
        special=target.capabilities.special,
    )


def _compare(
    prepared: _Prepared,
    model: object,
    files: Iterable[FileFacts],
    who: frozenset[str] = frozenset(),
) -> Report:
    target = prepared.target
    people = target.people
    evaluate: Callable[[FileFacts], Decision] = partial(target.evaluate, model)
    if people is not None and who:
        asked = people.evaluate
        evaluate = lambda facts: asked(model, facts, who)  # noqa: E731

    return compare(
        prepared.policy,
        files,
        evaluate,
        target=target.capabilities.target,
        platform=target.capabilities.platform,
        losses=prepared.losses,
        who=who,
    )


def _for_people(prepared: _Prepared, model: object) -> Iterator[Report]:
    """All files and witnesses again, for each principal of the baseline and for all at once."""
    for who in personas(prepared.policy, prepared.target.people):
        yield _compare(prepared, model, prepared.files, who)
        yield _compare(prepared, model, _witnesses(prepared, model), who)


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
        if loss.refused and not matching:
            refused.append(loss)
    return tuple(refused), frozenset(used)


def _mismatch_text(report: Report) -> str:
    first = report.mismatches[0]
    return (
        f"{len(report.mismatches)} files are decided differently and no loss says so; the first "
        f"is {first.facts.path!r}{first.whom}: baseline {first.baseline.verdict.value}, "
        f"{report.target} {first.target.verdict.value} ({first.target.reason})"
    )


def _provenance_artifact(
    policy: PolicyIR, provenance: Mapping[str, tuple[RuleId, ...]]
) -> Artifact:
    """Where each native id comes from, so that an event on an endpoint leads to the baseline.

    One line for each id, so that a review shows what changed.
    """
    rules = {rule.id: rule for rule in policy.rules}
    files: dict[str, dict[str, str]] = {}

    def sources(identifiers: tuple[RuleId, ...]) -> str:
        found = []
        for rule in (rules[identifier] for identifier in identifiers if identifier in rules):
            at = rule.origin
            if at.file not in files:
                files[at.file] = _file(at.file, policy.origin.file)
            place = {"line": at.line, "column": at.column}
            found.append({"rule": rule.id.value, "name": rule.name, **files[at.file], **place})
        return json.dumps(found, sort_keys=True)

    lines = [
        f"{json.dumps(native)}: {sources(identifiers)}"
        for native, identifiers in sorted(provenance.items())
    ]
    data = "{" + ",".join("\n " + line for line in lines) + "\n}\n"
    return Artifact(
        name=PROVENANCE,
        data=data.encode("ascii"),
        media_type="application/json",
        enforced=False,
    )


def _file(file: str, main: str) -> dict[str, str]:
    """The included file a rule stands in, seen from the baseline; nothing for the baseline."""
    if file == main:
        return {}
    if file.startswith("builtin:"):
        return {"file": file}
    return {"file": Path(os.path.relpath(file, Path(main).parent)).as_posix()}
