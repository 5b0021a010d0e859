"""Rules about how a policy reaches machines (A2xx)."""

from __future__ import annotations

from policyc.model.diagnostic import Level
from policyc.targets.applocker.lint_context import REGISTER, Context, Found, enforced
from policyc.targets.applocker.model import EnforcementMode
from policyc.targets.applocker.read import Reading

_OMA_LIMIT = 350_000
_MANY_BYTES = 1 << 20
_MANY_RULES = 2_000
_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")


@REGISTER.rule("A201", Level.ERROR, "write one RuleCollection and nothing before it, in UTF-8")
def intune_form(context: Context) -> Found:
    """A single RuleCollection, the form of Intune, that Intune does not take.

    Why: the value of an OMA-URI is the element alone, without declaration or byte order mark, of
    at most 350,000 characters. Evidence: the AppLocker CSP's page, public reports of refused
    profiles.
    """
    if context.reading.wrapped or context.registry:
        return
    if context.data.startswith(_MARKS):
        yield context.at(1), "a byte order mark stands before the element"
    if b"<?xml" in context.data[:100].replace(b"\0", b""):
        yield context.at(1), "a declaration stands before the element"
    if len(context.data) > _OMA_LIMIT:
        yield context.whole, f"{len(context.data):,} bytes; {_OMA_LIMIT:,} characters are taken"


@REGISTER.rule("A202", Level.WARNING, "use fewer and wider rules")
def large(context: Context) -> Found:
    """A policy that is very large.

    Why: Group Policy takes 100 MB, and 2 MB on old servers; each rule is read at each start of a
    program. Evidence: "Determine your Group Policy structure and rule enforcement".
    """
    if len(context.data) > _MANY_BYTES:
        yield context.whole, f"{len(context.data):,} bytes"
    if len(context.rules) > _MANY_RULES:
        yield context.whole, f"{len(context.rules):,} rules"


@REGISTER.rule("A203", Level.INFO, "set AppIDSvc to automatic in the GptTmpl.inf beside it")
def service_not_started(context: Context) -> Found:
    """A registry.pol, which cannot start the service without which nothing is enforced.

    Why: at least one Group Policy object must set the Application Identity service to automatic,
    in its security template; on Windows 10 and later it cannot be set in the Services snap-in.
    Evidence: "Configure the Application Identity service".
    """
    if context.registry and context.rules:
        yield context.whole, "the start of AppIDSvc is not in this file"


@REGISTER.rule("A204", Level.INFO, "run the same rules as AuditOnly first")
def no_audit_twin(context: Context) -> Found:
    """A policy that is enforced, and no audited one with the same rules among the files given.

    Why: an audited policy tells what would be blocked before it is. Evidence: "Understand the
    AppLocker policy deployment process".
    """
    own = [item.collection for item in context.reading.placed]
    if not any(enforced(item) for item in own) or not context.reading.wrapped:
        return
    if not any(_is_twin(context.reading, other) for other in context.others.values()):
        yield context.whole, "no audited policy with these rules was given"


def _is_twin(own: Reading, other: Reading) -> bool:
    audited = all(
        item.collection.mode is EnforcementMode.AUDIT_ONLY
        for item in other.placed
        if item.collection.rules
    )
    return audited and _identifiers(own) == _identifiers(other)


def _identifiers(reading: Reading) -> set[str]:
    return {rule.id.lower() for item in reading.placed for rule in item.collection.rules}
