"""Findings as SARIF 2.1.0 (OASIS), with the proving bytes as byte regions.

The ``github`` profile adds the start line that GitHub code scanning requires and keeps to its
limit of 25,000 results a run. The ATT&CK version is pinned in the taxonomy.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from policyc.model.diagnostic import Finding, Level
from policyc.reports.safe import printable

ATTACK = "18.1"
"""The ATT&CK version that the technique ids are taken from."""

GITHUB_RESULTS = 25_000
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_SNIPPET = 64


def findings_sarif(
    findings: Sequence[Finding], manuals: Mapping[str, tuple[str, str]], *, github: bool = False
) -> str:
    """One SARIF log; ``manuals`` maps a code to its name and its manual page."""
    kept = findings[:GITHUB_RESULTS] if github else findings
    codes = sorted({item.code for item in kept})
    techniques = sorted({name for item in kept for name in item.techniques})
    run = {
        "tool": {
            "driver": {
                "name": "policyc",
                "rules": [_rule(code, manuals[code]) for code in codes],
                "supportedTaxonomies": [{"name": "MITRE ATT&CK", "index": 0}],
            }
        },
        "taxonomies": [
            {
                "name": "MITRE ATT&CK",
                "version": ATTACK,
                "organization": "MITRE",
                "taxa": [{"id": name} for name in techniques],
            }
        ],
        "results": [_result(item, codes.index(item.code), github=github) for item in kept],
        "properties": {"omittedResults": len(findings) - len(kept)},
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=1, ensure_ascii=True)


def _rule(code: str, manual: tuple[str, str]) -> dict[str, Any]:
    name, page = manual
    first = page.strip().partition("\n")[0]
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in name.split("-")),
        "shortDescription": {"text": first},
        "fullDescription": {"text": first},
        "help": {"text": page},
    }


def _result(finding: Finding, index: int, *, github: bool) -> dict[str, Any]:
    uri = quote(finding.path.replace("\\", "/").encode("utf-8", "surrogateescape"))
    offset = finding.proofs[0].offset if finding.proofs else 0
    identity = f"{finding.code}|{finding.sha256}|{uri}|{offset}"
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.level],
        "message": {"text": printable(finding.message)},
        "locations": [{"physicalLocation": _location(finding, uri, github=github)}],
        "partialFingerprints": {"policyc/v1": hashlib.sha256(identity.encode()).hexdigest()},
        "taxa": [
            {"id": name, "toolComponent": {"name": "MITRE ATT&CK", "index": 0}}
            for name in finding.techniques
        ],
        "properties": {
            "claimed": list(finding.claimed),
            "actual": finding.actual,
            "sha256": finding.sha256,
            "nameCodepoints": list(finding.codepoints),
            "proofs": [
                {"offset": item.offset, "bytes": item.data.hex(), "meaning": item.meaning}
                for item in finding.proofs
            ],
        },
    }


def _location(finding: Finding, uri: str, *, github: bool) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    region: dict[str, Any] = {"startLine": 1} if github else {}
    if finding.proofs and not github:
        proof = finding.proofs[0]
        shown = base64.b64encode(proof.data[:_SNIPPET]).decode()
        region |= {
            "byteOffset": proof.offset,
            "byteLength": len(proof.data),
            "snippet": {"binary": shown},
        }
    if region:
        location["region"] = region
    return location
