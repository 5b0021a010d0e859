"""Findings and decisions as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from policyc.model.diagnostic import Finding, Level


def findings_json(findings: Iterable[Finding], *, files: int, skipped: int) -> str:
    """One JSON object as docs/check.schema.json describes it; pure ASCII, so safe for any log."""
    listed = list(findings)
    still = [item for item in listed if not item.accepted]
    counts = {level.value: sum(item.level is level for item in still) for level in Level}
    accepted = len(listed) - len(still)
    value = {
        "version": 1,
        "findings": [finding_value(item) for item in listed],
        "summary": {"files": files, "skipped": skipped, **counts, "accepted": accepted},
    }
    return dump(value)


def dump(value: object) -> str:
    """JSON of one member a line, pure ASCII; quick for large values, unlike ``indent``."""
    text = json.dumps(value, ensure_ascii=True)
    try:
        return msgspec.json.format(text, indent=1)
    except msgspec.DecodeError:  # half a surrogate pair, which JSON allows and msgspec does not
        return json.dumps(value, indent=1, ensure_ascii=True)


def finding_value(finding: Finding) -> dict[str, Any]:
    """JSON types for one finding."""
    return {
        "code": finding.code,
        "level": finding.level.value,
        "path": _text(finding.path),
        "message": _text(finding.message),
        "techniques": list(finding.techniques),
        "accepted": _text(finding.accepted),
        "evidence": {
            "claimed": list(finding.claimed),
            "actual": finding.actual,
            "permitted_extensions": list(finding.permitted),
            "sha256": finding.sha256,
            "codepoints": list(finding.codepoints),
            "proofs": [
                {"offset": item.offset, "bytes": item.data.hex(), "meaning": item.meaning}
                for item in finding.proofs
            ],
            "opinions": [
                {"tool": item.tool, "says": _text(item.says)} for item in finding.opinions
            ],
        },
    }


def _text(text: str) -> str:
    """Text that every JSON reader takes; bytes that were no UTF-8 become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
