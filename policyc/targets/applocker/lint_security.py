"""Rules about what lets more run than it looks (A1xx)."""

from __future__ import annotations

import re

from policyc.model.diagnostic import Level
from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.targets.applocker.host import THIS
from policyc.targets.applocker.known import BYPASSES, PROBES, WRITABLE
from policyc.targets.applocker.lint_context import (
    CODE,
    REGISTER,
    Context,
    Found,
    is_broad,
    places,
    reaches,
    shown,
    taken_out,
)
from policyc.targets.applocker.model import (
    Action,
    AppRule,
    CollectionType,
    HashCondition,
    PathCondition,
    PublisherCondition,
    RuleCollection,
)

_ANY_FOLDER = re.compile(r"\*|[A-Z]:\\\*|[A-Z]:\*", re.ASCII)
_USERS = tuple(f"C:\\{name}\\" for name in ("USERS", "PROGRAMDATA", "TEMP", "TMP", "WINDOWS\\TEMP"))
_SAFE = "C:\\PROGRAMDATA\\MICROSOFT\\WINDOWS DEFENDER\\"
"""Only the system can write there (GetSafePathsToAllow.ps1 of AaronLocker)."""
_MICROSOFT = "O=MICROSOFT CORPORATION"
_SID = re.compile(r"S-1(?:-[0-9]{1,14}){2,16}", re.ASCII)
_TINY = frozenset(map(str, range(65)))
_SCRIPT_FOLDERS = ("\\NETLOGON\\", "\\SYSVOL\\")
_OLD = {"BGINFO.EXE": (4, 25), "SYSTEM.MANAGEMENT.AUTOMATION.DLL": (9, 9)}
"""Binaries of which old versions are known to run anything, with the last of those versions."""


@REGISTER.rule(
    "A101", Level.ERROR, "allow by publisher or hash, or a folder only admins can write to"
)
def writable_allowed(context: Context) -> Found:
    """An allow for ordinary users by a path that they can write to.

    Why: whoever can put a file there decides what runs: profiles, ProgramData, temporary folders,
    the root of a drive, or any folder with such a name. Evidence: "Understanding the path rule
    condition in AppLocker", its security considerations.
    """
    for _, rule, place in context.allows(*CODE, CollectionType.MSI):
        condition = rule.condition
        if not isinstance(condition, PathCondition) or not is_broad(rule.sid):
            continue
        where = _written_by_users(condition)
        if where and not any(item == condition for item in rule.exceptions):
            yield place, f"{shown(rule)}: {condition.path} {where}"


def _written_by_users(condition: PathCondition) -> str:
    for pieces in THIS.patterns(condition.path):
        text = "*".join(pieces)
        if _ANY_FOLDER.match(text):
            return "is in any folder, those of users among them"
        if text.startswith(_USERS) and not text.startswith(_SAFE):
            return "lies where users may write"
        if any(
            text.startswith(f"{folder[0]}\\") for name in WRITABLE for folder in THIS.patterns(name)
        ):
            return "is a folder of Windows that users can write to"
    return ""


@REGISTER.rule("A102", Level.WARNING, "except the folders of builtin:windows-user-writable")
def writable_not_excepted(context: Context) -> Found:
    """Windows allowed as a whole, with the folders in it that users can write to.

    Why: a file in one of them, or in a stream of the folder itself (`folder:name`), is allowed for
    lying there. `folder\\*` does not cover streams, `folder:*` does. Evidence: eleven folders that
    five or more of eight public policies and lists except.
    """
    for own, rule, place in context.allows(*CODE):
        condition = rule.condition
        if not isinstance(condition, PathCondition) or not is_broad(rule.sid):
            continue
        files = _open(own, rule, "\\POLICYC.EXE")
        streams = _open(own, rule, ":POLICYC.EXE")
        if files:
            yield place, f"{shown(rule)} does not except {_some(files)}"
        elif streams:
            yield place, f"{shown(rule)} does not except the streams of {_some(streams)}"


def _open(own: RuleCollection, rule: AppRule, tail: str) -> list[str]:
    return [
        folder
        for folder in WRITABLE
        if any(
            reaches(rule.condition, place) and not taken_out(own, rule, place)
            for place in places(folder + tail)
        )
    ]


def _some(names: list[str]) -> str:
    head = ", ".join(names[:3])
    return head if len(names) <= 3 else f"{head} and {len(names) - 3} more"


@REGISTER.rule("A103", Level.WARNING, "add rules for libraries and scripts")
def collection_missing(context: Context) -> Found:
    """Programs governed, libraries or scripts not.

    Why: without Dll rules every library is loaded, by rundll32 and regsvr32, too; without Script
    rules scripts run and PowerShell is not in constrained language mode. Evidence: "Working with
    AppLocker rules", "DLL rules in AppLocker".
    """
    programs = context.placed(CollectionType.EXE)
    if programs is None or not context.reading.wrapped:
        return
    for kind in (CollectionType.DLL, CollectionType.SCRIPT):
        if context.placed(kind) is None:
            yield context.at(programs.line), f"Exe has rules and {kind.value} has none"


@REGISTER.rule("A104", Level.WARNING, "name the product, or the binary")
def publisher_too_wide(context: Context) -> Found:
    """An allow for everything that anybody, or Microsoft, has signed.

    Why: everybody can get a certificate; Microsoft signs compilers, debuggers and other people's
    components with the same name as Windows. Evidence: AaronLocker warns of it, too;
    `CN=Microsoft 3rd Party Application Component` gives the publisher of Windows.
    """
    kinds = (*CODE, CollectionType.MSI)
    for _, rule, place in context.allows(*kinds):
        condition = rule.condition
        if not isinstance(condition, PublisherCondition) or not is_broad(rule.sid):
            continue
        if condition.product != "*" or condition.binary != "*":
            continue
        if condition.publisher == "*":
            yield place, f"{shown(rule)} allows what anybody has signed"
        elif condition.publisher.upper().startswith(_MICROSOFT):
            yield place, f"{shown(rule)} allows whatever Microsoft has signed"


@REGISTER.rule("A105", Level.WARNING, "except them by publisher and binary")
def bypasses_allowed(context: Context) -> Found:
    """Programs of Windows that run anybody's code, allowed with Windows as a whole.

    Why: MSBuild, InstallUtil, mshta and the like run what they are given, which AppLocker does not
    look at. Evidence: thirteen programs that four or more public policies deny or except;
    LOLBAS names them as bypasses of application control.
    """
    for own, rule, place in context.allows(CollectionType.EXE):
        if not is_broad(rule.sid) or not isinstance(rule.condition, PathCondition):
            continue
        found = [
            name
            for name, folders in BYPASSES.items()
            if any(_runs(own, rule, name, folder) for folder in folders)
        ]
        if found:
            yield place, f"{shown(rule)} allows {_some(found)}"


def _runs(own: RuleCollection, rule: AppRule, name: str, folder: str) -> bool:
    paths = places(f"{folder}\\{name}")
    if not any(reaches(rule.condition, item) and not taken_out(own, rule, item) for item in paths):
        return False
    denies = [
        item.condition
        for item in own.rules
        if item.action is Action.DENY and (is_broad(item.sid) or item.sid == rule.sid)
    ]
    return not any(
        isinstance(item, PublisherCondition) and item.binary.upper() == name
        for item in (*rule.exceptions, *denies)
    )


@REGISTER.rule("A106", Level.INFO, "except it from the rule that allows it")
def deny_evaded(context: Context) -> Found:
    """A deny by path or by hash.

    Why: a copy in another folder has another path, and one changed byte gives another hash. An
    exception of the rule that allows it leaves nothing to evade, and a deny cannot be overridden by
    another rule. Evidence: "Understanding AppLocker allow and deny actions on rules".
    """
    for _, rule, place in context.rules:
        if rule.action is Action.DENY and not isinstance(rule.condition, PublisherCondition):
            kind = "path" if isinstance(rule.condition, PathCondition) else "hash"
            yield place, f"{shown(rule)} denies by {kind}"


@REGISTER.rule("A107", Level.WARNING, "allow the file by another condition")
def tiny_hash(context: Context) -> Found:
    """An allow by the hash of a very small file.

    Why: what is in it can be in other files, too. PowerShell writes a file with the text `1` to
    find out whether scripts are allowed; with its hash allowed, constrained language mode is off.
    Evidence: Get-AppLockerEvents.ps1 of AaronLocker.
    """
    for _, rule, place in context.allows():
        if not isinstance(rule.condition, HashCondition):
            continue
        for item in rule.condition.hashes:
            if item.data in PROBES:
                yield place, f"{shown(rule)} allows PowerShell's probe ({PROBES[item.data]})"
            elif item.source[1] in _TINY:
                yield place, f"{shown(rule)} allows a file of {item.source[1]} bytes"


@REGISTER.rule("A108", Level.WARNING, "give the range a low end and no high one")
def version_pinned(context: Context) -> Found:
    """An allow for one version, which the next update breaks, or for old ones with known faults.

    Evidence: BgInfo up to 4.25 and PowerShell before version 10 of its library run anything
    (Microsoft's recommended block rules, AaronLocker).
    """
    for own, rule, place in context.allows():
        condition = rule.condition
        if not isinstance(condition, PublisherCondition):
            continue
        bounded = (condition.low, condition.high) != (LOWEST, HIGHEST)
        if bounded and condition.low == condition.high and own.type is not CollectionType.APPX:
            yield place, f"{shown(rule)} allows version {condition.low} only"
        last = _OLD.get(condition.binary.upper())
        if last is not None and condition.low <= FileVersion.parse(f"{last[0]}.{last[1]}"):
            yield place, f"{shown(rule)} allows old versions of {condition.binary}"


@REGISTER.rule("A109", Level.WARNING, "allow by publisher or hash")
def foreign_place(context: Context) -> Found:
    """An allow by a path on a share or on removable media, which others fill.

    Why: who can write there is not this machine's to say. A logon script is read from the domain
    controller's own name, so a rule for the domain's name does not cover it. Evidence:
    GetSafePathsToAllow.ps1 of AaronLocker.
    """
    for _, rule, place in context.allows():
        if not isinstance(rule.condition, PathCondition):
            continue
        path = rule.condition.path.upper()
        if path.startswith(("%HOT%", "%REMOVABLE%")):
            yield place, f"{shown(rule)}: {rule.condition.path} is removable"
        elif path.startswith("\\\\"):
            script = any(folder in path for folder in _SCRIPT_FOLDERS)
            what = "is where logon scripts are, by one name of them" if script else "is a share"
            yield place, f"{shown(rule)}: {rule.condition.path} {what}"


@REGISTER.rule("A110", Level.WARNING, "use a well-known group where one will do")
def unverifiable_sid(context: Context) -> Found:
    """A SID of one domain or machine, which nobody can check here, or one that is none.

    Why: it means nothing elsewhere, and a wrong one matches nobody. The schema takes letters in it.
    Each SID is told once.
    """
    seen = set()
    for _, rule, place in context.rules:
        if rule.sid in seen:
            continue
        seen.add(rule.sid)
        if not _SID.fullmatch(rule.sid):
            yield place, f"{shown(rule)}: {rule.sid} is no SID"
        elif rule.sid.startswith("S-1-5-21-"):
            yield place, f"{shown(rule)}: {rule.sid} belongs to one domain or machine"
