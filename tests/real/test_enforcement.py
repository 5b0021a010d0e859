"""A whole machine under a compiled policy: what the real daemon lets run, and what not.

The daemon polices an overlay of this machine. Everything below the system's folders is permitted by
hash, with a few files of our own; everything else must not run, whatever it is called and
whoever starts it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from policyc.baseline import parse_baseline
from policyc.compiler import TargetResult, compile_target
from policyc.inventory.scan import scan
from policyc.inventory.schema import from_row
from policyc.inventory.worker import ScanOptions
from policyc.model.facts import FileFacts
from policyc.model.inventory import Inventory
from policyc.readers.limits import Limits
from tests.real import namespace
from tests.real.world import (
    byte_code,
    compiled,
    explained,
    facts_of,
    java_archive,
    loaded,
    loader,
    policy_of,
    staged,
)

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.xdist_group("real")]

BASELINE = """policyc: 1
name: A strict machine
mode: enforce
governs: [executable, library, script]
targets:
  fapolicyd: {version: "1.1", ld_so: LOADER}
rules:
  - id: system
    permit: {from: inventory, levels: [hash]}
  - id: tools
    permit: {path: /opt/tools/**}
    unless: [{path: /opt/tools/tmp/**}]
  - id: lies
    forbid: {masquerade: error}
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every case once, by its id."""
    namespace.require_daemon()
    folder = tmp_path_factory.mktemp("strict")
    files = world(folder)
    inventory = this_machine(files)
    result = compiled_policy(inventory)
    assert result.failure is None
    raw = policy_of("strict", result, list(cases()))
    raw["files"] = [
        staged(path, data, "4755" if path == SETUID else "755") for path, data in files.items()
    ]
    raw["files"] += LINKS
    lines = namespace.run(folder, [raw], watch="overlay")
    assert lines[0]["up"], lines[0]["said"]
    rules = loaded(raw)
    digests = {item.path: str(item.hashes.sha256) for item in inventory.files}
    for line in lines[1:]:
        assert not line["timed_out"], line
        assert not line["died"], line
        for seen in line["decisions"]:
            problem = explained(rules, seen, digests)
            assert problem is None, problem
    return {line["id"]: line for line in lines[1:]}


def world(folder: Path) -> dict[str, bytes]:
    """Our own files: trusted ones, untrusted ones, liars."""
    program = compiled(folder, "dynamic")
    python, shell = b"#!/usr/bin/python3\nprint('RAN')\n", b"#!/bin/sh\necho RAN\n"
    return {
        "/opt/acme/trusted": program + b"1",
        "/opt/acme/trusted two": program + b"2",
        "/opt/acme/trusted.py": python + b"# ours\n",
        "/opt/acme/trusted.sh": shell + b"# ours\n",
        "/opt/tools/tool": program + b"3",
        "/opt/tools/tmp/tool": program + b"4",
        "/opt/toolsx/tool": program + b"5",
        "/opt/acme/untrusted": program,
        "/opt/acme/static": compiled(folder, "static"),
        "/opt/acme/static-pie": compiled(folder, "static-pie"),
        "/opt/acme/shared.so": compiled(folder, "shared"),
        "/opt/acme/shared-interp.so": compiled(folder, "shared-interp"),
        "/home/u/invoice.pdf": program + b"6",
        "/opt/tools/report.pdf": program + b"7",
        "/home/u/photo.jpg": shell,
        "/home/u/x.py": python,
        "/home/u/x.pl": b'#!/usr/bin/perl\nprint "RAN\\n";\n',
        "/home/u/bad.elf": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0\x01\0\0\0",
        "/home/u/notes.txt": b"only text\n",
        "/home/u/paper.pdf": b"%PDF-1.4\n1 0 obj\nendobj\n",
        "/home/u/invoice \u202efdp.exe": program + b"8",
        **scripts(),
        **{path: program + b"n%d" % at for at, path in enumerate(NAMES)},
        "/home/u/new\nline": program + b"9",
    }


def scripts() -> dict[str, bytes]:
    """Pairs of code that other programs run: one is ours, the other one is not."""
    kinds = {
        "dash": b"#!/usr/bin/dash\necho RAN\n",
        "env": b"#!/usr/bin/env -S python3 -u\nprint('RAN')\n",
        "awk": b'#!/usr/bin/awk -f\nBEGIN { print "RAN" }\n',
        "controls": b"#!/usr/bin/python3\n# \x01\nprint('RAN')\n",
        "plain": b"print('RAN')\n",
    }
    found = {}
    for name, text in kinds.items():
        found[f"/opt/acme/{name}-ours"] = text + b"# ours\n"
        found[f"/home/u/{name}"] = text
    found["/opt/acme/ours.pyc"] = byte_code() + b"ours"
    found["/home/u/x.pyc"] = byte_code()
    found["/opt/acme/ours.jar"] = java_archive(b"ours")
    found["/home/u/x.jar"] = java_archive(b"")
    return found


NAMES = (
    "/opt/acme/per%cent%20",
    "/opt/acme/q\"uo'te\\",
    "/opt/acme/comma,colon : #",
    "/opt/acme/non-utf-8-\udcff",
    "/opt/acme/" + "/".join(["n" * 200] * 4),
)


OURS = (
    "/opt/acme/trusted",
    "/opt/acme/trusted two",
    "/opt/acme/trusted.py",
    "/opt/acme/trusted.sh",
    *NAMES,
    *(f"/opt/acme/{kind}-ours" for kind in ("dash", "env", "awk", "controls", "plain")),
    "/opt/acme/ours.pyc",
    "/opt/acme/ours.jar",
)
LINKS = (
    {"path": "/home/u/soft", "symlink": "/opt/acme/untrusted"},
    {"path": "/home/u/soft-ours", "symlink": "/opt/acme/trusted"},
    {"path": "/home/u/hard", "hardlink": "/opt/acme/untrusted"},
    {"path": "/home/u/hard-ours", "hardlink": "/opt/acme/trusted"},
)
SETUID = "/opt/acme/trusted two"


def this_machine(files: dict[str, bytes]) -> Inventory:
    """The system's programs, libraries and scripts, and our own files."""
    trees = [Path(place) for place in ("/usr/bin", "/usr/lib/x86_64-linux-gnu")]
    trees += [path for path in Path("/usr/lib").glob("python3*") if path.is_dir()]
    trees += [path for path in (Path("/usr/share/perl"), Path("/usr/lib/locale")) if path.is_dir()]
    rows = scan(trees, ScanOptions(limits=replace(Limits(), container_depth=0)))
    read = (from_row(msgspec.json.decode(row)) for row in rows)
    known = [item for item in read if isinstance(item, FileFacts)]
    known += [facts_of(path, data) for path, data in files.items()]
    return Inventory(files=tuple(sorted(known, key=lambda item: item.path)))


def compiled_policy(inventory: Inventory) -> TargetResult:
    """The policy that permits the system and our trusted files by hash."""
    own = tuple(
        item
        for item in inventory.files
        if item.path in OURS or not item.path.startswith(("/opt/", "/home/"))
    )
    read = parse_baseline(
        BASELINE.replace("LOADER", loader()), "policyc.yaml", lambda _: Inventory(files=own)
    )
    assert read.policy is not None, read.diagnostics
    return compile_target(read.policy, inventory, "fapolicyd")


def cases() -> Iterator[dict[str, Any]]:
    """Each case as a user and as root: id, what is started, and the file it is about."""
    python = os.path.realpath("/usr/bin/python3")
    perl, shell = "/usr/bin/perl", "/bin/sh"
    started = [
        ("trusted program", ["/opt/acme/trusted"], None),
        ("trusted program, name with a blank", ["/opt/acme/trusted two"], None),
        ("trusted python script", ["/opt/acme/trusted.py"], None),
        ("trusted shell script", ["/opt/acme/trusted.sh"], None),
        ("program in a permitted folder", ["/opt/tools/tool"], None),
        ("program in the excepted folder", ["/opt/tools/tmp/tool"], None),
        ("program beside the permitted folder", ["/opt/toolsx/tool"], None),
        ("untrusted program", ["/opt/acme/untrusted"], None),
        ("static program", ["/opt/acme/static"], None),
        ("static PIE", ["/opt/acme/static-pie"], None),
        ("program named like a PDF", ["/home/u/invoice.pdf"], None),
        ("program named like a PDF in the permitted folder", ["/opt/tools/report.pdf"], None),
        ("program with a turned name", ["/home/u/invoice \u202efdp.exe"], None),
        ("shell script named like a picture", ["/home/u/photo.jpg"], None),
        ("untrusted python script", ["/home/u/x.py"], None),
        ("untrusted perl script", ["/home/u/x.pl"], None),
        ("broken ELF", ["/home/u/bad.elf"], None),
        ("python given a script", [python, "/home/u/x.py"], "/home/u/x.py"),
        (
            "python given a script on stdin",
            [shell, "-c", f"{python} < /home/u/x.py"],
            "/home/u/x.py",
        ),
        ("python given a trusted script", [python, "/opt/acme/trusted.py"], "/opt/acme/trusted.py"),
        ("perl given a script", [perl, "/home/u/x.pl"], "/home/u/x.pl"),
        ("shell given a script", [shell, "/home/u/photo.jpg"], "/home/u/photo.jpg"),
        ("shell given a trusted script", [shell, "/opt/acme/trusted.sh"], "/opt/acme/trusted.sh"),
        ("shell sourcing a script", [shell, "-c", ". /home/u/photo.jpg"], "/home/u/photo.jpg"),
        ("loader given a program", [loader(), "/opt/acme/untrusted"], "/opt/acme/untrusted"),
        ("preloaded library", ["/opt/acme/trusted"], "/opt/acme/shared.so"),
        ("preloaded library with interpreter", ["/opt/acme/trusted"], "/opt/acme/shared-interp.so"),
        ("reading a text", ["/bin/cat", "/home/u/notes.txt"], "/home/u/notes.txt"),
        ("reading a PDF", ["/bin/cat", "/home/u/paper.pdf"], "/home/u/paper.pdf"),
        ("a shell", [shell, "-c", "echo hi"], os.path.realpath(shell)),
        ("program from memory", ["/opt/acme/untrusted"], "/opt/acme/untrusted"),
        *odd_cases(python),
    ]
    for title, argv, target in started:
        for uid, who in ((1000, "user"), (0, "root")):
            environment = {"LD_PRELOAD": target} if title.startswith("preloaded") else {}
            yield {
                "id": f"{title}, {who}",
                "op": OPS.get(title.partition(":")[0], "exec"),
                "argv": argv,
                "target": target or argv[0],
                "uid": uid,
                "env": environment,
            }


OPS = {"program from memory": "memfd", "opening": "open"}


def odd_cases(python: str) -> Iterator[tuple[str, list[str], str | None]]:
    """Names, links and code that is no program by itself."""
    for at, path in enumerate(NAMES):
        yield f"trusted: odd name {at}", [path], None
    yield "a newline in the name", ["/home/u/new\nline"], None
    for kind in ("dash", "env", "awk", "controls"):
        yield f"trusted: {kind} script", [f"/opt/acme/{kind}-ours"], None
        yield f"{kind} script", [f"/home/u/{kind}"], None
    yield "trusted: byte code", [python, "/opt/acme/ours.pyc"], "/opt/acme/ours.pyc"
    yield "byte code", [python, "/home/u/x.pyc"], "/home/u/x.pyc"
    yield "awk given a script", ["/usr/bin/awk", "-f", "/home/u/awk"], "/home/u/awk"
    yield "opening: our Java archive", ["/opt/acme/ours.jar"], None
    yield "opening: a Java archive", ["/home/u/x.jar"], None
    yield "link to an untrusted program", ["/home/u/soft"], "/opt/acme/untrusted"
    yield "trusted: link to a program", ["/home/u/soft-ours"], "/opt/acme/trusted"
    yield "hard link of an untrusted program", ["/home/u/hard"], None
    yield "trusted: hard link of a program", ["/home/u/hard-ours"], None
    load = f"import ctypes; ctypes.CDLL({'/opt/acme/shared.so'!r})"
    yield "library loaded as a plug-in", [python, "-c", load], "/opt/acme/shared.so"
    load = f"import ctypes; ctypes.CDLL({'/opt/acme/shared-interp.so'!r})"
    yield "plug-in with interpreter", [python, "-c", load], "/opt/acme/shared-interp.so"


ALLOWED = {
    "trusted program",
    "trusted program, name with a blank",
    "trusted python script",
    "trusted shell script",
    "program in a permitted folder",
    "python given a trusted script",
    "shell given a trusted script",
    "reading a text",
    "reading a PDF",
    "a shell",
    "opening: our Java archive",
}


def allowed(title: str) -> bool:
    """Whether the baseline permits the file of a case."""
    return title in ALLOWED or title.startswith("trusted:")


@pytest.mark.parametrize("case", [case["id"] for case in cases()])
def test_the_machine_runs_what_the_baseline_says(
    answers: dict[str, dict[str, Any]], case: str
) -> None:
    answer = answers[case]
    title = case.rpartition(",")[0]
    assert answer["denied"] is not allowed(title), answer


def test_there_are_at_least_sixty_cases() -> None:
    assert len(list(cases())) >= 100


def test_allowed_programs_really_ran(answers: dict[str, dict[str, Any]]) -> None:
    for case, answer in answers.items():
        title = case.rpartition(",")[0]
        if title.startswith("trusted") or "given a trusted" in title:
            assert "RAN" in answer["output"], case
        if not allowed(title):
            # A trusted program goes on without the library that was to be loaded into it.
            assert title.startswith("preloaded") or "RAN" not in answer["output"], case
            assert "PRELOADED" not in answer["output"], case
