"""Subjects of native rules as principals of a baseline, where those mean the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policyc.targets.fapolicyd.accounts import Accounts
from policyc.targets.fapolicyd.daemon import Field, LoadedRule
from policyc.targets.fapolicyd.lint_context import texts
from policyc.targets.fapolicyd.people import COMM, subject_of

_NO_WORD = {
    "auid": "login",
    "sessionid": "session",
    "pid": "process",
    "ppid": "parent process",
    "dir": "folder of the program",
    "ftype": "type of the program",
    "device": "device of the program",
}


class Inexpressible(Exception):  # noqa: N818 - no error: principals have no word for it
    """Why no principals mean what a subject says."""


@dataclass(frozen=True, slots=True)
class People:
    """Whom a rule is for: any of ``names``, everybody if there are none.

    ``only_trusted`` says that the program must be trusted, too, which principals cannot say.
    ``named`` are accounts by name, which need a number before they can be written again.
    """

    names: frozenset[str] = frozenset()
    only_trusted: bool = False
    named: tuple[str, ...] = ()


def people_of(rule: LoadedRule, accounts: Accounts) -> People:
    """Whom a rule is for; raises Inexpressible."""
    only_trusted = False
    limits: list[Field] = []
    for item in rule.subject:
        if item.name == "all":
            continue
        if item.name == "trust" and item.value == 1:
            only_trusted = True
        elif item.name == "trust":
            raise Inexpressible("the rule is about programs that are not trusted")
        elif item.name == "pattern":
            raise Inexpressible(f"the rule is about how a program started ({item.value})")
        elif item.name in _NO_WORD:
            raise Inexpressible(f"principals have no word for the {_NO_WORD[item.name]}")
        else:
            limits.append(item)
    if not limits:
        return People(only_trusted=only_trusted)
    if len(limits) > 1:
        both = " and ".join(sorted(item.name for item in limits))
        raise Inexpressible(f"the rule asks for {both} together, and principals are any of them")
    names = tuple(_principals(limits[0], accounts))
    if not names:
        raise Inexpressible(f"no process has {limits[0].name}={limits[0].raw}")
    named = tuple(item for item in names if subject_of(item) is None)
    return People(frozenset(names), only_trusted, named)


def _principals(item: Field, accounts: Accounts) -> Iterator[str]:
    if item.name in ("uid", "gid"):
        values = item.value if isinstance(item.value, frozenset) else frozenset[int]()
        for number in sorted(each for each in values if isinstance(each, int)):
            name = accounts.name(item.name, number) or f"{item.name}:{number}"
            if name.startswith(f"{item.name}:") and subject_of(name) is None:
                raise Inexpressible(f"{item.name}={number} is no number of a principal")
            yield name
        return
    for value in sorted(texts(item)):
        name = f"{item.name}:{value}"
        if subject_of(name) is None:
            if item.name == "comm" and len(value.encode("utf-8", "surrogateescape")) > COMM:
                continue  # longer than any process's name
            raise Inexpressible(f"{item.name}={value} cannot be a principal")
        yield name
