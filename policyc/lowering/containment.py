"""When does one condition imply another? Sound, not complete: False means "not proved"."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, TypeVar

from policyc.model.diagnostic import Level
from policyc.model.facets import FACETS, best_facet, facets_of, literal_folder, parents
from policyc.model.index import Facet, Index
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    FromPackage,
    HasHash,
    HasMasquerade,
    IsProduct,
    Rule,
    SignedBy,
)
from policyc.model.path import PathPattern, PathShape, PathStyle


def implies(left: Atom, right: Atom) -> bool:
    """Whether every file for which ``left`` holds is one for which ``right`` holds."""
    if left == right:
        return True
    match left, right:
        case SignedBy(), SignedBy():
            return _signed_implies(left, right)
        case IsProduct(), IsProduct():
            return _product_implies(left, right)
        case AtPath(), AtPath():
            return _path_implies(left.pattern, right.pattern)
        case FromPackage(), FromPackage():
            return left.manager == right.manager and right.name is None
        case HasMasquerade(), HasMasquerade():
            fewer = not right.codes or (bool(left.codes) and set(left.codes) <= set(right.codes))
            return left.level.rank <= right.level.rank and fewer
        case _:
            return False


def contained(left: AllOf, right: AllOf) -> bool:
    """Whether every file in ``left`` is in ``right``."""
    return all(any(implies(own, other) for own in left.atoms) for other in right.atoms)


def rule_contained(left: Rule, right: Rule) -> bool:
    """Whether ``right`` applies to every file, and everybody, that ``left`` applies to."""
    return (
        contained(left.match, right.match)
        and left.collections <= right.collections
        and left.platforms <= right.platforms
        and (
            not right.principals or (bool(left.principals) and left.principals <= right.principals)
        )
        and all(any(contained(other, own) for own in left.unless) for other in right.unless)
    )


T = TypeVar("T")


class Containers(Generic[T]):
    """Conditions to look up those that another one is contained in."""

    def __init__(self, entries: Iterable[tuple[AllOf, T]]) -> None:
        self._index: Index[AllOf, tuple[AllOf, T]] = Index(_WEAKENED)
        for match, entry in entries:
            facet = best_facet(match)
            if facet is None:
                self._index.add((match, entry), None)
            else:
                self._index.add((match, entry), facet[0], (facet[1],))

    def of(self, match: AllOf) -> Iterator[T]:
        """The entries whose condition contains ``match``, in their order."""
        for other, entry in self._index.find(match):
            if contained(match, other):
                yield entry


def _weaker(facet: str) -> Facet[AllOf]:
    def values(match: AllOf) -> Iterable[Hashable]:
        return [
            value
            for atom in match.atoms
            for name, value in (*facets_of(atom), *_implied(atom))
            if name == facet
        ]

    return values


_WEAKENED: dict[str, Facet[AllOf]] = {name: _weaker(name) for name in FACETS}


def _implied(atom: Atom) -> Iterator[tuple[str, Hashable]]:
    """Facets of conditions that follow from an atom, beside its own."""
    match atom:
        case SignedBy():
            yield "signed", True
            if atom.signing_id is not None:
                team = atom.signing_id.team
                yield ("platform_binary", str(True)) if team is None else ("team", team.value)
        case IsProduct():
            yield "image", True
        case FromPackage():
            yield "package", (atom.manager, None)
        case HasMasquerade():
            for level in Level:
                if atom.level.rank <= level.rank:
                    yield "masquerade", level.value
        case AtPath(pattern=pattern):
            separator = "\\" if pattern.style is PathStyle.WINDOWS else "/"
            for folder in parents(literal_folder(pattern), separator):
                yield "folder", folder
        case _:
            return


def disjoint(left: AllOf, right: AllOf) -> bool:
    """Whether no file can be in both."""
    return any(_atoms_disjoint(own, other) for own in left.atoms for other in right.atoms)


def _signed_implies(left: SignedBy, right: SignedBy) -> bool:
    for name in SignedBy.__slots__:
        wanted = getattr(right, name)
        if wanted is None or getattr(left, name) == wanted:
            continue
        if name == "team" and left.signing_id is not None and left.signing_id.team == wanted:
            continue
        platform = left.signing_id is not None and left.signing_id.team is None
        if name == "platform_binary" and platform:
            continue
        return False
    # A rule without Apple's conditions also takes DEVELOPMENT signatures; one with does not.
    return left.apple or not right.apple


def _product_implies(left: IsProduct, right: IsProduct) -> bool:
    def same(own: str | None, wanted: str | None) -> bool:
        return wanted is None or (own is not None and own.upper() == wanted.upper())

    return (
        all(same(*pair) for pair in zip(left.names, right.names, strict=True))
        and right.version.low <= left.version.low
        and left.version.high <= right.version.high
    )


def _path_implies(left: PathPattern, right: PathPattern) -> bool:
    if left.style is not right.style:
        return False
    if left.shape is PathShape.EXACT:
        return right.matches(left.text)
    if right.shape is PathShape.TREE:
        return _folded(left, left.text).startswith(_folded(right, right.directory))
    return False


def _folded(pattern: PathPattern, text: str) -> str:
    return text.upper() if pattern.style is PathStyle.WINDOWS else text


def _atoms_disjoint(left: Atom, right: Atom) -> bool:
    match left, right:
        case HasHash(), HasHash():
            return type(left.digest) is type(right.digest) and left.digest != right.digest
        case AtPath(), AtPath():
            return _paths_disjoint(left.pattern, right.pattern)
        case IsProduct(), IsProduct():
            return (
                left.version.high < right.version.low
                or right.version.high < left.version.low
                or any(_differ(*pair) for pair in zip(left.names, right.names, strict=True))
            )
        case FromPackage(), FromPackage():
            return left.manager != right.manager or (
                left.name is not None and right.name is not None and left.name != right.name
            )
        case _:
            return False


def _differ(left: str | None, right: str | None) -> bool:
    return left is not None and right is not None and left.upper() != right.upper()


def _paths_disjoint(left: PathPattern, right: PathPattern) -> bool:
    if left.style is not right.style:
        return True
    if left.shape is PathShape.EXACT:
        return not right.matches(left.text)
    if right.shape is PathShape.EXACT:
        return not left.matches(right.text)
    # Every path of a pattern begins with what stands before its first wildcard.
    a, b = (_folded(item, item.text.partition("*")[0]) for item in (left, right))
    return not (a.startswith(b) or b.startswith(a))
