"""Container images (docker save, OCI layout in a tar): the file system that a container sees.

Source: OCI image-spec, image-layout.md and layer.md (whiteouts); Docker image spec 1.2
(manifest.json). The layers are read from the top one down: the first that has a path wins.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from typing import Any

from policyc.model.inventory import SkipReason
from policyc.readers.containers import tars
from policyc.readers.containers.member import Budget, ContainerError
from policyc.readers.source import Source, SourceFile

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_MAX_MANIFEST = 4 << 20
_MAX_LAYERS = 512


def layers(source: Source, budget: Budget) -> tuple[str, ...] | None:
    """Names of the layers inside the tar, the top one first; None if it is no image.

    Raises ContainerError for an image whose manifest cannot be followed. With several
    images in one file the first one counts, as its manifest lists it.
    """
    names = _small_members(source, budget)
    if "manifest.json" in names:
        return _docker(_json(names["manifest.json"]))
    if "index.json" in names and "oci-layout" in names:
        return _oci(_json(names["index.json"]), names)
    return None


def _small_members(source: Source, budget: Budget) -> dict[str, bytes]:
    """The JSON members by name: manifests, indexes and the blobs that may be one."""
    found: dict[str, bytes] = {}
    for member in tars.members(SourceFile(source), budget, stream=False):
        name = posixpath.normpath(member.name)
        wanted = name in ("manifest.json", "index.json", "oci-layout")
        wanted = wanted or name.startswith("blobs/")
        if not wanted or member.read is None or member.size > _MAX_MANIFEST:
            continue
        head = member.read(1)
        if head == b"{" or (head == b"[" and name == "manifest.json"):
            found[name] = head + member.read(_MAX_MANIFEST)
    return found


def _json(data: bytes) -> Any:  # noqa: ANN401
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ContainerError(SkipReason.MALFORMED, "the image's manifest is no JSON") from error


def _docker(manifest: Any) -> tuple[str, ...] | None:  # noqa: ANN401
    first = manifest[0] if isinstance(manifest, list) and manifest else None
    names = first.get("Layers") if isinstance(first, dict) else None
    return None if names is None else _checked(names)


def _oci(index: Any, blobs: dict[str, bytes]) -> tuple[str, ...]:  # noqa: ANN401
    for _ in range(4):
        manifests = index.get("manifests") if isinstance(index, dict) else None
        if not isinstance(manifests, list) or not manifests:
            break
        index = _json(blobs.get(_blob(manifests[0]), b""))
        if isinstance(index, dict) and "layers" in index:
            listed = index["layers"]
            return _checked([_blob(item) for item in listed] if isinstance(listed, list) else None)
    raise ContainerError(SkipReason.MALFORMED, "the image's index leads to no manifest")


def _blob(descriptor: Any) -> str:  # noqa: ANN401
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    return "blobs/" + str(digest).replace(":", "/")


def _checked(names: Any) -> tuple[str, ...]:  # noqa: ANN401
    if (
        not isinstance(names, list)
        or len(names) > _MAX_LAYERS
        or not all(isinstance(name, str) for name in names)
    ):
        raise ContainerError(SkipReason.MALFORMED, "the image's layers are not listed")
    return tuple(posixpath.normpath(name) for name in reversed(names))


class Overlay:
    """Which paths of lower layers are still visible."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._folders: set[str] = set()
        self._hidden: set[str] = set()
        self._fresh: list[str] = []

    def shows(self, name: str, *, directory: bool) -> bool:
        """Whether the member is visible; takes note of whiteouts and of what it hides below."""
        folder, _, base = name.rpartition("/")
        if base == _OPAQUE:
            self._fresh.append(folder)
            return False
        if base.startswith(_WHITEOUT):
            whole = base.removeprefix(_WHITEOUT)
            self._fresh.append(f"{folder}/{whole}" if folder else whole)
            return False
        above = tuple(_upwards(name))
        if any(parent in self._hidden or parent in self._seen for parent in above):
            return False
        if directory:
            self._folders.add(name)
            return True
        if name in self._folders:
            return False
        self._seen.add(name)
        return True

    def next_layer(self) -> None:
        """Whiteouts hide what lower layers have, not the files of their own layer."""
        self._hidden.update(self._fresh)
        self._fresh.clear()


def _upwards(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition("/")[0]
    yield ""
