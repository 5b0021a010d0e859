"""Findings as SARIF 2.1.0 (OASIS), with the proving bytes as byte regions.

The ``github`` profile adds the start line that GitHub code scanning requires and keeps to its
limit of 25,000 results a run. The ATT&CK version is pinned in the taxonomy.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from policyc.model.diagnostic import Finding, Level
from policyc.model.release import VERSION
from policyc.reports.json import dump
from policyc.reports.safe import printable

ATTACK = "18.1"
"""The ATT&CK version that the technique ids are taken from."""

GITHUB_RESULTS = 25_000
LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
"""SARIF's words for our levels."""

_SNIPPET = 64
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def findings_sarif(
    findings: Sequence[Finding], manuals: Mapping[str, tuple[str, str]], *, github: bool = False
) -> str:
    """One SARIF log; ``manuals`` maps a code to its name and its manual page."""
    kept = findings[:GITHUB_RESULTS] if github else findings
    codes = sorted({item.code for item in kept})
    techniques = sorted({name for item in kept for name in item.techniques})
    artifacts = _Artifacts()
    results = [
        _result(item, codes.index(item.code), artifacts.index(item), github=github) for item in kept
    ]
    run = {
        "tool": {
            "driver": driver(
                rules=[_rule(code, manuals[code]) for code in codes],
                supportedTaxonomies=[{"name": "MITRE ATT&CK", "index": 0}],
            )
        },
        "taxonomies": [
            {
                "name": "MITRE ATT&CK",
                "version": ATTACK,
                "organization": "MITRE",
                "taxa": [{"id": name} for name in techniques],
            }
        ],
        "artifacts": artifacts.listed,
        "results": results,
        "properties": {"omittedResults": len(findings) - len(kept)},
    }
    return log_of(run)


def log_of(run: Mapping[str, object]) -> str:
    """A SARIF log of one run."""
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return dump(log)


def uri_of(path: str) -> str:
    """A path as the URI of an artifact location: an absolute one as a ``file:`` URI (RFC 8089).

    As a relative reference it would stand for another place below a base (SARIF 2.1.0, 3.4.4).
    """
    plain = path.replace("\\", "/")
    rest = quote(plain.encode("utf-8", "surrogateescape"))
    if _DRIVE.match(path):
        return f"file:///{plain[0]}:{rest.removeprefix(plain[0] + '%3A')}"
    if path.startswith("\\\\"):
        return f"file:{rest}"
    return f"file://{rest}" if rest.startswith("/") else rest


def driver(**members: object) -> dict[str, Any]:
    """The tool that made a run: policyc, with the rules and whatever else is given."""
    return {"name": "policyc", "version": VERSION, **members}


def fingerprint(identity: str) -> dict[str, str]:
    """``partialFingerprints`` of a result, from the text that tells it from all others."""
    digest = hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()
    return {"policyc/v1": digest}


def suppressions(accepted: str) -> dict[str, Any]:
    """The member of a result that a baseline accepts; nothing without a reason."""
    if not accepted:
        return {}
    return {"suppressions": [{"kind": "external", "justification": printable(accepted)}]}


class _Artifacts:
    """The files of a run, each once; a member of a container names the container as its parent."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self._known: dict[str, int] = {}

    def index(self, finding: Finding) -> int:
        """The index of the finding's file, with its hash."""
        own = self._place(finding.path)
        if finding.sha256 is not None:
            self.listed[own]["hashes"] = {"sha-256": finding.sha256}
        return own

    def _place(self, path: str) -> int:
        if path in self._known:
            return self._known[path]
        outer, mark, inner = path.rpartition("!/")
        artifact: dict[str, Any] = {"location": {"uri": uri_of(inner if mark else path)}}
        if mark:
            artifact["parentIndex"] = self._place(outer)
        self._known[path] = len(self.listed)
        self.listed.append(artifact)
        return self._known[path]


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


def _result(finding: Finding, rule: int, artifact: int, *, github: bool) -> dict[str, Any]:
    offset = finding.proofs[0].offset if finding.proofs else 0
    identity = f"{finding.code}|{finding.sha256}|{uri_of(finding.path)}|{offset}"
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": LEVELS[finding.level],
        "message": {"text": printable(finding.message)},
        "locations": [{"physicalLocation": _location(finding, artifact, github=github)}],
        "partialFingerprints": fingerprint(identity),
        "taxa": [
            {"id": name, "toolComponent": {"name": "MITRE ATT&CK", "index": 0}}
            for name in finding.techniques
        ],
        "properties": _properties(finding),
        **suppressions(finding.accepted),
    }


def _properties(finding: Finding) -> dict[str, Any]:
    return {
        "claimed": list(finding.claimed),
        "actual": finding.actual,
        "permittedExtensions": list(finding.permitted),
        "sha256": finding.sha256,
        "nameCodepoints": list(finding.codepoints),
        "proofs": [
            {"offset": item.offset, "bytes": item.data.hex(), "meaning": item.meaning}
            for item in finding.proofs
        ],
        "opinions": [
            {"tool": item.tool, "says": printable(item.says)} for item in finding.opinions
        ],
    }


def _location(finding: Finding, artifact: int, *, github: bool) -> dict[str, Any]:
    """GitHub shows files of the repository only, so there a member stands for its container."""
    path = finding.path.partition("!/")[0] if github else finding.path
    location: dict[str, Any] = {"artifactLocation": {"uri": uri_of(path), "index": artifact}}
    if github:
        del location["artifactLocation"]["index"]
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
