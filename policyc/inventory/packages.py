"""Which package delivered a file: dpkg, rpm and Python distributions of a scanned tree.

Source: dpkg(1) and dpkg-query(1) (``info/*.list``, ``info/*.md5sums``, ``diversions``), the
header layout of rpm (rpmtag.h, "RPM V4 package format") in its sqlite database, PEP 376 and
the "Recording installed projects" specification (RECORD). The databases are those of the
scanned tree, never of the machine that scans, and what they say is compared with the files.
"""

from __future__ import annotations

import base64
import csv
import io
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from policyc.inventory.rpm_header import installed_files
from policyc.model.facts import PackageRef

_DPKG = "var/lib/dpkg"
_RPM = ("usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite")
_MAX_FILE = 64 << 20
_SITE = re.compile(r".*/(?:site|dist)-packages(?=/)")
_DIST_INFO = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)\.dist-info")
_HEX = re.compile(r"[0-9a-f]+")


class Owned(NamedTuple):
    """A package and the digest it states for a file: ``md5:…``, ``sha256:…`` or nothing."""

    package: PackageRef
    digest: str = ""


class Packages:
    """Files and their packages below one root, by endpoint path; loaded when first asked.

    ``folder`` is the directory that the endpoint sees as ``/``. ``problems`` are the
    databases that could not be read, with the reason.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owners: dict[str, Owned] | None = None
        self._sites: set[str] = set()
        self.problems: list[str] = []

    def owner(self, path: str) -> Owned | None:
        """The package that delivered the file at an endpoint path, None if none did."""
        if self._owners is None:
            self._owners = {}
            self._load(self._owners)
        found = self._owners.get(path)
        if found is not None:
            return found
        site = _SITE.match(path) if "-packages/" in path else None
        if site is not None and site[0] not in self._sites:
            self._sites.add(site[0])
            for owned_path, owned in _python(self._folder, site[0]):
                self._owners.setdefault(owned_path, owned)
            return self._owners.get(path)
        return None

    def stamp(self) -> tuple[object, ...]:
        """Changes when a database does."""
        names = (f"{_DPKG}/status", f"{_DPKG}/diversions", f"{_DPKG}/info", *_RPM)
        found: list[object] = []
        for name in names:
            try:
                status = os.stat(self._folder / name)  # noqa: PTH116
            except OSError:
                found.append(None)
            else:
                found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(found)

    def _load(self, owners: dict[str, Owned]) -> None:
        sources: tuple[Iterable[tuple[str, Owned]], ...] = (
            _dpkg(self._folder / _DPKG),
            *(_rpm(self._folder / name) for name in _RPM),
        )
        for source in sources:
            try:
                owners.update(source)
            except (OSError, ValueError, sqlite3.Error) as error:
                self.problems.append(str(error))


def for_roots(roots: Sequence[Path], prefix: str | None) -> Packages | None:
    """The packages of the file system that the roots are part of; None without a database.

    A root that the endpoint sees at ``prefix`` lies in a tree whose ``/`` is that much
    further up: /mnt/image/usr seen as /usr is part of /mnt/image.
    """
    folders = set()
    for root in roots:
        real = os.path.realpath(root)
        seen_as = (prefix or real).rstrip("/")
        if not seen_as.startswith("/") and seen_as:
            return None
        if not real.endswith(seen_as):
            return None
        folders.add(real[: len(real) - len(seen_as)] or "/")
    if len(folders) != 1:
        return None
    folder = Path(folders.pop())
    known = any((folder / name).exists() for name in (_DPKG, *_RPM))
    return Packages(folder) if known else None


def _dpkg(folder: Path) -> Iterator[tuple[str, Owned]]:
    info = folder / "info"
    if not info.is_dir():
        return
    versions = _dpkg_versions(folder / "status")
    moved = _diversions(folder / "diversions")
    for path in sorted(info.glob("*.list")):
        name = path.stem
        package = PackageRef(
            manager="dpkg",
            name=name.partition(":")[0],
            version=versions.get(name.partition(":")[0], ""),
        )
        sums = _md5sums(path.with_suffix(".md5sums"))
        for line in _lines(path):
            place = moved.get((line, package.name), line)
            digest = sums.get(line, "")
            for alias in _merged(place):
                yield alias, Owned(package, digest)


def _merged(path: str) -> tuple[str, ...]:
    """The path, and the one it has on a system whose /bin, /lib and /sbin are in /usr."""
    if path.startswith(("/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/")):
        return path, "/usr" + path
    return (path,)


def _dpkg_versions(status: Path) -> dict[str, str]:
    versions: dict[str, str] = {}
    name = ""
    for line in _lines(status):
        if line.startswith("Package: "):
            name = line[9:].strip()
        elif line.startswith("Version: "):
            versions[name] = line[9:].strip()
    return versions


def _diversions(path: Path) -> dict[tuple[str, str], str]:
    """(path, package) → the place dpkg put that package's file instead."""
    lines = _lines(path) if path.is_file() else []
    found: dict[tuple[str, str], str] = {}
    everybody: dict[str, tuple[str, str]] = {}
    for index in range(0, len(lines) - 2, 3):
        source, target, diverter = lines[index : index + 3]
        everybody[source] = (target, diverter)
    for list_file in sorted((path.parent / "info").glob("*.list")) if everybody else ():
        name = list_file.stem.partition(":")[0]
        for line in _lines(list_file):
            if line in everybody and everybody[line][1] != name:
                found[line, name] = everybody[line][0]
    return found


def _md5sums(path: Path) -> dict[str, str]:
    found = {}
    for line in _lines(path) if path.is_file() else ():
        digest, _, name = line.partition("  ")
        if len(digest) == 32 and _HEX.fullmatch(digest):
            found["/" + name] = "md5:" + digest
    return found


def _lines(path: Path) -> list[str]:
    with path.open("rb") as file:
        return file.read(_MAX_FILE).decode("utf-8", "surrogateescape").splitlines()


def _rpm(path: Path) -> Iterator[tuple[str, Owned]]:
    if not path.is_file():
        return
    # Read only and unlocked: the database may be on a read-only image.
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        for (blob,) in connection.execute("SELECT blob FROM Packages ORDER BY hnum"):
            for name, version, file, digest in installed_files(blob):
                package = PackageRef(manager="rpm", name=name, version=version)
                yield file, Owned(package, digest)
    finally:
        connection.close()


def _python(folder: Path, site: str) -> Iterator[tuple[str, Owned]]:
    """The files of every distribution in one site-packages folder."""
    place = folder / site.lstrip("/")
    for info in sorted(place.glob("*.dist-info")):
        named = _DIST_INFO.fullmatch(info.name)
        record = info / "RECORD"
        if named is None or not record.is_file():
            continue
        package = PackageRef(manager="python", name=named["name"], version=named["version"])
        text = "\n".join(_lines(record))
        for row in csv.reader(io.StringIO(text)):
            if len(row) == 3:
                path = os.path.normpath(f"{site}/{row[0]}")
                yield path, Owned(package, _record_digest(row[1]))


def _record_digest(text: str) -> str:
    algorithm, _, value = text.partition("=")
    if algorithm != "sha256":
        return ""
    try:
        return "sha256:" + base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
    except ValueError:
        return ""
