"""Whether a regular expression costs no more than linear time on any input.

The engine tries, at each start, every way to divide the text among the loops of the pattern.
Two loops that can trade characters make that quadratic, a loop in a loop exponential, and a
search adds a factor where the scans of different starts overlap. The analysis works on the
parsed pattern and errs to the side of refusing:

- loops of at most ``SMALL`` rounds are constant; so is one of at most ``BOUNDED`` rounds, as
  long as no second one of its kind can trade characters with it;
- two loops cannot trade if the second cannot begin with a character of the first, if a
  mandatory character between them is in one of them only, or if nothing behind can fail;
- a loop in a loop is sound if each outer round begins or ends with a character that the
  inner loop lacks;
- a search is sound if what stands before its first loop holds a character that this loop
  lacks, a look-behind that forbids the loop's characters, or if nothing behind can fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from re import _constants as C  # type: ignore[attr-defined]  # noqa: N812  (as re itself does)
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

SMALL = 32
BOUNDED = 512
_SPACE = range(0x300)
_ALL = frozenset(_SPACE)
_PATHS = 4096


@dataclass(frozen=True)
class Item:
    """A mandatory character, a loop, or a look-behind (``kind``) over a set of characters.

    A loop of kind ``some`` has at most ``BOUNDED`` rounds.

    ``first`` are the characters that a round of a loop can begin with.
    """

    kind: str
    chars: frozenset[int]
    first: frozenset[int] = frozenset()


class NotLinearError(Exception):
    """The pattern may cost more; the text says which part."""


def prove_linear(pattern: str | bytes, flags: int, *, searched: bool, whole: bool) -> None:
    """Raise NotLinearError unless the pattern is linear; ``whole`` adds an end to reach."""
    tree = parser.parse(pattern, flags)
    for path in _paths(tree, tree.state.flags):
        items = [*path, Item("end", frozenset())] if whole else list(path)
        _check_pairs(items)
        if searched:
            _check_search(items)


def _check_pairs(items: Sequence[Item]) -> None:
    loops = [at for at, item in enumerate(items) if item.kind in ("loop", "some")]
    for number, first in enumerate(loops):
        for second in loops[number + 1 :]:
            if items[first].kind != items[second].kind:
                continue
            if not items[first].chars & items[second].first:
                continue
            between = [item for item in items[first + 1 : second] if item.kind == "one"]
            if any(
                not item.chars & items[first].chars or not item.chars & items[second].chars
                for item in between
            ):
                continue
            if _can_fail(items[second + 1 :]):
                raise NotLinearError(f"loops {first} and {second} can trade characters")


def _check_search(items: Sequence[Item]) -> None:
    first = next((at for at, item in enumerate(items) if item.kind == "loop"), None)
    if first is None or not _can_fail(items[first + 1 :]):
        return
    chars = items[first].chars
    for item in items[:first]:
        if item.kind == "one" and not item.chars & chars:
            return
        if item.kind == "behind" and chars <= item.chars:
            return
    raise NotLinearError("a search may scan one run from each of its starts")


def _can_fail(items: Iterable[Item]) -> bool:
    return any(item.kind in ("one", "end") for item in items)


def _paths(tree: Any, flags: int) -> list[tuple[Item, ...]]:
    """All ways through the alternatives of a pattern."""
    paths: list[tuple[Item, ...]] = [()]
    for node in tree:
        ways = list(dict.fromkeys(_ways(node, flags)))
        paths = [(*path, *way) for path in paths for way in ways]
        if len(paths) > _PATHS:
            raise NotLinearError("too many alternatives to look at")
    return paths


def _ways(node: Any, flags: int) -> Iterator[tuple[Item, ...]]:
    kind, value = node
    if kind in (C.LITERAL, C.NOT_LITERAL, C.IN, C.ANY):
        yield (Item("one", chars_of(node, flags)),)
    elif kind is C.SUBPATTERN:
        yield from _paths(value[3], flags)
    elif kind is C.BRANCH:
        for alternative in value[1]:
            yield from _paths(alternative, flags)
    elif kind in (C.MAX_REPEAT, C.MIN_REPEAT, C.POSSESSIVE_REPEAT):
        yield from _repeat(value, flags)
    elif kind is C.AT:
        yield _anchor(value, flags)
    elif kind is C.ASSERT_NOT and value[0] == -1:
        ones = [chars_of(item, flags) for item in value[1]]
        yield (Item("behind", ones[0]),) if len(ones) == 1 else ()
    elif kind in (C.ASSERT, C.ASSERT_NOT):
        yield (Item("end", frozenset()),)
    else:
        raise NotLinearError(f"{kind} is not understood")


def _anchor(value: Any, flags: int) -> tuple[Item, ...]:
    if value in (C.AT_END, C.AT_END_STRING):
        return (Item("end", frozenset()),)
    if value is C.AT_BEGINNING and flags & re.MULTILINE:
        return (Item("behind", _ALL - {0x0A}),)
    if value in (C.AT_BEGINNING, C.AT_BEGINNING_STRING):
        return (Item("behind", _ALL),)
    return ()


def _repeat(value: Any, flags: int) -> Iterator[tuple[Item, ...]]:
    low, high, body = value
    for path in _paths(body, flags):
        inner = [item for item in path if item.kind in ("loop", "some")]
        ones = [item for item in path if item.kind == "one"]
        if high > SMALL:
            for loop in inner:
                if all(item.chars & loop.chars for item in ones):
                    raise NotLinearError("a loop in a loop")
            union = frozenset().union(*(item.chars for item in (*ones, *inner)))
            first = path[0].first or path[0].chars if path else union
            needed = ones if low else ()
            yield (*needed, Item("some" if high <= BOUNDED else "loop", union, first))
        else:
            rounds = min(high, 2)
            yield path * rounds
            if low == 0:
                yield ()


def chars_of(node: Any, flags: int) -> frozenset[int]:
    """The characters (below U+0300) that a one-character node takes."""
    kind, value = node
    if kind is C.ANY:
        return _ALL
    if kind is C.LITERAL:
        found = frozenset({value})
    elif kind is C.NOT_LITERAL:
        return _ALL - {value}
    elif kind is C.IN:
        return _set_of(value, flags)
    else:
        raise NotLinearError(f"{kind} in a place for one character")
    return _both_cases(found) if flags & re.IGNORECASE else found


def _set_of(value: Any, flags: int) -> frozenset[int]:
    found: frozenset[int] = frozenset()
    negated = False
    for kind, part in value:
        if kind is C.NEGATE:
            negated = True
        elif kind is C.LITERAL:
            found |= {part}
        elif kind is C.RANGE:
            found |= frozenset(range(part[0], min(part[1], _SPACE.stop - 1) + 1))
        elif kind is C.CATEGORY:
            found |= _category(part)
        else:
            raise NotLinearError(f"{kind} in a set")
    if flags & re.IGNORECASE:
        found = _both_cases(found)
    return _ALL - found if negated else found


def _both_cases(chars: frozenset[int]) -> frozenset[int]:
    text = "".join(map(chr, chars))
    return frozenset(map(ord, text + text.lower() + "".join(filter(_single, map(str.upper, text)))))


def _single(text: str) -> bool:
    return len(text) == 1


def _category(part: Any) -> frozenset[int]:
    classes = {
        C.CATEGORY_DIGIT: r"\d",
        C.CATEGORY_NOT_DIGIT: r"\D",
        C.CATEGORY_SPACE: r"\s",
        C.CATEGORY_NOT_SPACE: r"\S",
        C.CATEGORY_WORD: r"\w",
        C.CATEGORY_NOT_WORD: r"\W",
    }
    compiled = re.compile(classes[part])
    return frozenset(code for code in _SPACE if compiled.match(chr(code)))
