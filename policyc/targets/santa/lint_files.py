"""Lint rules on the form of a file: its payloads, a server's own rules, file access policies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from policyc.model.diagnostic import Level
from policyc.targets.lint_register import Place
from policyc.targets.santa import file_access
from policyc.targets.santa.formats.document import Format
from policyc.targets.santa.formats.plist import Step
from policyc.targets.santa.lint_context import REGISTER, Context, Found
from policyc.targets.santa.payloads import SCOPES

_PAYLOAD = ("PayloadType", "PayloadVersion", "PayloadIdentifier", "PayloadUUID")
_PLAIN = frozenset({"ALLOWLIST", "ALLOWLIST_COMPILER", "BLOCKLIST"})
_POLICIES = {
    Format.MOROZ: _PLAIN | {"REMOVE"},
    Format.RUDOLPH_CSV: _PLAIN | {"SILENT_BLOCKLIST", "REMOVE"},
    Format.RUDOLPH_JSON: _PLAIN | {"SILENT_BLOCKLIST", "REMOVE"},
    Format.ZENTRAL_RULESET: _PLAIN | {"SILENT_BLOCKLIST"},
}
"""What each server takes: moroz santa.go, rudolph pkg/types/policy.go, zentral serializers.py."""
_RUDOLPH = (Format.RUDOLPH_CSV, Format.RUDOLPH_JSON)
_MOROZ_KEYS = frozenset(
    """client_mode blocked_path_regex allowed_path_regex batch_size enable_all_event_upload
    enable_bundles enable_transitive_rules clean_sync full_sync_interval rules""".split()
)
_MOROZ_RULE = frozenset("rule_type policy identifier custom_msg custom_url".split())
_FOR = re.compile(r"For Santa ([0-9]{4})\.([0-9]{1,2}) or later\.", re.ASCII)
_SINCE = {
    "CDHASH": (2024, 4),
    "CEL": (2025, 6),
    "SILENT_GUI_BLOCKLIST": (2026, 6),
    "SILENT_TTY_BLOCKLIST": (2026, 6),
}
_KEYS_SINCE = {
    "AllowDelegatedSignals": (2026, 4),
    "AllowedSantaCommands": (2026, 3),
    "AntiSuspendSigningIDs": (2026, 3),
    "BinaryUploadFilterExpressions": (2026, 5),
    "BrandingCompanyLogo": (2026, 1),
    "BrandingCompanyLogoDark": (2026, 1),
    "BrandingCompanyName": (2026, 1),
    "EnableMenuItem": (2026, 1),
    "EnableNotificationSilences": (2025, 2),
    "EncryptedRemovableMediaAction": (2026, 3),
    "MachineOwnerGroups": (2025, 6),
    "MachineOwnerGroupsKey": (2025, 6),
    "RemovableMediaAction": (2026, 3),
    "RemovableMediaRemountFlags": (2026, 3),
    "Telemetry": (2024, 11),
    "TelemetryFilterExpressions": (2026, 2),
}
"""Releases that brought a key, as Santa's documentation states them."""


@REGISTER.rule("S033", Level.WARNING, "add the key")
def payload_key(context: Context) -> Found:
    """A profile, or a payload of it, without a key that Apple asks for.

    Why: an MDM server may refuse the profile. Evidence: Apple's Configuration Profile Reference,
    PayloadType, PayloadVersion, PayloadIdentifier, PayloadUUID.
    """
    if context.document.format is not Format.PROFILE:
        return
    content = context.document.content
    inside = enumerate(content["PayloadContent"])
    places: list[tuple[tuple[Step, ...], Any]] = [((), content)]
    places += [(("PayloadContent", number), own) for number, own in inside]
    for path, own in places:
        missing = [key for key in _PAYLOAD if not isinstance(own, dict) or key not in own]
        if missing:
            what = f"payload {int(path[1]) + 1}" if path else "the profile"
            place = Place(context.name, context.document.line(*path))
            yield place, f"{what} has no {', '.join(missing)}"


@REGISTER.rule("S034", Level.WARNING, 'begin the file with <?xml version="1.0" encoding="UTF-8"?>')
def no_declaration(context: Context) -> Found:
    """A property list whose XML declaration is not its first bytes.

    Why: Apple's own reader takes it, others do not recognise it (plistlib looks for `<?xml`).
    """
    if not context.document.declared:
        yield Place(context.name, 1), "the XML declaration does not come first"


@REGISTER.rule("S036", Level.ERROR, "use what the server takes")
def server_refuses(context: Context) -> Found:
    """A rule that the server for which the file is does not take.

    Why: Moroz then refuses the whole file, Rudolph and Zentral the import. A key that Moroz does
    not know, such as `sha256`, is not read, so that the rule has no identifier.
    """
    taken = _POLICIES.get(context.document.format)
    moroz = context.document.format is Format.MOROZ
    if moroz:
        for key in sorted(context.document.content.keys() - _MOROZ_KEYS):
            yield context.place, f"Moroz reads no {key}"
        if context.document.content.get("client_mode") == "STANDALONE":
            yield context.place, "Moroz has MONITOR and LOCKDOWN only"
    for payload in context.payloads if taken is not None else ():
        for number, item in enumerate(payload.rules, 1):
            for message in _refused(item, context.document.format, taken or frozenset()):
                yield context.at_rule(payload, number), f"rule {number}: {message}"


def _refused(item: Any, form: Format, taken: frozenset[str]) -> Iterator[str]:  # noqa: ANN401
    if not isinstance(item, dict):
        return
    if str(item.get("policy")) not in taken:
        yield f"{form.value} takes no policy {item.get('policy')!r}"
    if form in _RUDOLPH and item.get("rule_type") == "CDHASH":
        yield "Rudolph takes no CDHASH"
    if form is Format.MOROZ:
        for key in sorted(item.keys() - _MOROZ_RULE):
            yield f"Moroz reads no {key}"
    if form is not Format.ZENTRAL_RULESET:
        return
    if item.get("rule_type") in ("BINARY", "CERTIFICATE", "CDHASH"):
        text = item.get("identifier")
        if isinstance(text, str) and text != text.lower():
            yield "Zentral takes hexadecimal digits in lower case only"
    shown = item.get("custom_msg") or item.get("custom_url")
    if shown and "BLOCKLIST" not in str(item.get("policy")):
        yield "Zentral takes a message for blocks only"


@REGISTER.rule("S037", Level.INFO, "nothing to do, if that is meant")
def some_machines(context: Context) -> Found:
    """A rule for some machines only, which Santa itself does not know of."""
    for payload in context.payloads:
        for number, item in enumerate(payload.rules, 1):
            if isinstance(item, dict) and any(item.get(key) for key in SCOPES):
                yield context.at_rule(payload, number), f"rule {number} is for some machines only"


@REGISTER.rule("S039", Level.WARNING, "get the other pages or batches, too")
def one_part(context: Context) -> Found:
    """A server's answer that goes on in another one.

    Why: the rules of the others are not looked at. Evidence: RuleDownloadResponse.cursor in
    sync/v1.proto, `next` of Zentral's pages.
    """
    for payload in context.payloads:
        if payload.goes_on:
            yield context.place, "more rules follow in another file"


@REGISTER.rule("S051", Level.ERROR, "leave it out, or raise the oldest release")
def newer_feature(context: Context) -> Found:
    """Something newer than the oldest release that the profile says it is for.

    Why: an older Santa takes no such rule, and knows no such key. Evidence: the badges of Santa's
    documentation.
    """
    content = context.document.content
    said = content.get("PayloadDescription") if isinstance(content, dict) else None
    found = _FOR.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        return
    oldest = int(found[1]), int(found[2])
    for payload in context.payloads:
        for key in sorted(payload.keys):
            since = _KEYS_SINCE.get(key, oldest)
            if since > oldest:
                yield context.at_key(payload, key), f"{key} came with {since[0]}.{since[1]}"
    for payload, number, rule in context.read:
        for word in (rule.type.name, rule.policy.value):
            since = _SINCE.get(word, oldest)
            if since > oldest:
                message = f"rule {number}: {word} came with {since[0]}.{since[1]}"
                yield context.at_rule(payload, number), message


def _file_access(context: Context, kind: str) -> Found:
    for payload in context.payloads:
        own = payload.file_access
        for trap in () if own is None else file_access.traps(own[0]):
            if trap.kind == kind:
                line = context.document.line(*(own[1] if own else ()), *trap.path)
                yield Place(context.name, line), trap.message


@REGISTER.rule("S070", Level.ERROR, "mend the rule")
def bad_file_access(context: Context) -> Found:
    """A file access rule that Santa does not take.

    Why: it is left out with a line in the log, the others are used. Evidence: WatchItems.mm.
    """
    yield from _file_access(context, file_access.BAD)


@REGISTER.rule("S071", Level.WARNING, "write AuditOnly and AllowReadAccess into every rule")
def file_access_defaults(context: Context) -> Found:
    """A file access rule that leaves to a default whether it blocks, or whom.

    Why: AuditOnly is true and AllowReadAccess is false where they are not written, in the code; the
    documentation has said otherwise. Evidence: WatchItemPolicy.h.
    """
    yield from _file_access(context, file_access.DEFAULT)


@REGISTER.rule("S072", Level.WARNING, "write the path as Santa sees it")
def unseen_file_access(context: Context) -> Found:
    """A path or name of a file access rule that matches less than it seems to.

    Why: Santa sees resolved paths, its globs (libc's glob) have no `**`, and only the first `*` of
    a signing ID is one.
    """
    yield from _file_access(context, file_access.UNSEEN)


@REGISTER.rule("S073", Level.WARNING, "keep one of them")
def two_file_access(context: Context) -> Found:
    """FileAccessPolicyPlist beside FileAccessPolicy, which is then ignored (SNTConfigurator.mm)."""
    for payload in context.payloads:
        if {"FileAccessPolicy", "FileAccessPolicyPlist"} <= payload.keys.keys():
            yield context.at_key(payload, "FileAccessPolicyPlist"), "FileAccessPolicyPlist is idle"
