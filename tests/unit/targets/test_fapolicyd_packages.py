"""Packages that the daemon trusts by the rpm database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policyc.compiler import TargetResult, compile_target
from policyc.model.decision import Verdict
from policyc.model.facts import UNKNOWN, FileFacts, PackageRef, PackageState
from policyc.model.identity import Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.ir import AtPath, Effect, FromPackage, TargetSettings
from policyc.model.path import PathPattern
from policyc.targets import load_target
from tests.unit.targets.test_fapolicyd_people import policy, program, rule

RPM = PackageRef(manager="rpm", name="coreutils", state=PackageState.VERIFIED)


def packaged(path: str, number: int, **changes: Any) -> FileFacts:
    own = replace(RPM, **changes)
    return replace(program(path, Sha256Flat(f"{number:064x}")), package=own)


FILES = (
    packaged("/usr/bin/ls", 1),
    packaged("/usr/bin/changed", 2, state=PackageState.MODIFIED),
    packaged("/usr/bin/from-dpkg", 3, manager="dpkg"),
    program("/usr/local/bin/own", Sha256Flat(f"{4:064x}")),
)


def compiled(*atoms: FromPackage | AtPath, packages: str = "rpm", **changes: Any) -> TargetResult:
    own = policy(*(replace(rule(atom), **changes) for atom in atoms))
    settings = {"fapolicyd": TargetSettings(values={"packages": packages})}
    return compile_target(replace(own, targets=settings), Inventory(files=FILES), "fapolicyd")


def text_of(result: TargetResult, name: str) -> str:
    return next(item.data.decode() for item in result.artifacts if item.name == name)


def test_the_database_is_named_and_nothing_is_listed() -> None:
    done = compiled(FromPackage(manager="rpm"))
    assert done.failure is None
    assert [item.code for item in done.losses if item.rule] == ["L035"]
    assert "trust = rpmdb,file\n" in text_of(done, "fapolicyd.conf")
    assert "/usr/bin" not in text_of(done, "trust.d/policyc")
    assert list(done.provenance) == ["trust rpmdb"]
    assert (done.report.agree, done.report.wider, done.report.unknown) == (4, 0, 0)


def test_the_database_may_run_more_than_the_baseline() -> None:
    done = compiled(AtPath(PathPattern("/opt/**")))
    assert done.failure is None
    assert [item.code for item in done.refused] == ["L034"]
    assert done.report.wider == 1


def test_without_the_setting_files_are_listed() -> None:
    done = compiled(FromPackage(manager="rpm"), packages="listed")
    assert done.failure is None
    assert "trust = file\n" in text_of(done, "fapolicyd.conf")
    assert "/usr/bin/ls 10 " in text_of(done, "trust.d/policyc")


@pytest.mark.parametrize(
    "changes", [{"principals": frozenset({"uid:0"})}, {"effect": Effect.FORBID}]
)
def test_what_the_database_cannot_say_is_expanded(changes: dict[str, Any]) -> None:
    done = compiled(FromPackage(manager="rpm"), **changes)
    assert done.failure is None
    assert "L034" in {item.code for item in done.refused}


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (FILES[0], Verdict.ALLOW),
        (FILES[1], Verdict.DENY),
        (FILES[2], Verdict.DENY),
        (FILES[3], Verdict.DENY),
        (packaged("/usr/share/app/run", 5), Verdict.UNDETERMINED),
        (packaged("/usr/bin/some", 6, state=PackageState.UNVERIFIED), Verdict.UNDETERMINED),
        (replace(FILES[3], package=UNKNOWN), Verdict.UNDETERMINED),
    ],
)
def test_what_the_daemon_trusts(facts: FileFacts, verdict: Verdict) -> None:
    done = compiled(FromPackage(manager="rpm"))
    target = load_target("fapolicyd")
    model = target.parse(tuple(item for item in done.artifacts if item.enforced))
    assert target.evaluate(model, facts).verdict is verdict
