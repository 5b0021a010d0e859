"""A lifted rule file decides as the daemon does, for every file, or a note says what is lost."""

from __future__ import annotations

from hypothesis import event, given
from hypothesis import strategies as st

from policyc.baseline import parse_baseline
from policyc.baseline.dump import dump_baseline
from policyc.model.decision import Verdict, decide
from policyc.model.facts import Collection, ElfFacts, ElfKind, FileFacts, Hashes, ScriptFacts
from policyc.model.formats import FileFormat
from policyc.model.identity import Sha256Flat
from policyc.model.inventory import Inventory
from policyc.targets.fapolicyd.daemon import (
    DaemonVersion,
    Event,
    Loaded,
    Object,
    Subject,
    load,
)
from policyc.targets.fapolicyd.daemon import decide as daemon_decides
from policyc.targets.fapolicyd.lift import lift
from policyc.targets.fapolicyd.model import TrustEntry

VERSION = DaemonVersion.parse("1.4.5")
PATHS = ("/opt/acme/run", "/opt/acme/tmp/x", "/opt/acmex/run", "/usr/bin/tool")
OBJECTS = (
    "all",
    "trust=1",
    "trust=0",
    "path=/opt/acme/run",
    "path=/usr/bin/tool,/opt/acme/tmp/x",
    "dir=/opt/acme/",
    "dir=/opt/acme",
    "ftype=text/x-python",
    "ftype=%languages trust=0",
    "ftype=application/x-sharedlib trust=0",
    "ftype=application/x-executable trust=0",
    "dir=/opt/acme/ trust=1",
    f"sha256hash={1:064x}",
)
EVENTS = {
    Collection.EXECUTABLE: ("execute", "open"),
    Collection.LIBRARY: ("open",),
    Collection.SCRIPT: ("open",),
}


@st.composite
def rule_files(draw: st.DrawFn) -> str:
    lines = draw(
        st.lists(
            st.builds(
                "{} perm={} all : {}".format,
                st.sampled_from(["allow", "deny_audit"]),
                st.sampled_from(["open", "execute", "any"]),
                st.sampled_from(OBJECTS),
            ),
            min_size=1,
            max_size=6,
        )
    )
    end = draw(
        st.sampled_from(
            [
                (),
                ("deny_audit perm=execute all : all",),
                ("deny_audit perm=execute all : all", "allow perm=open all : all"),
            ]
        )
    )
    head = "%languages=text/x-python,text/x-perl"
    return "\n".join([head, *lines, *end]) + "\n"


@st.composite
def files(draw: st.DrawFn) -> FileFacts:
    number = draw(st.integers(1, 4))
    kind = (ElfKind.PIE, ElfKind.SHARED, None, None)[number - 1]
    ftype = ("application/x-executable", "application/x-sharedlib", "text/x-python", "text/x-lua")
    script = ScriptFacts(language="python", interpreter="/usr/bin/python3")
    return FileFacts(
        path=draw(st.sampled_from(PATHS)),
        size=10,
        actual=FileFormat.SCRIPT if kind is None else FileFormat.ELF,
        hashes=Hashes(sha256=Sha256Flat(f"{number:064x}")),
        elf=None if kind is None else ElfFacts(kind=kind, machine=62, bits=64, static=False),
        script=script if kind is None else None,
        ftype=ftype[number - 1],
        trusted=draw(st.booleans()),
        package=None,
        masquerade=None,
        writable_by_users=False,
    )


def runs(loaded: Loaded, facts: FileFacts, *, trusted: bool) -> bool:
    subject = Subject(exe="/usr/bin/bash", comm="bash", trusted=True)
    thing = Object(
        path=facts.path, trusted=trusted, ftype=str(facts.ftype), digest=str(facts.hashes.sha256)
    )
    assert facts.collection is not None
    return all(
        daemon_decides(loaded, Event(perm=perm, subject=subject, object=thing)).allowed
        for perm in EVENTS[facts.collection]
    )


@given(rule_files(), st.lists(files(), min_size=1, max_size=6), st.booleans())
def test_it_decides_as_the_daemon(text: str, chosen: list[FileFacts], listed: bool) -> None:  # noqa: FBT001
    loaded = load(text, VERSION)
    entry = TrustEntry(path="/opt/acme/run", size=10, sha256=f"{1:064x}")
    found = lift(loaded, [entry] if listed else [])
    again = parse_baseline(dump_baseline(found.policy), "x.yaml", lambda _: Inventory())
    assert again.policy is not None, again.diagnostics
    event(f"lost {bool(found.lost)}")
    for facts in chosen:
        own = listed and (facts.path, str(facts.hashes.sha256)) == (entry.path, entry.sha256)
        wanted = runs(loaded, facts, trusted=facts.trusted is True or own)
        for policy in (found.policy, again.policy):
            got = decide(policy, facts).verdict
            if not found.lost:
                assert (got in (Verdict.ALLOW, Verdict.NOT_GOVERNED)) is wanted, (text, facts)
