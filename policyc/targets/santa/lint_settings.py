"""Lint rules on the keys of a configuration."""

from __future__ import annotations

import re
from collections import Counter

from policyc.model.diagnostic import Level
from policyc.targets.santa.decide import decides
from policyc.targets.santa.formats.document import Format
from policyc.targets.santa.keys import REPLACED, TYPES
from policyc.targets.santa.lint_context import REGISTER, Context, Found
from policyc.targets.santa.model import RulePolicy, RuleType

_MOST_RULES = 5000
_MODES = (1, 2, 3)
_LOCKED = (2, 3)
_SAFE = re.compile(r"https://|http://(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/]|$)", re.IGNORECASE)
_NAMES = frozenset({RuleType.SIGNINGID, RuleType.CERTIFICATE, RuleType.TEAMID})
_SIGNERS = frozenset({"platform:com.apple.security.codesign", "platform:com.apple.codesign"})


@REGISTER.rule("S007", Level.WARNING, "set EnableTransitiveRules, or use a plain ALLOWLIST")
def idle_compiler(context: Context) -> Found:
    """A compiler rule where transitive rules are off.

    Why: it is then a plain allow, and what the compiler makes is not allowed. Evidence:
    SNTCompilerController.mm.
    """
    for payload, number, rule in context.read:
        on = payload.keys.get("EnableTransitiveRules")
        on = on or payload.keys.get("EnableTransitiveWhitelisting")
        compiler = rule.policy is RulePolicy.ALLOWLIST_COMPILER and decides(rule.type, rule.policy)
        if compiler and payload.static and not (on or payload.keys.get("SyncBaseURL")):
            yield context.at_rule(payload, number), f"rule {number}: no transitive rules"


@REGISTER.rule("S008", Level.WARNING, "name the compiler, not what signs its output")
def signing_compiler(context: Context) -> Found:
    """A compiler rule for codesign.

    Why: whatever is signed anew with it, by anybody, may then run. Evidence:
    SNTCompilerController.mm: every executable that the process writes is allowed.
    """
    for payload, number, rule in context.read:
        if rule.policy is RulePolicy.ALLOWLIST_COMPILER and rule.identifier in _SIGNERS:
            yield context.at_rule(payload, number), f"rule {number}: {rule.identifier}"


@REGISTER.rule("S030", Level.WARNING, "see the key's name and payload")
def unknown_key(context: Context) -> Found:
    """A key that Santa does not know. Evidence: the key table of SNTConfigurator.mm."""
    for payload in context.payloads:
        for key in sorted(payload.keys.keys() - TYPES.keys()):
            yield context.at_key(payload, key), f"{key} is not recognised"


@REGISTER.rule("S031", Level.ERROR, "give the value its type")
def wrong_type(context: Context) -> Found:
    """A value of another type than Santa takes for the key; the key is then ignored."""
    for payload in context.payloads:
        for key, value in sorted(payload.keys.items()):
            if key in TYPES and not isinstance(value, TYPES[key]):
                yield context.at_key(payload, key), f"{key} is no {TYPES[key].__name__}"


@REGISTER.rule("S032", Level.INFO, "use the new name")
def old_key(context: Context) -> Found:
    """A key under an old name."""
    for payload in context.payloads:
        for key in sorted(payload.keys.keys() & REPLACED.keys()):
            yield context.at_key(payload, key), f"{key} is {REPLACED[key]} now"


@REGISTER.rule(
    "S040", Level.ERROR, "add allow rules, ZMCG7MLDV9 (Santa) and the MDM agent among them"
)
def locked_out(context: Context) -> Found:
    """Lockdown without one allow rule, path or sync server.

    Why: nothing starts but platform code, and before 2026.5 not even that.
    """
    for payload in context.payloads:
        keys = payload.keys
        if payload.document.format is Format.PREFLIGHT:
            continue  # the rules come after it
        paths = keys.get("AllowedPathRegex") or keys.get("WhitelistRegex")
        allows = any(
            own is payload and rule.policy.value.startswith(("ALLOW", "CEL"))
            for own, _, rule in context.read
        )
        locked = keys.get("ClientMode") in _LOCKED
        if locked and not (paths or allows or keys.get("SyncBaseURL")):
            yield context.at_key(payload, "ClientMode"), "Lockdown, and nothing is allowed"


@REGISTER.rule("S041", Level.WARNING, "use Lockdown, or leave FailClosed out")
def open_anyway(context: Context) -> Found:
    """FailClosed in Monitor mode, where it does nothing (SNTConfigurator.mm, failClosed)."""
    for payload in context.payloads:
        if payload.keys.get("FailClosed") and payload.keys.get("ClientMode") not in _LOCKED:
            yield context.at_key(payload, "FailClosed"), "FailClosed without Lockdown"


@REGISTER.rule("S042", Level.WARNING, "use a sync server")
def many_rules(context: Context) -> Found:
    """Thousands of static rules, which Santa's documentation does not recommend."""
    for payload in context.payloads:
        if payload.static and len(payload.rules) > _MOST_RULES:
            yield context.at_key(payload, "StaticRules"), f"{len(payload.rules)} static rules"


@REGISTER.rule("S038", Level.ERROR, "use https")
def open_server(context: Context) -> Found:
    """A sync server that is reached without TLS.

    Why: Santa takes https only, and http of the machine itself (SNTConfigurator.mm).
    """
    for payload in context.payloads:
        url = payload.keys.get("SyncBaseURL")
        if isinstance(url, str) and _SAFE.match(url) is None:
            yield context.at_key(payload, "SyncBaseURL"), "SyncBaseURL is not https"


@REGISTER.rule("S043", Level.INFO, "use Lockdown, where what is not allowed does not run")
def evaded_block(context: Context) -> Found:
    """A block by signer or signing ID in Monitor mode.

    Why: a copy that anybody signs anew, ad hoc, has neither, and runs. Evidence:
    SNTRuleIdentifiers.mm.
    """
    for payload, number, rule in context.read:
        monitor = payload.static and payload.keys.get("ClientMode", 1) not in _LOCKED
        block = rule.policy.value.endswith("BLOCKLIST")
        if monitor and block and rule.type in _NAMES and not payload.keys.get("SyncBaseURL"):
            yield context.at_rule(payload, number), f"rule {number}: {rule.type.name} in Monitor"


@REGISTER.rule("S044", Level.ERROR, "put each key into one payload")
def same_key_twice(context: Context) -> Found:
    """A key that two payloads have.

    Why: which of them counts, or which list of rules, is the system's affair: values are not
    joined.
    """
    counts = Counter(key for payload in context.payloads for key in payload.keys)
    for key in sorted(key for key, count in counts.items() if count > 1):
        yield context.at_key(context.payloads[-1], key), f"{key} is in two payloads"


@REGISTER.rule("S045", Level.ERROR, "use 1 (Monitor), 2 (Lockdown) or 3 (Standalone)")
def unknown_mode(context: Context) -> Found:
    """A ClientMode that there is not.

    Why: Santa then runs in Monitor (SNTConfigurator.mm).
    """
    for payload in context.payloads:
        mode = payload.keys.get("ClientMode")
        if isinstance(mode, int) and mode not in _MODES:
            yield context.at_key(payload, "ClientMode"), f"ClientMode {mode} is Monitor"
