"""Rules for some users and programs, and who they are tried for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policyc.compiler import compile_target, verify_witnesses
from policyc.model.decision import Verdict
from policyc.model.facts import Collection, ElfFacts, ElfKind, FileFacts, Hashes
from policyc.model.formats import FileFormat
from policyc.model.identity import Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Atom, AtPath, Effect, HasHash, Mode, PolicyIR, Rule
from policyc.model.path import PathPattern
from policyc.targets import load_target
from policyc.targets.fapolicyd.evaluate import evaluate_for
from policyc.targets.fapolicyd.people import identify, subject_of
from policyc.verify.personas import personas

DIGEST = Sha256Flat("ab" * 32)


def program(path: str, digest: Sha256Flat = DIGEST) -> FileFacts:
    return FileFacts(
        path=path,
        size=10,
        actual=FileFormat.ELF,
        hashes=Hashes(sha256=digest),
        elf=ElfFacts(kind=ElfKind.PIE, machine=62, bits=64, static=False),
        ftype="application/x-executable",
        package=None,
        trusted=False,
        writable_by_users=False,
        masquerade=None,
    )


def rule(atom: Atom, *who: str, effect: Effect = Effect.PERMIT) -> Rule:
    return Rule(effect=effect, match=AllOf(frozenset({atom})), principals=frozenset(who))


def below(pattern: str) -> AtPath:
    return AtPath(PathPattern(pattern))


def policy(*rules: Rule) -> PolicyIR:
    governs = (Collection.EXECUTABLE, Collection.LIBRARY, Collection.SCRIPT)
    return PolicyIR(
        name="Test", governs=dict.fromkeys(governs, Mode.ENFORCE), rules=frozenset(rules)
    )


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("uid:1000", ("uid", "1000")),
        ("gid:0", ("gid", "0")),
        ("user:root", ("uid", "0")),
        ("group:root", ("gid", "0")),
        ("exe:/usr/bin/dnf", ("exe", "/usr/bin/dnf")),
        ("comm:dnf", ("comm", "dnf")),
        ("user:alice", None),
        ("uid:-1", None),
        ("uid:01", None),
        ("uid:2147483647", ("uid", "2147483647")),
        ("uid:2147483648", None),
        ("uid:99999999999", None),
        ("uid:1,2", None),
        ("exe:relative", None),
        ("exe:/a b", None),
        ("exe:/a,/b", None),
        ("exe:/a%b", None),
        ("comm:a-name-of-16-byt", None),
        ("comm:", None),
        ("S-1-5-32-544", None),
        ("", None),
    ],
)
def test_what_a_rule_can_name(name: str, field: tuple[str, str] | None) -> None:
    assert subject_of(name) == field
    assert identify(name) == (None if field is None else "=".join(field))


def test_rules_are_for_those_they_name_and_nobody_else() -> None:
    tools, other = program("/opt/tools/run"), program("/opt/x/run", Sha256Flat("cd" * 32))
    done = compile_target(
        policy(
            rule(below("/opt/tools/**"), "uid:1000", "user:root"),
            rule(HasHash(Sha256Flat("cd" * 32)), "exe:/usr/bin/make"),
            rule(below("/opt/**"), "gid:60", effect=Effect.FORBID),
        ),
        Inventory(files=(tools, other)),
        "fapolicyd",
    )
    assert done.failure is None
    assert not any(item.code == "L040" for item in done.losses)
    target = load_target("fapolicyd")
    model = target.parse(tuple(item for item in done.artifacts if item.enforced))
    assert model.trust == (), "trust is for everybody"
    expected = {
        (tools, "uid:1000"): Verdict.ALLOW,
        (tools, "uid:0"): Verdict.ALLOW,
        (tools, "uid:1001"): Verdict.DENY,
        (other, "uid:1000"): Verdict.DENY,
        (other, "exe:/usr/bin/make"): Verdict.ALLOW,
        (other, "exe:/usr/bin/make2"): Verdict.DENY,
    }
    got = {key: evaluate_for(model, key[0], frozenset({key[1]})).verdict for key in expected}
    assert got == expected
    assert target.evaluate(model, tools).verdict is Verdict.DENY
    guest = frozenset({"uid:1000", "gid:60"})
    assert evaluate_for(model, tools, guest).verdict is Verdict.DENY


def test_a_forbid_for_a_name_no_rule_can_carry_is_for_everybody_and_told() -> None:
    files = (program("/usr/games/chess"), program("/usr/bin/ls", Sha256Flat("cd" * 32)))
    done = compile_target(
        policy(rule(below("/usr/**")), rule(below("/usr/games/**"), "kids", effect=Effect.FORBID)),
        Inventory(files=files),
        "fapolicyd",
    )
    assert done.failure is None
    assert [item.code for item in done.losses if item.rule] == ["L040"]
    assert (done.report.agree, done.report.narrower) == (1, 1)


def test_the_loader_gets_no_permit_of_its_own() -> None:
    loader = "exe:/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    done = compile_target(policy(rule(below("/opt/**"), loader)), Inventory(), "fapolicyd")
    assert done.failure is None
    assert [item.code for item in done.losses if item.rule] == ["L040"]


def test_one_person_by_two_names_is_tried_once() -> None:
    both = policy(
        rule(below("/a/**"), "uid:0"), rule(below("/b/**"), "user:root"), rule(below("/c/**"), "x")
    )
    people = load_target("fapolicyd").people
    root, x = frozenset({"uid:0", "user:root"}), frozenset({"x"})
    assert personas(both, people) == [root, x, root | x]
    assert personas(both, None) == [
        frozenset({"uid:0"}),
        frozenset({"user:root"}),
        x,
        root | x,
    ]
    assert personas(policy(rule(below("/a/**"))), people) == []


@pytest.mark.parametrize(("wrote", "writes"), [(b"uid=1000", b"uid=1001"), (b"uid=1000", b"all")])
def test_a_rule_that_is_for_the_wrong_people_is_found(wrote: bytes, writes: bytes) -> None:
    baseline = policy(rule(below("/opt/**"), "uid:1000"))
    done = compile_target(baseline, Inventory(), "fapolicyd")
    assert done.failure is None
    edited = tuple(
        replace(item, data=item.data.replace(wrote, writes))
        for item in done.artifacts
        if item.enforced
    )
    report = verify_witnesses(baseline, Inventory(), "fapolicyd", edited)
    assert {item.who for item in report.mismatches} >= (
        {frozenset({"uid:1000"})} if writes != b"all" else {frozenset()}
    )
