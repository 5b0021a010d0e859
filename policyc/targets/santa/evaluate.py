"""What Santa decides about a program, as if in Lockdown.

Ported from the documented order of SNTPolicyProcessor.mm and SNTRuleTable.mm: the most
specific rule that the signing status admits, then the blocked expression, then the allowed
one, then the client mode. Monitor mode decides the same and only reports a denial.
"""

from __future__ import annotations

import re
from functools import lru_cache

from policyc.model.decision import Decision, Verdict
from policyc.model.facts import UNKNOWN, FileFacts, MachoKind, MachoSlice, SignatureGrade
from policyc.model.index import once_per_object
from policyc.targets.santa.model import RulePolicy, RuleType, SantaPolicy, SantaRule
from policyc.targets.santa.parse import python_expression

_ENFORCED = 0x10000 | 0x100 | 0x200
"""Hardened runtime, hard, kill: CdhashStrictlyEnforced, read from the file's own flags."""

_USABLE = {
    SignatureGrade.PRODUCTION: frozenset(RuleType),
    SignatureGrade.DEVELOPMENT: frozenset({RuleType.CDHASH, RuleType.BINARY, RuleType.CERTIFICATE}),
    SignatureGrade.ADHOC: frozenset({RuleType.CDHASH, RuleType.BINARY}),
    SignatureGrade.INVALID: frozenset({RuleType.BINARY}),
}
"""SNTRuleIdentifiers.mm, filterIdentifiers:forSigningStatus:."""


def evaluate(policy: SantaPolicy, facts: FileFacts) -> Decision:
    """The decision, with the identifiers that were looked up.

    Every executable slice is judged, as the kernel picks one by the machine: the file is
    denied if one of them is (the reading that never allows too much).
    """
    if facts.macho is None:
        return Decision(verdict=Verdict.NOT_GOVERNED, reason="no Mach-O file")
    slices = [piece for piece in facts.macho.slices if piece.kind is MachoKind.EXECUTABLE]
    if not slices:
        return Decision(verdict=Verdict.NOT_GOVERNED, reason="no main executable")
    decisions = [_slice(policy, facts, piece, mixed=facts.macho.mixed) for piece in slices]
    for verdict in (Verdict.DENY, Verdict.UNDETERMINED):
        for decision in decisions:
            if decision.verdict is verdict:
                return decision
    return decisions[0]


def _slice(policy: SantaPolicy, facts: FileFacts, piece: MachoSlice, *, mixed: bool) -> Decision:
    table = rules_by_identifier(policy.rules)
    own = identifiers(facts, piece, mixed=mixed)
    if RuleType.BINARY not in own and facts.hashes.sha256 is UNKNOWN:
        return Decision(verdict=Verdict.UNDETERMINED, reason="the sha256 is not known")
    for kind in RuleType:
        identifier = own.get(kind)
        rule = None if identifier is None else table.get((kind, identifier))
        if rule is not None:
            allowed = rule.policy is RulePolicy.ALLOWLIST
            verdict = Verdict.ALLOW if allowed else Verdict.DENY
            return Decision(verdict=verdict, reason=f"{kind.name} {identifier}")
    if _matches(policy.blocked_path_regex, facts.path):
        return Decision(verdict=Verdict.DENY, reason="BlockedPathRegex")
    if _matches(policy.allowed_path_regex, facts.path):
        return Decision(verdict=Verdict.ALLOW, reason="AllowedPathRegex")
    return Decision(verdict=Verdict.DENY, reason="no rule, Lockdown")


def identifiers(facts: FileFacts, piece: MachoSlice, *, mixed: bool) -> dict[RuleType, str]:
    """The identifiers Santa looks up, after the signing status has had its say."""
    found: dict[RuleType, str] = {}
    if facts.hashes.sha256 is not None and facts.hashes.sha256 is not UNKNOWN:
        found[RuleType.BINARY] = facts.hashes.sha256.value
    if piece.cdhash is not None and piece.flags & _ENFORCED:
        found[RuleType.CDHASH] = piece.cdhash.value
    if piece.leaf is not None:
        found[RuleType.CERTIFICATE] = piece.leaf.value
    if piece.team is not None:
        found[RuleType.TEAMID] = piece.team.value
    if piece.identifier and (piece.team is not None or piece.platform_binary):
        prefix = "platform" if piece.team is None else piece.team.value
        found[RuleType.SIGNINGID] = f"{prefix}:{piece.identifier}"
    grade = SignatureGrade.INVALID if mixed or piece.grade is None else piece.grade
    return {kind: text for kind, text in found.items() if kind in _USABLE[grade]}


@once_per_object(4)
def rules_by_identifier(
    rules: tuple[SantaRule, ...],
) -> dict[tuple[RuleType, str], SantaRule]:
    """Static rules by type and identifier, which are unique."""
    return {(rule.type, rule.identifier): rule for rule in rules}


def _matches(expression: str, path: str) -> bool:
    """Santa searches, with ``^`` put in front where it is missing (SNTConfigurator.mm)."""
    return bool(expression) and _compiled(expression).search(path) is not None


@lru_cache(maxsize=16)
def _compiled(expression: str) -> re.Pattern[str]:
    text = python_expression(expression)
    return re.compile(text if text.startswith("^") else "^" + text)
