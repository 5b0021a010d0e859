"""Who a rule is for: users and groups by number, and the program that opens or starts the file.

Names of users and groups depend on the machine, and a daemon before 1.5 drops a field with a
name it does not know (rules.c), so that the rule is for everybody: only root's is written.
"""

from __future__ import annotations

import re

from policyc.targets.fapolicyd.printer import expressible

_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_LARGEST = (1 << 31) - 1
"""What a daemon before 1.3.7 keeps of a number: 31 bits and a sign."""
_ROOT = {"user:root": "uid:0", "group:root": "gid:0"}
COMM = 15
"""Bytes of a process's name that the kernel keeps (TASKCOMM_LEN less its end)."""


def subject_of(name: str) -> tuple[str, str] | None:
    """The subject field and its value for a principal, None for one that no rule can name.

    ``uid:1000``, ``gid:100``, ``user:root``, ``group:root``, ``exe:/usr/bin/dnf``, ``comm:dnf``.
    """
    kind, _, value = _ROOT.get(name, name).partition(":")
    if kind in ("uid", "gid") and _NUMBER.fullmatch(value) and int(value) <= _LARGEST:
        return kind, value
    if kind == "exe" and value.startswith("/") and expressible(value):
        return kind, value
    if kind == "comm" and expressible(value) and len(value) <= COMM:
        return kind, value
    return None


def identify(name: str) -> str | None:
    """The principal as the daemon's rules have it."""
    found = subject_of(name)
    return None if found is None else "=".join(found)
