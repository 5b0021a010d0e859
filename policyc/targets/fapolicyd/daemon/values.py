"""Values of fields and members of sets, as avl and strtol read them in each version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from policyc.targets.fapolicyd.daemon.loaded import LoadedSet, Value
from policyc.targets.fapolicyd.daemon.version import SIGNED, DaemonVersion

NUMERIC = frozenset({"auid", "uid", "sessionid", "gid", "pid", "ppid"})
_SET_NAME = re.compile(r"[A-Za-z0-9_]*", re.ASCII)
_TRUST = re.compile(r"\s*([+-]?[0-9]+)", re.ASCII)
_LEADING = re.compile(r"\s*(-?[0-9]*)", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)


class FieldError(Exception):
    """What is wrong with a value, in the daemon's words where they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Accounts of the machine, by name."""

    users: Mapping[str, int] = field(default_factory=lambda: {"root": 0})
    groups: Mapping[str, int] = field(default_factory=lambda: {"root": 0})


@dataclass(slots=True)
class Reader:
    """Reads values for one version, with the sets defined so far."""

    version: DaemonVersion
    names: Names
    sets: dict[str, LoadedSet]

    def value(self, name: str, text: str, *, subject: bool) -> Value:
        """The value of a field; raises FieldError."""
        if text[:1] == "%":
            return self._from_set(name, text[1:].strip(), subject=subject)
        if name == "all":
            return None
        if name == "trust":
            return _trust(text)
        if name == "pattern":
            if text not in self.version.patterns:
                raise FieldError(f"the pattern {text!r} is unknown")
            return text
        if name in NUMERIC and subject:
            return self._numbers(name, text)
        values = frozenset(part for part in text.split(",") if part)
        self._check_globs(name, values)
        return values

    def _from_set(self, name: str, wanted: str, *, subject: bool) -> Value:
        if not _SET_NAME.fullmatch(wanted):
            raise FieldError("cannot obtain the name of a set")
        own = self.sets.get(wanted)
        if own is None:
            raise FieldError(f"the set {wanted!r} was not defined before")
        if name in ("trust", "pattern"):
            raise FieldError(f"{name} takes no set")
        if not (subject and name in NUMERIC):
            if own.numeric is not None:
                raise FieldError(f"the set {wanted!r} holds numbers, {name} takes texts")
            return own.values
        unchecked = name == "gid" and not self.version.since(1, 4, 4)
        wants_signed = name in SIGNED
        fits = own.numeric is not None
        if self.version.typed_sets:
            fits = own.numeric is not None and own.numeric == wants_signed
        if not fits and not unchecked:
            raise FieldError(f"the set {wanted!r} holds the wrong kind of values for {name}")
        return own.values

    def _numbers(self, name: str, text: str) -> frozenset[int]:
        found: list[int] = []
        for part in text.split(","):
            word = part.strip() if self.version.typed_sets else part
            if not word:
                continue
            number = self._number(name, word)
            if number is None:
                continue
            if number in found:
                raise FieldError(f"{name} names {number} twice")
            found.append(number)
        return frozenset(found)

    def _number(self, name: str, word: str) -> int | None:
        version = self.version
        negative = word[0] == "-" and version.negative_numbers
        if not (word[0].isdigit() or negative):
            return self._account(name, word)
        if negative and version.typed_sets and name not in SIGNED:
            raise FieldError(f"{name} takes no negative number")
        number = leading_number(word)
        unsigned = version.typed_sets and name not in SIGNED
        if not -(2**63) <= number < (2**64 if unsigned else 2**63):
            raise FieldError(f"error converting {word!r}")
        return number if version.typed_sets else as_int32(number)

    def _account(self, name: str, word: str) -> int | None:
        if name in ("auid", "uid"):
            if word not in self.names.users:
                raise FieldError(f"user {word} is unknown")
            return self.names.users[word]
        if name == "gid":
            if word not in self.names.groups:
                raise FieldError(f"group {word} is unknown")
            return self.names.groups[word]
        return None

    def _check_globs(self, name: str, values: frozenset[str]) -> None:
        globs = [item for item in values if item.startswith("glob:")]
        if not self.version.quotes or not globs:
            return
        if name not in ("exe", "path"):
            raise FieldError(f"{name} takes no pattern")
        if any(not item.startswith("glob:/") for item in globs):
            raise FieldError("a pattern must be absolute")

    def define(self, word: str, line: int) -> None:
        """Define a set, or append to %languages; raises FieldError."""
        name, equals, text = word[1:].partition("=")
        if not equals:
            raise FieldError("a set without `=`")
        append = self.version.quotes and name.endswith("+")
        name = name.removesuffix("+").strip() if append else name.strip()
        if not _SET_NAME.fullmatch(name):
            raise FieldError("cannot parse the name of the set")
        if append:
            self._append(name, text)
            return
        if name in self.sets:
            raise FieldError(f"the set {name!r} was already defined")
        self.sets[name] = self._typed(name, text, line)

    def _append(self, name: str, text: str) -> None:
        added = frozenset(part.strip() for part in text.split(",") if part.strip())
        own = self.sets.get(name)
        if name != "languages" or own is None:
            raise FieldError("only %languages can be added to, once it is defined")
        if not added or any(item.startswith("glob:") for item in added):
            raise FieldError("nothing that can be added to %languages")
        texts = frozenset(str(item) for item in own.values)
        self.sets[name] = LoadedSet(
            name=name, line=own.line, values=texts | added, numeric=own.numeric
        )

    def _typed(self, name: str, text: str, line: int) -> LoadedSet:
        numeric: bool | None = None
        values: list[int] | list[str]
        if self.version.typed_sets:
            words = [part.strip() for part in text.strip().split(",") if part.strip()]
            values = words
            if words and all(_NUMBER.fullmatch(item) for item in words):
                numeric = any(item.startswith("-") for item in words)
                values = [int(item) for item in words]
        else:
            words = [part for part in text.split(",") if part]
            values = words
            # Before 1.3.7 the first character of the whole list decides.
            if text[:1].isdigit():
                numeric = False
                values = [as_int32(leading_number(item)) for item in words]
        if len(set(values)) != len(values):
            raise FieldError(f"the set {name!r} names a value twice")
        frozen = frozenset(values)
        return LoadedSet(name=name, line=line, values=frozen, numeric=numeric)  # type: ignore[arg-type]


def _trust(text: str) -> int:
    """strtol: a text without digits is 0, so ``trust=yes`` means ``trust=0``."""
    if "," in text:
        raise FieldError("trust takes one value")
    match = _TRUST.match(text)
    number = int(match[1]) if match else 0
    if number not in (0, 1):
        raise FieldError("trust can be set to 1 or 0")
    return number


def leading_number(word: str) -> int:
    """What strtol makes of a text: the number that it begins with, else 0."""
    match = _LEADING.match(word)
    digits = match[1] if match else ""
    return int(digits) if digits.strip("-") else 0


def as_int32(number: int) -> int:
    """A number as it fits into the 32 bits it had before 1.3.7."""
    return (number + 2**31) % 2**32 - 2**31
