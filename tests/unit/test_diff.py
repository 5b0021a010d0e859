"""Sides of every kind, and what differs between them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from policyc.diff import Machine, SideError, compare_sides, open_side
from policyc.inventory import write_inventory
from policyc.model.change import Comparison, Relation, Turn
from policyc.model.facts import UNKNOWN, FileFacts, FindingMark
from policyc.model.inventory import Inventory
from tests.requires import PROJECT, require_shared, require_tool
from tests.review.world import elf, inventory, pe
from tests.unit.test_cli import policyc

HEAD = "policyc: 1\nname: T\nmode: enforce\n"
EXAMPLE = PROJECT / "examples" / "ci"
DIGESTS = [f"{number:064x}" for number in range(1, 3_001)]


def compared(
    old: object,
    new: object,
    *machines: Machine,
    targets: tuple[str, ...] = (),
    target: str | None = None,
    folder: Path = PROJECT,
) -> Comparison:
    given = machines[0].inventory if machines else None
    sides = [
        open_side(str(item), given, profile=None, target=target, folder=folder)
        for item in (old, new)
    ]
    return compare_sides(sides[0], sides[1], targets, machines)


def baselines(tmp_path: Path, old: str, new: str) -> tuple[Path, Path]:
    paths = tmp_path / "old.yaml", tmp_path / "new.yaml"
    for path, rules in zip(paths, (old, new), strict=True):
        path.write_text(HEAD + rules, encoding="utf-8")
    return paths


def machine(*files: FileFacts, name: str = "") -> Machine:
    return Machine(name=name, inventory=Inventory(files=files))


def test_each_relation_is_shown_or_proved(tmp_path: Path) -> None:
    old, new = baselines(
        tmp_path,
        """rules:
  - {id: wider, permit: {path: /opt/a/b/**}, platforms: [linux]}
  - {id: narrower, permit: {path: /srv/**}, platforms: [linux]}
  - {id: apart, permit: {path: /one/**}, platforms: [linux]}
  - {id: crossing, permit: {path: /x/*/y}, platforms: [linux]}
  - {id: gone, forbid: {path: /opt/a/b/c/**}, platforms: [linux]}
""",
        """rules:
  - {id: wider, permit: {path: /opt/a/**}, platforms: [linux]}
  - {id: narrower, permit: {path: /srv/sub/**}, platforms: [linux]}
  - {id: apart, permit: {path: /two/**}, platforms: [linux]}
  - {id: crossing, permit: {path: /x/z/*}, platforms: [linux]}
  - {id: added, permit: {path: /new/**}, platforms: [linux]}
  - {id: useless, forbid: {path: /nothing/permits/this/**}, platforms: [linux]}
""",
    )
    found = compared(old, new)
    by_name = {(item.new or item.old).text.split()[1]: item for item in found.rules}  # type: ignore[union-attr]
    assert {name: item.relation for name, item in by_name.items()} == {
        "wider": Relation.WIDER,
        "narrower": Relation.NARROWER,
        "apart": Relation.DISJOINT,
        "crossing": Relation.OVERLAPPING,
        "gone": Relation.REMOVED,
        "added": Relation.ADDED,
        "useless": Relation.ADDED,
    }
    assert by_name["wider"].turns == (Turn.ALLOWED,)
    assert by_name["narrower"].turns == (Turn.DENIED,)
    assert by_name["apart"].turns == (Turn.ALLOWED, Turn.DENIED)
    assert by_name["crossing"].turns == (Turn.ALLOWED, Turn.DENIED)
    assert by_name["gone"].turns == (Turn.ALLOWED,)
    assert by_name["useless"].same
    assert {item.targets for change in found.rules for item in change.shown} == {("fapolicyd",)}
    assert str(by_name["wider"].place) == f"{new}:5:17"


def test_many_hashes_are_one_change_of_a_list(tmp_path: Path) -> None:
    listed = "".join(f"\n          - {item}" for item in DIGESTS)
    old, new = baselines(
        tmp_path,
        f"rules:\n  - {{id: no, forbid: {{hash: {{sha256: {DIGESTS[7]}}}}}}}\n",
        f"rules:\n  - {{id: no, forbid: {{hash: {{sha256: {DIGESTS[7]}}}}}}}\n"
        f"  - id: many\n    permit:\n      hash:\n        sha256:{listed}\n",
    )
    found = compared(old, new)
    assert sorted((item.count, item.same, item.turns) for item in found.rules) == [
        (1, True, ()),
        (2_999, False, (Turn.ALLOWED,)),
    ]
    assert found.changed_rules(Turn.ALLOWED) == 2_999


def test_a_known_file_is_what_shows_a_hash(tmp_path: Path) -> None:
    file = elf("/usr/bin/tool", DIGESTS[0])
    old, new = baselines(
        tmp_path,
        "rules:\n  - {id: no, forbid: {path: /usr/bin/**}, platforms: [linux]}\n",
        "rules:\n  - {id: no, forbid: {path: /usr/bin/**}, platforms: [linux]}\n"
        f"  - {{id: yes, permit: {{hash: {{sha256: {DIGESTS[0]}}}}}, platforms: [linux]}}\n",
    )
    found = compared(old, new, machine(file))
    assert found.groups == ()
    (change,) = found.rules
    (shown,) = change.shown
    assert shown.turn is Turn.ALLOWED
    assert not shown.facts.path.startswith("/usr/bin/")


def test_settings_count_as_wider_or_narrower(tmp_path: Path) -> None:
    rules = "rules:\n  - {id: a, permit: {path: /opt/**}, platforms: [linux]}\n"
    old, new = baselines(
        tmp_path,
        "targets: {fapolicyd: {collections: [executable], version: '1.3'}}\n" + rules,
        "targets: {fapolicyd: {mode: audit, collections: [executable, script], version: '1.4'}}\n"
        + rules,
    )
    found = compared(old, new, machine(elf("/usr/bin/x")), targets=("fapolicyd",))
    assert [(item.what, item.old, item.new, item.turn) for item in found.settings] == [
        ("executable", "enforce", "audit", Turn.ALLOWED),
        ("script", "not governed", "audit", Turn.DENIED),
        ("version", "1.3", "1.4", Turn.UNKNOWN),
    ]
    assert found.rules == ()
    assert all(str(item.origin).startswith(str(new)) for item in found.settings)


def test_an_accepted_finding_is_a_change_where_a_rule_looks_at_findings(tmp_path: Path) -> None:
    rules = (
        "rules:\n  - {id: all, permit: {path: /opt/**}, platforms: [linux]}\n"
        "  - {id: lies, forbid: {masquerade: error}}\n"
    )
    accept = "accept:\n  - {finding: M003, path: /opt/x.pdf, reason: known}\n"
    old, new = baselines(tmp_path, rules, rules + accept)
    mark = FindingMark(code="M003", level="error")
    file = replace(elf("/opt/x.pdf"), masquerade="error", findings=(mark,))
    found = compared(old, new, machine(file), targets=("fapolicyd",))
    assert [item.turn for item in found.settings] == [Turn.ALLOWED]
    assert [item.turn for item in found.groups] == [Turn.ALLOWED]


def test_machines_are_named_where_there_are_several(tmp_path: Path) -> None:
    old, new = baselines(
        tmp_path,
        "rules:\n  - {id: a, permit: {path: /opt/**}, platforms: [linux]}\n",
        "rules:\n  - {id: b, permit: {path: /srv/**}, platforms: [linux]}\n",
    )
    common, own = elf("/opt/both"), elf("/opt/one")
    found = compared(old, new, machine(common, own, name="web1"), machine(common, name="web2"))
    (group,) = found.groups
    assert [(item.path, item.machines) for item in group.files] == [
        ("/opt/both", ("web1", "web2")),
        ("/opt/one", ("web1",)),
    ]
    assert group.turn is Turn.DENIED
    assert group.modes == ("enforce", "enforce")
    assert [item.text for item in group.old] == ["permit a"]


def test_a_rule_for_some_users_is_shown_by_one_of_them(tmp_path: Path) -> None:
    old, new = baselines(
        tmp_path,
        "rules:\n  - {id: a, permit: {path: 'C:\\A\\**'}, platforms: [windows]}\n",
        "rules:\n  - {id: a, permit: {path: 'C:\\A\\**'}, platforms: [windows]}\n"
        "  - {id: b, permit: {path: 'C:\\B\\**'}, platforms: [windows],"
        " principals: [S-1-5-32-544]}\n",
    )
    found = compared(old, new, targets=("applocker",))
    (change,) = found.rules
    assert change.turns == (Turn.ALLOWED,)
    assert "run by S-1-5-32-544" in change.shown[0].about


@pytest.mark.parametrize(
    ("target", "who", "rule"),
    [
        ("applocker", "S-1-5-32-544", "path: 'C:\\%s\\**'"),
        ("fapolicyd", "uid:1000", "path: /opt/%s/**"),
    ],
)
def test_a_native_rule_for_some_users_is_decided_for_them(
    tmp_path: Path, target: str, who: str, rule: str
) -> None:
    outs: list[Path] = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.yaml"
        head = f"{HEAD}governs: [executable, library, script]\nrules:\n"
        own = f'  - {{id: a, permit: {{{rule % name}}}, principals: ["{who}"]}}\n'
        path.write_text(head + own, encoding="utf-8")
        done = policyc("compile", path, "-t", target, "-o", tmp_path / name)
        assert done.returncode == 0, done.stderr
        (tmp_path / name / target / "provenance.json").unlink()
        outs.append(tmp_path / name)
    found = compared(outs[0], outs[1])
    turns = {turn for change in found.rules for turn in change.turns}
    assert turns == {Turn.ALLOWED, Turn.DENIED}
    assert all(f"run by {who}" in item.about for each in found.rules for item in each.shown)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The example's policies as they are, and of a baseline with three changes."""
    root = tmp_path_factory.mktemp("compiled")
    copy = root / "example"
    shutil.copytree(EXAMPLE, copy)
    baseline = copy / "policyc.yaml"
    text = baseline.read_text(encoding="utf-8")
    text = text.replace('version: ">=2.0"', 'version: ">=1.0"').replace("BJ4HAAB9B3", "EQHXZ8M8AV")
    baseline.write_text(text, encoding="utf-8")
    linux = copy / "rules" / "linux.yaml"
    lines = linux.read_text(encoding="utf-8")
    hashes = f"        sha256:\n          - {DIGESTS[0]}\n"
    linux.write_text(lines.replace("        sha256:\n", hashes), encoding="utf-8")
    result = policyc("compile", "policyc.yaml", "-i", "fleet.jsonl", "-o", "out", cwd=copy)
    assert result.returncode == 0, result.stderr
    return EXAMPLE / "out", copy / "out"


def test_compiled_folders_are_decided_as_the_platforms_do(compiled: tuple[Path, Path]) -> None:
    fleet = Machine(name="fleet", inventory=inventory())
    found = compared(*compiled, fleet)
    allowed = {
        (item.path, target)
        for group in found.groups
        if group.turn is Turn.ALLOWED
        for item in group.files
        for target in group.targets
    }
    assert allowed == {("D:\\Tools\\old-tool.exe", name) for name in ("wdac", "applocker")}
    assert not any(group.turn is Turn.OTHER_RULE for group in found.groups)
    shown = {
        (item.turn, target)
        for change in found.rules
        for item in change.shown
        for target in item.targets
    }
    assert {(Turn.ALLOWED, "fapolicyd"), (Turn.ALLOWED, "santa"), (Turn.DENIED, "santa")} <= shown
    same = compared(compiled[0], compiled[0], fleet)
    assert not same.turns
    assert same.unchanged == len(inventory().files)


def test_one_target_of_a_folder_and_single_files(compiled: tuple[Path, Path]) -> None:
    old, new = compiled
    for pair in (
        (old / "applocker", new / "applocker"),
        (old / "applocker" / "applocker.xml", new / "applocker" / "applocker.xml"),
        (old, new / "applocker"),
        (old / "wdac" / "policy.xml", new / "wdac"),
        (old / "santa" / "santa.mobileconfig", new / "santa" / "santa.mobileconfig"),
    ):
        found = compared(*pair)
        assert Turn.ALLOWED in found.turns, pair
        assert len(found.targets) == 1
    binary = next((old / "wdac").glob("*.cip"))
    assert not compared(old / "wdac" / "policy.xml", binary).turns


def test_two_formats_of_one_platform_and_of_two(compiled: tuple[Path, Path]) -> None:
    old, _ = compiled
    fleet = Machine(name="fleet", inventory=inventory())
    one = compared(old / "applocker", old / "wdac", fleet)
    assert one.targets == ("applocker → wdac",)
    assert not any(group.turn is Turn.ALLOWED for group in one.groups)
    two = compared(old / "applocker", old / "fapolicyd", fleet)
    assert two.targets == ("applocker → fapolicyd",)
    assert any("different platforms" in item for item in two.notes)
    paths = {item.path for group in two.groups for item in group.files}
    assert "/opt/acme/bin/run" in paths


def test_a_moved_rule_of_fapolicyd_is_the_same_rule(tmp_path: Path) -> None:
    rules = ["allow perm=any all : path=/usr/bin/a", "allow perm=any all : path=/usr/bin/b"]
    for name, first in (("old", rules), ("new", list(reversed(rules)))):
        folder = tmp_path / name / "fapolicyd" / "rules.d"
        folder.mkdir(parents=True)
        text = "\n".join([*first, "deny_audit perm=any all : all"]) + "\n"
        (folder / "10.rules").write_text(text, encoding="utf-8")
    fleet = machine(elf("/usr/bin/a"), elf("/usr/bin/b"))
    found = compared(tmp_path / "old", tmp_path / "new", fleet)
    assert not found.turns, found
    (tmp_path / "new" / "fapolicyd" / "rules.d" / "10.rules").write_text(
        "deny_audit perm=any all : path=/usr/bin/a\nallow perm=any all : all\n", encoding="utf-8"
    )
    found = compared(tmp_path / "old", tmp_path / "new", fleet)
    (group,) = found.groups
    assert group.turn is Turn.DENIED
    assert [item.text for item in group.new] == ["deny_audit perm=any all : path=/usr/bin/a"]
    assert (group.new[0].origin.line, group.new[0].origin.column) == (1, 1)
    assert group.new[0].origin.file.endswith("new/fapolicyd/rules.d/10.rules")


def test_policies_of_strangers_do_not_differ_from_themselves() -> None:
    folders = (
        sorted(require_shared("applocker/policies").glob("*.xml"))[:12],
        sorted(require_shared("santa/configs").glob("*"))[:12],
    )
    read = 0
    for path in (item for paths in folders for item in paths):
        try:
            found = compared(path, path)
        except SideError:
            continue  # not a policy of that target alone, which the counting below allows for
        read += 1
        assert not found.turns, path
    assert read >= 8


def test_revisions_are_read_with_what_they_include(tmp_path: Path) -> None:
    git = require_tool("git")
    root = tmp_path / "r"
    shutil.copytree(EXAMPLE, root / "sub")
    text = (root / "sub" / "policyc.yaml").read_text(encoding="utf-8")
    more = "rules:\n  - {id: golden, permit: {from: golden.jsonl, levels: [hash]}}\n"
    (root / "sub" / "policyc.yaml").write_text(text.replace("rules:\n", more), encoding="utf-8")
    golden = Inventory(files=(elf("/golden", DIGESTS[5]),))
    write_inventory(golden, root / "sub" / "golden.jsonl")
    (root / "sub" / "link.yaml").symlink_to("policyc.yaml")
    (root / "sub" / "out.yaml").write_text(
        "policyc: 1\nname: T\ninclude: [../../x.yaml]\nrules: []\n", encoding="utf-8"
    )
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "one")):
        subprocess.run(
            [git, "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
            cwd=root,
            check=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
        )
    now = root / "sub" / "policyc.yaml"
    for side in ("git:HEAD:sub/policyc.yaml", "git:HEAD:./sub/policyc.yaml"):
        assert not compared(side, now, folder=root).turns
    assert not compared("git:HEAD:./policyc.yaml", now, folder=root / "sub").turns
    shutil.rmtree(root / "sub" / "rules")  # the revision is read, not the work tree
    read = open_side("git:HEAD:sub/policyc.yaml", None, profile=None, target=None, folder=root)
    assert read.loaded is not None
    files = {rule.origin.file for rule in read.loaded.written}
    assert files == {"git:HEAD:sub/policyc.yaml", "git:HEAD:sub/rules/linux.yaml"}
    assert not compared("git:HEAD:sub/out", root / "sub" / "out", folder=root).turns
    applocker = "git:HEAD:sub/out/applocker/applocker.xml"
    assert not compared(applocker, root / "sub" / "out" / "applocker", folder=root).turns
    for wrong, why in (
        ("git:HEAD:sub/link.yaml", "symbolic link"),
        ("git:HEAD:sub/out.yaml", "1 problem"),
        ("git:HEAD:no", "has no no"),
        ("git:HEAD:../x", "not inside the repository"),
        ("git:nowhere:x.yaml", "no revision nowhere"),
        ("git:--help:x.yaml", "is no revision"),
        ("git:HEAD", "write git:REV:path"),
    ):
        with pytest.raises(SideError, match=why):
            open_side(wrong, None, profile=None, target=None, folder=root)


def test_what_is_no_policy_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text("<x/>", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for name in ("x.xml", "empty", "absent", "absent.yaml"):
        with pytest.raises(SideError):
            open_side(str(tmp_path / name), None, profile=None, target=None, folder=tmp_path)
    old, new = EXAMPLE / "out" / "santa", EXAMPLE / "policyc.yaml"
    with pytest.raises(SideError, match="no target is on both sides"):
        compared(old, new, targets=("wdac",))


@pytest.mark.slow
def test_exit_codes(tmp_path: Path) -> None:
    rules = "rules:\n  - {id: a, permit: {path: /opt/**}, platforms: [linux]}\n"
    wider = rules.replace("/opt/", "/")
    old, new = baselines(tmp_path, rules, wider)
    unknown = tmp_path / "unknown.yaml"
    version = "targets: {fapolicyd: {version: '1.4'}}\n"
    unknown.write_text(HEAD + version + rules, encoding="utf-8")
    for arguments, code in (
        ((old, new), 0),
        ((old, new, "--fail-on", "widen"), 1),
        ((old, new, "--fail-on", "narrow"), 0),
        ((new, old, "--fail-on", "narrow"), 1),
        ((old, new, "--exit-code"), 1),
        ((old, old, "--exit-code"), 0),
        ((old, unknown, "--fail-on", "widen"), 3),
        ((old, tmp_path / "no.yaml"), 2),
        ((old, new, "-t", "nothing"), 2),
        ((old, new, "--report", "pdf=x"), 2),
        ((old, new, "-i", tmp_path / "no.parquet"), 2),
    ):
        result = policyc("diff", *arguments, cwd=tmp_path)
        assert result.returncode == code, (arguments, result.stdout, result.stderr)
        assert "Traceback" not in result.stderr


def test_a_file_whose_facts_are_missing_is_unknown(tmp_path: Path) -> None:
    old, new = baselines(
        tmp_path,
        "rules:\n  - {id: a, permit: {path: 'D:\\**'}, platforms: [windows]}\n",
        "rules:\n  - {id: a, permit: {product: {name: Tool}}, platforms: [windows]}\n",
    )
    file = pe("D:\\tool.exe", "Tool", "1.0", signed=False)
    blind = FileFacts(
        path=file.path,
        size=1,
        actual=file.actual,
        pe=file.pe,
        hashes=file.hashes,
        version_info=UNKNOWN,
    )
    found = compared(old, new, machine(blind), targets=("applocker",))
    assert [item.turn for item in found.groups] == [Turn.UNKNOWN]
