"""Our reading of rules against what four real daemons did with them (recorded).

Versions 1.1.7, 1.3.4, 1.4.5 and 2.0.1. Our parser is stricter than they are: what it
accepts must load on all of them, and where they agree on a decision so must we.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from policyc.model.artifact import Artifact
from policyc.model.decision import Verdict
from policyc.model.facts import ElfFacts, ElfKind, FileFacts, Hashes
from policyc.model.formats import FileFormat
from policyc.model.identity import Sha256Flat
from policyc.targets.base import ArtifactError
from policyc.targets.fapolicyd.evaluate import evaluate
from policyc.targets.fapolicyd.model import FapolicydPolicy
from policyc.targets.fapolicyd.parse import parse
from tests.requires import require_shared

pytestmark = pytest.mark.oracle

DIGEST = "ab" * 32


def probes(name: str) -> list[dict[str, Any]]:
    text = require_shared(f"fapolicyd/{name}").read_text()
    return [json.loads(line) for line in text.splitlines()]


def parsed(probe: dict[str, Any]) -> FapolicydPolicy | None:
    trust = "".join(
        f"{path} 35664 {DIGEST}\n" for path in sorted(probe["trust"]) if " " not in path
    )
    artifacts = (
        Artifact(name="rules.d/x.rules", data=probe["rules"].encode(), media_type="text/plain"),
        Artifact(name="trust.d/x", data=trust.encode(), media_type="text/plain"),
    )
    try:
        return parse(artifacts)
    except ArtifactError:
        return None


def loads(truth: dict[str, Any]) -> set[bool]:
    return {version["loads"] for version in truth.values()}


def test_what_we_accept_loads_on_every_daemon() -> None:
    accepted = 0
    for name in ("truth-parse-probes.jsonl", "truth-semantic-probes.jsonl"):
        for probe in probes(name):
            if parsed(probe) is None or "filehash" in probe["rules"]:
                continue  # filehash is known from 1.4.2 on and only written for 1.5
            accepted += 1
            assert loads(probe["truth"]) == {True}, probe["name"]
    assert accepted >= 20


def plain_file(path: str) -> FileFacts:
    """A copy of /bin/true, as the probes use it."""
    return FileFacts(
        path=path,
        size=35664,
        actual=FileFormat.ELF,
        hashes=Hashes(sha256=Sha256Flat(DIGEST)),
        elf=ElfFacts(kind=ElfKind.PIE, machine=62, bits=64, static=False),
        ftype="application/x-executable",
    )


def test_decisions_agree_with_every_daemon() -> None:
    compared = 0
    for name in ("truth-parse-probes.jsonl", "truth-semantic-probes.jsonl"):
        for probe in probes(name):
            policy = parsed(probe)
            if policy is None or any(rule.subject for rule in policy.rules):
                continue
            copies = {item["path"] for item in probe["files"] if item.get("copy") == "/bin/true"}
            for case in probe["cases"]:
                path = case["argv"][0]
                usual = case.get("op", "exec") == "exec" and len(case["argv"]) == 1
                verdicts = {
                    version["outcomes"].get(case["id"]) for version in probe["truth"].values()
                }
                if not usual or path not in copies or len(verdicts) != 1 or "sha256" in str(policy):
                    continue
                (expected,) = verdicts
                if expected not in ("allow", "deny"):
                    continue
                got = evaluate(policy, plain_file(path)).verdict
                wanted = Verdict.ALLOW if expected == "allow" else Verdict.DENY
                assert got is wanted, (probe["name"], case, probe["rules"])
                compared += 1
    assert compared >= 15
