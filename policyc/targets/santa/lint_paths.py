"""Lint rules on the expressions for paths."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyc.model.diagnostic import Level
from policyc.targets.santa.lint_context import REGISTER, Context, Found
from policyc.targets.santa.parse import python_expression

_LINKS = re.compile(r"/(?:tmp|var|etc)(?![A-Za-z0-9_])")
_OF_APPLE = re.compile(r"/(?:bin|sbin|usr/(?:bin|sbin|lib|libexec)|System)(?![A-Za-z0-9_])")
_ICU_ONLY = re.compile(r"\\[pPXRQEhHN]|\\x\{|\[\[:")
_HEAD = re.compile(r"^[\^(?:]+")
_BLOCKED = ("BlockedPathRegex", "BlacklistRegex")
_ALLOWED = ("AllowedPathRegex", "WhitelistRegex")


@REGISTER.rule("S010", Level.ERROR, "write ^(?:one|other)")
def open_branch(context: Context) -> Found:
    """An expression with a branch that is not anchored.

    Why: Santa puts ^ in front of the whole text, so of `a|b` only `a` is anchored, and `b` matches
    anywhere in a path. Evidence: expressionForPattern in SNTConfigurator.mm.
    """
    for key, text, place in context.expressions():
        branches = list(_branches(text))
        if any(not item.startswith(("^", "(?!)")) for item in branches[1:]):
            yield place, f"{key}: a branch behind the first is not anchored"


@REGISTER.rule("S011", Level.WARNING, "write /private in front")
def behind_a_link(context: Context) -> Found:
    """A path below /tmp, /var or /etc, which are links into /private.

    Why: Santa sees the resolved path, so such an expression never matches.
    """
    for key, text, place in context.expressions():
        for branch in _branches(text):
            if _LINKS.match(_HEAD.sub("", branch)):
                yield place, f"{key}: {branch} is behind a link"


@REGISTER.rule("S012", Level.ERROR, "mend the expression")
def broken_expression(context: Context) -> Found:
    """An expression that cannot be compiled, as far as Python and ICU agree.

    Why: Santa drops it, and with it every path it names.
    """
    for key, text, place in context.expressions():
        if _ICU_ONLY.search(text):
            continue  # S014 tells it
        try:
            re.compile(python_expression(text))
        except (re.error, RecursionError, OverflowError) as error:
            yield place, f"{key}: {error}"


@REGISTER.rule("S013", Level.INFO, r"end it with \z, or with a folder's / and .*")
def open_end(context: Context) -> Found:
    r"""An allowed path that is a file's name and has no end.

    Why: Santa searches, so `^/opt/tool` also allows /opt/tool.evil and /opt/tool/evil.
    """
    for key, text, place in context.expressions():
        if key not in _ALLOWED:
            continue
        for branch in _branches(text):
            name = branch.rstrip(")").rpartition("/")[2]
            if re.fullmatch(r"[A-Za-z0-9_-]+", name):
                yield place, f"{key}: {branch} goes on behind {name}"


@REGISTER.rule("S014", Level.INFO, "nothing to do; policyc cannot evaluate it")
def not_looked_at(context: Context) -> Found:
    r"""An expression with words that ICU has and Python has not, such as `\p{L}`.

    Why: whether it is sound, and what it matches, is not looked at here.
    """
    for key, text, place in context.expressions():
        if _ICU_ONLY.search(text):
            yield place, f"{key} is not looked at"


@REGISTER.rule("S015", Level.WARNING, "block the program by its signing ID, platform:com.apple.…")
def blocked_apple(context: Context) -> Found:
    """A blocked expression for a folder of macOS itself.

    Why: from 2026.5 on platform code is allowed before the blocked expression is looked at.
    Evidence: SNTPolicyProcessor.mm.
    """
    for key, text, place in context.expressions():
        for branch in _branches(text) if key in _BLOCKED else ():
            if _OF_APPLE.match(_HEAD.sub("", branch)):
                yield place, f"{key}: {branch} blocks no code of Apple's"


def _branches(text: str) -> Iterator[str]:
    """The alternatives at the top of an expression."""
    depth = start = at = 0
    in_class = False
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            yield text[start:at]
            start = at + 1
        at += 1
    yield text[start:]
