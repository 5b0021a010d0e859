"""The files a baseline is made of: what a name in one of them leads to, and how far."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from policyc import resources
from policyc.baseline.collector import did_you_mean
from policyc.inventory import InventoryError, read_inventory
from policyc.model.inventory import Inventory

MAX_BYTES = 16 << 20
"""Bytes of one file. 50,000 hashes are about 4 MiB; a baseline holds intent, not inventories."""

BUILTIN = "builtin:"


class SourceError(Exception):
    """A file that cannot be read as part of a baseline: why, the next step, and its line."""

    def __init__(self, message: str, *, remedy: str, line: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.line = line


class Place(Protocol):
    """Where the names in one file of a baseline lead."""

    def include(self, name: str) -> Source:
        """The file that ``include: name`` means; raises SourceError."""

    def inventory(self, name: str) -> Inventory:
        """The inventory that ``from: name`` means; raises InventoryError or OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of a baseline.

    ``name`` is what positions carry; ``identity`` is the same for two names of one file.
    """

    name: str
    identity: str
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class BuiltinPlace:
    """The sets that ship with policyc: they include each other and know no other file."""

    def include(self, name: str) -> Source:
        """Another built-in set; raises SourceError."""
        if not name.startswith(BUILTIN):
            raise SourceError(f"{name}: a built-in set includes only others", remedy="leave it out")
        return builtin(name)

    def inventory(self, name: str) -> Inventory:
        """Raises InventoryError: a built-in set has no inventory."""
        raise InventoryError(f"{name}: a built-in set has no inventory")


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPlace:
    """Names are relative to the folder of the file that holds them.

    ``folder`` is that folder, ``shown`` its name in positions. An included file must lie in
    ``root`` or below it after every symbolic link is followed, so that no link and no ``..``
    leads out of what belongs to the baseline. ``given`` is what ``from: inventory`` means.
    """

    folder: Path
    shown: str
    root: Path
    given: Inventory | None = None

    def include(self, name: str) -> Source:
        """A file beside or below, or a built-in set; raises SourceError."""
        if name.startswith(BUILTIN):
            return builtin(name)
        if name.startswith(("/", "~")) or "\\" in name or ":" in name or not name.isprintable():
            raise SourceError(
                f"{name!r} is no relative name",
                remedy="name the file relative to this one, with `/` between folders",
            )
        path = self.folder / name
        try:
            real = Path(os.path.realpath(path, strict=True))
            if not real.is_relative_to(self.root):
                raise SourceError(
                    f"{name} leads out of the folder of the baseline",
                    remedy="copy the file into the folder (or the repository) of the baseline",
                )
            text = _text(_regular(real, name), name)
        except OSError as error:
            message = f"{name}: {error.strerror or 'cannot be read'}"
            raise SourceError(message, remedy=self._nearest(path)) from error
        shown = os.path.normpath(Path(self.shown) / name)
        place = FolderPlace(
            folder=real.parent,
            shown=str(Path(shown).parent),
            root=self.root,
            given=self.given,
        )
        return Source(name=shown, identity=str(real), text=text, place=place)

    def inventory(self, name: str) -> Inventory:
        """``inventory`` is the one given, anything else a file beside this one."""
        if name != "inventory":
            return read_inventory(self.folder / name)
        if self.given is None:
            raise InventoryError("`from: inventory` needs one; give it with -i FILE")
        return self.given

    def _nearest(self, path: Path) -> str:
        folder = Path(os.path.realpath(path.parent))
        if not folder.is_dir() or not folder.is_relative_to(self.root):
            return "name the file relative to this one"
        names = [item.name for item in folder.iterdir() if item.suffix in (".yaml", ".yml")]
        return did_you_mean(path.name, names) if names else "there is no YAML file in that folder"


def main_source(path: Path, given: Inventory | None) -> Source:
    """The baseline file itself; raises OSError, or SourceError if it is no text.

    Included files must lie in the repository that holds the baseline (the nearest folder
    upwards with a ``.git``) or, without one, in the baseline's own folder.
    """
    real = Path(os.path.realpath(path, strict=True))
    folder = real.parent
    root = next((item for item in (folder, *folder.parents) if (item / ".git").exists()), folder)
    place = FolderPlace(folder=path.parent, shown=str(path.parent), root=root, given=given)
    with path.open("rb") as stream:
        text = _text(stream.read(MAX_BYTES + 1), str(path))
    return Source(name=str(path), identity=str(real), text=text, place=place)


def builtin(name: str) -> Source:
    """A set that ships with policyc, by ``builtin:NAME``; raises SourceError."""
    wanted = name.removeprefix(BUILTIN)
    names = builtin_names()
    if wanted not in names:
        raise SourceError(
            f"there is no built-in set `{wanted}`", remedy=did_you_mean(wanted, names)
        )
    path = resources.root("baselines") / f"{wanted}.yaml"
    text = path.read_text(encoding="utf-8")
    return Source(name=f"{BUILTIN}{wanted}", identity=name, text=text, place=BuiltinPlace())


def builtin_names() -> tuple[str, ...]:
    """The built-in sets, sorted."""
    return tuple(sorted(path.stem for path in resources.root("baselines").glob("*.yaml")))


def _regular(path: Path, name: str) -> bytes:
    """The first MAX_BYTES + 1 bytes; a pipe or a device is refused, not waited for."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise SourceError(f"{name} is no regular file", remedy="name a YAML file")
        return stream.read(MAX_BYTES + 1)


def _text(raw: bytes, name: str) -> str:
    if len(raw) > MAX_BYTES:
        remedy = "keep hashes in an inventory, and name it with `from:`"
        raise SourceError(f"{name} has more than {MAX_BYTES >> 20} MiB", remedy=remedy)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SourceError("the file is not UTF-8", remedy="save it as UTF-8", line=line) from error
