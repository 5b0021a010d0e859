"""Files of a Windows Installer package, under the folders where they will be installed.

Source: "File Table", "Directory Table", "Media Table" and "Binary Table" (Windows Installer
documentation). Embedded cabinets hold files under their File keys; the Binary table holds
what custom actions run, here under ``Binary/``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from policyc.model.formats import FileFormat
from policyc.model.inventory import SkipReason
from policyc.readers.containers import foreign
from policyc.readers.containers.member import Budget, ContainerError, Member
from policyc.readers.msi_database import Database
from policyc.readers.reader import MalformedError
from policyc.readers.source import MemorySource, Source

_MAX_PARENTS = 64
_CABINET = b"MSCF"


def members(source: Source, budget: Budget) -> Iterator[Member]:
    """Installed files and embedded binaries; raises ContainerError."""
    with _malformed():
        database = Database(source, budget.limits)
        names = _installed(database)
        streams = sorted(name for name in database.streams if name.startswith("Binary."))
        cabinets = sorted(
            {
                str(row["Cabinet"])[1:]
                for row in database.rows("Media")
                if str(row.get("Cabinet") or "").startswith("#")
            }
        )
    for name in streams:
        budget.count()
        yield _in_memory(database, name, "Binary/" + name.removeprefix("Binary."), budget)
    for name in cabinets:
        with _malformed():
            data = database.read(name, budget.limits.whole_read * 4)
        if not data.startswith(_CABINET):
            raise ContainerError(SkipReason.MALFORMED, f"the cabinet {name!r} is none")
        budget.spend(0)
        for member in foreign.members(MemorySource(data), FileFormat.CAB, budget):
            yield replace(member, name=names.get(member.name, member.name))


@contextmanager
def _malformed() -> Iterator[None]:
    try:
        yield
    except MalformedError as error:
        raise ContainerError(SkipReason.MALFORMED, str(error)) from error


def _in_memory(database: Database, stream: str, name: str, budget: Budget) -> Member:
    rest: bytes | None = None

    def read(size: int) -> bytes:
        nonlocal rest
        if rest is None:
            with _malformed():
                rest = database.read(stream, budget.limits.whole_read * 4)
        piece, rest = rest[:size], rest[size:]
        return piece

    return Member(name=name, read=read)


def _installed(database: Database) -> dict[str, str]:
    """The path of every File key below the folder that the installer's user chooses."""
    folders = {str(row["Directory"]): row for row in database.rows("Directory")}
    homes = {str(row["Component"]): str(row["Directory_"]) for row in database.rows("Component")}
    found = {}
    for row in database.rows("File"):
        parts = [_long(str(row.get("FileName") or ""))]
        key = homes.get(str(row.get("Component_")), "")
        for _ in range(_MAX_PARENTS):
            folder = folders.get(key)
            if folder is None or folder.get("Directory_Parent") in (None, key):
                break
            # A folder with the name "." is its parent; predefined ones go by their property.
            name = _long(str(folder.get("DefaultDir") or ""))
            parts.append(key if name == "." else name)
            key = str(folder["Directory_Parent"])
        found[str(row["File"])] = "/".join(reversed(parts))
    return found


def _long(text: str) -> str:
    """The long target name of ``short|long`` and ``target:source``."""
    target = text.partition(":")[0]
    return target.rpartition("|")[2]
