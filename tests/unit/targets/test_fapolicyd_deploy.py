"""The install script on a folder of its own: installs, goes back, refuses what would not work."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from policyc.targets.fapolicyd.emit import emit
from policyc.targets.fapolicyd.model import FapolicydPolicy, FaRule, TrustEntry
from policyc.targets.fapolicyd.parse import parse
from tests.requires import absent, require_tool

MODEL = FapolicydPolicy(
    rules=(FaRule(decision="deny_audit", perm="execute"), FaRule(decision="allow", perm="open")),
    trust=(TrustEntry(path="/opt/a b", size=1, sha256="ab" * 32),),
    conf=(("permissive", "1"), ("watch_fs", "ext4,xfs"), ("integrity", "sha256")),
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    for item in emit(MODEL):
        path = folder / item.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.data)
    return folder


def install(bundle: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    if os.geteuid() != 0:
        absent("root, which the install script asks for")
    etc = bundle.parent / "etc"
    # An empty PATH for the daemon's own tools: nothing of this machine is touched.
    environment = {
        "PATH": "/usr/bin:/bin",
        "FAPOLICYD_ETC": str(etc),
        "FAPOLICYD_KEPT": str(bundle.parent / "kept"),
        "FAPOLICYD_NO_SERVICE": "1",
        "FAPOLICYD_WAIT": "0",
    }
    command = [require_tool("sh"), str(bundle / "deploy" / "install.sh"), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


def test_it_installs_and_goes_back(bundle: Path) -> None:
    etc = bundle.parent / "etc"
    (etc / "rules.d").mkdir(parents=True)
    (etc / "fapolicyd.conf").write_text("permissive = 0\n")
    first = install(bundle)
    assert first.returncode == 0, first.stderr
    for name in ("fapolicyd.conf", "rules.d/00-policyc.rules", "trust.d/policyc"):
        assert (etc / name).read_bytes() == (bundle / name).read_bytes()
    assert not list(etc.rglob("*.new"))
    assert install(bundle).returncode == 0, "a second run is as good as the first"
    back = install(bundle, "--rollback")
    assert back.returncode == 0, back.stderr


def test_the_way_back_restores_and_removes(bundle: Path) -> None:
    etc = bundle.parent / "etc"
    etc.mkdir()
    (etc / "fapolicyd.conf").write_text("permissive = 0\n")
    assert install(bundle).returncode == 0
    assert install(bundle, "--rollback").returncode == 0
    assert (etc / "fapolicyd.conf").read_text() == "permissive = 0\n"
    assert not (etc / "rules.d" / "00-policyc.rules").exists()
    assert not (etc / "trust.d" / "policyc").exists()


def test_it_refuses_where_it_would_not_work(bundle: Path) -> None:
    assert install(bundle).returncode == 2, "fapolicyd is not installed"
    (bundle.parent / "etc").mkdir()
    assert install(bundle, "--rollback").returncode == 2, "nothing to go back to"
    (bundle.parent / "etc" / "fapolicyd.rules").write_text("allow all all\n")
    refused = install(bundle)
    assert refused.returncode == 2
    assert "old file" in refused.stderr


STUBS = {
    # fagenrules as the package has it: nothing is checked while the rules are written.
    "fagenrules": """
[ ! -e "$STATE/no-fagenrules" ] || exit 1
{ echo "## made"; cat "$FAPOLICYD_ETC"/rules.d/*.rules | grep -vE '^[[:space:]]*(#|$)'; } \\
  > "$FAPOLICYD_ETC/compiled.rules"
[ ! -e "$STATE/cut" ] || echo "allow perm=any all : all" > "$FAPOLICYD_ETC/compiled.rules"
""",
    "fapolicyd-cli": '[ ! -e "$STATE/bad-conf" ]',
    # The daemon is a sleeping process; with "denies" no program starts beside a new policy.
    "systemctl": """
echo "$*" >> "$STATE/calls"
pid="$FAPOLICYD_RUN/fapolicyd.pid"
case "$1" in
  restart|start)
    [ ! -e "$STATE/no-start" ] || exit 1
    if grep -q perm=execute "$FAPOLICYD_ETC/compiled.rules" && [ -e "$STATE/denies" ]; then
      : > "$STATE/denying"
    fi
    [ ! -e "$pid" ] || kill "$(cat "$pid")" 2>/dev/null
    setsid sleep 600 < /dev/null > /dev/null 2>&1 9>&- & echo $! > "$pid"
    ;;
  stop|is-active)
    if [ -e "$STATE/denying" ]; then
      [ "$1" = stop ] && ! kill -0 "$(cat "$pid")" 2>/dev/null || exit 126
      rm "$STATE/denying"
    fi
    if [ "$1" = stop ]; then
      [ ! -e "$pid" ] || kill "$(cat "$pid")" 2>/dev/null
      rm -f "$pid"
    else
      [ -e "$pid" ]
    fi
    ;;
esac
""",
}


class Machine:
    """A scratch machine: the tools of a service manager and of the daemon are stand-ins."""

    def __init__(self, bundle: Path) -> None:
        if os.geteuid() != 0:
            absent("root, which the install script asks for")
        self.bundle = bundle
        self.root = bundle.parent / "machine"
        self.etc, self.state, self.tools = (self.root / n for n in ("etc", "state", "tools"))
        for folder in (self.etc / "rules.d", self.etc / "trust.d", self.state, self.tools):
            folder.mkdir(parents=True)
        for name, text in STUBS.items():
            self.tool(name, text)
        self.files = {
            "fapolicyd.conf": "permissive = 0\n",
            "rules.d/10-languages.rules": "%languages=text/x-perl\n",
            "rules.d/90 last.rules": "deny_audit perm=execute all : all\n",
        }
        for name, text in self.files.items():
            (self.etc / name).write_text(text)

    def tool(self, name: str, text: str) -> None:
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def set(self, *names: str) -> None:
        for name in names:
            (self.state / name).touch()

    def start(self) -> None:
        """A daemon that already runs."""
        script = 'setsid sleep 600 > /dev/null 2>&1 & echo $! > "$FAPOLICYD_RUN/fapolicyd.pid"'
        subprocess.run(["sh", "-c", script], check=True, env=self.environment)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.tools}:/usr/bin:/bin",
            "STATE": str(self.state),
            "FAPOLICYD_ETC": str(self.etc),
            "FAPOLICYD_RUN": str(self.state),
            "FAPOLICYD_WAIT": "0",
        }

    def run(
        self, *arguments: str, shell: str = "sh", path: str = ""
    ) -> subprocess.CompletedProcess[str]:
        # A shell cannot trap what is ignored when it starts, as under nohup.
        signals = [require_tool("env"), "--default-signal=INT,HUP,TERM"]
        command = [require_tool(shell), str(self.bundle / "deploy" / "install.sh"), *arguments]
        return subprocess.run(
            [*signals, *command],
            check=False,
            capture_output=True,
            text=True,
            env=self.environment | ({"PATH": path} if path else {}),
            timeout=60,
        )

    def as_before(self) -> bool:
        """Whether the policy's files are those of the beginning, and no others."""
        found = {
            str(path.relative_to(self.etc)): path.read_text()
            for place in ("*.conf", "rules.d/*", "trust.d/*")
            for path in self.etc.glob(place)
        }
        return found == self.files

    def installed(self) -> bool:
        """Whether the policy's files are the bundle's, and no others decide."""
        rules = [path.name for path in (self.etc / "rules.d").iterdir()]
        return rules == ["00-policyc.rules"] and all(
            (self.etc / name).read_bytes() == (self.bundle / name).read_bytes()
            for name in ("fapolicyd.conf", "rules.d/00-policyc.rules", "trust.d/policyc")
        )

    def calls(self) -> list[str]:
        path = self.state / "calls"
        return path.read_text().split("\n") if path.exists() else []

    def close(self) -> None:
        pid = self.state / "fapolicyd.pid"
        if pid.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), 9)


@pytest.fixture
def machine(bundle: Path) -> Iterator[Machine]:
    own = Machine(bundle)
    yield own
    own.close()


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_other_rules_are_moved_away_and_come_back(machine: Machine, shell: str) -> None:
    machine.start()
    done = machine.run(shell=shell)
    assert done.returncode == 0, done.stderr
    assert machine.installed()
    again = machine.run(shell=shell)
    assert again.returncode == 0, again.stderr
    assert machine.installed()
    back = machine.run("--rollback", shell=shell)
    assert back.returncode == 0, back.stderr
    assert machine.as_before(), "a second install does not make itself what was before"
    assert "start fapolicyd" in machine.calls()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("bad-conf", "would not take this configuration"),
        ("no-fagenrules", "fagenrules fails"),
        ("cut", "is not what was installed"),
        ("no-start", "does not start"),
        ("denies", "does not run with this policy, or nothing else does"),
    ],
)
def test_it_goes_back_by_itself(machine: Machine, what: str, said: str) -> None:
    machine.start()
    machine.set(what)
    done = machine.run()
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert machine.as_before(), done.stderr


def test_a_service_that_did_not_run_is_not_started_by_going_back(machine: Machine) -> None:
    machine.set("bad-conf")
    done = machine.run()
    assert done.returncode == 1
    assert "is stopped" in done.stderr
    assert not any(call.startswith(("start", "restart")) for call in machine.calls())
    assert machine.as_before()


@pytest.mark.parametrize("missing", ["fagenrules", "systemctl"])
def test_nothing_is_changed_without_the_tools(machine: Machine, missing: str) -> None:
    (machine.tools / missing).unlink()
    for name in "dirname id mkdir flock sh".split():
        (machine.tools / name).symlink_to(require_tool(name))
    done = machine.run(path=str(machine.tools))
    assert done.returncode == 2
    assert "nothing is changed" in done.stderr
    assert machine.as_before()


@pytest.mark.parametrize("arguments", [("--rolback",), ("--rollback", "now"), ("-h",)])
def test_what_it_does_not_know_changes_nothing(
    machine: Machine, arguments: tuple[str, ...]
) -> None:
    done = machine.run(*arguments)
    assert done.returncode == 2
    assert "usage" in done.stderr
    assert machine.as_before()


@pytest.mark.parametrize("room", ["4k", "12k", "20k", "28k", "44k", "48k", "52k", "60k"])
def test_a_full_disk_leaves_what_was_there(machine: Machine, room: str) -> None:
    """In a mount namespace of its own, with so little room for the policy."""
    machine.start()
    big = machine.bundle / "trust.d" / "policyc"
    big.write_bytes(big.read_bytes() + b"# " + b"x" * 30_000 + b"\n")
    full = machine.root / "full"
    full.mkdir()
    script = (
        f'mount -t tmpfs -o size={room} policyc "$FAPOLICYD_ETC.new" || exit 77\n'
        'cp -a "$FAPOLICYD_ETC/." "$FAPOLICYD_ETC.new/" || exit 78\n'
        'mount --move "$FAPOLICYD_ETC.new" "$FAPOLICYD_ETC" || exit 77\n'
        f'sh "{machine.bundle}/deploy/install.sh"; code=$?\n'
        f'cp -a "$FAPOLICYD_ETC/." "{full}/"; exit $code\n'
    )
    machine.etc.with_name("etc.new").mkdir()
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=machine.environment, timeout=60
    )
    if done.returncode in (77, 126):
        absent("a mount namespace of its own")
    if done.returncode == 78:
        return  # not even what is there before has room
    machine.etc = full
    assert machine.installed() if done.returncode == 0 else machine.as_before(), done.stderr


def test_an_install_that_was_killed_can_be_taken_back(machine: Machine) -> None:
    machine.start()
    machine.tool("sync", 'kill -9 "$PPID"')
    assert machine.run().returncode == -9
    assert not machine.as_before()
    (machine.tools / "sync").unlink()
    again = machine.run()
    assert again.returncode == 0, again.stderr
    assert "cut off" in again.stderr
    assert machine.run("--rollback").returncode == 0
    assert machine.as_before(), "what was there before the first one"


@pytest.mark.parametrize("name", ["INT", "HUP", "TERM"])
def test_an_interrupted_install_goes_back(machine: Machine, name: str) -> None:
    machine.start()
    machine.tool("sync", f'kill -{name} "$PPID"')
    done = machine.run()
    assert done.returncode == 1, done.stderr
    assert "interrupted" in done.stderr
    assert machine.as_before()


def test_two_at_once_do_not_mix(machine: Machine) -> None:
    require_tool("flock")
    machine.start()
    machine.tool("sync", f': > "{machine.state}/waits"; sleep 2')
    script = str(machine.bundle / "deploy" / "install.sh")
    with subprocess.Popen(["sh", script], env=machine.environment) as first:
        while not (machine.state / "waits").exists():
            time.sleep(0.01)
        second = machine.run()
        assert second.returncode == 2
        assert "another install" in second.stderr
    assert first.returncode == 0
    assert machine.installed()


def test_the_variables_are_yaml_and_the_deployment_decides_nothing(bundle: Path) -> None:
    values = yaml.safe_load((bundle / "deploy" / "ansible-vars.yml").read_text())
    assert values["fapolicyd_setup_permissive"] is True
    assert values["fapolicyd_setup_watch_fs"] == ["ext4", "xfs"]
    assert parse(emit(MODEL)) == MODEL
    assert [item.name for item in emit(MODEL) if not item.enforced] == [
        "deploy/RUNBOOK.md",
        "deploy/ansible-vars.yml",
        "deploy/install.sh",
    ]
