"""What a daemon decides about an access. Source: policy.c and rules.c."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass

from policyc.targets.fapolicyd.daemon.loaded import Field, Loaded, LoadedRule
from policyc.targets.fapolicyd.daemon.values import NUMERIC
from policyc.targets.fapolicyd.daemon.version import DaemonVersion

SYSTEM_DIRS = ("/etc/", "/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/usr/libexec/")
EXEC_DIRS = SYSTEM_DIRS[1:]
UNSET_ID = 4294967295
"""The auid and session of a process without a login; -1 in 32 bits before 1.3.7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The program that accesses. ``uids`` and ``gids`` are all that it has, the real one first.

    ``patterns`` are those of its start-up that the daemon has recognised by now.
    """

    exe: str
    comm: str
    trusted: bool
    uids: tuple[int, ...] = (1000,)
    gids: tuple[int, ...] = (1000,)
    auid: int = UNSET_ID
    sessionid: int = UNSET_ID
    pid: int = 1000
    ppid: int = 1
    ftype: str | None = "application/x-executable"
    device: str | None = None
    patterns: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """The file. ``digest`` is its SHA-256 in lower case, None where it cannot be had."""

    path: str
    trusted: bool
    ftype: str | None
    digest: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An access: ``perm`` is ``open`` or ``execute``."""

    perm: str
    subject: Subject
    object: Object


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision and the rule that made it; no rule allows (``rule=0 dec=no-opinion``)."""

    allowed: bool
    rule: LoadedRule | None


def decide(loaded: Loaded, event: Event) -> Answer:
    """The first rule that matches decides; without one the access is allowed."""
    for rule in loaded.rules:
        if rule.perm in (event.perm, "any") and _matches(rule, event, loaded.version):
            return Answer(rule.allows, rule)
    return Answer(allowed=True, rule=None)


def _matches(rule: LoadedRule, event: Event, version: DaemonVersion) -> bool:
    if not all(_subject(item, event.subject, version) for item in rule.subject):
        return False
    return all(
        _object(item, event.object, version) and not _shadowed(rule, at, item, event)
        for at, item in enumerate(rule.object)
    )


def _shadowed(rule: LoadedRule, at: int, item: Field, event: Event) -> bool:
    """An old test reads the subject's field at the same place for ``untrusted``."""
    if item.name != "path" or at >= len(rule.subject) or not event.object.trusted:
        return False
    beside = rule.subject[at]
    return beside.name in ("exe", "dir") and "untrusted" in _texts(beside)


def _texts(item: Field) -> frozenset[str]:
    value = item.value
    return frozenset(map(str, value)) if isinstance(value, frozenset) else frozenset()


def _numbers(item: Field) -> frozenset[int]:
    """The numbers of a field; a set of texts for gid, which is unchecked before 1.4.4, has none."""
    value = item.value
    members = value if isinstance(value, frozenset) else ()
    return frozenset(each for each in members if isinstance(each, int))


def _subject(item: Field, own: Subject, version: DaemonVersion) -> bool:
    if item.name in NUMERIC:
        return _has_number(item, own, version)
    tests: dict[str, Callable[[], bool]] = {
        "all": lambda: True,
        "trust": lambda: own.trusted == (item.value == 1),
        "pattern": lambda: item.value in own.patterns,
        "comm": lambda: own.comm in _texts(item),
        "ftype": lambda: own.ftype is None or own.ftype in _texts(item),
        "device": lambda: own.device is None or own.device in _texts(item),
        "exe": lambda: _exe(_texts(item), own, version),
        "dir": lambda: _dir(_texts(item), own.exe, version, trusted=own.trusted),
    }
    return tests[item.name]()


def _has_number(item: Field, own: Subject, version: DaemonVersion) -> bool:
    wanted = _numbers(item)
    if item.name == "gid":
        return bool(wanted & set(own.gids))
    if item.name == "uid":
        # All four ids count since 1.3.7, the real one alone before.
        return bool(wanted & set(own.uids if version.typed_sets else own.uids[:1]))
    number = int(getattr(own, item.name))
    if not version.typed_sets and number == UNSET_ID:
        number = -1
    return number in wanted


def _exe(values: frozenset[str], own: Subject, version: DaemonVersion) -> bool:
    if "untrusted" in values:
        if version.macros_match and not own.trusted:
            return True
        if not version.macros_match and own.trusted:
            return False
    return _path(values, own.exe, version)


def _dir(values: frozenset[str], path: str, version: DaemonVersion, *, trusted: bool) -> bool:
    """A literal prefix; the macros never match before 1.4.4."""
    for macro, folders in (("execdirs", EXEC_DIRS), ("systemdirs", SYSTEM_DIRS)):
        if macro in values and path.startswith(folders):
            return version.macros_match
    if "untrusted" in values:
        if version.macros_match and not trusted:
            return True
        if not version.macros_match and trusted:
            return False
    return any(path.startswith(item) for item in values)


def _path(values: frozenset[str], path: str, version: DaemonVersion) -> bool:
    if path in values:
        return True
    return version.quotes and any(
        item.startswith("glob:") and glob_matches(item.removeprefix("glob:"), path)
        for item in values
    )


def glob_matches(pattern: str, path: str) -> bool:
    """fnmatch(3) with FNM_PATHNAME and FNM_PERIOD: part by part, leading dots only literally."""
    wanted, parts = pattern.split("/"), path.split("/")
    return len(wanted) == len(parts) and all(
        fnmatch.fnmatchcase(part, one) and not (part[:1] == "." and one[:1] != ".")
        for one, part in zip(wanted, parts, strict=True)
    )


def _object(item: Field, own: Object, version: DaemonVersion) -> bool:
    values = _texts(item)
    match item.name:
        case "all" | "mode":
            return True  # the daemon has no value for a mode, and what is absent matches
        case "trust":
            return own.trusted == (item.value == 1)
        case "path":
            return _path(values, own.path, version)
        case "dir":
            return _dir(values, own.path, version, trusted=own.trusted)
        case "ftype":
            return "any" in values or own.ftype is None or own.ftype in values
        case "device":
            return own.device is None or own.device in values
        case _:
            return own.digest is not None and own.digest in values
