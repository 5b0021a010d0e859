"""Recursion: the members of a file, the members of those, and so on to the depth limit."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TypeAlias

from policyc.model.facts import UNKNOWN, FileFacts, Hashes, Trait, extension_of
from policyc.model.formats import FileFormat, FormatClass
from policyc.model.inventory import Skipped, SkipReason
from policyc.readers import claims, magic
from policyc.readers.containers import debian, foreign, image, installer, streams, tars, zips
from policyc.readers.containers.member import (
    Budget,
    ContainerError,
    Member,
    SpentError,
    content,
)
from policyc.readers.limits import Limits
from policyc.readers.source import SliceSource, Source, SourceFile

Item: TypeAlias = FileFacts | Skipped
Read: TypeAlias = Callable[[Source, str], FileFacts]
"""Makes the facts of a file from its bytes and its path."""

_ZIPS = frozenset({FileFormat.ZIP})
_APPLICATIONS = frozenset(
    {FileFormat.JAR, FileFormat.APK, FileFormat.OOXML, FileFormat.ODF, FileFormat.EPUB}
)
"""ZIP files that one program opens: only members that run by themselves are listed."""

_COMPRESSED = frozenset({FileFormat.GZIP, FileFormat.BZIP2, FileFormat.XZ})
_OPENED = (
    _ZIPS
    | _APPLICATIONS
    | _COMPRESSED
    | foreign.FORMATS
    | {FileFormat.TAR, FileFormat.DEB, FileFormat.MSI}
)
_CLOSED = {FileFormat.VHD: "disk images of this kind are not opened"}
_RUNS = re.compile(
    rb"MZ|\x7fELF|\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba[\xbe\xbf]\0\0\0[\x01-\x1e]"
    rb"|#!|\xd0\xcf\x11\xe0|PK\x03\x04|MSCF|7z\xbc\xaf|Rar!|L\0\0\0\x01\x14\x02\0"
)
_HEAD = 512
_MAX_NAME = 4096
_MAX_LINKED = 20_000


def opens(fmt: FileFormat) -> bool:
    """Whether files of this format have members that ``expand`` lists."""
    return fmt in _OPENED


def expand(
    source: Source, facts: FileFacts, read: Read, limits: Limits, *, image_root: str | None = None
) -> Iterator[Item]:
    """Facts of every member of the file behind ``source``, as ``outer!/inner``.

    With ``image_root`` the members of the file itself get paths below it instead: those an
    endpoint sees that has the image as its own root. Raises nothing for what a container
    holds: what cannot be read is Skipped. OSError and ChangedError come from the source.
    """
    if not opens(facts.actual) and facts.actual not in _CLOSED:
        return
    budget = Budget(limits=limits, outer_size=source.size)
    walker = _Walker(read=read, budget=budget, image_root=image_root)
    try:
        yield from walker.inside(source, facts, 0)
    except SpentError as error:
        yield _skip(facts.path + "!/", error)


@dataclass(slots=True)
class _Walker:
    read: Read
    budget: Budget
    image_root: str | None

    def inside(self, source: Source, facts: FileFacts, depth: int) -> Iterator[Item]:
        """The members of one container; raises SpentError."""
        detail = _CLOSED.get(facts.actual)
        if detail is not None:
            yield Skipped(path=facts.path + "!/", reason=SkipReason.UNSUPPORTED, detail=detail)
            return
        if not opens(facts.actual):
            return
        try:
            if not _worth(source, facts.actual):
                return
        except ContainerError as error:
            yield _skip(facts.path + "!/", error)
            return
        if depth >= self.budget.limits.container_depth:
            if depth:
                detail = f"more than {depth} containers in each other"
                yield Skipped(path=facts.path + "!/", reason=SkipReason.NESTING, detail=detail)
            return
        try:
            yield from self._members(source, facts, depth)
        except SpentError:
            raise
        except ContainerError as error:
            yield _skip(facts.path + "!/", error)
        except MemoryError:
            yield Skipped(path=facts.path + "!/", reason=SkipReason.MEMORY)

    def _members(self, source: Source, facts: FileFacts, depth: int) -> Iterator[Item]:
        linked: dict[str, FileFacts] = {}
        found: Iterator[tuple[str, Member]]
        if facts.actual is FileFormat.TAR and (order := image.layers(source, self.budget)):
            found = self._layers(source, order)
        else:
            found = self._plain(source, facts)
        with closing(found):  # type: ignore[type-var]
            for name, member in found:
                path = self._path(facts.path, name, depth)
                only_running = _is_private(facts) and not _named_to_run(name)
                for item in self._member(path, member, depth, only_running=only_running):
                    if isinstance(item, FileFacts) and item.path == path:
                        item = _marked(item, member.name)  # noqa: PLW2901
                        if len(linked) < _MAX_LINKED:
                            linked[name] = item
                    yield item
                if member.link is not None:
                    yield _linked(path, member, linked)

    def _plain(self, source: Source, facts: FileFacts) -> Iterator[tuple[str, Member]]:
        for member in _of_format(source, facts, self.budget):
            yield _clean(member.name), member

    def _layers(self, source: Source, order: tuple[str, ...]) -> Iterator[tuple[str, Member]]:
        """The files of an image's layers that are not hidden by a layer above."""
        overlay = image.Overlay()
        for layer in order:
            with _named(source, layer, self.budget) as inner:
                fmt = _compression(inner)
                for member in _tar_members(inner, fmt, self.budget):
                    name = _clean(member.name)
                    if overlay.shows(name, directory=member.directory):
                        yield name, member
            overlay.next_layer()

    def _member(
        self, path: str, member: Member, depth: int, *, only_running: bool
    ) -> Iterator[Item]:
        if member.encrypted:
            yield _encrypted(path, member)
            return
        if member.read is None:
            return
        listed = False
        try:
            head = member.read(_HEAD) if only_running else b""
            self.budget.spend(len(head))
            if only_running and not (_RUNS.match(head) or _is_tar(head)):
                return
            with content(_after(head, member.read), self.budget) as inner:
                facts = self.read(inner, path)
                listed = True
                yield facts
                yield from self.inside(inner, facts, depth + 1)
        except SpentError as error:
            if not listed:
                yield _skip(path, error)
            raise
        except ContainerError as error:
            yield _skip(path, error)
        except MemoryError:
            yield Skipped(path=path + "!/" if listed else path, reason=SkipReason.MEMORY)

    def _path(self, outer: str, name: str, depth: int) -> str:
        if depth == 0 and self.image_root is not None:
            inner = posixpath.normpath("/" + name).lstrip("/")
            root = self.image_root
            if root.startswith("/"):
                return f"{root.rstrip('/')}/{inner}"
            return root.replace("/", "\\").rstrip("\\") + "\\" + inner.replace("/", "\\")
        return f"{outer}!/{name}"


def _is_private(facts: FileFacts) -> bool:
    """A ZIP that is an application's own file: nobody unpacks a .jar, .docx or .sym.

    Members of such a file are listed if they run or may hold something that does.
    """
    if facts.actual in _APPLICATIONS:
        return True
    if facts.actual is not FileFormat.ZIP or not facts.extension:
        return False
    return not any(claim.format_class is FormatClass.CONTAINER for claim in facts.claimed)


def _named_to_run(name: str) -> bool:
    """Whether a member's name claims a program or a script."""
    extension = extension_of(name)
    runs = (FormatClass.EXECUTABLE, FormatClass.SCRIPT)
    claimed = claims.claimed_by(extension)
    return any(
        claim.format_class in runs and claim is not FileFormat.JAVA_CLASS for claim in claimed
    )


def _worth(source: Source, fmt: FileFormat) -> bool:
    """A compressed stream is worth reading if a tar file or something that runs is in it."""
    if fmt not in _COMPRESSED:
        return True
    head = streams.peek(source, fmt, _HEAD)
    return _RUNS.match(head) is not None or _is_tar(head)


def _is_tar(head: bytes) -> bool:
    return magic.tar_checksum(head) is not None


def _of_format(source: Source, facts: FileFacts, budget: Budget) -> Iterator[Member]:
    fmt = facts.actual
    if fmt in _ZIPS or fmt in _APPLICATIONS:
        return zips.members(source, budget)
    if fmt is FileFormat.TAR:
        return tars.members(SourceFile(source), budget, stream=False)
    if fmt is FileFormat.MSI:
        return installer.members(source, budget)
    if fmt is FileFormat.DEB:
        return _debian(source, budget)
    if fmt in _COMPRESSED:
        if _is_tar(streams.peek(source, fmt, _HEAD)):
            return tars.members(streams.Decompressed(source, fmt), budget, stream=True)
        return _single(source, facts, budget)
    if fmt is FileFormat.ZSTD and foreign.is_bare(source):
        return _bare(source, facts, budget)
    return foreign.members(source, fmt, budget)


def _bare(source: Source, facts: FileFacts, budget: Budget) -> Iterator[Member]:
    """The one member of a Zstandard file, if it runs."""
    for member in foreign.members(source, FileFormat.ZSTD, budget):
        if member.read is not None and _RUNS.match(head := member.read(_HEAD)):
            yield replace(member, name=_stem(facts), read=_after(head, member.read))


def _stem(facts: FileFacts) -> str:
    """The name that gunzip gives the content of a file."""
    stem, dot, _ = facts.name.rpartition(".")
    return stem if dot and stem else "content"


def _single(source: Source, facts: FileFacts, budget: Budget) -> Iterator[Member]:
    """The one member of a compressed file."""
    budget.count()
    yield Member(name=_stem(facts), read=streams.Decompressed(source, facts.actual).read)


def _debian(source: Source, budget: Budget) -> Iterator[Member]:
    for prefix, offset, size in debian.parts(source, budget.limits):
        part = SliceSource(source, offset, size)
        for member in _tar_members(part, _compression(part), budget):
            yield replace(member, name=prefix + _clean(member.name))


def _compression(source: Source) -> FileFormat | None:
    head = source.read(0, 6)
    magics = {
        b"\x1f\x8b": FileFormat.GZIP,
        b"BZh": FileFormat.BZIP2,
        b"\xfd7zXZ\0": FileFormat.XZ,
        b"\x28\xb5\x2f\xfd": FileFormat.ZSTD,
    }
    return next((fmt for magic, fmt in magics.items() if head.startswith(magic)), None)


def _tar_members(source: Source, fmt: FileFormat | None, budget: Budget) -> Iterator[Member]:
    if fmt is None:
        return tars.members(SourceFile(source), budget, stream=False)
    if fmt is FileFormat.ZSTD:
        return foreign.members(source, fmt, budget)
    return tars.members(streams.Decompressed(source, fmt), budget, stream=True)


@contextmanager
def _named(source: Source, name: str, budget: Budget) -> Iterator[Source]:
    """The content of one member of a plain tar; raises ContainerError if there is none."""
    for member in tars.members(SourceFile(source), budget, stream=False):
        if posixpath.normpath(member.name) == name and member.read is not None:
            with content(member.read, budget) as inner:
                yield inner
            return
    raise ContainerError(SkipReason.MALFORMED, f"the image has no layer {name!r}")


def _after(head: bytes, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """The rest of a member with its first bytes put back."""
    pending = head

    def both(size: int) -> bytes:
        nonlocal pending
        if pending:
            piece, pending = pending, b""
            return piece
        return read(size)

    return both


def _clean(name: str) -> str:
    """A member's name without a leading ``./`` or ``/``; never empty."""
    name = name.replace("\\", "/")[:_MAX_NAME]
    while name.startswith(("./", "/")):
        name = name[2:] if name.startswith("./") else name[1:]
    return name or "unnamed"


def _marked(facts: FileFacts, raw: str) -> FileFacts:
    """The facts with a trait if unpacking by the member's name would leave the folder."""
    slashes = raw.replace("\\", "/")
    leaves = ".." in slashes.split("/") or slashes.startswith("/") or slashes[1:2] == ":"
    if not leaves:
        return facts
    trait = Trait(kind="traversal", detail=f"stored under the name {raw[:_MAX_NAME]!r}")
    return replace(facts, traits=(*facts.traits, trait))


def _linked(path: str, member: Member, known: dict[str, FileFacts]) -> Item:
    target = known.get(_clean(member.link or ""))
    if target is None:
        detail = f"a hard link to {member.link!r}, which is not there"
        return Skipped(path=path, reason=SkipReason.LINK, detail=detail)
    copied = replace(target, path=path)
    return replace(copied, claimed=claims.claimed_by(copied.extension))


def _encrypted(path: str, member: Member) -> FileFacts:
    """What is known of a member whose content is not."""
    unread = FileFacts(path=path, size=member.size, actual=FileFormat.UNKNOWN)
    return replace(
        unread,
        claimed=claims.claimed_by(unread.extension),
        hashes=Hashes(
            sha256=UNKNOWN,
            authenticode_sha256=UNKNOWN,
            authenticode_sha1=UNKNOWN,
            page_sha256=UNKNOWN,
            page_sha1=UNKNOWN,
        ),
        signatures=UNKNOWN,
        version_info=UNKNOWN,
        traits=(Trait(kind="encrypted", detail="the content needs a password"),),
    )


def _skip(path: str, error: ContainerError) -> Skipped:
    return Skipped(path=path, reason=error.reason, detail=error.detail)
