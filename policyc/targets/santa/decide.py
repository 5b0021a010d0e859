"""The decision Santa takes about one program, by the name it reports (sync/v1.proto, Decision).

Ported from the documented order of SNTPolicyProcessor.mm and SNTRuleTable.mm: critical programs
always run; then one rule, the most specific that the signing status admits, static rules before
synced ones; then bad signature protection, platform code, the blocked expression, the allowed
one, and the client mode.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from policyc.model.index import once_per_object
from policyc.targets.santa.model import (
    PLATFORM_SINCE,
    ClientMode,
    RulePolicy,
    RuleType,
    SantaPolicy,
    SantaRule,
)
from policyc.targets.santa.parse import python_expression

_HASHES_AND_NAMES = frozenset({RuleType.CDHASH, RuleType.BINARY, RuleType.SIGNINGID})
_DECIDING = {
    RulePolicy.ALLOWLIST: frozenset(RuleType),
    RulePolicy.ALLOWLIST_COMPILER: _HASHES_AND_NAMES,
    RulePolicy.ALLOWLIST_LOCAL_BINARY: frozenset({RuleType.BINARY}),
    RulePolicy.ALLOWLIST_LOCAL_SIGNINGID: frozenset({RuleType.SIGNINGID}),
    RulePolicy.TRANSITIVE: frozenset({RuleType.BINARY}),
    RulePolicy.BLOCKLIST: frozenset(RuleType),
    RulePolicy.SILENT_BLOCKLIST: frozenset(RuleType),
    RulePolicy.SILENT_GUI_BLOCKLIST: frozenset(RuleType),
    RulePolicy.SILENT_TTY_BLOCKLIST: frozenset(RuleType),
}
"""The ``decisions`` map of SNTPolicyProcessor.mm; a pair that is not in it is no rule at all."""


def decides(kind: RuleType, policy: RulePolicy) -> bool:
    """Whether a rule of this type with this policy ever decides; CEL is judged by its result."""
    return policy is RulePolicy.CEL or kind in _DECIDING.get(policy, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What Santa knows about a program. ``identifiers`` are those its signing status admits.

    ``bad_signature`` is a signature that does not validate, which unsigned code has not.
    ``platform`` is what the running system says; a file can only claim it. ``critical`` is one
    of the programs that Santa allows before it looks at any rule.
    """

    path: str
    identifiers: Mapping[RuleType, str]
    bad_signature: bool = False
    platform: bool = False
    critical: bool = False


class Unsettled(enum.Enum):
    """The result of an expression that depends on what is not known."""

    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the configuration meets. ``cel`` gives the policy of an expression, None on an error.

    Without ``cel``, or where it says OPEN, a matching CEL rule leaves the decision open.
    """

    mode: ClientMode = ClientMode.LOCKDOWN
    version: tuple[int, int] = (2025, 6)
    cel: Callable[[str], RulePolicy | Unsettled | None] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Santa's name of the decision, None if it is open, and what it rests on."""

    name: str | None
    reason: str

    @property
    def allows(self) -> bool | None:
        """Whether the program starts."""
        return None if self.name is None else self.name.startswith("ALLOW")


def decide(policy: SantaPolicy, program: Program, host: Host) -> Outcome:
    """The decision about a program."""
    if program.critical:
        return Outcome("ALLOW_SIGNINGID", "critical program, before any rule")
    rule = _matching(policy.rules, program) or _matching(policy.synced, program)
    decided = None if rule is None else _by_rule(policy, rule, host)
    return decided or _without_rule(policy, program, host)


def _matching(rules: tuple[SantaRule, ...], program: Program) -> SantaRule | None:
    """The one rule that is picked: the most specific of those there are."""
    table = rules_by_identifier(rules)
    for kind in RuleType:
        identifier = program.identifiers.get(kind)
        rule = None if identifier is None else table.get((kind, identifier))
        if rule is not None:
            return rule
    return None


def _by_rule(policy: SantaPolicy, rule: SantaRule, host: Host) -> Outcome | None:
    """What a rule decides, or None where it counts as not found; no other rule is tried then."""
    reason = f"{rule.type.name} {rule.identifier}"
    state = rule.policy
    if state is RulePolicy.CEL:
        result = Unsettled.OPEN if host.cel is None else host.cel(rule.cel)
        if isinstance(result, Unsettled):
            return Outcome(None, f"{reason}: a CEL expression, about what is not known here")
        if result is None:
            closed = policy.fail_closed and host.mode is not ClientMode.MONITOR
            return Outcome("BLOCK_UNKNOWN", f"{reason}: CEL error, FailClosed") if closed else None
        state = result
    if rule.type not in _DECIDING.get(state, frozenset()):
        return None
    if state is RulePolicy.TRANSITIVE and not policy.transitive_rules:
        return None
    blocks = state.value.endswith("BLOCKLIST")
    return Outcome(f"{'BLOCK' if blocks else 'ALLOW'}_{rule.type.name}", reason)


def _without_rule(policy: SantaPolicy, program: Program, host: Host) -> Outcome:
    if policy.bad_signature_protection and program.bad_signature:
        return Outcome("BLOCK_CERTIFICATE", "EnableBadSignatureProtection")
    if program.platform and host.version >= PLATFORM_SINCE:
        return Outcome("ALLOW_PLATFORM", "platform code")
    if matches(policy.blocked_path_regex, program.path):
        return Outcome("BLOCK_SCOPE", "BlockedPathRegex")
    if matches(policy.allowed_path_regex, program.path):
        return Outcome("ALLOW_SCOPE", "AllowedPathRegex")
    if host.mode is ClientMode.MONITOR:
        return Outcome("ALLOW_UNKNOWN", "no rule, Monitor")
    return Outcome("BLOCK_UNKNOWN", f"no rule, {host.mode.name.capitalize()}")


@once_per_object(8)
def rules_by_identifier(
    rules: tuple[SantaRule, ...],
) -> dict[tuple[RuleType, str], SantaRule]:
    """Rules by type and identifier, which are unique."""
    return {(rule.type, rule.identifier): rule for rule in rules}


def matches(expression: str, path: str) -> bool:
    """Santa searches, with ``^`` put in front where it is missing (SNTConfigurator.mm)."""
    return bool(expression) and _compiled(expression).search(path) is not None


@lru_cache(maxsize=16)
def _compiled(expression: str) -> re.Pattern[str]:
    text = python_expression(expression)
    return re.compile(text if text.startswith("^") else "^" + text)
