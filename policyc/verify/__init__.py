"""Translation validation: does an artifact decide as the baseline does?"""

from __future__ import annotations

from policyc.verify.compare import (
    Agreement,
    Difference,
    Report,
    compare,
    explaining,
    relate,
    together,
)
from policyc.verify.reduce import reduced
from policyc.verify.witnesses import Witnesses, witnesses

__all__ = [
    "Agreement",
    "Difference",
    "Report",
    "Witnesses",
    "compare",
    "explaining",
    "reduced",
    "relate",
    "together",
    "witnesses",
]
