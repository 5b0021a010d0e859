"""A Santa configuration as a baseline: most specific wins becomes forbid wins, told where lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from policyc.model.artifact import Artifact
from policyc.model.facts import Collection, Platform
from policyc.model.identity import CdHash, CertSha256, Sha256Flat, SigningId, TeamId
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    Effect,
    HasHash,
    Mode,
    PolicyIR,
    Rule,
    SignedBy,
    TargetSettings,
)
from policyc.targets.base import ArtifactError
from policyc.targets.lifted import Lifted, Note
from policyc.targets.santa.decide import decides
from policyc.targets.santa.formats.document import read_document
from policyc.targets.santa.lift_paths import patterns
from policyc.targets.santa.lint_context import taken
from policyc.targets.santa.model import (
    PLATFORM_SINCE,
    RulePolicy,
    RuleType,
    SantaRule,
    release_text,
)
from policyc.targets.santa.payloads import SCOPES, Payload, payloads

_NOT_SAID = {
    "EnableBadSignatureProtection": "bad signatures are blocked in Monitor mode, too",
    "FileAccessPolicy": "which programs may read which files",
}
_EXPRESSIONS = {
    "AllowedPathRegex": Effect.PERMIT,
    "WhitelistRegex": Effect.PERMIT,
    "BlockedPathRegex": Effect.FORBID,
    "BlacklistRegex": Effect.FORBID,
}
_PROGRAMS, _MACOS = frozenset({Collection.EXECUTABLE}), frozenset({Platform.MACOS})
_BY_ITSELF = "what Santa allows by itself"
_PLAIN = {
    RulePolicy.ALLOWLIST_COMPILER: "what the compiler makes is no longer allowed by itself",
    RulePolicy.ALLOWLIST_LOCAL_BINARY: "the rule is no longer for this machine only",
    RulePolicy.ALLOWLIST_LOCAL_SIGNINGID: "the rule is no longer for this machine only",
}


def lift(artifact: Artifact) -> Lifted:
    """The baseline of a profile, or of rules in JSON; ArtifactError for what is neither."""
    try:
        found = payloads(read_document(artifact.name, artifact.data))
    except ArtifactError as error:
        raise ArtifactError(
            error.message, artifact=artifact.name, line=error.line, column=error.column
        ) from error
    keys = Counter(key for own in found for key in own.keys)
    if not found or any(count > 1 for count in keys.values()):
        # Which of two profiles' values counts is the system's affair.
        message = f"{len(found)} Santa configurations in the file, not one"
        raise ArtifactError(message, artifact=artifact.name)
    whole = max(found, key=lambda own: len(own.rules))
    merged = {key: value for own in found for key, value in own.keys.items()}
    return _Lifting(replace(whole, keys=merged)).run()


@dataclass
class _Lifting:
    payload: Payload
    notes: list[Note] = field(default_factory=list)

    def run(self) -> Lifted:
        mode = self.payload.keys.get("ClientMode")
        for key, meaning in _NOT_SAID.items():
            if self.payload.keys.get(key):
                self._lost(f"{key}: {meaning}: left out")
        if self.payload.goes_on:
            self._lost("the server has more rules than this file: another page or batch follows")
        if mode == 3:
            self._lost("Standalone asks the user; the baseline denies")
        rules = self._rules()
        self._conflicts(rules)
        paths = self._paths(rules)
        since = release_text(PLATFORM_SINCE)
        message = f"Apple's own code is permitted, as Santa does by itself from {since} on"
        self.notes.append(Note(message=message, lost=False))
        if any(rule.type is RuleType.CDHASH for rule in rules):
            message = "Santa takes a CDHash only from a slice that enforces its signature (L025)"
            self.notes.append(Note(message=message, lost=False))
        policy = PolicyIR(
            name="Imported from Santa",
            governs={Collection.EXECUTABLE: Mode.ENFORCE if mode in (2, 3) else Mode.AUDIT},
            rules=frozenset([*map(_baseline_rule, rules), *paths, _platform_code()]),
            targets={"santa": TargetSettings()},
        )
        return Lifted(policy=policy, notes=tuple(dict.fromkeys(self.notes)))

    def _conflicts(self, rules: list[SantaRule]) -> None:
        """Allows that win over a less specific block; counted, as there may be millions."""
        allows = [rule for rule in rules if not _blocks(rule)]
        of_type = Counter(rule.type for rule in allows)
        of_team = Counter(
            rule.identifier.partition(":")[0] for rule in allows if rule.type is RuleType.SIGNINGID
        )
        for block in filter(_blocks, rules):
            count = sum(of_type[kind] for kind in RuleType if kind < block.type)
            if block.type is RuleType.TEAMID:  # a signing ID of another team is another program
                count += of_team[block.identifier] - of_type[RuleType.SIGNINGID]
            if count:
                self._lost(
                    f"{block.type.name} {block.identifier}: {count} more specific allows come "
                    "before this block; in the baseline it wins where both match"
                )

    def _paths(self, rules: list[SantaRule]) -> list[Rule]:
        """Rules for the expressions that patterns can say."""
        found = []
        for key, effect in _EXPRESSIONS.items():
            text = self.payload.keys.get(key)
            if not text:
                continue
            own = patterns(text) if isinstance(text, str) else None
            if own is None:
                word = "allowed" if effect is Effect.PERMIT else "blocked"
                self._lost(f"{key}: an expression for paths that are {word}: left out")
                continue
            found += [_rule(effect, AtPath(pattern), name="") for pattern in own]
            if effect is Effect.FORBID:
                allows = sum(not _blocks(rule) for rule in rules)
                self._lost(
                    f"{key}: Apple's own code and {allows} allows come before these paths; in the "
                    "baseline a forbidden path wins"
                )
        return found

    def _lost(self, message: str, number: int = 0) -> None:
        line = self.payload.rule_line(number) if number else 0
        self.notes.append(Note(message=message, line=line))

    def _rules(self) -> list[SantaRule]:
        """Rules that decide, the last of each identifier, as Santa keeps them."""
        kept: dict[tuple[RuleType | None, str], SantaRule] = {}
        for number, item in enumerate(self.payload.rules, 1):
            try:
                rule = taken(item)
            except ArtifactError as error:
                self._lost(f"rule {number}: {error.message}: left out", number)
                continue
            if any(item.get(key) for key in SCOPES):
                kept_as = "for all machines" if _blocks(rule) else "left out"
                self._lost(f"rule {number} is for some machines only: {kept_as}", number)
                if not _blocks(rule):
                    continue
            key = (None if self.payload.static else rule.type, rule.identifier)
            if key in kept:
                self._lost(f"rule {number}: replaces a rule of the same identifier", number)
            kept[key] = rule
        return [rule for rule in kept.values() if self._said(rule)]

    def _said(self, rule: SantaRule) -> bool:
        name = f"{rule.type.name} {rule.identifier}"
        if rule.policy is RulePolicy.CEL:
            self._lost(f"{name}: a CEL expression: left out")
            return False
        if not decides(rule.type, rule.policy):
            self._lost(f"{name}: {rule.policy.value} never decides: left out")
            return False
        if rule.policy in _PLAIN:
            self._lost(f"{name}: {_PLAIN[rule.policy]}")
        return True


def _blocks(rule: SantaRule) -> bool:
    return rule.policy.value.endswith("BLOCKLIST")


def _baseline_rule(rule: SantaRule) -> Rule:
    effect = Effect.FORBID if _blocks(rule) else Effect.PERMIT
    return _rule(effect, _atom(rule), name=rule.comment)


def _platform_code() -> Rule:
    return _rule(Effect.PERMIT, SignedBy(platform_binary=True), name=_BY_ITSELF)


def _rule(effect: Effect, atom: Atom, *, name: str) -> Rule:
    return Rule(
        effect=effect,
        match=AllOf(frozenset({atom})),
        collections=_PROGRAMS,
        platforms=_MACOS,
        name=name,
    )


def _atom(rule: SantaRule) -> Atom:
    match rule.type:
        case RuleType.CDHASH:
            return HasHash(CdHash(rule.identifier))
        case RuleType.BINARY:
            return HasHash(Sha256Flat(rule.identifier))
        case RuleType.SIGNINGID:
            return SignedBy(signing_id=SigningId(rule.identifier))
        case RuleType.CERTIFICATE:
            return SignedBy(leaf=CertSha256(rule.identifier))
        case RuleType.TEAMID:
            return SignedBy(team=TeamId(rule.identifier))
