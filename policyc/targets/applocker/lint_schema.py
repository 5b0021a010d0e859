"""Rules about what AppLocker cannot take, or takes otherwise than it looks (A0xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyc.model.diagnostic import Level
from policyc.targets.applocker.host import THIS
from policyc.targets.applocker.known import REPLACEMENTS
from policyc.targets.applocker.lint_context import (
    REGISTER,
    Context,
    Found,
    enforced,
    is_broad,
    reaches,
    shown,
)
from policyc.targets.applocker.model import (
    Action,
    CollectionType,
    EnforcementMode,
    HashCondition,
    PathCondition,
    PublisherCondition,
    RuleCollection,
)

_VARIABLE = re.compile(r"%[^%\\]{1,60}%")
_SHORT = re.compile(r"~[0-9]")
_RDN = re.compile(r"(?:^|,) ?(CN|OU|O|L|ST|S|C)=", re.IGNORECASE)
_TIGHT = re.compile(r",(?:CN|OU|O|L|ST|S|C)=", re.IGNORECASE)
_ORDER = ("O", "L", "S", "C")
_EXTENDED = (CollectionType.EXE, CollectionType.DLL)


def _problems(context: Context, code: str) -> Found:
    for item in context.reading.problems:
        if item.code == code:
            yield context.at(item.line), f"column {item.column}: {item.message}"


@REGISTER.rule("A001", Level.ERROR, "write what the schema allows")
def not_in_the_schema(context: Context) -> Found:
    """Something that is not in AppLocker's schema, or a rule of a kind its collection cannot have.

    Why: Windows refuses the whole policy. The schema takes any text for a collection's type, the
    engine six only. Evidence: AppIdPolicy.xsd; `Type="Executable"`, `EnforcementMode="Audit"` and
    "Enforced" in public policies.
    """
    yield from _problems(context, "A001")
    for own, rule, place in context.rules:
        if own.type is CollectionType.APPX and not isinstance(rule.condition, PublisherCondition):
            yield place, f"{shown(rule)} is no publisher rule, and packaged apps have no others"


@REGISTER.rule("A002", Level.ERROR, "use one of AppLocker's six variables, at the start")
def unknown_variable(context: Context) -> Found:
    """A path with a variable that AppLocker does not know, so that it never matches.

    Why: %WINDIR%, %SYSTEM32%, %OSDRIVE%, %PROGRAMFILES%, %REMOVABLE% and %HOT% are the engine's
    own; no environment variable is read. Evidence: "Understanding the path rule condition in
    AppLocker".
    """
    known = THIS.variables()
    for _, rule, condition, place in context.conditions:
        if not isinstance(condition, PathCondition):
            continue
        for found in _VARIABLE.finditer(condition.path):
            name = found.group().upper()
            if name in known and found.start() == 0:
                continue
            better = REPLACEMENTS.get(name)
            hint = f"; write {better}" if better else ""
            text = "stands within the path" if name in known else "is no variable of AppLocker"
            yield place, f"{shown(rule)}: {found.group()} {text}{hint}"


@REGISTER.rule("A003", Level.ERROR, "give each rule an id of its own")
def same_id(context: Context) -> Found:
    """Two rules with one id, in this policy or in another that was given.

    Why: merging keeps one of them and drops the other, silently. Evidence:
    Set-AppLockerPolicy ("will remove rules with duplicate rule IDs"); 26 ids in public policies
    stand for different rules.
    """
    yield from _problems(context, "A003")
    elsewhere = {
        rule.id.lower(): (name, rule)
        for name, reading in sorted(context.others.items())
        for item in reading.placed
        for rule in item.collection.rules
    }
    for _, rule, place in context.rules:
        name, other = elsewhere.get(rule.id.lower(), ("", rule))
        meaning = (rule.sid, rule.action, rule.condition, rule.exceptions)
        if meaning != (other.sid, other.action, other.condition, other.exceptions):
            yield place, f"{shown(rule)}: {rule.id} is another rule in {name}"


@REGISTER.rule("A004", Level.ERROR, "add an allow rule to the Appx collection")
def packaged_apps_blocked(context: Context) -> Found:
    """Program rules that are enforced, and no allow rule for packaged apps: all are blocked.

    Why: with Exe rules and no Appx rules the engine lets no packaged app start (event 8027), the
    Start menu's among them. Evidence: "Using Event Viewer with AppLocker".
    """
    programs = context.placed(CollectionType.EXE)
    if not context.reading.wrapped or programs is None or not enforced(programs.collection):
        return
    if not any(context.allows(CollectionType.APPX)):
        yield context.at(programs.line), "Exe is enforced and no Appx rule allows anything"


@REGISTER.rule("A005", Level.ERROR, "add allow rules for Windows, for Everyone")
def nothing_allowed(context: Context) -> Found:
    """A collection that is enforced and allows nothing, or no part of Windows to ordinary users.

    Why: as soon as there is a rule, everything that no rule allows is denied. Rules that only deny
    are right beside another Group Policy object that allows. Evidence: "Working with AppLocker
    rules".
    """
    for item in context.reading.placed:
        own = item.collection
        if not enforced(own) or own.type is CollectionType.MANAGED_INSTALLER:
            continue
        if all(rule.action is Action.DENY for rule in own.rules):
            yield context.at(item.line), f"{own.type.value} only denies, so nothing is allowed"
        elif own.type in _EXTENDED and not _lets_windows_run(own):
            yield context.at(item.line), f"{own.type.value} allows no user what is in %SYSTEM32%"


def _lets_windows_run(own: RuleCollection) -> bool:
    for rule in own.rules:
        condition = rule.condition
        if rule.action is Action.DENY or not is_broad(rule.sid):
            continue
        if isinstance(condition, PublisherCondition):
            publisher = condition.publisher.upper()
            if publisher == "*" or publisher.startswith("O=MICROSOFT"):
                return True
        elif reaches(condition, "%WINDIR%\\SYSTEM32\\USERINIT.EXE"):
            return True
    return False


@REGISTER.rule("A006", Level.ERROR, "write Enabled or AuditOnly")
def not_configured(context: Context) -> Found:
    """A collection that is not configured but has rules, which means that it is enforced.

    Evidence: "Working with AppLocker rules"; 32 collections of public policies are so.
    """
    for item in context.reading.placed:
        own = item.collection
        if own.rules and own.mode is EnforcementMode.NOT_CONFIGURED:
            yield context.at(item.line), f"{own.type.value} has rules and no mode: it is enforced"


@REGISTER.rule("A007", Level.ERROR, "take the text from a file, with `policyc scan`")
def publisher_never_matches(context: Context) -> Found:
    """A publisher, product or binary that no file can have.

    Why: the text is compared whole with `O=, L=, S=, C=` of the signer, in this order, in capitals,
    without CN; a star among other letters is a star. For packaged apps it is the subject as it is.
    That lower case never matches is not documented; no tool of Microsoft writes it. Evidence:
    "Understanding the publisher rule condition in AppLocker", AuthenticodeTrustInfo.cpp of
    AaronLockerV2.
    """
    for own, rule, condition, place in context.conditions:
        if isinstance(condition, PublisherCondition):
            for reason in _never(condition, packaged=own.type is CollectionType.APPX):
                yield place, f"{shown(rule)}: {reason}"


def _never(condition: PublisherCondition, *, packaged: bool) -> Iterator[str]:
    publisher = condition.publisher
    for text in (publisher, condition.product, condition.binary):
        if "*" in text and text != "*":
            yield f"{text!r} has a star among other letters"
        if text != text.strip():
            yield f"{text!r} begins or ends with white space"
        if _is_mojibake(text):
            yield f"{text!r} was UTF-8 once and was read as something else"
    if packaged or publisher == "*":
        return
    names = [item.upper() for item in _RDN.findall(publisher)]
    if any(char.islower() for char in publisher):
        yield f"{publisher!r} has small letters"
    if "ST" in names:
        yield f"{publisher!r} has ST=, which is S="
    if names and names[0] == "CN" and "O" in names and {"L", "S", "ST", "C"} & set(names):
        yield f"{publisher!r} begins with CN="
    own = [_ORDER.index(name) for name in names if name in _ORDER]
    if own != sorted(own):
        yield f"{publisher!r} is not in the order O, L, S, C"
    if _TIGHT.search(publisher):
        yield f"{publisher!r} has no space behind a comma"


def _is_mojibake(text: str) -> bool:
    if text.isascii():
        return False
    for encoding in ("cp1252", "latin-1"):
        try:
            text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        return True
    return False


@REGISTER.rule("A008", Level.ERROR, "write both extensions, for Exe and Dll only")
def extensions_incomplete(context: Context) -> Found:
    """Extensions that are incomplete or in the wrong place, or a managed installer without them.

    Why: with one of the two parts the policy "will cause unexpected behavior"; a managed installer
    needs Exe and Dll collections with services enforced, is AuditOnly, and cannot be deployed
    through the AppLocker CSP. Evidence: "AppLocker rule collection extensions", "Automatically
    allow apps deployed by a managed installer".
    """
    yield from _problems(context, "A008")
    for item in context.reading.placed:
        own, place = item.collection, context.at(item.line)
        if own.extensions is not None:
            if None in (own.extensions.services, own.extensions.system_apps):
                yield place, f"{own.type.value}: Services and SystemApps belong together"
            if own.type not in _EXTENDED:
                yield place, f"{own.type.value} has no extensions"
        if own.type is CollectionType.MANAGED_INSTALLER and own.rules:
            for text in _managed_installer(context, own):
                yield place, f"ManagedInstaller: {text}"


def _managed_installer(context: Context, own: RuleCollection) -> Iterator[str]:
    if own.mode is not EnforcementMode.AUDIT_ONLY:
        yield "its mode is AuditOnly"
    if not context.reading.wrapped:
        yield "it cannot be deployed through the AppLocker CSP"
        return
    for kind in _EXTENDED:
        beside = context.placed(kind)
        extensions = None if beside is None else beside.collection.extensions
        if extensions is None or extensions.services != "Enabled":
            yield f"{kind.value} has no rules that count for services"


@REGISTER.rule("A009", Level.ERROR, "write a folder as `folder\\*`, by its long name")
def path_never_matches(context: Context) -> Found:
    r"""A path that matches nothing: a folder without `\*`, a short name, a slash, a dot at an end.

    Why: a path is compared whole with the long name of a file. Evidence: "Understanding the path
    rule condition in AppLocker"; `spool\printers.\*` and the like in public policies.
    """
    for _, rule, condition, place in context.conditions:
        if isinstance(condition, PathCondition):
            for reason in _no_file(condition.path):
                yield place, f"{shown(rule)}: {condition.path} {reason}"


def _no_file(path: str) -> Iterator[str]:
    last = path.rpartition("\\")[2]
    if path.endswith("\\") or not set(last) & set("*.:?"):
        yield "is a folder, not what is in it"
    if _SHORT.search(path):
        yield "has a short name"
    if "/" in path:
        yield "has a slash for a separator"
    if any(part.endswith(".") and part.strip(".") for part in path.split("\\")):
        yield "has a name that ends with a dot"


@REGISTER.rule("A010", Level.ERROR, "mend the range, or use SHA256")
def range_or_hash(context: Context) -> Found:
    """A version range that holds nothing, a hash that does not fit its type, or SHA-1.

    Why: the schema takes a low version above the high one and any 40 or 64 digits for any type.
    Evidence: AppIdPolicy.xsd.
    """
    yield from _problems(context, "A010")
    for _, rule, condition, place in context.conditions:
        if isinstance(condition, PublisherCondition) and condition.low > condition.high:
            yield place, f"{shown(rule)}: {condition.low} is above {condition.high}"
        if isinstance(condition, HashCondition) and any(
            item.kind == "SHA1" for item in condition.hashes
        ):
            yield place, f"{shown(rule)}: SHA-1 can be forged"
