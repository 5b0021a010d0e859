"""A proposal covers what is there, allows no file it left out, and nothing has to widen it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyc.baseline import load_baseline
from policyc.baseline.cover import BREADTH, propose
from policyc.baseline.draft import baseline_text, identified, report_text
from policyc.baseline.propose import RuleLevel
from policyc.compiler import compile_policy
from policyc.compiler.proposing import asked_files, governed, propose_for, proposed_policy
from policyc.inventory.table import write_inventory
from policyc.model.decider import Decider
from policyc.model.decision import Verdict
from policyc.model.facts import FileFacts, PackageRef, PackageState, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import IsProduct, SignedBy
from policyc.model.loss import Drift
from policyc.model.version import FileVersion
from tests.conformance.probes import file_on
from tests.property import strategies, windows

TARGETS = ("wdac", "applocker", "fapolicyd", "santa")
QUIET = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def program(number: int, **more: object) -> FileFacts:
    return replace(file_on(Platform.WINDOWS, number), masquerade=None, package=None, **more)  # type: ignore[arg-type]


def named(number: int, name: str, version: str) -> FileFacts:
    facts = program(number)
    info = replace(
        facts.version_info,  # type: ignore[type-var]
        original_filename=name,
        file_version=FileVersion.parse(version),
    )
    return replace(facts, version_info=info)


def levels_of(files: tuple[FileFacts, ...]) -> Counter[str]:
    proposal = propose(Inventory(files=files), files)
    found = Counter(item.level.value for item in proposal.rules)
    found["hash"] = len(proposal.by_hash)
    return found


def test_one_file_gets_its_own_rule_and_many_their_product() -> None:
    one = (named(1, "a.exe", "2.0"),)
    assert levels_of(one) == {"file-publisher": 1, "hash": 0}
    many = tuple(named(2 * at + 1, f"{at}.exe", f"{at + 2}.0") for at in range(6))
    assert levels_of(many) == {"product": 1, "hash": 0}
    (rule,) = propose(Inventory(files=many), many).rules
    (product,) = (atom for atom in rule.match.atoms if isinstance(atom, IsProduct))
    assert str(product.version) == ">=2.0.0.0"
    assert any(isinstance(atom, SignedBy) and atom.publisher for atom in rule.match.atoms)


def test_a_rule_that_would_allow_a_file_left_out_is_not_made() -> None:
    good = tuple(named(2 * at + 1, f"{at}.exe", "2.0") for at in range(6))
    bad = replace(named(21, "z.exe", "3.0"), masquerade="error")
    proposal = propose(Inventory(files=(*good, bad)), (*good, bad))
    assert [facts.path for facts in proposal.left_out["masquerade"]] == [bad.path]
    assert {item.level for item in proposal.rules} == {RuleLevel.FILE_PUBLISHER}
    ref = PackageRef(manager="dpkg", name="a", state=PackageState.MODIFIED)
    changed = replace(file_on(Platform.LINUX, 2), package=ref)
    (reason,) = propose(Inventory(), (changed,)).left_out
    assert "changed" in reason


def test_nobodys_own_certificate_is_no_publisher() -> None:
    facts = named(1, "a.exe", "2.0")
    assert isinstance(facts.signatures, tuple)
    (signature,) = facts.signatures
    leaf = replace(signature.chain[0], issuer=signature.chain[0].subject)
    own = replace(facts, signatures=(replace(signature, chain=(leaf,)),))
    assert levels_of((own,)) == {"hash": 1}


WORLD = st.one_of(  # not mixed: their numbers mean different contents
    st.lists(strategies.files(), max_size=10), st.lists(windows.files(), max_size=10)
)


@QUIET
@given(WORLD, st.sets(st.sampled_from(list(BREADTH)), min_size=1))
def test_what_is_kept_is_allowed_and_what_is_left_out_is_not(
    files: list[FileFacts], levels: set[RuleLevel]
) -> None:
    inventory = Inventory(files=tuple(files))
    proposal, widening = propose_for(inventory, TARGETS, sorted(levels, key=lambda it: it.value))
    policy = proposed_policy(proposal, inventory, TARGETS)
    decider = Decider(policy)
    for facts in proposal.files:
        assert decider.decide(facts).verdict is not Verdict.DENY
    for found in proposal.left_out.values():
        assert all(decider.decide(facts).verdict is not Verdict.ALLOW for facts in found)
    assert not [loss for loss in widening if loss.rule is not None]
    numbers = {number for item in proposal.rules for number in item.files} | set(proposal.by_hash)
    assert numbers == set(range(len(proposal.files)))


def written(folder: Path, inventory: Inventory) -> Path:
    proposal, widening = propose_for(inventory, TARGETS)
    assert {loss.code for loss in widening} == {"L023"}
    hashed = tuple(proposal.files[at] for at in proposal.by_hash)
    write_inventory(Inventory(files=hashed), folder / "by-hash.parquet")
    used = {name: [item.value for item in governed(name)] for name in TARGETS}
    path = folder / "policyc.yaml"
    path.write_text(baseline_text('T "x"', proposal, used, widening), encoding="utf-8")
    return path


def test_the_text_reads_back_as_the_proposal_and_compiles_without_widening(tmp_path: Path) -> None:
    hostile = named(15, 'a": x\u202e} #.exe', "1.0")
    files = tuple(named(2 * at + 1, f"{at}.exe", f"{at + 2}.0") for at in range(5))
    linux = tuple(replace(file_on(Platform.LINUX, at), masquerade=None) for at in (31, 32))
    mac = tuple(replace(file_on(Platform.MACOS, at), masquerade=None) for at in (61, 62))
    inventory = Inventory(files=(*files, hostile, *linux, *mac))
    loaded = load_baseline(written(tmp_path, inventory))
    assert loaded.policy is not None, loaded.diagnostics
    proposal, _ = propose_for(inventory, TARGETS)
    expected = proposed_policy(proposal, inventory, TARGETS)
    assert loaded.policy.rules == expected.rules
    for result in compile_policy(loaded.policy, inventory, TARGETS):
        assert (result.failure, result.refused) == (None, ())
        assert not [loss for loss in result.losses if loss.drift is Drift.WIDENS and loss.rule]
        assert result.report.narrower == result.report.wider == 0
    names = [name for name, _ in identified(proposal.rules)]
    assert len(set(names)) == len(names)
    report = report_text("T", proposal, seen=9, asked=len(asked_files(inventory, TARGETS)))
    assert "## By hash" in report
    assert "\u202e" not in report


def windows_files(*paths: str) -> tuple[FileFacts, ...]:
    return tuple(replace(program(2 * at + 2), path=path) for at, path in enumerate(paths))


def test_windows_starts_from_the_workstation_where_nothing_is_widened(tmp_path: Path) -> None:
    files = windows_files(
        "C:\\Windows\\System32\\a.exe",
        "C:\\Program Files\\b.exe",
        "C:\\Windows\\Temp\\c.exe",
        "C:\\Acme\\d.exe",
    )
    inventory = Inventory(files=files)
    proposal, widening = propose_for(inventory, ("applocker",))
    assert (proposal.start, proposal.started, widening) == ("builtin:windows-workstation", 2, ())
    assert set(proposal.files) == set(files[2:])
    write_inventory(Inventory(files=proposal.files), tmp_path / "by-hash.parquet")
    path = tmp_path / "policyc.yaml"
    path.write_text(baseline_text("T", proposal, {"applocker": ["executable"]}), "utf-8")
    loaded = load_baseline(path)
    assert loaded.policy is not None, loaded.diagnostics
    (result,) = compile_policy(loaded.policy, inventory, ("applocker",))
    assert (result.failure, result.refused, result.report.agree) == (None, (), 4)
    assert "2 more are permitted" in report_text("T", proposal, seen=4, asked=4)


def test_no_start_where_a_target_would_widen_it_or_a_file_is_left_out() -> None:
    files = windows_files("C:\\Windows\\System32\\a.exe", "C:\\Acme\\d.exe")
    assert propose_for(Inventory(files=files), TARGETS)[0].start == ""
    lying = (replace(files[0], masquerade="error"), files[1])
    assert propose_for(Inventory(files=lying), ("applocker",))[0].start == ""
    mac = (replace(file_on(Platform.MACOS, 61), masquerade=None),)
    assert propose_for(Inventory(files=mac), ("santa",))[0].start == ""


def test_a_start_that_permits_everything_leaves_no_rules(tmp_path: Path) -> None:
    inventory = Inventory(files=windows_files("C:\\Windows\\System32\\a.exe"))
    proposal, _ = propose_for(inventory, ("applocker",))
    path = tmp_path / "policyc.yaml"
    path.write_text(baseline_text("T", proposal, {"applocker": ["executable"]}), "utf-8")
    loaded = load_baseline(path)
    assert loaded.policy is not None, loaded.diagnostics
    assert loaded.policy.rules == proposed_policy(proposal, inventory, ("applocker",)).rules


@pytest.mark.slow
def test_a_tree_of_20000_real_files(tmp_path: Path) -> None:
    """/usr and the pinned archives: nothing widens, every file that is kept is allowed."""
    from tests.acceptance.proposal import real_inventory  # noqa: PLC0415

    inventory = real_inventory(tmp_path)
    assert len(inventory.files) >= 20_000
    proposal, widening = propose_for(inventory, TARGETS)
    assert {loss.code for loss in widening} == {"L023"}
    loaded = load_baseline(written(tmp_path, inventory))
    assert loaded.policy is not None
    for result in compile_policy(loaded.policy, inventory, TARGETS):
        assert (result.failure, result.refused) == (None, ())
        assert not [loss for loss in result.losses if loss.drift is Drift.WIDENS and loss.rule]
        assert result.report.wider == 0
    decider = Decider(loaded.policy)
    assert all(decider.decide(facts).verdict is Verdict.ALLOW for facts in proposal.files)
    assert len(proposal.rules) < len(proposal.files) / 10
