"""Findings and decisions as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from policyc.model.diagnostic import Finding, Level


def findings_json(findings: Iterable[Finding], *, files: int, skipped: int) -> str:
    """One JSON object: ``findings`` and ``summary``; pure ASCII, so safe for any log."""
    listed = list(findings)
    counts = {level.value: sum(item.level is level for item in listed) for level in Level}
    value = {
        "findings": [finding_value(item) for item in listed],
        "summary": {"files": files, "skipped": skipped, **counts},
    }
    return json.dumps(value, indent=1, ensure_ascii=True)


def finding_value(finding: Finding) -> dict[str, Any]:
    """JSON types for one finding."""
    return {
        "code": finding.code,
        "level": finding.level.value,
        "path": finding.path.encode("utf-8", "backslashreplace").decode("utf-8"),
        "message": finding.message.encode("utf-8", "backslashreplace").decode("utf-8"),
        "techniques": list(finding.techniques),
        "evidence": {
            "claimed": list(finding.claimed),
            "actual": finding.actual,
            "sha256": finding.sha256,
            "codepoints": list(finding.codepoints),
            "proofs": [
                {"offset": item.offset, "bytes": item.data.hex(), "meaning": item.meaning}
                for item in finding.proofs
            ],
        },
    }
