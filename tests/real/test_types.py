"""Types of files: what policyc says of code, the real daemon says, too, or policyc says nothing."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest

from policyc.model.facts import UNKNOWN
from policyc.readers.file import read_bytes
from policyc.targets.fapolicyd.capabilities import BAD, EXECUTABLE, LANGUAGES, SHARED, governs
from tests.real import namespace
from tests.real.world import WATCHED, byte_code, java_archive, staged

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.xdist_group("real")]

CODE = frozenset({EXECUTABLE, SHARED, BAD, *LANGUAGES})
FOLDERS = ("/bin", "/usr/bin", "/usr/local/bin", "/opt/x/bin", "/usr/bin/env ", "/bin/env ")
INTERPRETERS = """sh bash dash zsh ksh mksh fish csh tcsh ash rbash xonsh pwsh rc python python2
    python2.7 python3 python3.11 pypy3 perl perl5.36.0 perl6 lua lua5.3 luajit texlua node nodejs
    node18 deno php php8.2 php-cgi ruby ruby3.1 awk gawk mawk tclsh tclsh8.6 wish expect jimsh
    Rscript R ocamlrun stap make guile busybox gjs""".split()
LINES = """#!/usr/bin/env -S python3 -u
#!/usr/bin/env -S bash -e
#!/usr/bin/env -S A=1 python3
#!/usr/bin/env A=1 python3
#!/usr/bin/env -i python3
#!/usr/bin/env -u X python3
#!/usr/bin/env --split-string=python3
#! /usr/bin/python3
#!\t/usr/bin/python3
#!/usr/bin/env\tpython3
#!/usr/bin/env  python3
#!/usr/bin/python3 -E
#!/usr/bin/python3-evil
#!/usr/bin/bashfoo
#!/bin/shfoo
#!/bin/busybox sh
#!python3
#!./python3
#!sh
#!
#!/
#!/usr/bin/env
\ufeff#!/bin/sh
 #!/bin/sh""".split("\n")
BODIES = {
    "import": b"import os\nfrom x import y\n",
    "php": b"<?php echo 1;\n",
    "ruby": b"require 'json'\nclass X\n  def y\n  end\nend\n",
    "javascript": b"'use strict';\nconst x = require('fs');\n",
    "html": b"<html><body>\n",
    "c": b"#include <stdio.h>\nint main() {}\n",
    "control": b"# \x01\n",
    "delete": b"# \x7f\n",
    "escape": b"# \x1b[0m\x07\n",
    "latin": b"# \xe9\xff\x85\n",
    "nul": b"\0\0\n",
    "late control": b"#x\n" * 100_000 + b"\x01\n",
    "tape": b"#" * 240 + b"\n" * 4 + b"ustar  \n" * 4,
    "image": b"#" * 32_800 + b"CD001" * 8,
    "zip": b"PK\x03\x04" + bytes(60),
}


def made() -> dict[str, bytes]:
    """Every interpreter everywhere, lines that name it otherwise, and what may stand behind."""
    found = {}
    for folder, name in product(FOLDERS, INTERPRETERS):
        found[f"{folder}.{name}"] = f"#!{folder if folder[-1] == ' ' else folder + '/'}{name}\nx\n"
    texts = {name: text.encode() for name, text in found.items()}
    texts |= {f"line {at}": line.encode() + b"\necho hi\n" for at, line in enumerate(LINES)}
    texts |= {f"return {at}": line.encode() + b"\r\necho hi\r\n" for at, line in enumerate(LINES)}
    for at, first in enumerate(
        (b"", b"#!/bin/sh\n", b"#!/usr/bin/python3\n", b"#!/usr/bin/perl\n")
    ):
        texts |= {f"{name} {at}": first + body for name, body in BODIES.items()}
    texts |= {"byte code": byte_code(), "archive": java_archive(b""), "empty": b""}
    return {f"{WATCHED}/{name.replace('/', '_')}": data for name, data in texts.items()}


def real_files() -> list[Path]:
    """Programs, scripts and modules of this machine: one in so many of each folder."""
    trees = [Path("/usr/bin"), Path("/usr/sbin"), Path("/usr/lib/x86_64-linux-gnu")]
    found = [path for tree in trees for path in sorted(tree.iterdir())]
    found += sorted(Path("/usr/lib/python3").rglob("*.py"))[::20]
    found += sorted(Path("/usr/share").rglob("*.p[lm]"))[::5]
    return [path for path in found if path.is_file() and not path.is_symlink()]


def test_what_is_said_of_code_is_what_the_daemon_says(tmp_path: Path) -> None:
    files = made()
    known = {path: data for path in map(str, real_files()) if (data := Path(path).read_bytes())}
    policy = {
        "name": "types",
        "conf": "permissive = 1\n",
        "trust": "",
        "rules": "allow perm=any all : all\n",
        "files": [staged(path, data) for path, data in files.items()],
        "cases": [],
        "types": [*files, *known],
    }
    namespace.require_daemon()
    types = {item["type"]: item["mime"] for item in namespace.run(tmp_path, [policy])[1:]}
    assert types.keys() == {*files, *known}
    governed = 0
    for path, data in {**files, **known}.items():
        facts = read_bytes(data, os.path.realpath(path))
        if not governs(facts):
            assert facts.elf is None or types[path] not in {EXECUTABLE, SHARED}, path
            continue
        governed += 1
        if facts.ftype is not UNKNOWN:
            assert facts.ftype == types[path], (path, data[:40])
    assert governed >= 1_000
