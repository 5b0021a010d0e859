"""Users and groups that rules name, on a machine that is not known."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from policyc.targets.fapolicyd.daemon import Names

_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}", re.ASCII)
_FIRST = 1 << 33
"""From here on numbers stand for accounts by name: no number of a rule is as large."""
KINDS = {"uid": "user", "auid": "user", "gid": "group"}
"""Fields that can name an account, and what kind it is."""


class _Numbers(dict[str, int]):
    """A number of its own for every account that a rule names.

    Which accounts a machine has is not known where its rules are read. The number follows from
    the name, so that two files that name the same say the same.
    """

    def __contains__(self, name: object) -> bool:
        known = dict.__contains__(self, name)
        return known or (isinstance(name, str) and bool(_ACCOUNT.fullmatch(name)))

    def __missing__(self, name: str) -> int:
        self[name] = _FIRST + int.from_bytes(hashlib.sha256(name.encode()).digest())
        return self[name]


@dataclass
class Accounts:
    """Accounts that rules name, whatever they are called; root is 0 everywhere."""

    _users: Mapping[str, int] = field(default_factory=lambda: _Numbers(root=0))
    _groups: Mapping[str, int] = field(default_factory=lambda: _Numbers(root=0))

    @property
    def names(self) -> Names:
        """For loading rules."""
        return Names(users=self._users, groups=self._groups)

    def name(self, kind: str, number: int) -> str | None:
        """``user:splunk`` for the number that stands for it, None for a number of a rule."""
        known = self._groups if kind == "gid" else self._users
        found = [name for name, own in known.items() if own == number and own]
        return f"{KINDS[kind]}:{found[0]}" if found else None
