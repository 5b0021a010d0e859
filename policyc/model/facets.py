"""What the conditions of the language can be found by, of a file and of a condition.

For every atom: if it is not false for a file, the file has one of the atom's values in the
atom's facet, or the facet is not known of the file.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from typing import assert_never

from policyc.model.diagnostic import Level
from policyc.model.facts import UNKNOWN, FileFacts
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    CdHash,
    Digest,
    PageHash,
    Sha256Flat,
)
from policyc.model.index import Facet
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    FromPackage,
    HasAnyHash,
    HasHash,
    HasMasquerade,
    IsProduct,
    IsTrusted,
    OfType,
    SignedBy,
)
from policyc.model.path import PathPattern, PathShape, PathStyle, style_of
from policyc.model.signatures import Certificate, Signature

LONGEST_FOLDER = 1024
"""Characters; a longer folder is not indexed, so that no path costs more than it should."""
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_FOLDED = str.maketrans("iks", "???")


def folded(path: str) -> str:
    """A key that is equal for Windows paths that differ in case only.

    Coarser than the comparison itself: all letters beyond ASCII are one, with the three ASCII
    letters that match one of them without case.
    """
    if not path.isascii():
        path = _BEYOND_ASCII.sub("?", path)
    return path.replace("/", "\\").lower().translate(_FOLDED)


def folded_path(path: str) -> str | None:
    """The key of a file's path; None if the path is not absolute and so in no pattern."""
    style = style_of(path)
    if style is None:
        return None
    return folded(path) if style is PathStyle.WINDOWS else path


def literal_folder(pattern: PathPattern) -> str:
    """The folder, with its separator, that every path of the pattern is in, as a key."""
    head = pattern.text.partition("*")[0]
    if pattern.style is PathStyle.WINDOWS:
        return folded(head[: head.rindex("\\") + 1])
    return head[: head.rindex("/") + 1]


def folders(path: str) -> Iterator[str]:
    """Every folder a path is in, with its separator, as keys."""
    key = folded_path(path)
    return iter(()) if key is None else parents(key, "/" if key.startswith("/") else "\\")


def parents(key: str, separator: str) -> Iterator[str]:
    """Every beginning of a text that ends in the separator, as far as it is worth it."""
    at = key.find(separator)
    while 0 <= at < LONGEST_FOLDER:
        yield key[: at + 1]
        at = key.find(separator, at + 1)


def _one(value: object) -> Iterable[Hashable] | None:
    if value is UNKNOWN:
        return None
    return () if value is None else (str(value),)


def flat(facts: FileFacts) -> tuple[str, ...] | None:
    """The SHA-256 of all bytes, if there is one; None if it is not known."""
    digest = facts.hashes.sha256
    if digest is UNKNOWN:
        return None
    return () if digest is None else (digest.value,)


def _pages(facts: FileFacts) -> Iterable[Hashable] | None:
    pages = (facts.hashes.page_sha256, facts.hashes.page_sha1)
    return None if UNKNOWN in pages else [str(page) for page in pages if page is not None]


def _cdhashes(facts: FileFacts) -> Iterable[Hashable]:
    return [str(piece.cdhash) for piece in (facts.macho.slices if facts.macho else ())]


def _leaves(facts: FileFacts) -> list[Certificate] | None:
    if facts.signatures is UNKNOWN:
        return None
    return [item.chain[0] for item in facts.signatures if item.chain]


def _leaf(facts: FileFacts) -> Iterable[Hashable] | None:
    leaves = _leaves(facts)
    return None if leaves is None else [leaf.sha256.value for leaf in leaves]


def _common_name(facts: FileFacts) -> Iterable[Hashable] | None:
    leaves = _leaves(facts)
    return None if leaves is None else [leaf.common_name for leaf in leaves]


def _publisher(facts: FileFacts) -> Iterable[Hashable] | None:
    leaves = _leaves(facts)
    return None if leaves is None else [str(leaf.subject.publisher()) for leaf in leaves]


def _issuer(facts: FileFacts) -> Iterable[Hashable] | None:
    if facts.signatures is UNKNOWN:
        return None
    return {cert.tbs.value for item in facts.signatures for cert in item.chain}


def _eku(facts: FileFacts) -> Iterable[Hashable] | None:
    leaves = _leaves(facts)
    return None if leaves is None else {oid.value for leaf in leaves for oid in leaf.ekus}


def _team(facts: FileFacts) -> Iterable[Hashable] | None:
    if facts.signatures is UNKNOWN:
        return None
    return [item.team.value for item in facts.signatures if item.team is not None]


def _signing_id(facts: FileFacts) -> Iterable[Hashable] | None:
    if facts.signatures is UNKNOWN:
        return None
    return [item.signing_id.value for item in facts.signatures if item.signing_id is not None]


def _platform_binary(facts: FileFacts) -> Iterable[Hashable] | None:
    if facts.signatures is UNKNOWN:
        return None
    return {str(True) for item in facts.signatures if item.platform_binary}


def _signed(facts: FileFacts) -> Iterable[Hashable] | None:
    if facts.signatures is UNKNOWN:
        return None
    return (True,) if facts.signatures else ()


def signature_facets(signature: Signature) -> Iterator[tuple[str, Hashable]]:
    """The facets of a file that has only this signature."""
    yield "signed", True
    for name, value in (("team", signature.team), ("signing_id", signature.signing_id)):
        if value is not None:
            yield name, str(value)
    if signature.platform_binary:
        yield "platform_binary", str(True)
    for tbs in {cert.tbs.value: None for cert in signature.chain}:
        yield "issuer", tbs
    if signature.leaf is not None:
        leaf = signature.leaf
        yield "leaf", leaf.sha256.value
        yield "common_name", leaf.common_name
        yield "publisher", str(leaf.subject.publisher())
        for oid in dict.fromkeys(leaf.ekus):
            yield "eku", oid.value


def _original(facts: FileFacts) -> Iterable[Hashable] | None:
    info = facts.version_info
    if info is UNKNOWN:
        return None
    name = None if info is None else info.original_filename
    return () if name is None else (name.upper(),)


def _product(facts: FileFacts) -> Iterable[Hashable] | None:
    info = facts.version_info
    if info is UNKNOWN:
        return None
    name = None if info is None else info.product_name
    return () if name is None else (name.upper(),)


def _image(facts: FileFacts) -> Iterable[Hashable] | None:
    if facts.version_info is UNKNOWN:
        return None
    return () if facts.pe is None else (True,)


def _path(facts: FileFacts) -> Iterable[Hashable]:
    key = folded_path(facts.path)
    return () if key is None else (key,)


def _package(facts: FileFacts) -> Iterable[Hashable] | None:
    if facts.package is UNKNOWN:
        return None
    own = facts.package
    return () if own is None else ((own.manager, None), (own.manager, own.name))


def _trusted(facts: FileFacts) -> Iterable[Hashable] | None:
    if facts.trusted is UNKNOWN:
        return None
    return (True,) if facts.trusted else ()


def _masquerade(facts: FileFacts) -> Iterable[Hashable] | None:
    if facts.masquerade is UNKNOWN:
        return None
    if facts.masquerade is None:
        return ()
    own = Level(facts.masquerade).rank
    return [level.value for level in Level if own <= level.rank]


FACETS: dict[str, Facet[FileFacts]] = {
    # The most selective first: a condition is found by the first of these that it has.
    "sha256": flat,
    "authenticode_sha256": lambda facts: _one(facts.hashes.authenticode_sha256),
    "authenticode_sha1": lambda facts: _one(facts.hashes.authenticode_sha1),
    "page": _pages,
    "cdhash": _cdhashes,
    "path": _path,
    "signing_id": _signing_id,
    "original": _original,
    "product": _product,
    "leaf": _leaf,
    "common_name": _common_name,
    "publisher": _publisher,
    "package": _package,
    "team": _team,
    "folder": lambda facts: folders(facts.path),
    "issuer": _issuer,
    "eku": _eku,
    "platform_binary": _platform_binary,
    "ftype": lambda facts: _one(facts.ftype),
    "masquerade": _masquerade,
    "trusted": _trusted,
    "image": _image,
    "signed": _signed,
}
_RANKS = {name: rank for rank, name in enumerate(FACETS)}
_DIGESTS: dict[type[Digest], str] = {
    Sha256Flat: "sha256",
    AuthenticodeSha256: "authenticode_sha256",
    AuthenticodeSha1: "authenticode_sha1",
    PageHash: "page",
    CdHash: "cdhash",
}


def facets_of(atom: Atom) -> list[tuple[str, Hashable]]:
    """Facets with the value a file needs for the atom not to be false; each alone is needed."""
    match atom:
        case HasAnyHash():
            return []
        case HasHash():
            return [(_DIGESTS[type(atom.digest)], atom.digest.value)]
        case SignedBy():
            own = {
                name: getattr(atom, name)
                for name in ("signing_id", "leaf", "common_name", "publisher", "team")
            }
            own |= {name: getattr(atom, name) for name in ("issuer", "eku", "platform_binary")}
            named: list[tuple[str, Hashable]] = [
                (name, str(value)) for name, value in own.items() if value is not None
            ]
            return named or [("signed", True)]
        case IsProduct():
            words = {"original": atom.original_filename, "product": atom.name}
            return [(name, word.upper()) for name, word in words.items() if word is not None] or [
                ("image", True)
            ]
        case AtPath(pattern=pattern):
            if pattern.shape is PathShape.EXACT:
                return [("path", folded_path(pattern.text))]
            folder = literal_folder(pattern)
            return [("folder", folder)] if len(folder) <= LONGEST_FOLDER else []
        case FromPackage():
            return [("package", (atom.manager, atom.name))]
        case OfType():
            return [("ftype", atom.ftype)]
        case IsTrusted():
            return [("trusted", True)]
        case HasMasquerade():
            return [("masquerade", atom.level.value)]
        case _:
            assert_never(atom)


def best_facet(match: AllOf) -> tuple[str, Hashable] | None:
    """The most selective facet of a conjunction, or None if nothing narrows it."""
    if len(match.atoms) == 1:
        (atom,) = match.atoms
        if isinstance(atom, HasHash):  # as in long lists
            return _DIGESTS[type(atom.digest)], atom.digest.value
    found = [item for atom in match.atoms for item in facets_of(atom)]
    return min(found, key=lambda item: (_RANKS[item[0]], str(item[1])), default=None)
