"""How Santa comes to its decision about a program, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policyc.model.facts import FileFacts, MachoKind, MachoSlice
from policyc.model.signatures import SignatureGrade
from policyc.targets.santa.decide import Host, Program, decide, rules_by_identifier
from policyc.targets.santa.evaluate import host_for, program_of, signed_identifiers
from policyc.targets.santa.model import RuleType, SantaPolicy

_NEW = "of the new file"
_OF_BYTES = (RuleType.CDHASH, RuleType.BINARY)


def describe(policy: SantaPolicy, facts: FileFacts) -> tuple[str, ...]:
    """Lines for each executable slice.

    Every rule type in Santa's order with the file's identifier and what its rule says; then what
    an update, a new certificate and a signature by anybody would come to.
    """
    if facts.macho is None:
        return ()
    found: list[str] = []
    for piece in facts.macho.slices:
        if piece.kind is MachoKind.EXECUTABLE:
            found += _slice(policy, facts, piece, mixed=facts.macho.mixed)
    return tuple(found)


def _slice(
    policy: SantaPolicy, facts: FileFacts, piece: MachoSlice, *, mixed: bool
) -> Iterator[str]:
    program, host = program_of(facts, piece, mixed=mixed), host_for(policy, piece)
    table = rules_by_identifier(policy.rules)
    status = "unsigned" if piece.grade is None else piece.grade.value
    yield f"{piece.arch}: {'invalid, as the slices are not signed alike' if mixed else status}"
    signed = signed_identifiers(piece)
    decided = False
    for kind in RuleType:
        text = program.identifiers.get(kind)
        if text is None:
            why = "" if kind not in signed else f" {signed[kind]}, not taken from {status} code"
            lax = kind is RuleType.CDHASH and kind not in signed and piece.cdhash is not None
            yield f"  {kind.name}{' not enforced by its flags' if lax else why or ' none'}"
            continue
        rule = table.get((kind, text))
        says = "no rule" if rule is None else rule.policy.value
        yield f"  {kind.name} {text}: {says}{'' if rule is None or decided else ', decides'}"
        decided = decided or rule is not None
    yield f"  so: {_outcome(policy, program, host)}"
    if program.critical:
        return
    yield f"  after an update: {_outcome(policy, _updated(program), host)}"
    if RuleType.CERTIFICATE in program.identifiers:
        other = _without(_updated(program), RuleType.CERTIFICATE)
        yield f"  and with a new certificate: {_outcome(policy, other, host)}"
    if piece.grade is not SignatureGrade.ADHOC:
        own = _without(_updated(program), *RuleType)
        bare = replace(own, platform=False, bad_signature=False)
        yield f"  signed anew by anybody (ad hoc): {_outcome(policy, bare, host)}"


def _updated(program: Program) -> Program:
    """The same program with other bytes: its hashes are new, its names are not."""
    names = {
        kind: _NEW if kind in _OF_BYTES else text for kind, text in program.identifiers.items()
    }
    return replace(program, identifiers=names)


def _without(program: Program, *kinds: RuleType) -> Program:
    kept = {kind: text for kind, text in program.identifiers.items() if kind not in kinds}
    return replace(program, identifiers=kept)


def _outcome(policy: SantaPolicy, program: Program, host: Host) -> str:
    outcome = decide(policy, program, host)
    words = {True: "allowed", False: "denied", None: "open"}
    return f"{words[outcome.allows]} ({outcome.reason})"
