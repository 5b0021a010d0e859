"""Scripted pull requests over examples/ci: the comment, the SARIF log and the exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import official
from tests.requires import PROJECT, require_tool
from tests.review.world import NEW_TOOL

pytestmark = pytest.mark.slow

EXAMPLE = PROJECT / "examples" / "ci"
SCRIPT = PROJECT / "templates" / "ci" / "review.sh"
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org")

Edit = Callable[[str], str]


@dataclass(frozen=True)
class Reviewed:
    """What the pipeline made of a pull request."""

    code: int
    output: str
    comment: str
    value: dict[str, Any]
    results: list[dict[str, Any]]
    annotations: str

    def files(self, change: str) -> set[str]:
        return {
            item["path"]
            for group in self.value["files"]
            if group["change"] == change
            for item in group["files"]
        }

    def rules(self) -> list[tuple[str, str]]:
        return [
            ((item["new"] or item["old"])["rule"], change)
            for item in self.value["rules"]
            for change in item["changes"]
        ]


def swapped(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert text.count(old) == 1
        return text.replace(old, new)

    return edit


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The example in a git repository of its own, on `main`."""
    copy = tmp_path / "repository"
    shutil.copytree(EXAMPLE, copy)
    git(copy, "init", "-q", "-b", "main")
    git(copy, "add", "-A")
    git(copy, "commit", "-qm", "base")
    git(copy, "checkout", "-qb", "change")
    return copy


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [require_tool("git"), *IDENTITY, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
    )
    return done.stdout


def program(folder: Path) -> Path:
    """`policyc` as a command."""
    path = folder / "policyc"
    path.write_text(
        f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" -m policyc "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


def review(
    repository: Path, edits: dict[str, Edit], *, fail_on: str = "widen", compiled: bool = True
) -> Reviewed:
    """Change files on a branch, commit what the change compiles to, and run the pipeline."""
    own = program(repository.parent)
    for name, edit in edits.items():
        path = repository / name
        path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    if compiled:
        words = [str(own), "compile", "policyc.yaml", "-i", "fleet.jsonl", "-o", "out"]
        subprocess.run(words, cwd=repository, check=True, capture_output=True)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "change", "--allow-empty")
    before = git(repository, "status", "--porcelain")
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "POLICYC": str(own),
            "POLICYC_BASE": "main",
            "POLICYC_INVENTORIES": "fleet.jsonl",
            "POLICYC_CHECK": "fleet.jsonl",
            "POLICYC_FAIL_ON": fail_on,
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(repository.parent / "summary.md"),
        },
    )
    assert before == git(repository, "status", "--porcelain") == ""
    reports = repository / "policyc-reports"
    results = official.sarif((reports / "diff.sarif").read_text(encoding="utf-8"))
    value = official.published("diff", (reports / "diff.json").read_text(encoding="utf-8"))
    for name in ("lint", "compile", "diff", "check"):
        official.sarif((reports / f"{name}.sarif").read_text(encoding="utf-8"))
        official.junit((reports / f"{name}.junit.xml").read_text(encoding="utf-8"))
        official.gitlab((reports / f"{name}.gitlab.json").read_text(encoding="utf-8"))
    comment = (reports / "comment.md").read_text(encoding="utf-8")
    assert (repository.parent / "summary.md").read_text(encoding="utf-8") == comment
    return Reviewed(
        code=done.returncode,
        output=done.stdout + done.stderr,
        comment=comment,
        value=value,
        results=results,
        annotations=(reports / "diff.annotations.txt").read_text(encoding="utf-8").strip(),
    )


def nothing(found: Reviewed) -> None:
    assert found.code == 0, found.output
    assert found.comment.startswith("**policyc diff**: nothing changes.")
    assert found.results == []
    assert found.annotations == ""
    assert found.rules() == []


def test_a_widened_publisher_stops(repository: Path) -> None:
    edit = swapped('      product: {name: Contoso Tools, version: ">=2.0"}\n', "")
    found = review(repository, {"policyc.yaml": edit})
    assert found.code == 1, found.output
    assert found.files("newly-allowed") == {"D:\\Tools\\old-tool.exe", "D:\\Tools\\studio.exe"}
    assert found.files("newly-denied") == set()
    assert found.rules() == [("permit contoso-tools", "newly-allowed")]
    assert found.value["rules"][0]["relation"] == "wider"
    assert found.comment.startswith("**policyc diff** — stopped")
    assert "2 newly allowed, 0 newly denied" in found.comment
    assert "studio.exe" in found.comment
    assert {item["ruleId"] for item in found.results} == {"D001"}
    assert {item["level"] for item in found.results} == {"error"}
    for result in found.results:
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "policyc.yaml"
        assert place["region"] == {"startLine": 16, "startColumn": 5}
    assert "::error file=policyc.yaml,line=16,col=5,title=D001::" in found.output


@pytest.mark.slow
def test_a_removed_deny_stops(repository: Path) -> None:
    edit = swapped(
        "  - id: contoso-legacy\n    forbid: {product: {name: Contoso Legacy}}\n"
        "    platforms: [windows]\n    note: CHG-1042\n\n",
        "",
    )
    found = review(repository, {"policyc.yaml": edit})
    assert found.code == 1, found.output
    assert found.files("newly-allowed") == {"C:\\Program Files\\Contoso\\legacy.exe"}
    assert ("forbid contoso-legacy", "newly-allowed") in found.rules()
    (group,) = [item for item in found.value["files"] if item["change"] == "newly-allowed"]
    assert [item["rule"] for item in group["old"]["rules"]] == ["forbid contoso-legacy"]
    assert group["old"]["rules"][0]["origin"]["file"] == "git:main:policyc.yaml"
    assert [item["rule"] for item in group["new"]["rules"]] == ["permit program-files"]
    assert "legacy.exe" in found.comment
    related = [
        place["physicalLocation"]["artifactLocation"]["uri"]
        for item in found.results
        for place in item.get("relatedLocations", [])
    ]
    assert related
    assert set(related) == {"policyc.yaml"}


def test_a_reordered_file_is_no_change(repository: Path) -> None:
    def edit(text: str) -> str:
        head, _, tail = text.partition("rules:\n")
        listed, accept, end = tail.partition("accept:\n")
        rules = [f"  - id: {item.strip()}\n" for item in listed.split("  - id: ") if item.strip()]
        assert len(rules) == 4
        return head + "rules:\n" + "\n".join(reversed(rules)) + "\n" + accept + end

    nothing(review(repository, {"policyc.yaml": edit}, fail_on="any"))


@pytest.mark.slow
def test_a_renamed_rule_is_no_change(repository: Path) -> None:
    edits = {
        "policyc.yaml": swapped("id: zoom", "id: video"),
        "rules/linux.yaml": swapped("id: known", "id: well-known"),
    }
    nothing(review(repository, edits, fail_on="any"))


@pytest.mark.slow
def test_a_new_hash_stops_only_where_it_is_asked_to(repository: Path) -> None:
    edit = swapped("        sha256:\n", f"        sha256:\n          - {NEW_TOOL}\n")
    found = review(repository, {"rules/linux.yaml": edit}, fail_on="narrow")
    assert found.code == 0, found.output
    assert found.files("newly-allowed") == {"/usr/local/bin/new-tool"}
    assert found.rules() == [("permit known", "newly-allowed")]
    (shown,) = found.value["rules"][0]["shown_by"]
    assert shown["targets"] == ["fapolicyd"]
    places = {
        item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for item in found.results
    }
    assert places == {"rules/linux.yaml"}
    assert {item["level"] for item in found.results} == {"warning"}


@pytest.mark.slow
def test_a_changed_unless_allows_and_denies(repository: Path) -> None:
    edit = swapped("/opt/acme/tmp/**", "/opt/acme/cache/**")
    found = review(repository, {"rules/linux.yaml": edit})
    assert found.code == 1, found.output
    assert found.files("newly-allowed") == {"/opt/acme/tmp/scratch"}
    assert found.files("newly-denied") == {"/opt/acme/cache/blob"}
    assert sorted(found.rules()) == [
        ("permit opt-acme", "newly-allowed"),
        ("permit opt-acme", "newly-denied"),
    ]
    assert {item["ruleId"] for item in found.results} == {"D001", "D002"}
    assert found.comment.index("newly allowed") < found.comment.index("Files newly denied")


@pytest.mark.slow
def test_stale_outputs_and_an_error_are_told(repository: Path) -> None:
    edit = swapped("/opt/acme/tmp/**", "/opt/acme/cache/**")
    found = review(repository, {"rules/linux.yaml": edit}, fail_on="never", compiled=False)
    assert found.code == 1
    assert "out/fapolicyd is stale" in found.output
    assert (
        "::error file=policyc.yaml,line=1,title=V003::out/fapolicyd is stale: rule " in found.output
    )
    own = program(repository.parent)
    (repository / "policyc.yaml").write_text("policyc: 1\nrules: 3\n", encoding="utf-8")
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "POLICYC": str(own), "POLICYC_BASE": "main"},
    )
    assert done.returncode == 2
    assert "policyc.yaml:2:8" in done.stderr
    lint = repository / "policyc-reports" / "lint.sarif"
    results = official.sarif(lint.read_text(encoding="utf-8"))
    assert {item["level"] for item in results} == {"error"}


def test_what_lint_finds_is_told_at_its_line(repository: Path) -> None:
    again = "  - {id: meetings, permit: {signer: {team: BJ4HAAB9B3}}, platforms: [macos]}\n"
    edit = swapped("rules:\n  - id", f"rules:\n{again}  - id")
    found = review(repository, {"policyc.yaml": edit}, fail_on="never")
    assert found.code == 1, found.output
    assert "::warning file=policyc.yaml,line=34,col=5,title=B015::permit zoom " in found.output
    assert "title=L016" not in found.output, "a loss that was there before is no news"
    lint = repository / "policyc-reports" / "lint.gitlab.json"
    (entry,) = official.gitlab(lint.read_text(encoding="utf-8"))
    assert (entry["check_name"], entry["location"]["path"]) == ("B015", "policyc.yaml")


def test_a_hostile_revision_or_name_is_no_option_and_no_shell(repository: Path) -> None:
    own = program(repository.parent)
    for text in (
        "git:--output=x:policyc.yaml",
        "git:main:../x.yaml",
        "git:$(id):policyc.yaml",
        "git:main",
        "git::policyc.yaml",
        "git:main:no.yaml",
        "git:nowhere:policyc.yaml",
    ):
        done = subprocess.run(
            [str(own), "diff", text, "policyc.yaml"],
            cwd=repository,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, (text, done.stdout)
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("policyc: ") or "error[" in done.stderr
    assert git(repository, "status", "--porcelain") == ""
