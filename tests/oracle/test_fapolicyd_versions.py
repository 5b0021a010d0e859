"""Our reading of each daemon version against recordings of the real daemons, without exception."""

from __future__ import annotations

import grp
import json
import pwd
from typing import Any

import pytest

from policyc.targets.fapolicyd.daemon import (
    DaemonVersion,
    Event,
    Loaded,
    Object,
    RefusedError,
    Subject,
    decide,
    load,
    merge,
)
from policyc.targets.fapolicyd.daemon.values import Names
from tests.requires import require_shared

pytestmark = pytest.mark.oracle

VERSIONS = ("1.1.7", "1.3.4", "1.4.5", "2.0.1")
POINT = "/mnt/watch"
PYTHON = "/usr/bin/python3.11"
LOADER = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
COPY = "c79bf44242829108e323378531f4ac839513ca1fba45efd6583643526e1e9fd2"
"""The hash of the program that the probes copied."""


def recorded(name: str) -> list[dict[str, Any]]:
    text = require_shared(f"fapolicyd/{name}").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def loaded(probe: dict[str, Any], version: str) -> Loaded | None:
    release = DaemonVersion.parse(version)
    names = Names(
        users={item.pw_name: item.pw_uid for item in pwd.getpwall()},
        groups={item.gr_name: item.gr_gid for item in grp.getgrall()},
    )
    rules = probe["rules"].replace("@M@", POINT)
    try:
        return load(merge({"x.rules": rules}, release).text, release, names)
    except RefusedError:
        return None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("parse-truth-corpus.jsonl", 409),
        ("truth-parse-probes.jsonl", 57),
        ("truth-semantic-probes.jsonl", 27),
    ],
)
def test_every_file_loads_as_it_did(name: str, least: int, version: str) -> None:
    probes = recorded(name)
    assert len(probes) >= least
    wrong = []
    for probe in probes:
        truth = probe.get("truth") or probe["verdict"]
        known = truth[version]
        up, count = known.get("loads", known.get("up")), known.get("rules", known.get("loaded"))
        own = loaded(probe, version)
        if (own is not None, None if own is None else len(own.rules)) != (up, count):
            wrong.append((probe["name"], up, count, own and len(own.rules)))
    assert wrong == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["truth-parse-probes.jsonl", "truth-semantic-probes.jsonl"])
def test_every_case_is_decided_as_it_was(name: str, version: str) -> None:
    compared, wrong = 0, []
    for probe in recorded(name):
        policy = loaded(probe, version)
        if policy is None:
            continue
        first: dict[str, str] = {}
        for case in probe["cases"]:
            known = probe["truth"][version]["outcomes"].get(case["id"])
            if known is None:
                continue
            compared += 1
            got = outcome(policy, probe, case, first)
            if got != known:
                wrong.append((probe["name"], case["id"], known, got))
    assert wrong == []
    assert compared >= 40


def outcome(
    policy: Loaded, probe: dict[str, Any], case: dict[str, Any], first: dict[str, str]
) -> str:
    """The decision as the recording harness saw it: python started or opened a program."""
    point = POINT if "@M@" in json.dumps(probe["cases"]) else ""

    def place(text: str) -> str:
        return text.replace("@M@", point)

    trusted = {place(item) for item in probe["trust"]}
    links = {place(f["path"]): place(f["symlink"]) for f in probe["files"] if "symlink" in f}
    inodes = {place(f["path"]): place(f["hardlink"]) for f in probe["files"] if "hardlink" in f}
    path = place(case["argv"][0])
    path = links.get(path, path)
    if path.startswith("/bin/"):
        path = f"/usr{path}"
    # The object cache keeps the path under which an inode was first seen.
    path = first.setdefault(inodes.get(path, path), path)
    number = case.get("uid", 0)
    subject = Subject(
        exe=PYTHON,
        comm="python3",
        trusted=PYTHON in trusted,
        uids=(number,),
        gids=(number,),
        pid=1_000_000,
    )
    program = Object(
        path=path,
        trusted=path in trusted,
        ftype="application/x-executable",
        digest=COPY,
        device="/dev/none",
    )
    events = [Event(perm="open", subject=subject, object=program)]
    if case.get("op", "exec") == "exec":
        events.insert(0, Event(perm="execute", subject=subject, object=program))
        if not point:
            loader = Object(
                path=LOADER,
                trusted=LOADER in trusted,
                ftype="application/x-sharedlib",
                digest="x",
                device="/dev/none",
            )
            events += [
                Event(perm=perm, subject=subject, object=loader) for perm in ("execute", "open")
            ]
    allowed = all(decide(policy, event).allowed for event in events)
    return "allow" if allowed else "deny"
