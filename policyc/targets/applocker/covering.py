"""Whether one condition holds wherever another does, or never together with it.

Both answers are on the safe side: no means that it could not be shown.
"""

from __future__ import annotations

from policyc.targets.applocker.host import THIS, fits
from policyc.targets.applocker.model import (
    AppRule,
    Condition,
    HashCondition,
    PathCondition,
    PublisherCondition,
)


def covers(wide: Condition, narrow: Condition) -> bool:
    """Whether every file of ``narrow`` is one of ``wide``."""
    if isinstance(wide, PathCondition):
        if wide.path == "*":
            return True
        return isinstance(narrow, PathCondition) and _path_covers(wide.path, narrow.path)
    if isinstance(wide, HashCondition):
        return isinstance(narrow, HashCondition) and set(narrow.hashes) <= set(wide.hashes)
    if not isinstance(narrow, PublisherCondition):
        return False
    words = zip(_words(wide), _words(narrow), strict=True)
    same = all(own in ("*", other) for own, other in words)
    return same and wide.low <= narrow.low and narrow.high <= wide.high


def disjoint(first: Condition, second: Condition) -> bool:
    """Whether no file can be one of both."""
    if isinstance(first, PathCondition) and isinstance(second, PathCondition):
        return all(
            not _may_meet(one[0], other[0], whole=len(one) == len(other) == 1)
            for one in THIS.patterns(first.path)
            for other in THIS.patterns(second.path)
        )
    if isinstance(first, HashCondition) and isinstance(second, HashCondition):
        return not set(first.hashes) & set(second.hashes)
    if isinstance(first, PublisherCondition) and isinstance(second, PublisherCondition):
        words = zip(_words(first), _words(second), strict=True)
        apart = any("*" not in pair and pair[0] != pair[1] for pair in words)
        return apart or first.low > second.high or second.low > first.high
    return False


def rule_covers(wide: AppRule, narrow: AppRule) -> bool:
    """Whether the rule holds wherever the other does, exceptions counted."""
    return covers(wide.condition, narrow.condition) and all(
        disjoint(exception, narrow.condition)
        or any(covers(other, exception) for other in narrow.exceptions)
        for exception in wide.exceptions
    )


def _words(condition: PublisherCondition) -> tuple[str, str, str]:
    return condition.publisher.upper(), condition.product.upper(), condition.binary.upper()


def _path_covers(wide: str, narrow: str) -> bool:
    """A star of the narrow path is a letter that no piece of the wide one has."""
    return all(
        any(fits(pieces, "*".join(own)) for pieces in THIS.patterns(wide))
        for own in THIS.patterns(narrow)
    )


def _may_meet(one: str, other: str, *, whole: bool) -> bool:
    """Whether paths that begin so may be the same; both are ``whole`` if neither has a star."""
    if whole:
        return one == other
    return one.startswith(other) or other.startswith(one)
