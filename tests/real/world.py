"""Real files for the real daemon, and what policyc knows about them."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from policyc.checks import judged
from policyc.compiler import TargetResult
from policyc.model.facts import FileFacts, PackageRef, PackageState
from policyc.model.formats import FileFormat
from policyc.readers.file import read_bytes
from policyc.targets.fapolicyd.daemon import (
    DaemonVersion,
    Event,
    Loaded,
    Object,
    Subject,
    decide,
    load,
    merge,
)
from tests.requires import require_tool

VERSION = DaemonVersion.parse("1.1.7")
WATCHED = "/mnt/watch"
PROGRAM = '#include <unistd.h>\nint main(void) { return write(1, "RAN\\n", 4) != 4; }\n'
PRELOAD = (
    "#include <unistd.h>\n"
    '__attribute__((constructor)) static void go(void) { write(1, "PRELOADED\\n", 10); }\n'
)
INTERPRETED = (
    'const char own[] __attribute__((section(".interp"))) = "/lib64/ld-linux-x86-64.so.2";\n'
)


@cache
def loader() -> str:
    """The real path of the dynamic loader."""
    return os.path.realpath("/lib64/ld-linux-x86-64.so.2")


@cache
def real(name: str) -> str:
    """The real path of a program."""
    return os.path.realpath(require_tool(name))


@cache
def compiled(folder: Path, kind: str) -> bytes:
    """A small program or library, built here: dynamic, static, shared or shared-interp."""
    compiler = require_tool("gcc")
    flags = {
        "dynamic": [],
        "static": ["-static"],
        "static-pie": ["-static-pie"],
        "shared": ["-shared", "-fPIC"],
        "shared-interp": ["-shared", "-fPIC"],
    }
    text = PROGRAM if not kind.startswith("shared") else PRELOAD
    if kind == "shared-interp":
        text += INTERPRETED
    source, result = folder / f"{kind}.c", folder / kind
    source.write_text(text)
    subprocess.run([compiler, *flags[kind], "-o", result, source], check=True, capture_output=True)
    return result.read_bytes()


def without_section(library: bytes) -> bytes:
    """A library that says nothing of its dynamic section: the daemon has no type for it."""
    table = int.from_bytes(library[32:40], "little")
    size, count = (int.from_bytes(library[at : at + 2], "little") for at in (54, 56))
    data = bytearray(library)
    for at in range(table, table + size * count, size):
        if data[at] == 2:  # PT_DYNAMIC
            data[at] = 0
    return bytes(data)


@cache
def byte_code() -> bytes:
    """What Python makes of a script that says that it ran, for the Python of the machine."""
    source = "import importlib._bootstrap_external as b, sys; "
    source += "sys.stdout.buffer.write(b._code_to_timestamp_pyc(compile(%r, 'x', 'exec')))"
    command = [real("python3"), "-c", source % "print('RAN')"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def java_archive(content: bytes) -> bytes:
    """An archive as the jar tool makes it, with its mark in the first member."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:
        first = zipfile.ZipInfo("META-INF/MANIFEST.MF", (2024, 1, 1, 0, 0, 0))
        first.extra = b"\xfe\xca\0\0"
        archive.writestr(first, b"Manifest-Version: 1.0\n")
        archive.writestr(zipfile.ZipInfo("x", (2024, 1, 1, 0, 0, 0)), content)
    return result.getvalue()


def staged(path: str, data: bytes, mode: str = "755") -> dict[str, Any]:
    """A file for the box."""
    return {"path": path, "data": base64.b64encode(data).decode("ascii"), "mode": mode}


def facts_of(path: str, data: bytes) -> FileFacts:
    """What a scan of the endpoint would know."""
    facts = read_bytes(data, path)
    facts = replace(facts, package=None, trusted=False, writable_by_users=False, posix=None)
    return judged(facts)


@cache
def small_world() -> dict[str, bytes]:
    """Programs, libraries, scripts and data below the watched folder, each of its own content."""
    program = Path(real("true")).read_bytes()
    library = Path(os.path.realpath("/usr/lib/x86_64-linux-gnu/libz.so.1")).read_bytes()
    files = {
        "opt/acme/run": program,
        "opt/acme/tmp/x": program + b"1",
        "opt/acme/tool one": program + b"2",
        "opt/acmex/run": program + b"3",
        "usr/bin/tool": program + b"4",
        "home/invoice.pdf": program + b"5",
        "opt/acme/lib/libz.so": library,
        "home/libz.so": library + b"1",
        "opt/acme/run.sh": b"#!/bin/sh\necho RAN\n",
        "home/photo.jpg": b"#!/bin/sh\necho RAN away\n",
        "opt/acme/tool.py": b"#!/usr/bin/python3\nprint('RAN')\n",
        "home/x.pl": b'#!/usr/bin/perl\nprint "RAN";\n',
        "home/notes.txt": b"only text\n",
        "home/report.pdf": b"%PDF-1.4\n1 0 obj\nendobj\n",
        "opt/acme/per%cent": program + b"6",
        "opt/acme/q\"uo'te,": program + b"7",
        "home/dash": b"#!/usr/bin/dash\necho RAN\n",
        "opt/acme/tmp/env": b"#!/usr/bin/env -S sh -e\necho RAN\n",
        "opt/acme/app.jar": java_archive(b"x"),
        "home/no-section": without_section(library),
        "home/x.pyc": b"\xa7\r\r\n" + bytes(12) + b"\xe3" + bytes(60),
    }
    return {f"{WATCHED}/{name}": data for name, data in files.items()}


@cache
def small_facts() -> tuple[FileFacts, ...]:
    """The facts of the small world; some files are a package's, one of them was changed since."""
    found = []
    for path, data in sorted(small_world().items()):
        facts = facts_of(path, data)
        state = PACKAGED.get(path.removeprefix(f"{WATCHED}/"))
        if state is not None:
            package = PackageRef(manager="dpkg", name="acme", version="1", state=state)
            facts = replace(facts, package=package, trusted=state is PackageState.VERIFIED)
        found.append(facts)
    return tuple(found)


PACKAGED = {
    "usr/bin/tool": PackageState.VERIFIED,
    "opt/acme/run.sh": PackageState.VERIFIED,
    "opt/acme/tmp/env": PackageState.VERIFIED,
    "opt/acme/app.jar": PackageState.VERIFIED,
    "opt/acme/run": PackageState.MODIFIED,
}
EXE, COMM = os.path.realpath(sys.executable), Path(sys.executable).name[:15]
"""The program that opens and starts the files of cases: the box's Python."""


def policy_of(name: str, result: TargetResult, cases: list[dict[str, Any]]) -> dict[str, Any]:
    """What the box needs of a compiled policy."""
    texts = {item.name: item.data.decode() for item in result.artifacts if item.enforced}
    rules = {each: text for each, text in texts.items() if each.endswith(".rules")}
    return {
        "name": name,
        "conf": texts["fapolicyd.conf"],
        "trust": texts["trust.d/policyc"],
        "rules": merge(rules, VERSION).text,
        "cases": cases,
    }


def loaded(policy: dict[str, Any]) -> Loaded:
    """The rules as the daemon of this test loads them."""
    return load(policy["rules"], VERSION)


def explained(policy: Loaded, seen: dict[str, Any], digests: Mapping[str, str]) -> str | None:
    """None if our evaluator gives the rule and decision of a logged one, else what differs.

    ``digests`` are the hashes of the files by path, which the log does not have.
    """
    subject = Subject(
        exe=seen["exe"],
        comm=COMM,
        trusted=seen["strust"] == "1",
        uids=(int(seen["uid"]),),
        pid=int(seen["pid"]),
    )
    thing = Object(
        path=seen["path"],
        trusted=seen["trust"] == "1",
        ftype=seen["ftype"],
        digest=digests.get(seen["path"]),
    )
    answer = decide(policy, Event(perm=seen["perm"], subject=subject, object=thing))
    own = (str(answer.rule.number if answer.rule else 0), answer.allowed)
    logged = (seen["rule"], seen["dec"].startswith("allow"))
    return None if own == logged else f"{seen}: ours is {own}"


def is_program(facts: FileFacts) -> bool:
    """Whether the file is started, not opened."""
    own = facts.actual is FileFormat.ELF and facts.ftype == "application/x-executable"
    return own or facts.path.endswith(("/dash", "/env"))
