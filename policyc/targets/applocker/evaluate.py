"""What AppLocker decides about a file for an ordinary user."""

from __future__ import annotations

from policyc.model.decision import Decision, Verdict
from policyc.model.facts import FileFacts
from policyc.targets.applocker.decide import Outcome, Token, decide
from policyc.targets.applocker.model import EVERYONE, AppLockerPolicy, EnforcementMode
from policyc.targets.applocker.principals import sid_of


def evaluate(policy: AppLockerPolicy, facts: FileFacts) -> Decision:
    """The decision, with the word Test-AppLockerPolicy would use and the rule's id.

    The user is anybody: rules for other SIDs than Everyone do not apply. Group membership
    and the filtered token of an administrator are the endpoint's to know.
    """
    return _decision(decide(policy, facts))


def evaluate_for(policy: AppLockerPolicy, facts: FileFacts, principals: frozenset[str]) -> Decision:
    """``evaluate`` for a token with the SIDs of all the principals that have one."""
    known = {sid for name in principals if (sid := sid_of(name)) is not None}
    return _decision(decide(policy, facts, Token(sids=frozenset({EVERYONE, *known}))))


def _decision(outcome: Outcome) -> Decision:
    return Decision(verdict=_verdict(outcome), reason=_reason(outcome))


def _verdict(outcome: Outcome) -> Verdict:
    if outcome.answer is None:
        return Verdict.UNDETERMINED
    if outcome.denies:
        return Verdict.DENY
    own = outcome.own
    if own is None or (not own.rules and own.mode is EnforcementMode.NOT_CONFIGURED):
        return Verdict.NOT_GOVERNED
    return Verdict.ALLOW


def _reason(outcome: Outcome) -> str:
    name = "" if outcome.rule is None else f"{outcome.rule.id} {outcome.rule.name}"
    if outcome.answer is None:
        return f"facts are missing for {name}" if name else outcome.note
    detail = name or outcome.note
    return f"{outcome.answer.value}: {detail}" if detail else outcome.answer.value


def cause(policy: AppLockerPolicy, reason: str) -> str:
    """The id of the rule that a reason names; empty where none decided."""
    word, _, rule = reason.partition(": ")
    identifier = rule.partition(" ")[0]
    known = {item.id for collection in policy.collections for item in collection.rules}
    return f"{word}: {identifier}" if identifier in known else ""
