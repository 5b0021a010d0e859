"""Lint rules about trust files and fapolicyd.conf. Evidence: file-backend.c, conf.c, recordings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyc.model.diagnostic import Level
from policyc.targets.fapolicyd.configuration import database_mib, known_keys
from policyc.targets.fapolicyd.daemon import DaemonVersion
from policyc.targets.fapolicyd.lint_context import REGISTER, Context, Found
from policyc.targets.fapolicyd.printer import TRUST_HEADER
from policyc.targets.lint_register import Place

_ENTRY = re.compile(r"(\S.*) ([0-9]{1,15}) ([0-9A-Fa-f]{64}|[0-9A-Fa-f]{128})")
_SLOW = 10_000
_LINE = 160
_NUMBERS = frozenset(
    """permissive nice_val q_size do_stat_report detailed_report db_max_size subj_cache_size
    obj_cache_size rpm_sha256_only allow_filesystem_mark""".split()
)
_INTEGRITY = ("none", "size", "ima", "sha256")


def _entries(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line and not line.startswith("#"):
            yield number, line.rstrip("\r")


def _parsed(text: str) -> Iterator[tuple[int, re.Match[str]]]:
    for number, line in _entries(text):
        match = _ENTRY.fullmatch(line)
        if match:
            yield number, match


@REGISTER.rule("F030", Level.ERROR, "write: path size sha256")
def broken_entry(context: Context) -> Found:
    """A line of a trust file that is no entry ends the reading of the file.

    Why: all entries behind it are not trusted, so these programs do not start; the daemon only
    warns.
    """
    for name, text in sorted(context.trust.items()):
        for number, line in _entries(text):
            match = _ENTRY.fullmatch(line)
            if match is None:
                yield Place(name, number), "no entry; what stands behind it is not read"
                break


@REGISTER.rule("F031", Level.ERROR, "write the SHA-256 in lower case")
def wrong_digest(context: Context) -> Found:
    """A digest that no file will have: in upper case, or SHA-512, which trust files refuse."""
    for name, text in sorted(context.trust.items()):
        for number, match in _parsed(text):
            if len(match[3]) == 128:
                yield Place(name, number), "SHA-512 is refused"
            elif match[3] != match[3].lower():
                yield Place(name, number), "a digest in upper case never matches"


@REGISTER.rule("F032", Level.WARNING, "keep one entry for each path")
def twice(context: Context) -> Found:
    """Two entries for one path.

    Why: within a file the first counts. In two files one of them counts up to 1.3.4, in an order
    nobody can rely on, and both count from 1.4.5 on.
    """
    seen: dict[str, Place] = {}
    for name, text in sorted(context.trust.items()):
        for number, match in _parsed(text):
            first = seen.setdefault(match[1], Place(name, number))
            if first != Place(name, number):
                yield Place(name, number), f"{match[1]} stands at {first.file}:{first.line}, too"


@REGISTER.rule(
    "F033", Level.ERROR, f"begin the file with `{TRUST_HEADER}` and escape blanks as %20"
)
def blanks(context: Context) -> Found:
    """A path with a blank, written as it is.

    Why: 1.1 and 1.2 cut the entry at the blank and stop reading. The form with the header and
    escapes is read the same way by every version.
    """
    old = [version for version in context.versions if not version.since(1, 3)]
    for name, text in sorted(context.trust.items()):
        for number, match in _parsed(text) if old else ():
            if " " in match[1]:
                named = ", ".join(map(str, old))
                yield Place(name, number), f"a blank in the path ends the reading ({named})"


@REGISTER.rule("F034", Level.WARNING, "end the file with a newline")
def no_newline(context: Context) -> Found:
    """A trust file without a newline at its end loses its last entry (1.4.5 and later)."""
    for name, text in sorted(context.trust.items()):
        if text and not text.endswith("\n") and any(v.since(1, 4) for v in context.versions):
            yield Place(name, text.count("\n") + 1), "the last entry is not read"


@REGISTER.rule("F035", Level.WARNING, "use 1.3.7 or later, or fewer entries")
def slow_start(context: Context) -> Found:
    """So many entries that an old daemon takes long to start.

    Why: before 1.3.7 each entry is compared with all others: 1 s at 10,000, a minute at 50,000,
    and meanwhile nothing is denied.
    """
    count = sum(1 for text in context.trust.values() for _ in _entries(text))
    old = [version for version in context.versions if not version.since(1, 3, 7)]
    if count > _SLOW and old:
        seconds = (2.6e-8 if count > 30_000 else 1.1e-8) * count * count
        named = ", ".join(map(str, old))
        place = Place(min(context.trust))
        yield place, f"{count:,} entries: about {seconds:,.0f} s to start ({named})"


@REGISTER.rule("F036", Level.ERROR, "make it writable by root alone, or do not trust it")
def writable(context: Context) -> Found:
    """A trusted file that a user other than root can write.

    Why: the digest is kept by inode, time and size: who can write the file can also restore its
    time, and stays trusted. Needs an inventory of the machine.
    """
    for name, text in sorted(context.trust.items()):
        for number, match in _parsed(text):
            if match[1] in context.writable:
                yield Place(name, number), f"{match[1]} is writable by users"


def _settings(context: Context) -> Iterator[tuple[Place, str, str]]:
    for name, text in sorted(context.conf.items()):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                key, _, value = line.partition("=")
                yield Place(name, number), key.strip(), value.strip()


@REGISTER.rule("F040", Level.ERROR, "remove it, or require the version that knows it")
def unknown_key(context: Context) -> Found:
    """A key that a version does not know, or no setting at all.

    Why: the daemon does not start with it.
    """
    seen: dict[tuple[Place, str], list[DaemonVersion]] = {}
    for place, key, value in _settings(context):
        for version in context.versions:
            if not value or key not in known_keys(version):
                text = f"{key} is unknown" if value else f"{key} has no value"
                seen.setdefault((place, text), []).append(version)
    yield from context.told(seen)


@REGISTER.rule("F041", Level.ERROR, "write a number, or one of the values of the manual page")
def bad_value(context: Context) -> Found:
    """A value that cannot be read. The daemon does not start with it."""
    for place, key, value in _settings(context):
        number = value.isascii() and value.isdigit()
        automatic = key == "db_max_size" and value == "auto"
        if key in _NUMBERS and not number and not automatic:
            yield place, f"{key} = {value} is no number"
        elif key == "integrity" and value not in _INTEGRITY:
            yield place, f"integrity is one of {', '.join(_INTEGRITY)}"
        elif key == "syslog_format" and ":" not in value.split(","):
            yield place, "syslog_format needs a `:` between subject and object"
        elif key == "nice_val" and number and int(value) > 20:
            yield place, "nice_val is at most 20"


@REGISTER.rule("F042", Level.WARNING, "set integrity = sha256")
def weak_integrity(context: Context) -> Found:
    """Trust that does not compare contents.

    Why: with none any content under a trusted path is trusted, with size any of the same size.
    """
    for place, key, value in _settings(context):
        if key == "integrity" and value in ("none", "size"):
            yield place, f"integrity = {value} trusts changed files"


@REGISTER.rule("F043", Level.INFO, "set permissive = 0 once the logs are quiet")
def permissive(context: Context) -> Found:
    """The daemon only reports."""
    for place, key, value in _settings(context):
        if key == "permissive" and value not in ("0", ""):
            yield place, "nothing is denied"


@REGISTER.rule("F044", Level.ERROR, "raise db_max_size")
def small_database(context: Context) -> Found:
    """A database too small for the entries.

    Why: 1.1.7 loads a part and denies the rest, 1.4.5 and later do not start.
    """
    paths = [match[1] for text in context.trust.values() for _, match in _parsed(text)]
    for place, key, value in _settings(context):
        if key == "db_max_size" and value.isascii() and value.isdigit() and paths:
            needed = max(database_mib(version, paths) for version in context.versions)
            if int(value) < needed:
                yield place, f"{len(paths):,} entries need {needed} MiB, it has {value}"


@REGISTER.rule("F045", Level.WARNING, "shorten the line")
def long_line(context: Context) -> Found:
    """A line longer than the 160 characters that versions before 1.5 read."""
    for name, text in sorted(context.conf.items()):
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) >= _LINE and any(not v.since(1, 5) for v in context.versions):
                yield Place(name, number), f"{len(line)} characters"


@REGISTER.rule("F046", Level.WARNING, "name the file systems that programs are on")
def watches_little(context: Context) -> Found:
    """A usual file system is not watched, so nothing on it is decided."""
    for place, key, value in _settings(context):
        watched = {item.strip() for item in value.split(",")}
        missing = sorted({"ext4", "xfs", "tmpfs"} - watched)
        if key == "watch_fs" and missing:
            yield place, f"not watched: {', '.join(missing)}"
