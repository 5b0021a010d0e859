"""What Santa decides about a program, as if in Lockdown.

Which identifiers of a file Santa looks up, by its signing status; ``decide`` has the order. The
client mode is Lockdown here: Monitor differs only where no rule and no expression matches, which
it lets run. Machines have the release that the configuration is for or a newer one: where they
differ, the decision is open.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from policyc.model.decision import Decision, Verdict
from policyc.model.facts import UNKNOWN, FileFacts, MachoKind, MachoSlice
from policyc.model.signatures import SignatureGrade
from policyc.targets.santa.cel import Target, available, evaluate_cel, of_the_file
from policyc.targets.santa.critical import CRITICAL
from policyc.targets.santa.decide import Host, Program, Unsettled, decide
from policyc.targets.santa.model import (
    PLATFORM_SINCE,
    RulePolicy,
    RuleType,
    SantaPolicy,
    release_text,
)

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
    program = program_of(facts, piece, mixed=mixed)
    host = host_for(policy, piece)
    outcome = decide(policy, program, host)
    if program.platform and policy.min_version < PLATFORM_SINCE and not outcome.allows:
        newer = decide(policy, program, replace(host, version=PLATFORM_SINCE))
        if newer.allows:
            reason = f"{outcome.reason}; {newer.reason} from {release_text(PLATFORM_SINCE)} on"
            return Decision(verdict=Verdict.UNDETERMINED, reason=reason)
    verdict = {True: Verdict.ALLOW, False: Verdict.DENY, None: Verdict.UNDETERMINED}
    return Decision(verdict=verdict[outcome.allows], reason=outcome.reason)


def host_for(policy: SantaPolicy, piece: MachoSlice) -> Host:
    """The oldest machine that the configuration is for, and what CEL gives there for a slice."""
    return Host(version=policy.min_version, cel=partial(_result, piece))


def _result(piece: MachoSlice, expression: str) -> RulePolicy | Unsettled | None:
    """What a CEL expression gives for the slice, as far as its file and the engine tell."""
    if not available() or not of_the_file(expression):
        return Unsettled.OPEN
    target = Target(
        signing_id=signing_id(piece) or "",
        team_id="" if piece.team is None else piece.team.value,
        is_platform_binary=piece.platform_binary,
    )
    return evaluate_cel(expression, target)


def program_of(facts: FileFacts, piece: MachoSlice, *, mixed: bool) -> Program:
    """One slice of a file as Santa would see it.

    An inconsistent file is a bad signature, whatever its slices are (MOLCodesignChecker). Only
    production code can be the platform's: anybody can write the byte into an ad hoc signature.
    The same goes for the critical programs.
    """
    grade = SignatureGrade.INVALID if mixed else piece.grade
    return Program(
        path=facts.path,
        identifiers=identifiers(facts, piece, mixed=mixed),
        bad_signature=grade is SignatureGrade.INVALID,
        platform=piece.platform_binary and grade is SignatureGrade.PRODUCTION,
        critical=grade is SignatureGrade.PRODUCTION and signing_id(piece) in CRITICAL,
    )


def signing_id(piece: MachoSlice) -> str | None:
    """The signing ID as Santa writes it; ad hoc code has none (SigningIDHelpers.mm)."""
    if not piece.identifier or (piece.team is None and not piece.platform_binary):
        return None
    prefix = "platform" if piece.team is None else piece.team.value
    return f"{prefix}:{piece.identifier}"


def identifiers(facts: FileFacts, piece: MachoSlice, *, mixed: bool) -> dict[RuleType, str]:
    """The identifiers Santa looks up, after the signing status has had its say."""
    found: dict[RuleType, str] = {}
    if facts.hashes.sha256 is not None and facts.hashes.sha256 is not UNKNOWN:
        found[RuleType.BINARY] = facts.hashes.sha256.value
    found |= signed_identifiers(piece)
    grade = SignatureGrade.INVALID if mixed or piece.grade is None else piece.grade
    return {kind: text for kind, text in found.items() if kind in _USABLE[grade]}


def signed_identifiers(piece: MachoSlice) -> dict[RuleType, str]:
    """What the signature of a slice says, whether its status admits it or not."""
    found: dict[RuleType, str] = {}
    if piece.cdhash is not None and piece.flags & _ENFORCED:
        found[RuleType.CDHASH] = piece.cdhash.value
    if piece.leaf is not None:
        found[RuleType.CERTIFICATE] = piece.leaf.value
    if piece.team is not None:
        found[RuleType.TEAMID] = piece.team.value
    own = signing_id(piece)
    if own is not None:
        found[RuleType.SIGNINGID] = own
    return found
