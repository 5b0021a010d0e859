"""A first match without its order: which permits and forbids decide as a chain of steps does.

A file runs if an allow matches it and no deny above does. So a deny becomes a forbid that leaves
out what the allows above match, or an exception of every permit below. The first is exact if each
allow above is for everybody that the deny is for, the second if the deny is for everybody that
each allow below is for: an exception can name files only, not people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from policyc.model.ir import Atom, AtPath, HasHash, IsTrusted
from policyc.model.path import PathShape

MOST = 4096
"""Alternatives of one rule, and rules of one collection; more are told as lost."""
_COMPARED = 512
"""Permits up to which each is compared with each other one."""


@dataclass(frozen=True, slots=True)
class Untrusted(IsTrusted):
    """Stands for trust=0 while a rule is read; no baseline condition."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule of a chain: what it matches, as alternatives, what it does, and for whom.

    No people is everybody.
    """

    allows: bool
    matches: tuple[frozenset[Atom], ...]
    line: int
    people: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps for one access to one kind of file, and what happens behind the last."""

    steps: tuple[Step, ...]
    ends_allowed: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A permit or forbid to be: a conjunction, exceptions, people; ``Untrusted`` may occur."""

    atoms: frozenset[Atom]
    unless: frozenset[frozenset[Atom]] = frozenset()
    people: frozenset[str] = frozenset()


@dataclass(slots=True)
class Parts:
    """What decides as a chain does: a permit holds and no forbid.

    ``inexact`` are the lines of denies that also hold for some who are several people at once.
    """

    permits: list[Part] = field(default_factory=list)
    forbids: list[Part] = field(default_factory=list)
    inexact: set[int] = field(default_factory=set)


UNTRUSTED = (frozenset({Untrusted()}),)
_END = 0


def covers(people: frozenset[str], others: frozenset[str]) -> bool:
    """Whether everybody who is one of ``others`` is one of ``people``; none is everybody."""
    return not people or (bool(others) and others <= people)


def normal(steps: Sequence[Step], *, ends_allowed: bool) -> Chain:
    """``deny trust=0`` before an end that allows is ``allow trust=1`` before one that denies."""
    last = steps[-1] if steps else None
    if (
        last is not None
        and ends_allowed
        and not last.allows
        and not last.people
        and last.matches == UNTRUSTED
    ):
        trusted = Step(allows=True, matches=(frozenset({IsTrusted()}),), line=last.line)
        return trimmed([*steps[:-1], trusted], ends_allowed=False)
    return trimmed(steps, ends_allowed=ends_allowed)


def trimmed(steps: Sequence[Step], *, ends_allowed: bool) -> Chain:
    """Without the last steps that do what the end does."""
    kept = list(steps)
    while kept and kept[-1].allows is ends_allowed:
        kept.pop()
    return Chain(tuple(kept), ends_allowed)


def trusts(chain: Chain) -> bool:
    """Whether everything that a chain allows is trusted."""
    return not chain.ends_allowed and all(
        IsTrusted() in atoms for step in chain.steps if step.allows for atoms in step.matches
    )


def unordered(chain: Chain) -> Parts:
    """Permits and forbids that decide as the chain does."""
    steps = chain.steps
    if chain.ends_allowed:
        steps = (*steps, Step(allows=True, matches=(frozenset(),), line=_END))
    found = Parts()
    excepted: list[Step] = []
    for at, step in enumerate(steps):
        if step.allows:
            found.permits += _permits(step, excepted)
            continue
        below = [item for item in steps[at + 1 :] if item.allows]
        above = [item for item in steps[:at] if item.allows]
        if not below:
            continue
        before = _exact_before(step, above)
        if not before and all(covers(step.people, item.people) for item in below):
            excepted.append(step)
            continue
        if not before:
            found.inexact.add(step.line)
        found.forbids += _forbids(step, above)
    return found


def _exact_before(step: Step, above: Iterable[Step]) -> bool:
    """Whether a forbid can leave out all that the allows above it match."""
    return all(
        covers(item.people, step.people) and not any(Untrusted() in atoms for atoms in item.matches)
        for item in above
    )


def _permits(step: Step, excepted: Iterable[Step]) -> Iterator[Part]:
    unless = frozenset(
        atoms for item in excepted if covers(item.people, step.people) for atoms in item.matches
    )
    if frozenset() not in unless:
        for atoms in step.matches:
            yield Part(atoms, unless, step.people)


def _forbids(step: Step, above: Iterable[Step]) -> Iterator[Part]:
    unless = frozenset(
        atoms
        for item in above
        if covers(item.people, step.people)
        for atoms in item.matches
        if Untrusted() not in atoms
    )
    for atoms in step.matches:
        yield Part(atoms, unless, step.people)


def both(first: Sequence[Part], second: Sequence[Part]) -> tuple[list[Part], bool]:
    """Permits for what both permit, and whether somebody who is two people at once is left out.

    Raises ValueError where they are too many, or their folders do not go together.
    """
    if Part(frozenset()) in second:
        return list(first), False
    if len(first) * len(second) > MOST:
        raise ValueError(f"more than {MOST} ways to be allowed to start and to open a file")
    found: dict[Part, None] = {}
    apart: list[tuple[Part, Part, Part]] = []
    for one in first:
        for other in second:
            atoms = together(one.atoms | other.atoms)
            if atoms is None:
                continue
            unless = one.unless | other.unless
            people = _common(one.people, other.people)
            part = Part(atoms, unless, people or frozenset())
            if people is not None:
                found[part] = None
            if people is None or not (covers(people, one.people) or covers(people, other.people)):
                apart.append((part, one, other))
    kept = _widest(list(found))
    left_out = any(
        not any(
            _within(part, wide)
            and (covers(wide.people, one.people) or covers(wide.people, other.people))
            for wide in kept
        )
        for part, one, other in apart
    )
    return kept, left_out


def _common(one: frozenset[str], other: frozenset[str]) -> frozenset[str] | None:
    """Who is one of both by the same name; None is nobody."""
    if not one or not other:
        return one or other
    return one & other or None


def _within(part: Part, wide: Part) -> bool:
    """Whether all files of one are files of the other."""
    return wide.atoms <= part.atoms and wide.unless <= part.unless


def _widest(parts: list[Part]) -> list[Part]:
    """Without those that another one includes."""
    if len(parts) > _COMPARED:
        return parts
    return [
        part
        for part in parts
        if not any(
            wide != part and _within(part, wide) and covers(wide.people, part.people)
            for wide in parts
        )
    ]


def together(atoms: frozenset[Atom]) -> frozenset[Atom] | None:
    """The same condition with one path and one hash; None if no file can meet it.

    Raises ValueError for two patterns that neither settles.
    """
    if {IsTrusted(), Untrusted()} <= atoms:
        return None
    hashes = {item for item in atoms if isinstance(item, HasHash)}
    paths = {item for item in atoms if isinstance(item, AtPath)}
    if len(hashes) > 1:
        return None
    exact = [item for item in paths if item.pattern.shape is PathShape.EXACT]
    if len(paths) < 2:
        return atoms
    if not exact:
        tree = _narrowest(paths)
        return None if tree is None else frozenset(atoms - paths | {tree})
    if not all(item.pattern.matches(exact[0].pattern.text) for item in paths):
        return None
    return frozenset(atoms - paths | {exact[0]})


def _narrowest(paths: set[AtPath]) -> AtPath | None:
    """The folder that lies in all the others, None if no file is in all of them.

    Raises ValueError where there are other patterns than folders.
    """
    if any(item.pattern.shape is not PathShape.TREE for item in paths):
        raise ValueError("a folder and a beginning of names in one rule")
    deepest = max(paths, key=lambda item: len(item.pattern.directory))
    inside = deepest.pattern.directory
    return deepest if all(inside.startswith(item.pattern.directory) for item in paths) else None
