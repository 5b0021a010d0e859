"""Translation validation: does an artifact decide as the baseline does?"""

from __future__ import annotations

from policyc.verify.compare import Agreement, Difference, Report, compare

__all__ = ["Agreement", "Difference", "Report", "compare"]
