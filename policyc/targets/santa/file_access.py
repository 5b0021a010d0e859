"""What is wrong with a file access policy (WatchItems.mm, WatchItemPolicy.h).

Santa leaves out a bad rule and takes the others. Defaults are those of the code: a rule audits
only, and reading is not allowed, whatever the documentation says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policyc.targets.santa.formats.plist import Step

_NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_TEAM = re.compile(r"[0-9A-Za-z]{10}", re.ASCII)
_HEX = {"CDHash": 40, "CertificateSha256": 64}
_LINKS = ("/tmp/", "/var/", "/etc/")  # noqa: S108  (prefixes in rules, not files)
_PATH_MAX = 1024
_LONGEST = {"EventDetailURL": 6000, "EventDetailText": 48, "BlockMessage": 2048}
_FLAGS = (
    *("AllowReadAccess", "AuditOnly", "InvertProcessExceptions"),
    *("EnableSilentMode", "EnableSilentTTYMode"),
)
RULE_TYPES = frozenset(
    {
        "pathswithallowedprocesses",
        "pathswithdeniedprocesses",
        "processeswithallowedpaths",
        "processeswithdeniedpaths",
    }
)
_OPTIONS = {*_FLAGS, *_LONGEST, "RuleType", "Version", "RuleId"}
_PROCESS = frozenset(
    {"BinaryPath", "SigningID", "TeamID", "CDHash", "CertificateSha256", "PlatformBinary"}
)
BAD, DEFAULT, UNSEEN = "bad", "default", "unseen"


@dataclass(frozen=True, slots=True)
class Trap:
    """One thing that is wrong: which kind, where in the policy, and what."""

    kind: str
    path: tuple[Step, ...]
    message: str


def traps(policy: Mapping[str, Any]) -> Iterator[Trap]:
    """Everything wrong with a policy, in its own order."""
    items = policy.get("WatchItems")
    for key in ("EventDetailURL", "EventDetailText"):
        yield from _text(policy, key, _LONGEST[key], ())
    if not isinstance(items, dict):
        yield Trap(BAD, (), "no dictionary of WatchItems")
        return
    for name, item in items.items():
        at: tuple[Step, ...] = ("WatchItems", name)
        if not _NAME.fullmatch(name):
            yield Trap(BAD, at, f"{name!r} is no name of a rule")
        if isinstance(item, dict):
            yield from _item(item, at, versioned="Version" in policy)
        else:
            yield Trap(BAD, at, f"{name} is no dictionary")


def _item(item: Mapping[str, Any], at: tuple[Step, ...], *, versioned: bool) -> Iterator[Trap]:
    paths = item.get("Paths")
    if not isinstance(paths, list) or not paths:
        yield Trap(BAD, at, f"{at[-1]} has no Paths")
    else:
        for number, own in enumerate(paths):
            yield from _path(own, (*at, "Paths", number))
    options = item.get("Options", {})
    if isinstance(options, dict):
        yield from _of_options(options, at)
        if not versioned and "Version" not in options:
            yield Trap(BAD, at, f"{at[-1]}: neither the policy nor the rule has a Version")
    else:
        yield Trap(BAD, at, f"{at[-1]}: Options is no dictionary")
    processes = item.get("Processes", [])
    if not isinstance(processes, list):
        yield Trap(BAD, at, f"{at[-1]}: Processes is no list")
        return
    for number, own in enumerate(processes):
        yield from _process(own, (*at, "Processes", number))


def _path(own: Any, at: tuple[Step, ...]) -> Iterator[Trap]:  # noqa: ANN401
    text, prefix = (own.get("Path"), own.get("IsPrefix")) if isinstance(own, dict) else (own, None)
    if not isinstance(text, str) or not 0 < len(text.encode("utf-8", "replace")) < _PATH_MAX:
        yield Trap(BAD, at, "a path is a text of 1 to 1023 bytes")
        return
    if prefix is not None and not isinstance(prefix, int):
        yield Trap(BAD, at, f"{text}: IsPrefix is no switch")
    if text.startswith(_LINKS):
        yield Trap(UNSEEN, at, f"{text} is behind a link; Santa sees /private{text}")
    if "**" in text:
        yield Trap(UNSEEN, at, f"{text}: ** is * here, it does not cross folders")


def _of_options(options: Mapping[str, Any], at: tuple[Step, ...]) -> Iterator[Trap]:
    inside = (*at, "Options")
    for key in sorted(options.keys() - _OPTIONS):
        yield Trap(BAD, inside, f"{at[-1]}: no option {key}")
    for key in _FLAGS:
        if key in options and not isinstance(options[key], int):
            yield Trap(BAD, inside, f"{at[-1]}: {key} is no switch")
    for key, most in _LONGEST.items():
        yield from _text(options, key, most, inside)
    kind = options.get("RuleType", "PathsWithAllowedProcesses")
    if not isinstance(kind, str) or kind.lower() not in RULE_TYPES:
        yield Trap(BAD, inside, f"{at[-1]}: no RuleType {kind!r}")
    number = options.get("RuleId", 0)
    if not isinstance(number, int) or number < 0:
        yield Trap(BAD, inside, f"{at[-1]}: RuleId is no number")
    if "AuditOnly" not in options:
        yield Trap(DEFAULT, at, f"{at[-1]} audits only: AuditOnly is true unless it is written")
    if "AllowReadAccess" not in options:
        yield Trap(DEFAULT, at, f"{at[-1]} is about reading, too: AllowReadAccess is not written")


def _text(own: Mapping[str, Any], key: str, most: int, at: tuple[Step, ...]) -> Iterator[Trap]:
    text = own.get(key)
    if text is not None and (not isinstance(text, str) or len(text) > most):
        yield Trap(BAD, at, f"{key} is a text of at most {most} characters")


def _process(own: Any, at: tuple[Step, ...]) -> Iterator[Trap]:  # noqa: ANN401
    if not isinstance(own, dict):
        yield Trap(BAD, at, "a process is no dictionary")
        return
    given = {key: value for key, value in own.items() if key in _PROCESS}
    if not given:
        yield Trap(BAD, at, "a process has none of " + ", ".join(sorted(_PROCESS)))
    for key, value in sorted(given.items()):
        if not isinstance(value, int if key == "PlatformBinary" else str):
            yield Trap(BAD, at, f"{key} has another type")
            return
    for key, length in _HEX.items():
        text = given.get(key)
        if text is not None and not re.fullmatch(rf"[0-9A-Fa-f]{{{length}}}", text, re.ASCII):
            yield Trap(BAD, at, f"{key} is {length} hexadecimal digits")
    team, signing, platform = (given.get(key) for key in ("TeamID", "SigningID", "PlatformBinary"))
    if team is not None and team != "platform" and not _TEAM.fullmatch(team):
        yield Trap(BAD, at, f"TeamID {team!r} has not 10 letters and digits")
    if platform and team not in (None, "platform"):
        yield Trap(BAD, at, "PlatformBinary, and a team")
    if signing is None:
        return
    prefix, colon, _ = signing.partition(":")
    whole = colon and (prefix == "platform" or _TEAM.fullmatch(prefix))
    if team is None and not platform and not whole:
        yield Trap(BAD, at, f"SigningID {signing!r} without TeamID or PlatformBinary")
    if signing.count("*") > 1:
        yield Trap(UNSEEN, at, f"SigningID {signing!r}: only the first * is one")
