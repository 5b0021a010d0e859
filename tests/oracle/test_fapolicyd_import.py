"""Rules that people deploy, imported: the baseline decides for each person as the rules do.

Every rule file that a daemon loads is lifted, and tried with files that it is about and with the
people that it names, one by one and together.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product

import pytest

from policyc.model.artifact import Artifact
from policyc.model.decider import Decider
from policyc.model.decision import Verdict
from policyc.model.facts import Collection, ElfFacts, ElfKind, FileFacts, Hashes, ScriptFacts
from policyc.model.formats import FileFormat
from policyc.model.identity import Sha256Flat
from policyc.model.loss import Drift
from policyc.targets.fapolicyd.accounts import Accounts
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
from policyc.targets.fapolicyd.lift import lift, lift_artifacts
from policyc.targets.lifted import Lifted, Note
from tests.requires import require_shared

pytestmark = pytest.mark.oracle

VERSION = DaemonVersion.parse("1.4.5")
EVENTS = {
    Collection.EXECUTABLE: ("execute", "open"),
    Collection.LIBRARY: ("open",),
    Collection.SCRIPT: ("open",),
}
KINDS = {
    "application/x-executable": ElfKind.PIE,
    "application/x-sharedlib": ElfKind.SHARED,
    "text/x-python": None,
    "text/x-shellscript": None,
    "application/java-archive": None,
}
_LIMITED = ("uid", "gid", "auid", "sessionid", "pid", "ppid", "exe", "comm", "dir", "ftype")


@cache
def deployed() -> tuple[tuple[str, str], ...]:
    """Collected rule files, whole folders of them as they are compiled, recorded rule sets."""
    root = require_shared("fapolicyd/rules")
    texts = {
        str(item.relative_to(root)): item.read_text("utf-8", "surrogateescape")
        for item in sorted(root.rglob("*.rules"))
        if item.is_file()
    }
    folders: dict[str, dict[str, str]] = {}
    for name, text in texts.items():
        folders.setdefault(name.rpartition("/")[0], {})[name] = text
    merged = {f"{name}/": merge(own, VERSION).text for name, own in folders.items()}
    recorded = {
        f"{name}:{item['name']}": item["rules"]
        for name in ("parse-truth-corpus", "truth-parse-probes", "truth-semantic-probes")
        for item in map(
            json.loads, require_shared(f"fapolicyd/{name}.jsonl").read_text().splitlines()
        )
    }
    unique = {text: name for name, text in {**texts, **merged, **recorded}.items()}
    return tuple((name, text) for text, name in unique.items())


@cache
def loaded() -> tuple[tuple[str, Loaded, Accounts], ...]:
    """Those that a daemon starts with."""
    found = []
    for name, text in deployed():
        accounts = Accounts()
        try:
            found.append((name, load(text, VERSION, accounts.names), accounts))
        except RefusedError:
            continue
    return tuple(found)


def about(rules: Loaded) -> Iterator[FileFacts]:
    """Files at the paths that rules name, and beside them, of every kind, trusted or not."""
    paths = {"/elsewhere/x", "/usr/bin/x", "/opt/x"}
    digests = {"ab" * 32}
    for rule in rules.rules:
        for item in rule.object:
            values = sorted(map(str, item.value)) if isinstance(item.value, frozenset) else []
            if item.name == "path":
                paths |= {value for value in values if value.startswith("/")}
            elif item.name == "dir":
                paths |= {f"{value}x" for value in values if value.startswith("/")}
            elif item.name in ("sha256hash", "filehash"):
                digests |= {value for value in values if len(value) == 64}
    for path, digest, ftype, trusted in product(
        sorted(paths)[:40], sorted(digests)[:4], KINDS, (True, False)
    ):
        kind = KINDS[ftype]
        elf = None if kind is None else ElfFacts(kind=kind, machine=62, bits=64, static=False)
        script = ScriptFacts(language="python", interpreter="/usr/bin/python3")
        yield FileFacts(
            path=path,
            size=10,
            actual=FileFormat.SCRIPT if elf is None else FileFormat.ELF,
            hashes=Hashes(sha256=Sha256Flat(digest)),
            elf=elf,
            script=script if elf is None else None,
            ftype=ftype,
            trusted=trusted,
            package=None,
            masquerade=None,
            writable_by_users=False,
        )


def crowd(found: Lifted) -> Iterator[frozenset[str]]:
    """Nobody in particular, each principal, and all that one process can be at once."""
    names = sorted({name for rule in found.policy.rules for name in rule.principals})
    yield frozenset()
    for name in names:
        yield frozenset({name})
    for exe in [name for name in names if name.startswith("exe:")][:2]:
        for comm in [name for name in names if name.startswith("comm:")][:2]:
            ids = {name for name in names if name.startswith(("uid:", "gid:"))}
            yield frozenset({exe, comm, *ids})


def subject_of(who: frozenset[str], accounts: Accounts) -> Subject:
    """A trusted program in the middle of its life, run by somebody."""
    own: dict[str, list[str]] = {"uid": [], "gid": [], "exe": [], "comm": []}
    for name in sorted(who):
        kind, _, value = name.partition(":")
        if kind in ("user", "group"):
            known = accounts.names.users if kind == "user" else accounts.names.groups
            kind, value = {"user": "uid", "group": "gid"}[kind], str(known[value])
        own[kind].append(value)
    return Subject(
        exe=(own["exe"] or ["/usr/bin/x"])[0],
        comm=(own["comm"] or ["x"])[0],
        trusted=True,
        uids=tuple(map(int, own["uid"])) or (77,),
        gids=tuple(map(int, own["gid"])) or (77,),
    )


def runs(rules: Loaded, facts: FileFacts, subject: Subject) -> bool:
    thing = Object(
        path=facts.path,
        trusted=facts.trusted is True,
        ftype=str(facts.ftype),
        digest=str(facts.hashes.sha256),
    )
    assert facts.collection is not None
    return all(
        decide(rules, Event(perm=perm, subject=subject, object=thing)).allowed
        for perm in EVENTS[facts.collection]
    )


def drifts(found: Lifted) -> set[Drift | None]:
    """How decisions for trusted programs may differ; a field that is dropped is so for both."""
    return {
        item.drift
        for item in found.lost
        if item.drift is not None and "for trusted programs" not in item.message
    }


def test_imported_rules_decide_for_each_as_before() -> None:
    compared = exact = 0
    for name, rules, accounts in loaded():
        found = lift(rules, accounts=accounts)
        decider = Decider(found.policy)
        ways = drifts(found)
        exact += not ways
        for who in crowd(found):
            subject = subject_of(who, accounts)
            for facts in about(rules):
                wanted = runs(rules, facts, subject)
                verdict = decider.decide(facts, who).verdict
                got = verdict in (Verdict.ALLOW, Verdict.NOT_GOVERNED)
                compared += 1
                case = (name, facts.path, facts.ftype, facts.trusted, who)
                assert got <= wanted or Drift.WIDENS in ways, case
                assert got >= wanted or Drift.NARROWS in ways, case
    assert len(loaded()) >= 210
    assert compared >= 12_000
    assert exact >= 165


def subject_notes(found: Lifted, line: int) -> list[Note]:
    return [item for item in found.notes if item.line == line]


def test_what_becomes_of_rules_about_some_people_and_programs() -> None:
    fate: Counter[str] = Counter()
    for _, rules, accounts in loaded():
        found = lift(rules, accounts=accounts)
        for rule in rules.rules:
            if not any(item.name in (*_LIMITED, "trust", "pattern") for item in rule.subject):
                continue
            own = subject_notes(found, rule.line)
            out = [item.message for item in own if "left out" in item.message]
            guard = [item for item in own if "guard of the dynamic loader" in item.message]
            fate["left out" if out else "guard" if guard else "imported"] += 1
            assert all(item.what == rule.text for item in own if item.lost)
    assert fate["imported"] >= 200, fate
    assert fate["guard"] >= 18, fate
    assert fate["left out"] <= 34, fate


def test_files_are_read_as_they_were_compared() -> None:
    """Where a file says what only the newest daemons know, it is read as they do."""
    same = 0
    for name, rules, accounts in loaded():
        data = dict(deployed())[name].encode("utf-8", "surrogateescape")
        read = lift_artifacts((Artifact(name=f"{name}.rules", data=data, media_type=""),))
        same += read.policy.rules == lift(rules, accounts=accounts).policy.rules
    assert same >= len(loaded()) - 15
