"""What the lint rules of Santa look at, and the register they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from policyc.model.facts import FileFacts
from policyc.targets.base import ArtifactError
from policyc.targets.lint_register import Place, Register
from policyc.targets.santa.formats.document import Document
from policyc.targets.santa.keys import EXPRESSION_KEYS
from policyc.targets.santa.model import SantaRule
from policyc.targets.santa.parse import RULE_KEYS, read_rule
from policyc.targets.santa.payloads import Payload

Found: TypeAlias = Iterator[tuple[Place, str]]


@dataclass(frozen=True)
class Context:
    """One file: its name, its content and its payloads."""

    name: str
    document: Document
    payloads: tuple[Payload, ...]
    files: tuple[FileFacts, ...] = ()
    """The programs of an inventory, if one is given."""

    @property
    def place(self) -> Place:
        """The file."""
        return Place(self.name)

    def at_rule(self, payload: Payload, number: int) -> Place:
        """Where a rule stands, counted from 1."""
        return Place(self.name, payload.rule_line(number))

    def at_key(self, payload: Payload, key: str) -> Place:
        """Where a key's value stands."""
        return Place(self.name, payload.key_line(key))

    @cached_property
    def read(self) -> tuple[tuple[Payload, int, SantaRule], ...]:
        """The rules that Santa takes, with their position counted from 1."""
        found = []
        for payload in self.payloads:
            for number, item in enumerate(payload.rules, 1):
                try:
                    found.append((payload, number, taken(item)))
                except ArtifactError:
                    continue  # S001 tells it
        return tuple(found)

    def expressions(self) -> Iterator[tuple[str, str, Place]]:
        """Path expressions by key, with their place."""
        for payload in self.payloads:
            for key in EXPRESSION_KEYS:
                text = payload.keys.get(key)
                if isinstance(text, str) and text:
                    yield key, text, self.at_key(payload, key)


REGISTER: Register[Context, Place] = Register()
"""The rules of Santa, by code."""


def taken(item: object) -> SantaRule:
    """A rule as Santa takes it, which does not look at keys it does not know."""
    if isinstance(item, dict):
        item = {key: value for key, value in item.items() if str(key).lower() in RULE_KEYS}
    return read_rule(item)
