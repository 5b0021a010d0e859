"""A rule file as a daemon of a version loads it. Source: rules.c (nv_split, parse_new_format)."""

from __future__ import annotations

from policyc.targets.fapolicyd.daemon.loaded import (
    Effect,
    Field,
    Loaded,
    LoadedRule,
    Note,
    RefusedError,
)
from policyc.targets.fapolicyd.daemon.values import FieldError, Names, Reader
from policyc.targets.fapolicyd.daemon.version import OLD_SUBJECT, DaemonVersion
from policyc.targets.fapolicyd.daemon.words import Word, words

DECISIONS = frozenset(
    f"{word}{suffix}" for word in ("allow", "deny") for suffix in ("", "_audit", "_syslog", "_log")
) | {"no-opinion"}
PERMISSIONS = ("open", "execute", "any")


def load(text: str, version: DaemonVersion, names: Names | None = None) -> Loaded:
    """Load compiled.rules; raises RefusedError where the daemon would not start.

    ``names`` are the machine's accounts; by default it has root alone.
    """
    loading = _Loading(version, names or Names())
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, 1):
        loading.line(line, number)
    if not loading.rules:
        raise RefusedError("No rules in file - exiting")
    return Loaded(
        version=version,
        rules=tuple(loading.rules),
        sets=tuple(loading.reader.sets.values()),
        notes=tuple(loading.notes),
    )


class _Side:
    """The fields of a rule while its line is read."""

    def __init__(self) -> None:
        self.subject: list[Field] = []
        self.object: list[Field] = []
        self.perm = "open"


class _Loading:
    def __init__(self, version: DaemonVersion, names: Names) -> None:
        self.version = version
        self.reader = Reader(version, names, {})
        self.rules: list[LoadedRule] = []
        self.notes: list[Note] = []
        self._number = 0

    def line(self, line: str, number: int) -> None:
        self._number = number
        found = words(line, number, self.version)
        if not found or found[0].text[0] == "#":
            return
        first = found[0]
        if first.text[0] == "%":
            try:
                self.reader.define(first.text, number)
            except FieldError as error:
                raise RefusedError(str(error), number, first.column) from error
            return
        if first.text not in DECISIONS:
            raise RefusedError(f"Invalid decision ({first.text})", number, first.column)
        side = _Side()
        self._fields(side, found[1:], colon=":" in line)
        for what, fields in (("subject", side.subject), ("object", side.object)):
            if not fields:
                raise RefusedError(f"{what} is missing", number, first.column)
        self.rules.append(
            LoadedRule(
                number=len(self.rules) + 1,
                line=number,
                decision=first.text,
                perm=side.perm,
                subject=tuple(side.subject),
                object=tuple(side.object),
            )
        )

    def _fields(self, side: _Side, rest: list[Word], *, colon: bool) -> None:
        """The format without a colon word by word; the first field of a line with one."""
        for at, word in enumerate(rest):
            name, equals, text = word.text.partition("=")
            if not equals:
                self._bare(side, word)
            elif colon:
                self._first(side, word, name, text)
                self._rest(side, rest[at + 1 :])
                return
            elif name in OLD_SUBJECT:
                self._assign(side.subject, OLD_SUBJECT[name], text, word, subject=True)
            elif name in self.version.object:
                self._assign(side.object, name, text, word, subject=False)
            else:
                raise self._refused(f"Field type ({name}) is unknown", word)

    def _bare(self, side: _Side, word: Word) -> None:
        if word.text != "all":
            raise self._refused(f"'=' is missing for field {word.text}", word)
        if side.subject and side.object:
            raise self._refused("all can only be used in place of a subject or object", word)
        target = side.object if side.subject else side.subject
        target.append(Field(name="all", value=None, column=word.column))

    def _first(self, side: _Side, word: Word, name: str, text: str) -> None:
        if name == "perm":
            if text not in PERMISSIONS:
                raise self._refused(f"Access permission ({text}) is unknown", word)
            side.perm = text
        elif name in self.version.subject:
            self._assign(side.subject, name, text, word, subject=True)
        else:
            raise self._refused(f"Field type ({name}) is unknown", word)

    def _rest(self, side: _Side, rest: list[Word]) -> None:
        """Everything behind the first field; before 1.5 an error only ends the line."""
        behind = False
        for word in rest:
            name, equals, text = word.text.partition("=")
            known = self.version.object if behind else self.version.subject
            fields = side.object if behind else side.subject
            if equals and name in known:
                self._assign(fields, name, text, word, subject=not behind)
            elif not equals and word.text == ":" and not behind:
                behind = True
            elif not equals and word.text == "all":
                fields.append(Field(name="all", value=None, column=word.column))
            else:
                message = (
                    f"Field type ({name}) is unknown"
                    if equals
                    else f"'=' is missing for field {word.text}"
                )
                self._complain(message, word, Effect.REST_DROPPED)
                return

    def _assign(
        self, fields: list[Field], name: str, text: str, word: Word, *, subject: bool
    ) -> None:
        try:
            value = self.reader.value(name, text, subject=subject)
        except FieldError as error:
            self._complain(str(error), word, Effect.FIELD_DROPPED)
            return
        fields.append(Field(name=name, value=value, raw=text, column=word.column))

    def _complain(self, message: str, word: Word, effect: Effect) -> None:
        if self.version.fails_closed:
            raise self._refused(message, word)
        note = Note(line=self._number, column=word.column, message=message, effect=effect)
        self.notes.append(note)

    def _refused(self, message: str, word: Word) -> RefusedError:
        return RefusedError(message, self._number, word.column)
