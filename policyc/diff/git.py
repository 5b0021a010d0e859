"""Files of a git revision, read from the object store: the work tree is never touched.

Only ``rev-parse``, ``ls-tree`` and ``cat-file`` run, which take no hook, filter or pager of the
repository. A revision never reaches git where an option could stand.
"""

from __future__ import annotations

import os
import posixpath
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from policyc.baseline.sources import BUILTIN, MAX_BYTES, Source, SourceError, builtin
from policyc.inventory import InventoryError, read_inventory
from policyc.model.inventory import Inventory

PREFIX = "git:"
MOST_FILES = 10_000
MOST_BYTES = 512 << 20
_SECONDS = 120
_REGULAR = ("100644", "100755")
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}


class GitError(Exception):
    """A revision or a file of it that cannot be read, in words for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of a revision: its path from the root, git's mode, object name, size in bytes."""

    path: str
    mode: str
    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A commit of the repository that ``folder`` is in; ``shown`` is how the user wrote it."""

    folder: Path
    commit: str
    shown: str
    _entries: dict[str, Entry] = field(default_factory=dict)

    def path_of(self, text: str) -> str:
        """A path from the root; ``./x`` is seen from the folder, as git does it."""
        if text.startswith(("./", "../")):
            prefix = _git(self.folder, "rev-parse", "--show-prefix").decode().strip("\n")
            text = prefix + text
        path = posixpath.normpath(text or ".")
        if path.startswith(("/", "../")) or path == "..":
            raise GitError(f"{text!r} is not inside the repository")
        return path

    def entries(self, path: str) -> list[Entry]:
        """The files at a path, or below it if it is a folder; by path."""
        where = () if path == "." else ("--", path)
        command = ("ls-tree", "-r", "-z", "-l", "--full-tree", self.commit, *where)
        found = []
        for line in _git(self.folder, *command).split(b"\0"):
            if not line:
                continue
            head, _, name = line.partition(b"\t")
            mode, kind, digest, size = head.decode("ascii").split()
            if kind == "blob":
                text = name.decode("utf-8", "surrogateescape")
                found.append(Entry(path=text, mode=mode, name=digest, size=int(size)))
        return found

    def entry(self, path: str) -> Entry:
        """One regular file; raises GitError for anything else."""
        if path not in self._entries:
            exact = [item for item in self.entries(path) if item.path == path]
            if not exact:
                raise GitError(f"{self.shown} has no file {path}")
            self._entries[path] = exact[0]
        found = self._entries[path]
        if found.mode not in _REGULAR:
            raise GitError(f"{path} is a symbolic link in {self.shown}: name what it points to")
        return found

    def read(self, entry: Entry, most: int = MOST_BYTES) -> bytes:
        """The bytes of a file, at most ``most``; raises GitError."""
        if entry.size > most:
            raise GitError(f"{entry.path} has more than {most >> 20} MiB")
        return _git(self.folder, "cat-file", "blob", entry.name)

    def source(self, path: str, given: Inventory | None) -> Source:
        """A baseline or a file it includes; raises SourceError."""
        try:
            raw = self.read(self.entry(path), MAX_BYTES)
        except GitError as error:
            remedy = "commit the file, or name a revision that has it"
            raise SourceError(str(error), remedy=remedy) from error
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            message = "the file is not UTF-8"
            raise SourceError(message, remedy="save it as UTF-8", line=line) from error
        name = f"{PREFIX}{self.shown}:{path}"
        place = RevisionPlace(revision=self, folder=posixpath.dirname(path), given=given)
        return Source(name=name, identity=name, text=text, place=place)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionPlace:
    """Names in a baseline of a revision lead to files of the same revision."""

    revision: Revision
    folder: str
    given: Inventory | None = None

    def include(self, name: str) -> Source:
        """A file of the revision, or a built-in set; raises SourceError."""
        if name.startswith(BUILTIN):
            return builtin(name)
        if name.startswith(("/", "~")) or "\\" in name or ":" in name or not name.isprintable():
            remedy = "name the file relative to this one, with `/` between folders"
            raise SourceError(f"{name!r} is no relative name", remedy=remedy)
        path = self._path(name)
        if path is None:
            message = f"{name} leads out of the repository"
            raise SourceError(message, remedy="copy the file into the repository")
        return self.revision.source(path, self.given)

    def inventory(self, name: str) -> Inventory:
        """``inventory`` is the one given, anything else a file of the revision."""
        if name == "inventory":
            if self.given is None:
                raise InventoryError("`from: inventory` needs one; give it with -i FILE")
            return self.given
        path = self._path(name)
        if path is None:
            raise InventoryError(f"{name} leads out of the repository")
        try:
            data = self.revision.read(self.revision.entry(path))
        except GitError as error:
            raise InventoryError(str(error)) from error
        with tempfile.TemporaryDirectory(prefix="policyc-") as scratch:
            copy = Path(scratch) / f"inventory{Path(path).suffix}"
            copy.write_bytes(data)
            return read_inventory(copy)

    def _path(self, name: str) -> str | None:
        path = posixpath.normpath(posixpath.join(self.folder, name))
        return None if path.startswith(("/", "..")) else path


def revision_of(text: str, folder: Path) -> tuple[Revision, str]:
    """``REV:path`` as a commit and the path in it; raises GitError."""
    name, colon, path = text.partition(":")
    if not colon or not name:
        raise GitError(f"git:{text}: write git:REV:path, such as git:main:policyc.yaml")
    if name.startswith("-") or not name.isprintable():
        raise GitError(f"{name!r} is no revision")
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    try:
        commit = _git(folder, *words).decode("ascii").strip()
    except GitError as error:
        message = str(error) or f"there is no revision {name} in this repository"
        raise GitError(message) from error
    revision = Revision(folder=folder, commit=commit, shown=name)
    return revision, revision.path_of(path)


def _git(folder: Path, *words: str) -> bytes:
    """What git prints; raises GitError, with git's own first line where it has one."""
    command = ["git", "--literal-pathspecs", "--no-replace-objects", *words]
    # The child speaks English, and does not ask, lock or fetch.
    environment = {**os.environ, **_QUIET, "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise GitError("git is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {words[0]} took more than {_SECONDS} s") from error
    if done.returncode != 0:
        raise GitError(done.stderr.decode("utf-8", "replace").strip().partition("\n")[0])
    return done.stdout
