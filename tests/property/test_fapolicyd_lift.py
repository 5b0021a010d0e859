"""A lifted rule file decides as the daemon does, for every file and person, or a note says not."""

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
from policyc.model.loss import Drift
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
    "path=/opt/*/run",
    "dir=/opt/acme/",
    "dir=/opt/acme",
    "dir=execdirs",
    "dir=untrusted,/opt/acme/tmp/",
    "ftype=text/x-python",
    "ftype=%languages trust=0",
    "ftype=application/x-sharedlib trust=0",
    "ftype=application/x-executable trust=0",
    "ftype=application/x-executable trust=1",
    "dir=/opt/acme/ trust=1",
    "dir=/opt/acme/ trust=0",
    f"sha256hash={1:064x}",
    f"sha256hash={0xABC:064X}",
)
SUBJECTS = (
    "all",
    "uid=0",
    "uid=1000,0",
    "gid=100",
    "exe=/usr/bin/dnf",
    "exe=/usr/bin/dnf,/usr/bin/make",
    "comm=dnf",
    "uid=0 trust=1",
    "trust=1",
    "trust=0",
    "uid=1000 exe=/usr/bin/make",
    "pattern=ld_preload",
)
EVENTS = {
    Collection.EXECUTABLE: ("execute", "open"),
    Collection.LIBRARY: ("open",),
    Collection.SCRIPT: ("open",),
}
ENDS: tuple[tuple[str, ...], ...] = (
    (),
    ("deny_audit perm=execute all : all",),
    ("deny_audit perm=execute all : all", "allow perm=open all : all"),
    ("deny_audit perm=any all : all",),
)
HEAD = "%languages=text/x-python,text/x-perl"


@st.composite
def rule_files(draw: st.DrawFn, subjects: tuple[str, ...] = ("all",)) -> str:
    lines = draw(
        st.lists(
            st.builds(
                "{} perm={} {} : {}".format,
                st.sampled_from(["allow", "deny_audit"]),
                st.sampled_from(["open", "execute", "any"]),
                st.sampled_from(subjects),
                st.sampled_from(OBJECTS),
            ),
            min_size=1,
            max_size=6,
        )
    )
    return "\n".join([HEAD, *lines, *draw(st.sampled_from(ENDS))]) + "\n"


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


@st.composite
def people(draw: st.DrawFn) -> frozenset[str]:
    """Somebody: users and groups at once, as a program with a changed id has, and one program."""
    ids = draw(st.frozensets(st.sampled_from(["uid:0", "uid:1000", "gid:100"])))
    exe = draw(st.sampled_from(["exe:/usr/bin/dnf", "exe:/usr/bin/make", ""]))
    comm = draw(st.sampled_from(["comm:dnf", ""]))
    return ids | frozenset({exe, comm} - {""})


def subject_of(who: frozenset[str]) -> Subject:
    """The daemon's subject for somebody; its program is trusted and in the middle of its life."""
    own: dict[str, list[str]] = {}
    for name in sorted(who):
        kind, _, value = name.partition(":")
        own.setdefault(kind, []).append(value)
    return Subject(
        exe=own.get("exe", ["/usr/bin/bash"])[0],
        comm=own.get("comm", ["bash"])[0],
        trusted=True,
        uids=tuple(map(int, own.get("uid", ["77"]))),
        gids=tuple(map(int, own.get("gid", ["77"]))),
    )


def runs(
    loaded: Loaded, facts: FileFacts, *, trusted: bool, who: frozenset[str] = frozenset()
) -> bool:
    thing = Object(
        path=facts.path, trusted=trusted, ftype=str(facts.ftype), digest=str(facts.hashes.sha256)
    )
    assert facts.collection is not None
    return all(
        daemon_decides(loaded, Event(perm=perm, subject=subject_of(who), object=thing)).allowed
        for perm in EVENTS[facts.collection]
    )


def agrees(text: str, facts: FileFacts, who: frozenset[str], *, listed: bool) -> None:
    """The baseline decides as the daemon, or differs only the ways that its notes say."""
    loaded = load(text, VERSION)
    entry = TrustEntry(path="/opt/acme/run", size=10, sha256=f"{1:064x}")
    found = lift(loaded, [entry] if listed else [])
    again = parse_baseline(dump_baseline(found.policy), "x.yaml", lambda _: Inventory())
    assert again.policy is not None, again.diagnostics
    # The subject is a trusted program here: what is said of others makes no difference.
    drifts = {item.drift for item in found.lost if "for trusted programs" not in item.message}
    drifts -= {None} if "denied in the end" in str(found.lost) else set()
    event(f"lost {sorted(str(item) for item in drifts)}")
    own = listed and (facts.path, str(facts.hashes.sha256)) == (entry.path, entry.sha256)
    wanted = runs(loaded, facts, trusted=facts.trusted is True or own, who=who)
    for policy in (found.policy, again.policy):
        verdict = decide(policy, facts, principals=who).verdict
        got = verdict in (Verdict.ALLOW, Verdict.NOT_GOVERNED)
        if Drift.WIDENS not in drifts:
            assert got <= wanted, ("wider", text, facts, who, found.notes)
        if Drift.NARROWS not in drifts:
            assert got >= wanted, ("narrower", text, facts, who, found.notes)


@given(rule_files(), files(), st.booleans())
def test_it_decides_as_the_daemon(text: str, facts: FileFacts, listed: bool) -> None:  # noqa: FBT001
    agrees(text, facts, frozenset(), listed=listed)


@given(rule_files(SUBJECTS), files(), people(), st.booleans())
def test_it_decides_for_each_as_the_daemon(
    text: str,
    facts: FileFacts,
    who: frozenset[str],
    listed: bool,  # noqa: FBT001
) -> None:
    agrees(text, facts, who, listed=listed)
