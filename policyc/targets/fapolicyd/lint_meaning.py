"""Lint rules about what the rules decide together. Evidence: policy.c, rules.c, recordings."""

from __future__ import annotations

from collections.abc import Iterator

from policyc.model.diagnostic import Level
from policyc.targets.fapolicyd.daemon import (
    Loaded,
    LoadedRule,
)
from policyc.targets.fapolicyd.lint_context import (
    HASHES,
    MACROS,
    REGISTER,
    Context,
    Found,
    fields,
    is_everything,
    texts,
)

_BULK = 100
"""Rules of one path each from which a set or the trust file is far cheaper."""


@REGISTER.rule("F007", Level.WARNING, "end with: deny_audit perm=execute all : all")
def open_end(context: Context) -> Found:
    """Nothing denies an execute that no rule matched.

    Why: where no rule matches, the daemon allows (policy.c).
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        if not any(_closes(rule, "execute") for rule in loaded.rules):
            yield loaded.rules[-1].line, "an execute that no rule matches is allowed"

    yield from context.across(look)


@REGISTER.rule("F008", Level.ERROR, "put before it: allow perm=open all : all")
def closed_open(context: Context) -> Found:
    """A rule denies every open.

    Why: no file can be read any more; the machine does not come up.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            if rule.perm in ("open", "any") and _is_all(rule):
                if not rule.allows:
                    yield rule.line, "every open that comes here is denied"
                return

    yield from context.across(look)


def _is_all(rule: LoadedRule) -> bool:
    return is_everything(rule.subject) and is_everything(rule.object)


def _closes(rule: LoadedRule, perm: str) -> bool:
    return not rule.allows and rule.perm in (perm, "any") and _is_all(rule)


@REGISTER.rule("F009", Level.WARNING, "move it up, or remove it")
def shadowed(context: Context) -> Found:
    """A rule that no access reaches, because one above it matches all that it matches."""

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        ends: dict[str, LoadedRule] = {}
        seen: dict[object, LoadedRule] = {}
        for rule in loaded.rules:
            perms = ("open", "execute") if rule.perm == "any" else (rule.perm,)
            key = (rule.perm, _conditions(rule))
            above = seen.get(key)
            if all(perm in ends for perm in perms):
                above = ends[perms[0]]
            if above is not None:
                place = context.place(loaded.version, above.line)
                yield rule.line, f"{place.file}:{place.line} matches all that this matches"
            seen.setdefault(key, rule)
            if _is_all(rule):
                ends.update((perm, rule) for perm in perms if perm not in ends)

    yield from context.across(look)


def _conditions(rule: LoadedRule) -> object:
    sides = (rule.subject, rule.object)
    return tuple(
        frozenset((item.name, item.value) for item in side if item.name != "all") for side in sides
    )


@REGISTER.rule("F010", Level.WARNING, "end the folder with /")
def folder_without_slash(context: Context) -> Found:
    """A folder without a slash at its end is a prefix of other folders, too.

    Why: ``dir=/opt/app`` matches ``/opt/application/x`` (recorded with four daemons).
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            for item in fields(rule):
                for value in sorted(texts(item) - MACROS) if item.name == "dir" else ():
                    if not value.endswith("/"):
                        yield rule.line, f"dir={value} also matches {value}x/"

    yield from context.across(look)


@REGISTER.rule("F017", Level.WARNING, "limit it to the programs that need it")
def root_runs_all(context: Context) -> Found:
    """Root may run anything through a program that is trusted.

    Why: the shipped rule for building boot images lets every trusted shell of root run every
    file. A strict policy leaves it out.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            names = {item.name: item for item in rule.subject}
            root = "uid" in names and names["uid"].value == frozenset({0})
            narrow = {"exe", "comm", "dir", "pattern"} & set(names)
            executes = rule.perm in ("any", "execute")
            if rule.allows and root and not narrow and executes and is_everything(rule.object):
                yield rule.line, "root runs any file, trusted or not"

    yield from context.across(look)


@REGISTER.rule("F018", Level.INFO, "add text/x-script.python to %languages")
def languages(context: Context) -> Found:
    """The list of languages lacks a type that interpreted code has.

    Why: libmagic calls Python code without an interpreter line text/x-script.python, which the
    shipped list has from 2.0 on only.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for own in loaded.sets:
            if own.name == "languages" and "text/x-script.python" not in own.values:
                yield own.line, "%languages lacks text/x-script.python"

    yield from context.across(look)


@REGISTER.rule("F020", Level.ERROR, "name the folder that is meant")
def whole_machine(context: Context) -> Found:
    """An allow for everything below the root folder."""

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        for rule in loaded.rules:
            for item in rule.object:
                executes = rule.perm in ("any", "execute")
                if rule.allows and executes and item.name == "dir" and "/" in texts(item):
                    yield rule.line, "dir=/ is every file"

    yield from context.across(look)


@REGISTER.rule("F021", Level.INFO, "add: deny_audit perm=open exe=LOADER : all")
def loader_pattern(context: Context) -> Found:
    """``pattern=ld_so`` alone guards the dynamic loader.

    Why: the daemon compares with the loader's path of the machine it was built on. Debian 12's
    never matches. A rule with the real path of the loader as ``exe`` closes it everywhere.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        guards = [
            rule
            for rule in loaded.rules
            if any(item.name == "pattern" and item.value == "ld_so" for item in rule.subject)
        ]
        direct = any(
            item.name == "exe" and any("/ld-" in value for value in texts(item))
            for rule in loaded.rules
            for item in rule.subject
        )
        if guards and not direct:
            yield guards[0].line, "no rule names the loader itself"

    yield from context.across(look)


@REGISTER.rule("F022", Level.INFO, "use a set, or the trust file")
def many_rules(context: Context) -> Found:
    """Many rules of one path or digest each.

    Why: each 1,000 of them add about 45 microseconds to every open; a set of 1,000 adds nothing.
    """

    def look(loaded: Loaded) -> Iterator[tuple[int, str]]:
        single = [
            rule
            for rule in loaded.rules
            if any(item.name in {"path", *HASHES} and len(texts(item)) == 1 for item in rule.object)
        ]
        if len(single) > _BULK:
            yield single[0].line, f"{len(single)} rules name one path or digest each"

    yield from context.across(look)
