"""The command line from outside: streams, exit codes, positions, hostile names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from policyc.targets import default_targets
from tests import official
from tests.corpus import build
from tests.requires import PROJECT

QUICKSTART = PROJECT / "examples" / "quickstart" / "policyc.yaml"


def policyc(
    *arguments: object, cwd: Path = PROJECT, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "policyc", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    tree = root / "tree"
    tree.mkdir()
    (tree / "tool").write_bytes(build.elf())
    (tree / "tool.exe").write_bytes(build.pe())
    (tree / "run.sh").write_text("#!/bin/sh\necho hi\n")
    lies = root / "lies"
    lies.mkdir()
    (lies / "invoice.pdf").write_bytes(build.elf())
    result = policyc("scan", tree, lies, "-o", root / "inv.jsonl")
    assert result.returncode == 0, result.stderr
    return root


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom policyc.cli.app import app\n"
        "try:\n    app(['--help'], standalone_mode=True)\nexcept SystemExit:\n    pass\n"
        "heavy = {'lief', 'lxml', 'duckdb', 'rich', 'pefile', 'elftools'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "command",
    ["scan", "check", "init", "compile", "verify", "diff", "explain", "targets", "schema"],
)
def test_every_command_has_examples(command: str) -> None:
    result = policyc(command, "--help")
    assert result.returncode == 0
    assert "Example" in result.stdout


def test_compile_writes_all_targets_twice_alike(world: Path) -> None:
    outputs = []
    for name in ("out1", "out2"):
        result = policyc("compile", QUICKSTART, "-i", world / "inv.jsonl", "-o", world / name)
        assert result.returncode == 0, result.stdout + result.stderr
        folder = world / name
        assert sorted(path.name for path in folder.iterdir()) == sorted(default_targets())
        outputs.append(
            {
                path.relative_to(folder): path.read_bytes()
                for path in folder.rglob("*")
                if path.is_file()
            }
        )
    assert outputs[0] == outputs[1]
    text = b"".join(outputs[0].values())
    assert os.fsencode(world) not in text.replace(os.fsencode(world / "tree"), b"")


def test_a_masquerade_never_becomes_a_permit(world: Path) -> None:
    result = policyc("compile", QUICKSTART, "-i", world / "inv.jsonl", "-o", world / "o3")
    assert "B012" in result.stderr
    assert "invoice.pdf" in result.stderr


def test_check_reports_stale_output(world: Path) -> None:
    arguments = ("compile", QUICKSTART, "-i", world / "inv.jsonl", "-o", world / "fresh")
    assert policyc(*arguments).returncode == 0
    assert policyc(*arguments, "--check").returncode == 0
    (world / "fresh" / "santa" / "provenance.json").write_text("{}")
    stale = policyc(*arguments, "--check")
    assert stale.returncode == 1
    assert "provenance.json" in stale.stderr


def test_verify_reads_what_was_written(world: Path) -> None:
    policyc("compile", QUICKSTART, "-i", world / "inv.jsonl", "-o", world / "v")
    result = policyc("verify", world / "v", "-b", QUICKSTART, "-i", world / "inv.jsonl")
    assert result.returncode == 0, result.stdout + result.stderr
    for name in default_targets():
        assert name in result.stdout


def test_check_as_json(world: Path) -> None:
    result = policyc("check", world / "lies", "--format", "json")
    assert result.returncode == 1
    value = official.published("check", result.stdout)
    (finding,) = value["findings"]
    assert finding["code"] == "M003"
    assert value["summary"]["error"] == 1

    assert policyc("check", world / "lies", "--exit-zero").returncode == 0
    assert policyc("check", world / "lies", "--fail-on", "never").returncode == 0
    assert policyc("check", world / "tree").returncode == 0


def test_a_reader_that_has_gone_changes_nothing(tmp_path: Path) -> None:
    """What a shell pipes into ``head`` is done all the same, and fails where it would fail."""
    baseline = "policyc: 1\nname: T\nrules:\n  - permit: {path: /opt/a}\n    platforms: [linux]\n"
    (tmp_path / "policyc.yaml").write_text(baseline)

    def unread(*words: str) -> int:
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as gone:
            result = subprocess.run(
                [sys.executable, "-m", "policyc", *words],
                cwd=tmp_path,
                stdout=gone,
                stderr=subprocess.PIPE,
                check=False,
            )
        assert b"Traceback" not in result.stderr
        return result.returncode

    assert unread("compile", "-t", "fapolicyd", "-o", "out") == 0
    rules = tmp_path / "out" / "fapolicyd" / "rules.d" / "00-policyc.rules"
    assert unread("verify", "out", "-b", "policyc.yaml") == 0
    rules.write_text(rules.read_text().replace("/opt/a", "/opt/b"))
    assert unread("verify", "out", "-b", "policyc.yaml") == 1


def test_bad_input_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "policyc.yaml"
    path.write_text("policyc: 1\nname: T\nrules:\n  - permit: {pth: /opt/a}\n")
    result = policyc("compile", path, "-o", tmp_path / "out")
    assert result.returncode == 2
    assert f"{path}:4:14" in result.stderr
    assert "did you mean `path`" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "/no/such/folder", "-o", "x.jsonl"),
        ("scan", "/usr/bin/env", "-o", "x.txt"),
        ("scan", "/usr/bin/env", "-o", "/no/such/folder/x.jsonl"),
        ("scan", "/usr/bin/env", "-o", "x.jsonl", "--as", "relative"),
        ("check", "/no/such/folder"),
        ("compile", "/no/such/baseline.yaml"),
        ("compile", str(QUICKSTART), "-t", "applock"),
        ("compile", str(QUICKSTART), "-i", "/no/such/inventory.parquet"),
        ("verify", "/no/such/out", "-b", str(QUICKSTART)),
        ("explain", "Z999"),
        ("explain", "/no/such/file"),
        ("nonsense",),
    ],
)
def test_bad_usage_exits_2_without_a_traceback(arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = policyc(*arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()
    assert list(tmp_path.iterdir()) == []


def test_explain_a_file_and_codes(world: Path) -> None:
    tool = world / "tree" / "tool"
    result = policyc("explain", tool, "-b", QUICKSTART, "-i", world / "inv.jsonl")
    assert result.returncode == 0, result.stderr
    assert "baseline" in result.stdout
    assert "known-files" in result.stdout
    assert "second opinion" in result.stdout
    for code in ("M003", "L012", "B005"):
        shown = policyc("explain", code)
        assert shown.returncode == 0
        assert code in shown.stdout


def test_targets_and_schema() -> None:
    matrix = policyc("targets")
    assert matrix.returncode == 0
    for name in default_targets():
        assert name in matrix.stdout
        page = policyc("targets", name)
        assert "can govern" in page.stdout
    assert json.loads(policyc("schema").stdout)["title"] == "policyc baseline"


def test_a_hostile_name_never_reaches_the_terminal_raw(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a\x1b[31m\u202efdp.exe\n.pdf").write_bytes(build.pe())
    result = policyc("check", folder, FORCE_COLOR="")
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    assert "\\x1b[31m\\u{202e}fdp.exe\\x0a.pdf" in result.stdout


def test_colour_is_only_for_terminals(world: Path) -> None:
    plain = policyc("check", world / "lies")
    assert "\x1b" not in plain.stdout
    forced = policyc("check", world / "lies", FORCE_COLOR="1")
    assert "\x1b[1;31m" in forced.stdout
    assert "\x1b" not in policyc("check", world / "lies", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_an_unaccepted_widening_is_refused_and_an_accepted_one_written(tmp_path: Path) -> None:
    text = (
        "policyc: 1\nname: T\ntargets: {santa: {collections: [executable]}}\nrules:\n"
        "  - id: all-zoom\n    permit: {signer: {team: BJ4HAAB9B3}}\n"
        "  - id: shared\n    forbid: {path: /Users/Shared/**}\n"
    )
    path = tmp_path / "policyc.yaml"
    path.write_text(text)
    refused = policyc("compile", path, "-t", "santa", "-o", tmp_path / "out")
    assert refused.returncode == 1, refused.stderr
    assert "error[L021]" in refused.stderr
    assert f"{path}:8:5" in refused.stderr
    assert not (tmp_path / "out" / "santa").exists()
    path.write_text(
        text + "accept:\n  - {loss: L021, target: santa, reason: emptied nightly}\n"
        "  - {loss: L023, target: santa, reason: Macs need it}\n"
    )
    accepted = policyc("compile", path, "-t", "santa", "-o", tmp_path / "out")
    assert accepted.returncode == 0, accepted.stderr
    assert "emptied nightly" in accepted.stderr
    assert (tmp_path / "out" / "santa").is_dir()


def test_an_acceptance_that_does_not_occur_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "policyc.yaml"
    path.write_text(
        "policyc: 1\nname: T\ntargets: {santa: {collections: [executable]}}\nrules:\n"
        "  - permit: {signer: {team: BJ4HAAB9B3}}\n"
        "accept:\n  - {loss: L021, target: santa, reason: none}\n"
        "  - {loss: L023, target: santa, reason: Macs need it}\n"
    )
    result = policyc("compile", path, "-t", "santa", "-o", tmp_path / "out")
    assert result.returncode == 0
    assert "warning[B013]" in result.stderr


def _small(tmp_path: Path) -> Path:
    path = tmp_path / "policyc.yaml"
    path.write_text(
        "policyc: 1\nname: T\nrules:\n"
        "  - {id: acme, permit: {path: /opt/acme/**}, platforms: [linux]}\n"
        "targets:\n  fapolicyd: {collections: [executable, library, script]}\n"
    )
    return path


def test_a_verification_as_json_lists_what_differs(world: Path, tmp_path: Path) -> None:
    baseline = _small(tmp_path)
    result = policyc(
        *("compile", baseline, "-t", "fapolicyd", "-o", tmp_path / "out", "--format", "json"),
        *("-i", world / "inv.jsonl"),
    )
    assert result.returncode == 0, result.stderr
    (value,) = official.published("compile", result.stdout)["targets"]
    assert value["verified"] is True
    assert value["inventory"]["unexplained"] == 0
    assert value["witnesses"]["agree"] > 10
    assert value["witnesses"]["complete"] is True
    assert {loss["code"] for loss in value["losses"]} == {"L027"}


def test_verify_needs_no_inventory_and_finds_an_edit(tmp_path: Path) -> None:
    baseline = _small(tmp_path)
    policyc("compile", baseline, "-t", "fapolicyd", "-o", tmp_path / "out")
    arguments = ("verify", tmp_path / "out", "-b", baseline)
    honest = policyc(*arguments)
    assert honest.returncode == 0, honest.stdout + honest.stderr
    (rules,) = (tmp_path / "out" / "fapolicyd").rglob("*.rules")
    text = rules.read_text()
    rules.write_text(text.replace("dir=/opt/acme/", "dir=/opt/"))
    edited = policyc(*arguments, "--format", "json")
    assert edited.returncode == 1, edited.stdout + edited.stderr
    (value,) = official.published("verify", edited.stdout)["targets"]
    found = value["witnesses"]["differences"]
    assert any(item["is"] == "wider" and item["loss"] is None for item in found)
    shown = policyc(*arguments)
    assert "NO LOSS EXPLAINS IT" in shown.stderr
    sarif = tmp_path / "verify.sarif"
    junit = policyc(*arguments, "-f", "junit", "--report", f"sarif={sarif}")
    assert junit.returncode == 1
    assert int(official.junit(junit.stdout).get("failures")) > 0
    results = official.sarif(sarif.read_text())
    assert {(item["ruleId"], item["level"]) for item in results} >= {("V001", "error")}
    place = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("policyc.yaml")


def test_a_compile_has_the_forms_of_pipelines(tmp_path: Path) -> None:
    baseline = _small(tmp_path)
    baseline.write_text(
        baseline.read_text()
        + "accept:\n  - {loss: L027, target: fapolicyd, reason: known}\n"
        + "  - {loss: L012, target: fapolicyd, reason: never}\n"
    )
    arguments = ("compile", baseline, "-t", "fapolicyd", "-o", tmp_path / "out")
    files = {form: tmp_path / form for form in ("junit", "gitlab", "markdown", "csv")}
    reports = [word for form, path in files.items() for word in ("--report", f"{form}={path}")]
    result = policyc(*arguments, *reports, "--check", "-f", "sarif")
    assert result.returncode == 1
    found = official.sarif(result.stdout)
    assert [item["ruleId"] for item in found] == ["B013", "L027", "V003"]
    assert found[1]["suppressions"] == [{"kind": "external", "justification": "known"}]
    assert "fapolicyd is missing" in found[2]["message"]["text"]
    suite = official.junit(files["junit"].read_text())
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert {item["check_name"] for item in official.gitlab(files["gitlab"].read_text())} == {
        "B013",
        "V003",
    }
    assert (
        files["markdown"]
        .read_text()
        .startswith("**policyc compile**: 1 error, 1 warning, 1 accepted. — stopped")
    )
    assert len(files["csv"].read_text().splitlines()) == 4
    assert policyc(*arguments).returncode == 0
    annotations = policyc(*arguments, "--check", "-f", "annotations")
    assert annotations.returncode == 0, annotations.stderr
    assert "V003" not in annotations.stdout
    assert annotations.stdout.startswith("::warning file=")


def test_explain_names_the_nearest_rule_and_the_native_one(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "tool").write_bytes(build.elf())
    baseline = _small(tmp_path)
    inside = policyc("explain", tree / "tool", "-b", baseline, "--as", "/opt/acme/tool")
    assert inside.returncode == 0, inside.stderr
    assert "permit acme" in inside.stdout
    assert "fapolicyd: allow perm=any all : dir=/opt/acme/" in inside.stdout


def test_init_writes_a_baseline_that_compiles(world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "proposed"
    result = policyc("init", world / "inv.jsonl", "-o", folder, "--explain")
    assert result.returncode == 0, result.stderr
    assert "masquerade: 1 files" in result.stderr
    report = (folder / "report.md").read_text()
    assert "invoice.pdf" in report
    compiled = policyc(
        *("compile", folder / "policyc.yaml", "-i", folder / "inventory.parquet"),
        *("-o", tmp_path / "out"),
    )
    assert compiled.returncode == 0, compiled.stdout + compiled.stderr
    again = policyc("init", world / "inv.jsonl", "-o", folder)
    assert again.returncode == 2
    assert "not empty" in again.stderr
