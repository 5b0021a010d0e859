"""Translation validation: does an artifact decide as the baseline does?"""

from __future__ import annotations

from policyc.verify.compare import Agreement, Difference, Report, compare
from policyc.verify.reduce import reduced
from policyc.verify.witnesses import Witnesses, witnesses

__all__ = ["Agreement", "Difference", "Report", "Witnesses", "compare", "reduced", "witnesses"]
