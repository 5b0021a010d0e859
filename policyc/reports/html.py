"""Findings as one HTML page that needs nothing else: figures, list, proofs, training sheet.

The page's own style and script are named by their hashes in its Content-Security-Policy, so
no text of a scanned file can run even if it were ever taken for markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from policyc.model.diagnostic import Finding, Level
from policyc.reports.safe import printable
from policyc.reports.sarif import ATTACK
from policyc.resources import root

_PARTS = ("Why", "Example", "Recognise", "Evidence", "Next step")
_SPLIT = re.compile(rf"^({'|'.join(_PARTS)}): ", re.MULTILINE)
_PROOF = 64
"""Bytes of a proof that the hex view shows."""


def findings_html(
    findings: Sequence[Finding],
    manuals: Mapping[str, tuple[str, str]],
    *,
    files: int,
    skipped: int,
) -> str:
    """The page; ``manuals`` maps a code to its name and its manual page."""
    folder = root("templates") / "reports"
    style = (folder / "findings.css").read_text(encoding="utf-8")
    script = (folder / "findings.js").read_text(encoding="utf-8")
    codes = {code: _lesson(code, manuals[code]) for code in sorted({f.code for f in findings})}
    open_ones = [item for item in findings if not item.accepted]
    environment = Environment(
        loader=FileSystemLoader(folder), undefined=StrictUndefined, autoescape=True
    )
    # Markup: only our own style and script, and JSON without a single `<`, `>` or `&`.
    return environment.get_template("findings.html.j2").render(
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        data=Markup(_data(findings, codes)),  # noqa: S704
        style_hash=_digest(style),
        script_hash=_digest(script),
        lessons=list(codes.values()),
        attack=ATTACK,
        files=f"{files:,}",
        skipped=f"{skipped:,}" if skipped else "",
        accepted=f"{len(findings) - len(open_ones):,}",
        **{
            f"{level.value}s": f"{sum(item.level is level for item in open_ones):,}"
            for level in Level
        },
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _lesson(code: str, manual: tuple[str, str]) -> dict[str, str]:
    """The parts of a manual page, each one paragraph of plain text."""
    name, page = manual
    summary, *rest = _SPLIT.split(page.replace("``", ""))
    parts = dict(zip(rest[::2], rest[1::2], strict=True))
    return {
        "code": code,
        "title": name.replace("-", " "),
        "summary": _flat(summary),
        "why": _flat(parts.get("Why", "")),
        "example": _flat(parts.get("Example", "")),
        "recognise": _flat(parts.get("Recognise", "")),
    }


def _flat(text: str) -> str:
    """One paragraph that begins with a capital letter."""
    flat = " ".join(text.split())
    return flat[:1].upper() + flat[1:]


def _data(findings: Sequence[Finding], codes: Mapping[str, object]) -> str:
    """JSON that holds no character which ends or opens anything in HTML."""
    value = {"codes": codes, "findings": [_value(item) for item in findings]}
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _value(finding: Finding) -> dict[str, Any]:
    return {
        "level": finding.level.value,
        "code": finding.code,
        "path": printable(finding.path),
        "message": printable(finding.message),
        "techniques": list(finding.techniques),
        "claimed": list(finding.claimed),
        "actual": finding.actual,
        "permitted": list(finding.permitted),
        "sha256": finding.sha256,
        "codepoints": list(finding.codepoints),
        "accepted": printable(finding.accepted),
        "opinions": [
            {"tool": item.tool, "says": printable(item.says)} for item in finding.opinions
        ],
        "proofs": [
            {"offset": item.offset, "bytes": item.data[:_PROOF].hex(), "meaning": item.meaning}
            for item in finding.proofs
        ],
    }
