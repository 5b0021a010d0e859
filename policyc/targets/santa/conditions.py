"""Baseline conditions as Santa identifiers and path expressions."""

from __future__ import annotations

import re

from policyc.model.identity import CdHash, Sha256Flat
from policyc.model.ir import AllOf, AtPath, HasHash, SignedBy
from policyc.model.path import PathPattern
from policyc.targets.santa.model import RuleType

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SYMLINKS = ("/tmp/", "/var/", "/etc/")  # noqa: S108  (prefixes in rules, not files)
"""Links into /private on every Mac; Santa sees the resolved path."""


def identifier_for(match: AllOf) -> tuple[RuleType, str] | None:
    """The rule type and identifier that mean exactly ``match``, or None."""
    if len(match.atoms) != 1:
        return None
    (atom,) = match.atoms
    match atom:
        case HasHash(digest=Sha256Flat() as digest):
            return RuleType.BINARY, digest.value
        case HasHash(digest=CdHash() as digest):
            return RuleType.CDHASH, digest.value
        case SignedBy():
            return _signer(atom)
        case _:
            return None


def _signer(atom: SignedBy) -> tuple[RuleType, str] | None:
    if atom.leaf is not None and atom == SignedBy(leaf=atom.leaf):
        return RuleType.CERTIFICATE, atom.leaf.value
    if atom.team is not None and atom == SignedBy(team=atom.team):
        return RuleType.TEAMID, atom.team.value
    if atom.signing_id is not None and atom == SignedBy(signing_id=atom.signing_id, team=atom.team):
        if atom.team not in (None, atom.signing_id.team) or _ILLEGAL.search(atom.signing_id.value):
            return None
        return RuleType.SIGNINGID, atom.signing_id.value
    return None


def needs_leaf(match: AllOf) -> bool:
    """Whether the certificates seen in an inventory can stand in for the condition."""
    if len(match.atoms) != 1:
        return False
    (atom,) = match.atoms
    return isinstance(atom, SignedBy) and not atom.apple


def is_platform_code(match: AllOf) -> bool:
    """Whether the condition is all of Apple's own code."""
    return match.atoms == {SignedBy(platform_binary=True)}


def pattern_for(match: AllOf) -> PathPattern | None:
    """The path of a condition that is nothing else and that a plist can carry, or None."""
    if len(match.atoms) != 1:
        return None
    (atom,) = match.atoms
    if not isinstance(atom, AtPath) or _ILLEGAL.search(atom.pattern.text):
        return None
    return atom.pattern


def expression(pattern: PathPattern) -> str:
    """A pattern as an ICU expression for the whole path, without anchors."""
    pieces = {"*": "[^/]*", "**": "(?s:.*)"}
    return "".join(pieces.get(token, _escaped(token)) for token in pattern.tokens())


def _escaped(text: str) -> str:
    """Every ASCII character that is no letter or digit gets a backslash; ICU allows that."""
    return re.sub(r"([^A-Za-z0-9\u0080-\U0010ffff])", r"\\\1", text)
