"""Lint rules on a configuration and the programs it will meet."""

from __future__ import annotations

from collections.abc import Iterator

from policyc.model.diagnostic import Level
from policyc.model.facts import UNKNOWN, FileFacts, MachoKind, MachoSlice
from policyc.model.signatures import SignatureGrade
from policyc.targets.santa.capabilities import governs
from policyc.targets.santa.evaluate import identifiers, signed_identifiers
from policyc.targets.santa.lint_context import REGISTER, Context, Found
from policyc.targets.santa.model import RuleType, SantaRule
from policyc.targets.santa.payloads import Payload

_MOST = 100
"""Findings of one rule; an inventory may hold a million programs."""


def _slices(files: tuple[FileFacts, ...]) -> Iterator[tuple[FileFacts, MachoSlice, bool]]:
    for facts in files:
        for piece in facts.macho.slices if facts.macho is not None else ():
            if piece.kind is MachoKind.EXECUTABLE:
                yield facts, piece, facts.macho is not None and facts.macho.mixed


def _unmatched(
    context: Context, wanted: SignatureGrade | None, *, mixed: bool
) -> Iterator[tuple[Payload, int, SantaRule, FileFacts]]:
    """Rules whose identifier a program has, but not for Santa, by its signing status."""
    rules = {
        (rule.type, rule.identifier): (payload, at, rule) for payload, at, rule in context.read
    }
    left = _MOST
    for facts, piece, is_mixed in _slices(context.files):
        if is_mixed is not mixed or (not mixed and piece.grade is not wanted):
            continue
        usable = identifiers(facts, piece, mixed=is_mixed)
        for kind, text in signed_identifiers(piece).items():
            found = rules.get((kind, text))
            if found is not None and kind not in usable and left:
                left -= 1
                yield (*found, facts)


@REGISTER.rule("S060", Level.ERROR, "allow the file by BINARY, or have it signed anew")
def mixed_slices(context: Context) -> Found:
    """A rule for a universal file whose slices are not signed alike.

    Why: to Santa the whole file has an invalid signature, so only a BINARY rule matches, and bad
    signature protection blocks it in Monitor mode, too. Evidence: MOLCodesignChecker,
    testAllArchitectures. Needs an inventory (`-i`).
    """
    for payload, number, rule, facts in _unmatched(context, None, mixed=True):
        message = f"rule {number}: {rule.type.name} does not match {facts.path}"
        yield context.at_rule(payload, number), message


@REGISTER.rule("S061", Level.WARNING, "leave the rule out")
def library_rule(context: Context) -> Found:
    """A rule for a file that is no main executable.

    Why: Santa is asked about programs; libraries, bundles and scripts never meet a rule. Evidence:
    Santa's documentation, "Limitations". Needs an inventory (`-i`).
    """
    by_hash = {
        facts.hashes.sha256.value: facts
        for facts in context.files
        if facts.hashes.sha256 is not None
        and facts.hashes.sha256 is not UNKNOWN
        and not governs(facts)
    }
    by_cdhash = {
        piece.cdhash.value: facts
        for facts in context.files
        if facts.macho is not None
        for piece in facts.macho.slices
        if piece.cdhash is not None and piece.kind is not MachoKind.EXECUTABLE
    }
    tables = {RuleType.BINARY: by_hash, RuleType.CDHASH: by_cdhash}
    for payload, number, rule in context.read:
        facts = tables.get(rule.type, {}).get(rule.identifier)
        if facts is not None:
            yield context.at_rule(payload, number), f"rule {number}: {facts.path} is no program"


@REGISTER.rule("S062", Level.ERROR, "use BINARY")
def lax_cdhash(context: Context) -> Found:
    """A CDHASH rule for a program without hardened runtime, hard or kill.

    Why: Santa takes the CDHash only where the system enforces it (CodeSigningIdentifierUtils.h).
    Code for Apple silicon may get the flags when it starts, which no file shows. Needs an inventory
    (`-i`).
    """
    lax = {
        piece.cdhash.value: facts
        for facts, piece, mixed in _slices(context.files)
        if piece.cdhash is not None
        and RuleType.CDHASH not in identifiers(facts, piece, mixed=mixed)
        and not mixed
    }
    for payload, number, rule in context.read:
        facts = lax.get(rule.identifier) if rule.type is RuleType.CDHASH else None
        if facts is not None:
            yield context.at_rule(payload, number), f"rule {number}: not taken from {facts.path}"


@REGISTER.rule("S063", Level.ERROR, "use CERTIFICATE or BINARY")
def development_code(context: Context) -> Found:
    """A rule by team or signing ID for a program with a development signature.

    Why: Santa takes CDHASH, BINARY and CERTIFICATE from it only (SNTRuleIdentifiers.mm). Needs an
    inventory (`-i`).
    """
    for payload, number, rule, facts in _unmatched(
        context, SignatureGrade.DEVELOPMENT, mixed=False
    ):
        message = f"rule {number}: {rule.type.name} does not match {facts.path}"
        yield context.at_rule(payload, number), message


@REGISTER.rule("S064", Level.WARNING, "write one rule for each slice, or use SIGNINGID")
def one_slice(context: Context) -> Found:
    """A CDHASH rule for one slice of a universal file, and none for another.

    Why: every slice has a CDHash of its own, and the kernel picks the slice by the machine; on
    another kind of Mac the rule does not match. Needs an inventory (`-i`).
    """
    named = {
        rule.identifier: (payload, number)
        for payload, number, rule in context.read
        if rule.type is RuleType.CDHASH
    }
    for facts in context.files if named else ():
        own = [
            piece.cdhash.value
            for piece in (facts.macho.slices if facts.macho is not None else ())
            if piece.cdhash is not None and piece.kind is MachoKind.EXECUTABLE
        ]
        present = [text for text in own if text in named]
        if present and len(present) < len(own):
            payload, number = named[present[0]]
            message = f"rule {number}: {len(present)} of {len(own)} slices of {facts.path}"
            yield context.at_rule(payload, number), message
