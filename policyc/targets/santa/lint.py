"""What is wrong with a Santa configuration: coded traps, each with its evidence."""

from __future__ import annotations

import re

from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts
from policyc.targets.base import ArtifactError
from policyc.targets.lint_register import LintFinding, Place
from policyc.targets.santa import lint_files, lint_inventory, lint_paths, lint_settings
from policyc.targets.santa.cel import available, complaint, without_texts
from policyc.targets.santa.critical import CRITICAL, FLOOR, SANTA_TEAM
from policyc.targets.santa.decide import decides
from policyc.targets.santa.formats.document import read_document
from policyc.targets.santa.lint_context import REGISTER, Context, Found, taken
from policyc.targets.santa.model import RulePolicy, RuleType
from policyc.targets.santa.payloads import payloads

__all__ = [
    "MANUALS",
    "REGISTER",
    "is_ours",
    "lint",
    "lint_files",
    "lint_inventory",
    "lint_paths",
    "lint_settings",
]

_PER_RUN = re.compile(r"\b(?:args|envs|euid|cwd|path)\b")
_WORKSHOP = re.compile(
    r"\b(?:ancestors|fds|entitlements|today|days|require_touchid\w*|REQUIRE_TOUCHID\w*|SEATBELT|AUDIT)\b"
)
_NAMED_RESULT = re.compile(r"LIST\b")


@REGISTER.rule("S001", Level.ERROR, "mend the rule; `policyc targets santa` has the types")
def ignored_rule(context: Context) -> Found:
    """A rule that Santa does not take.

    Why: it is logged and left out, the others are used; an import stops at it. Evidence:
    SNTRule.mm.
    """
    for payload in context.payloads:
        for number, item in enumerate(payload.rules, 1):
            try:
                taken(item)
            except ArtifactError as error:
                yield context.at_rule(payload, number), f"rule {number}: {error.message}"


@REGISTER.rule("S002", Level.ERROR, "use BINARY, CDHASH or SIGNINGID, or a plain ALLOWLIST")
def never_decides(context: Context) -> Found:
    """A type and a policy that never decide together, such as a compiler by TEAMID.

    Why: Santa takes the rule and then treats it as not found, without trying a less specific one.
    Evidence: the decisions map of SNTPolicyProcessor.mm.
    """
    for payload, number, rule in context.read:
        if rule.policy is not RulePolicy.REMOVE and not decides(rule.type, rule.policy):
            yield (
                context.at_rule(payload, number),
                f"rule {number}: {rule.policy.value} by {rule.type.name}",
            )


@REGISTER.rule("S003", Level.ERROR, "leave the rule out")
def static_remove(context: Context) -> Found:
    """REMOVE among the static rules.

    Why: it removes nothing, and hides the rules of the database for what it names (inferred from
    the early return of executionRuleForIdentifiers in SNTRuleTable.mm).
    """
    for payload, number, rule in context.read:
        if payload.static and rule.policy is RulePolicy.REMOVE:
            yield context.at_rule(payload, number), f"rule {number}: REMOVE of {rule.identifier}"


@REGISTER.rule("S004", Level.ERROR, "keep one rule for each identifier")
def same_identifier(context: Context) -> Found:
    """Two rules with one identifier; the last one counts, silently.

    Why: static rules are kept by identifier alone, those of the database by identifier and type.
    Evidence: SNTRuleTable.mm.
    """
    seen: dict[tuple[object, ...], int] = {}
    for payload, number, rule in context.read:
        kind = None if payload.static else rule.type
        first = seen.setdefault((id(payload), kind, rule.identifier), number)
        if first != number:
            yield (
                context.at_rule(payload, number),
                f"rule {number}: {rule.identifier} is in rule {first}, too",
            )


@REGISTER.rule("S005", Level.WARNING, "leave the rule out")
def critical_block(context: Context) -> Found:
    """A block of something that Santa always lets run.

    Why: macOS's critical programs and Santa's own are allowed before any rule is asked. Evidence:
    criticalSystemBinaryPaths in SNTRuleTable.mm; the signing IDs are inferred from the paths.
    """
    for payload, number, rule in context.read:
        own = rule.type is RuleType.SIGNINGID and rule.identifier in CRITICAL
        if own and rule.policy.value.endswith("BLOCKLIST"):
            yield (
                context.at_rule(payload, number),
                f"rule {number}: {rule.identifier} cannot be blocked",
            )


@REGISTER.rule("S006", Level.ERROR, "leave the rule out")
def floor_block(context: Context) -> Found:
    """A block of what it takes to bring the next policy.

    Why: without macOS's MDM client, or Santa's system extension, nobody can take the block back.
    """
    for payload, number, rule in context.read:
        if not rule.policy.value.endswith("BLOCKLIST"):
            continue
        team = rule.type is RuleType.TEAMID and rule.identifier == SANTA_TEAM
        why = "who sign Santa" if team else FLOOR.get(rule.identifier)
        if why is not None:
            yield context.at_rule(payload, number), f"rule {number}: {rule.identifier}, {why}"


@REGISTER.rule("S020", Level.ERROR, "use what CEL version 1 has")
def workshop_cel(context: Context) -> Found:
    """An expression with names that only CEL version 2 has, in a static rule or an import.

    Why: it does not compile there, and the rule is left out silently. Evidence:
    updateStaticRules in SNTRuleTable.mm, cel/v1.proto.
    """
    for payload, number, rule in context.read:
        names = sorted(set(_WORKSHOP.findall(without_texts(rule.cel))))
        if names:
            yield context.at_rule(payload, number), f"rule {number}: {', '.join(names)}"


@REGISTER.rule("S021", Level.WARNING, "use `target` only, where that is enough")
def uncached_cel(context: Context) -> Found:
    """An expression about one run (args, envs, euid, cwd, path).

    Why: its result is not kept, so it is evaluated each time the program starts.
    """
    for payload, number, rule in context.read:
        names = sorted(set(_PER_RUN.findall(without_texts(rule.cel))))
        if names:
            yield context.at_rule(payload, number), f"rule {number}: {', '.join(names)}"


@REGISTER.rule("S022", Level.ERROR, "mend the expression; Santa's cookbook has examples")
def broken_cel(context: Context) -> Found:
    """A CEL expression that does not compile, or gives neither a truth nor a policy.

    Why: a static rule is then left out silently, another is refused. Checked by the engine that
    Santa embeds, where `policyc[cel]` is installed. Evidence: updateStaticRules in
    SNTRuleTable.mm, cel/v1.proto.
    """
    if not available():
        return
    for payload, number, rule in context.read:
        if rule.policy is not RulePolicy.CEL or _WORKSHOP.search(without_texts(rule.cel)):
            continue  # S020 tells the latter
        message = complaint(rule.cel)
        if message is not None:
            yield context.at_rule(payload, number), f"rule {number}: {message}"


@REGISTER.rule("S023", Level.WARNING, "write `? BLOCKLIST : ALLOWLIST`, or turn it around")
def one_result_cel(context: Context) -> Found:
    """A CEL expression about one run that is a plain truth.

    Why: true allows and false blocks. `args.exists(a, a == "--evil")` lets only the bad use run.
    Evidence: Santa's own documentation had it wrong once.
    """
    for payload, number, rule in context.read:
        plain = without_texts(rule.cel)
        if _PER_RUN.search(plain) and not _NAMED_RESULT.search(plain) and "!" not in plain:
            yield context.at_rule(payload, number), f"rule {number}: true allows"


@REGISTER.rule("S050", Level.INFO, "give the profile that has Santa's settings")
def nothing_of_ours(context: Context) -> Found:
    """A file without settings or rules of Santa, so that nothing in it was looked at."""
    if not context.payloads:
        yield context.place, "no settings of Santa in it"


def is_ours(name: str) -> bool:
    """Whether a file, by its name, is a profile, a property list, or a server's rules."""
    return name.lower().endswith((".mobileconfig", ".plist", ".json", ".toml", ".csv"))


MANUALS = {code: f"{rule.manual}\n\nFix: {rule.fix}" for code, rule in REGISTER.rules.items()}
"""The page of each code."""


def lint(
    name: str, data: bytes, files: tuple[FileFacts, ...] = ()
) -> tuple[LintFinding[Place], ...]:
    """Findings about one file; ArtifactError if it cannot be read.

    ``files`` are those that the configuration will meet.
    """
    document = read_document(name, data)
    return REGISTER.run(Context(name, document, payloads(document), files))
