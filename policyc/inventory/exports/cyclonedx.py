"""CycloneDX bills of materials: components that are files.

Source: CycloneDX 1.6 JSON reference: ``components[].hashes``, ``evidence.occurrences``, and
Syft's ``syft:location:N:path`` properties. Components without a place on disk are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from policyc.inventory.exports.facts import Seen, is_absolute, is_digest
from policyc.model.facts import PackageRef

_MAX_DEPTH = 32
_MANAGERS = {"deb": "dpkg", "rpm": "rpm", "pypi": "python"}


def read(content: dict[str, Any]) -> list[Seen]:
    """One entry for every place of every component; raises TypeError for a broken list."""
    found: dict[tuple[str, str], Seen] = {}
    for component in _components(content, 0):
        digest = _sha256(component)
        package = _package(component)
        for path in _places(component):
            # A package's own digest is that of its archive, not of the files it installs.
            own = "" if package is not None and component.get("type") != "file" else digest
            item = found.setdefault((path, own), Seen(path=path, sha256=own))
            item.package = item.package or package
    return list(found.values())


def _components(parent: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    listed = parent.get("components") or []
    if not isinstance(listed, list):
        raise TypeError("components is not a list")
    if depth > _MAX_DEPTH:
        raise ValueError(f"components are nested more than {_MAX_DEPTH} deep")
    for item in listed:
        if isinstance(item, dict):
            yield item
            yield from _components(item, depth + 1)


def _sha256(component: dict[str, Any]) -> str:
    for item in component.get("hashes") or ():
        if isinstance(item, dict) and item.get("alg") == "SHA-256":
            digest = str(item.get("content", ""))
            return digest.lower() if is_digest(digest) else ""
    return ""


def _places(component: dict[str, Any]) -> tuple[str, ...]:
    """Every absolute path that the component is said to stand at."""
    evidence = component.get("evidence")
    occurrences = evidence.get("occurrences") if isinstance(evidence, dict) else None
    paths = [str(item.get("location", "")) for item in occurrences or () if isinstance(item, dict)]
    for item in component.get("properties") or ():
        name = str(item.get("name", "")) if isinstance(item, dict) else ""
        if name.startswith("syft:location:") and name.endswith(":path"):
            paths.append(str(item.get("value", "")))
    if component.get("type") == "file":
        paths.append(str(component.get("name", "")))
    return tuple(dict.fromkeys(path for path in paths if is_absolute(path)))


def _package(component: dict[str, Any]) -> PackageRef | None:
    """The package of a purl whose kind of package a baseline can name."""
    purl = str(component.get("purl") or "")
    kind, _, rest = purl.removeprefix("pkg:").partition("/")
    manager = _MANAGERS.get(kind) if purl.startswith("pkg:") else None
    if manager is None:
        return None
    path, _, version = rest.partition("?")[0].partition("@")
    return PackageRef(
        manager=manager, name=unquote(path.rpartition("/")[2]), version=unquote(version)
    )
