"""Lint rules about what each version makes of a rule file. Evidence: rules.c, recordings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyc.model.diagnostic import Level
from policyc.targets.fapolicyd.accounts import KINDS
from policyc.targets.fapolicyd.daemon import (
    DaemonVersion,
    Effect,
    Loaded,
    RefusedError,
)
from policyc.targets.fapolicyd.lint_context import (
    HASHES,
    MACROS,
    REGISTER,
    Context,
    Found,
    fields,
    texts,
)
from policyc.targets.lint_register import Place

_LINKED = ("/bin/", "/sbin/", "/lib/", "/lib64/")
_LINKS = frozenset({"/usr/bin/python3", "/usr/bin/python", "/usr/bin/sh", "/usr/bin/awk"})
_PLACEHOLDER = re.compile(r"%[a-z0-9_]{1,40}_path%")
_UPPER = re.compile(r"[0-9a-f]*[A-F][0-9A-Fa-f]*", re.ASCII)


@REGISTER.rule("F001", Level.ERROR, "correct the line; the daemon does not start with it")
def refused(context: Context) -> Found:
    """A version of the daemon refuses the rules.

    Why: without a daemon nothing is denied. From 1.5 on any error refuses the whole file, before
    that most errors only drop a field.
    """
    seen: dict[tuple[Place, str], list[DaemonVersion]] = {}
    for version, item in context.loads.items():
        if isinstance(item, RefusedError):
            place = context.place(version, item.line)
            seen.setdefault((place, item.message), []).append(version)
    yield from context.told(seen)


@REGISTER.rule("F002", Level.ERROR, "correct the field; what is left of the rule says more")
def dropped(context: Context) -> Found:
    """A field is dropped without a stop, so the rule matches more than it says.

    Why: before 1.5 the daemon logs the error and keeps the rest: an allow for one program becomes
    an allow for all.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for note in loaded.notes:
            yield note.line, f"{note.message}: {note.effect.value}"

    yield from context.across(look)


@REGISTER.rule("F003", Level.ERROR, "correct the subject of the rule")
def crashes(context: Context) -> Found:
    """A rule that lost a subject field and asks for a path can end the daemon.

    Why: up to 1.4.5 the comparison reads behind the fields that are left, and a daemon that has
    ended allows everything. Recorded with 1.1.7, 1.3.4 and 1.4.5.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        cut = {note.line for note in loaded.notes if note.effect is Effect.FIELD_DROPPED}
        for rule in loaded.rules:
            behind = any(item.name == "path" for item in rule.object[len(rule.subject) :])
            if rule.line in cut and behind:
                yield rule.line, "the daemon may end when it tries this rule"

    yield from context.across(look)


@REGISTER.rule("F004", Level.WARNING, "use trust=0, or name the folders")
def never(context: Context) -> Found:
    """A value that never matches.

    Why: ``execdirs``, ``systemdirs`` and ``untrusted`` have no effect before 1.4.4, and
    ``path=untrusted`` has none in any version, although the manual page names it.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            for item in fields(rule):
                words = sorted(texts(item) & MACROS)
                dead = item.name in ("dir", "exe") and not loaded.version.macros_match
                if words and (dead or (item.name == "path" and "untrusted" in words)):
                    yield rule.line, f"{item.name}={','.join(words)} never matches"

    yield from context.across(look)


@REGISTER.rule("F005", Level.ERROR, "write trust=1 or trust=0")
def trust_word(context: Context) -> Found:
    """A trust value that is not 0 or 1 is read as 0.

    Why: ``allow … : trust=yes`` allows what is not trusted (strtol reads no digits as 0).
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            for item in fields(rule):
                if item.name == "trust" and item.raw.strip() not in ("0", "1"):
                    yield rule.line, f"trust={item.raw} is read as trust={item.value}"

    yield from context.across(look)


@REGISTER.rule("F006", Level.WARNING, "write the digest in lower case")
def upper_case(context: Context) -> Found:
    """A digest in upper case never matches."""

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            for item in rule.object:
                if item.name in HASHES and any(map(_UPPER.fullmatch, texts(item))):
                    yield rule.line, f"{item.name} compares with lower-case digests"

    yield from context.across(look)


@REGISTER.rule("F011", Level.WARNING, "name the folder with dir=, or use glob: for 2.0")
def wildcard(context: Context) -> Found:
    """A star in a path is a star.

    Why: there are no patterns before 2.0, and from then on only behind ``glob:``.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            for item in fields(rule):
                if item.name not in ("path", "dir", "exe"):
                    continue
                for value in sorted(texts(item)):
                    pattern = value.startswith("glob:")
                    if "*" in value and not (pattern and loaded.version.quotes):
                        yield rule.line, f"{item.name}={value} names a file with a star in its name"

    yield from context.across(look)


@REGISTER.rule("F012", Level.WARNING, "write the real path (readlink -f)")
def symbolic_link(context: Context) -> Found:
    """A path that is a symbolic link on usual machines is never seen.

    Why: the kernel gives the daemon real paths. /bin, /sbin, /lib and /lib64 are links to
    folders of /usr, /usr/bin/python3 is one to a version.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            for item in fields(rule):
                if item.name not in ("path", "exe"):
                    continue
                for value in sorted(texts(item)):
                    if value.startswith(_LINKED) or value in _LINKS:
                        yield rule.line, f"{item.name}={value} is a link and never matches"

    yield from context.across(look)


@REGISTER.rule("F013", Level.ERROR, "put the real path in")
def placeholder(context: Context) -> Found:
    """A placeholder of the shipped samples was not filled in, or a value is empty.

    Why: packages fill ``%python3_path%`` in when they are installed. Before 1.5 the field is
    dropped and the rule allows everything; an empty path never matches.
    """
    for name, text in sorted(context.rules.items()):
        for number, line in enumerate(text.split("\n"), 1):
            if line.lstrip().startswith("#"):
                continue
            match = _PLACEHOLDER.search(line)
            if match:
                yield Place(name, number), f"{match[0]} was not filled in"
            elif re.search(r"(?<![^ ])(?:path|exe|dir)= ", f"{line} "):
                yield Place(name, number), "a path is empty"


@REGISTER.rule("F014", Level.ERROR, "split the rule")
def many_fields(context: Context) -> Found:
    """A side has more fields than the daemon has room for.

    Why: there is no check; the daemon writes beyond its array (8 fields before 1.4.3, 11 since).
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            most = max(len(rule.subject), len(rule.object))
            if most > loaded.version.most_fields:
                yield rule.line, f"{most} fields, room for {loaded.version.most_fields}"

    yield from context.across(look)


@REGISTER.rule("F015", Level.WARNING, "trust the file instead, or require 2.0")
def quoted(context: Context) -> Found:
    """A quoted value, or a pattern, that the version takes for letters.

    Why: before 2.0 the quotes and ``glob:`` are part of the path, which no file has.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules if not loaded.version.quotes else ():
            for item in fields(rule):
                for value in sorted(texts(item)):
                    if value.startswith(('"', "glob:")):
                        yield rule.line, f"{item.name}={value} is taken letter by letter"

    yield from context.across(look)


@REGISTER.rule("F016", Level.ERROR, "let another member stand first")
def set_of_numbers(context: Context) -> Found:
    """A set of texts that begins with a digit holds numbers.

    Why: before 1.3.7 the first character of the first member decides. Such a set cannot be used
    for paths or digests, and every member becomes the number it begins with.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for own in loaded.sets if not loaded.version.typed_sets else ():
            if own.numeric is not None and own.name not in _numeric_names(context):
                yield own.line, f"%{own.name} holds numbers, as its first member has a digit first"

    yield from context.across(look)


def _numeric_names(context: Context) -> frozenset[str]:
    """Sets whose members are all numbers, as a later version reads them."""
    found = set()
    for text in context.rules.values():
        for line in text.split("\n"):
            name, equals, members = line.partition("=")
            if name.startswith("%") and equals and all(map(str.isdigit, members.split(","))):
                found.add(name[1:])
    return frozenset(found)


@REGISTER.rule("F019", Level.INFO, "say perm=open, perm=execute or perm=any")
def no_permission(context: Context) -> Found:
    """A rule without ``perm=`` is about opens only."""
    for name, text in sorted(context.rules.items()):
        for number, line in enumerate(text.split("\n"), 1):
            words = line.split()
            if words and words[0].startswith(("allow", "deny")) and " perm=" not in line:
                yield Place(name, number), "the rule is about opens only"


@REGISTER.rule("F023", Level.ERROR, "end the file with a newline")
def glued(context: Context) -> Found:
    """A rule file without a newline at its end runs into the next file.

    Why: before 1.3.5 fagenrules joins the files as they are, and two rules become one line.
    """
    ordered = [name for name in context.rules if context.rules[name]]
    for name in sorted(ordered):
        if not context.rules[name].endswith("\n") and len(ordered) > 1:
            last = context.rules[name].count("\n") + 1
            if any(not version.since(1, 3, 5) for version in context.versions):
                yield Place(name, last), "the last line becomes one with the next file's first"


@REGISTER.rule("F024", Level.WARNING, "write the number of the account")
def account_by_name(context: Context) -> Found:
    """A rule names a user or a group that some machine may not have.

    Why: the daemon looks the name up when it starts, before services that know the accounts of a
    directory. Where the name is unknown, a daemon before 1.5 drops the field, so that the rule is
    for everybody, or does not start if nothing else is left; from 1.5 on it never starts.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            for item in rule.subject:
                values = item.value if item.name in KINDS else None
                for number in values if isinstance(values, frozenset) else ():
                    own = isinstance(number, int) and context.accounts.name(item.name, number)
                    if own:
                        yield rule.line, f"{item.name}= names {own}"

    yield from context.across(look)
