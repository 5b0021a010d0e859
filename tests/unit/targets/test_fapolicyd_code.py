"""Code that other programs run: what is permitted is written, whatever a daemon takes it for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from policyc.baseline import parse_baseline
from policyc.compiler import compile_target
from policyc.model.decision import Verdict
from policyc.model.facts import UNKNOWN, Collection, FileFacts, PackageRef, PackageState
from policyc.model.inventory import Inventory
from policyc.readers.file import read_bytes
from policyc.targets import load_target
from tests.real.world import java_archive, without_section
from tests.requires import absent, require_tool

HEAD = "policyc: 1\nname: x\ngoverns: [executable, library, script]\nrules:\n"
CODE = {
    "/opt/a.pyc": b"\xa7\r\r\n" + bytes(12) + b"\xe3" + bytes(40),
    "/opt/a.jar": java_archive(b"x"),
    "/opt/dash": b"#!/usr/bin/dash\necho hi\n",
    "/opt/gem": b"#!/usr/bin/ruby\nputs 1\n",
    "/opt/tool": b"#!/usr/bin/env -S python3 -u\nprint(1)\n",
    "/opt/x.rb": b"require 'json'\nputs 1\n",
}


def known(path: str, *, manager: str = "dpkg") -> FileFacts:
    package = PackageRef(manager=manager, name="x", version="1", state=PackageState.VERIFIED)
    facts = read_bytes(CODE[path], path)
    return replace(
        facts, package=package, trusted=True, writable_by_users=False, masquerade=None, findings=()
    )


@pytest.mark.parametrize("rule", ["from: inventory, levels: [hash]", "package: {manager: dpkg}"])
def test_what_is_permitted_is_trusted(rule: str) -> None:
    inventory = Inventory(files=tuple(map(known, sorted(CODE))))
    read = parse_baseline(
        f"{HEAD}  - {{id: all, permit: {{{rule}}}}}\n", "x.yaml", lambda _: inventory
    )
    assert read.policy is not None, read.diagnostics
    done = compile_target(read.policy, inventory, "fapolicyd")
    assert done.failure is None
    model = load_target("fapolicyd").parse(tuple(i for i in done.artifacts if i.enforced))
    assert {entry.path for entry in model.trust} == CODE.keys()


def test_what_is_not_code_to_every_daemon_is_not_claimed() -> None:
    target = load_target("fapolicyd")
    for path in CODE:
        facts = known(path)
        assert facts.collection is Collection.SCRIPT
        assert facts.ftype is UNKNOWN or not target.governs(facts), path
        assert not target.governs(facts), path


@pytest.mark.parametrize(
    ("governs", "forbid"),
    [
        ("executable", "type: text/x-python"),
        ("executable, library", "everything: true"),
        ("script", "everything: true"),
        ("script", "type: application/x-executable"),
        ("script", "hash: {sha256: DIGEST}"),
        ("script", "hash: {sha256: [DIGEST, OTHER]}"),
    ],
)
def test_a_forbid_leaves_alone_what_is_not_governed(governs: str, forbid: str) -> None:
    program = read_bytes(Path(require_tool("true")).read_bytes(), "/opt/true")
    script = read_bytes(b"#!/usr/bin/python3\nprint(1)\n", "/opt/x.py")
    rule = forbid.replace("DIGEST", str(program.hashes.sha256)).replace("OTHER", "ab" * 32)
    text = f"policyc: 1\nname: x\ngoverns: [{governs}]\nrules:\n  - {{id: a, forbid: {{{rule}}}}}\n"
    read = parse_baseline(text, "x.yaml", lambda _: Inventory())
    assert read.policy is not None, read.diagnostics
    done = compile_target(read.policy, Inventory(files=(program, script)), "fapolicyd")
    assert done.failure is None
    target = load_target("fapolicyd")
    model = target.parse(tuple(item for item in done.artifacts if item.enforced))
    other = program if governs == "script" else script
    assert target.evaluate(model, other).verdict is Verdict.ALLOW


def test_elf_without_a_type_is_not_claimed_and_stops_no_compile() -> None:
    library = Path("/usr/lib/x86_64-linux-gnu/libz.so.1")
    if not library.exists():
        absent("a library of the machine")
    facts = read_bytes(without_section(library.read_bytes()), "/opt/x.so")
    assert facts.ftype is None
    for rule in ("forbid: {type: text/x-python}", "permit: {path: /opt/**}"):
        read = parse_baseline(f"{HEAD}  - {{id: a, {rule}}}\n", "x.yaml", lambda _: Inventory())
        assert read.policy is not None
        assert compile_target(read.policy, Inventory(files=(facts,)), "fapolicyd").failure is None
