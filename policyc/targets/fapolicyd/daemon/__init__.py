"""The daemon itself, version by version: what it loads, drops and decides.

The rest of this target writes what every version reads the same way. This package reads
what people have: it follows rules.c, policy.c and fagenrules of 1.1.7 to 2.0.1, faults and all.
Its verdicts are tested against recordings of the real daemons 1.1.7, 1.3.4, 1.4.5 and 2.0.1.
"""

from __future__ import annotations

from policyc.targets.fapolicyd.daemon.decide import (
    EXEC_DIRS,
    SYSTEM_DIRS,
    Answer,
    Event,
    Object,
    Subject,
    decide,
)
from policyc.targets.fapolicyd.daemon.load import load
from policyc.targets.fapolicyd.daemon.loaded import (
    Effect,
    Field,
    Loaded,
    LoadedRule,
    Note,
    RefusedError,
)
from policyc.targets.fapolicyd.daemon.merge import Merged, merge
from policyc.targets.fapolicyd.daemon.values import Names
from policyc.targets.fapolicyd.daemon.version import DaemonVersion

__all__ = [
    "EXEC_DIRS",
    "SYSTEM_DIRS",
    "Answer",
    "DaemonVersion",
    "Effect",
    "Event",
    "Field",
    "Loaded",
    "LoadedRule",
    "Merged",
    "Names",
    "Note",
    "Object",
    "RefusedError",
    "Subject",
    "decide",
    "load",
    "merge",
]
