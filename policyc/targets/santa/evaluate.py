"""What Santa decides about a program, as if in Lockdown.

Which identifiers of a file Santa looks up, by its signing status; ``decide`` has the order. The
client mode is Lockdown here: Monitor differs only where no rule and no expression matches, which
it lets run. Platform code that no rule names is denied here, as up to release 2026.4.
"""

from __future__ import annotations

from policyc.model.decision import Decision, Verdict
from policyc.model.facts import UNKNOWN, FileFacts, MachoKind, MachoSlice
from policyc.model.signatures import SignatureGrade
from policyc.targets.santa.decide import Host, Program, decide
from policyc.targets.santa.model import RuleType, SantaPolicy

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
    own = identifiers(facts, piece, mixed=mixed)
    if RuleType.BINARY not in own and facts.hashes.sha256 is UNKNOWN:
        return Decision(verdict=Verdict.UNDETERMINED, reason="the sha256 is not known")
    outcome = decide(policy, program_of(facts, piece, mixed=mixed), Host())
    verdict = {True: Verdict.ALLOW, False: Verdict.DENY, None: Verdict.UNDETERMINED}
    return Decision(verdict=verdict[outcome.allows], reason=outcome.reason)


def program_of(facts: FileFacts, piece: MachoSlice, *, mixed: bool) -> Program:
    """One slice of a file as Santa would see it.

    An inconsistent file is a bad signature, whatever its slices are (MOLCodesignChecker). Only
    production code can be the platform's: anybody can write the byte into an ad hoc signature.
    """
    grade = SignatureGrade.INVALID if mixed else piece.grade
    return Program(
        path=facts.path,
        identifiers=identifiers(facts, piece, mixed=mixed),
        bad_signature=grade is SignatureGrade.INVALID,
        platform=piece.platform_binary and grade is SignatureGrade.PRODUCTION,
    )


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
