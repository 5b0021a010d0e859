"""Compare a target's evaluation with ``decide``, file by file.

The notion is translation validation (Pnueli, Siegel, Singerman, TACAS 1998): every run is
checked, not the translator. The verifier never repairs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from policyc.model.decider import Decider
from policyc.model.decision import Decision, Verdict, holds
from policyc.model.enumeration import Enumeration
from policyc.model.facets import FACETS, best_facet
from policyc.model.facts import FileFacts, Platform
from policyc.model.index import Index
from policyc.model.ir import AllOf, PolicyIR
from policyc.model.loss import Drift, Loss


class Agreement(Enumeration):
    """How two decisions about one file relate."""

    AGREE = "agree"
    NARROWER = "narrower"
    WIDER = "wider"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A file decided differently. ``loss`` explains it; None is an error of the compiler.

    ``who`` are the principals it was decided for, empty for somebody that no rule names.
    """

    facts: FileFacts
    agreement: Agreement
    baseline: Decision
    target: Decision
    loss: Loss | None
    who: frozenset[str] = frozenset()

    @property
    def whom(self) -> str:
        """`` for a, b`` where it was decided for somebody; not yet safe to print."""
        return f" for {', '.join(sorted(self.who))}" if self.who else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Counts over the files a target is asked about, and every difference, sorted by path."""

    target: str
    agree: int
    narrower: int
    wider: int
    unknown: int
    differences: tuple[Difference, ...] = ()

    @property
    def total(self) -> int:
        """How many files were decided both ways."""
        return self.agree + self.narrower + self.wider + self.unknown

    @property
    def mismatches(self) -> tuple[Difference, ...]:
        """The differences no loss explains."""
        return tuple(item for item in self.differences if item.loss is None)


def compare(
    policy: PolicyIR,
    files: Iterable[FileFacts],
    evaluate: Callable[[FileFacts], Decision],
    *,
    target: str,
    platform: Platform,
    losses: tuple[Loss, ...] = (),
    who: frozenset[str] = frozenset(),
) -> Report:
    """Evaluate every file both ways. ``policy`` is specialised to the target.

    ``evaluate`` works on the model parsed back from the artifact, and answers for ``who``.
    """
    counts = dict.fromkeys(Agreement, 0)
    agreed = 0
    differences: list[Difference] = []
    decider = Decider(policy, platform=platform)
    explanations = Explanations(losses)
    for facts in files:
        wanted = decider.decide(facts, who)
        got = evaluate(facts)
        if wanted.verdict is got.verdict and wanted.verdict is not Verdict.UNDETERMINED:
            agreed += 1
            continue
        agreement = relate(wanted.verdict, got.verdict)
        counts[agreement] += 1
        if agreement in (Agreement.NARROWER, Agreement.WIDER):
            differences.append(
                Difference(
                    facts=facts,
                    agreement=agreement,
                    baseline=wanted,
                    target=got,
                    loss=explanations.find(facts, agreement),
                    who=who,
                )
            )
    differences.sort(key=_by_path)
    return Report(
        target=target,
        agree=agreed + counts[Agreement.AGREE],
        narrower=counts[Agreement.NARROWER],
        wider=counts[Agreement.WIDER],
        unknown=counts[Agreement.UNKNOWN],
        differences=tuple(differences),
    )


def _by_path(item: Difference) -> tuple[str, list[str]]:
    return item.facts.path, sorted(item.who)


def together(first: Report, *others: Report) -> Report:
    """One report on all the files of several."""
    found = (first, *others)
    return Report(
        target=first.target,
        agree=sum(item.agree for item in found),
        narrower=sum(item.narrower for item in found),
        wider=sum(item.wider for item in found),
        unknown=sum(item.unknown for item in found),
        differences=tuple(
            sorted((each for item in found for each in item.differences), key=_by_path)
        ),
    )


def relate(wanted: Verdict, got: Verdict) -> Agreement:
    """Compare by effect: a file that is not governed runs."""
    if Verdict.UNDETERMINED in (wanted, got):
        return Agreement.UNKNOWN
    wanted_runs = wanted is not Verdict.DENY
    got_runs = got is not Verdict.DENY
    if wanted_runs == got_runs:
        return Agreement.AGREE
    return Agreement.WIDER if got_runs else Agreement.NARROWER


def explaining(facts: FileFacts, agreement: Agreement, losses: Iterable[Loss]) -> Loss | None:
    """The first loss of the right direction that covers the file, or None."""
    wanted = Drift.WIDENS if agreement is Agreement.WIDER else Drift.NARROWS
    for loss in losses:
        if loss.drift is not wanted or facts.collection not in loss.collections:
            continue
        if any(holds(cover, facts) is not False for cover in loss.covers):
            return loss
    return None


class Explanations:
    """Losses prepared for many files; ``explaining`` says what they explain."""

    def __init__(self, losses: Iterable[Loss]) -> None:
        self._losses = tuple(losses)
        self._covers: Index[FileFacts, tuple[int, AllOf]] = Index(FACETS)
        for number, loss in enumerate(self._losses):
            for cover in loss.covers:
                facet = best_facet(cover)
                if facet is None:
                    self._covers.add((number, cover), None)
                else:
                    self._covers.add((number, cover), facet[0], (facet[1],))

    def find(self, facts: FileFacts, agreement: Agreement) -> Loss | None:
        """The same loss as ``explaining(facts, agreement, losses)``."""
        numbers = dict.fromkeys(number for number, _ in self._covers.find(facts))
        return explaining(facts, agreement, (self._losses[number] for number in numbers))
