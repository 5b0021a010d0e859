"""The policy language: permit and forbid rules over facts, forbid wins, default deny."""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from policyc.model.diagnostic import Level
from policyc.model.enumeration import Enumeration
from policyc.model.facts import Collection, Platform
from policyc.model.identity import (
    CertSha256,
    Digest,
    Oid,
    PublisherName,
    SigningId,
    TbsHash,
    TeamId,
)
from policyc.model.path import PathPattern
from policyc.model.span import NOWHERE, Span
from policyc.model.version import VersionRange
from policyc.model.waiver import Waiver

NAMESPACE = uuid.UUID("6f1c3f2e-54b4-5d0c-8d4e-0b7f1c1d9a52")
"""Namespace of every content-derived id; changing it changes every id policyc ever wrote."""
_NAMESPACE_BYTES = NAMESPACE.bytes


class Effect(Enumeration):
    """What a rule does with the files it matches."""

    PERMIT = "permit"
    FORBID = "forbid"


_PERMIT, _FORBID = Effect.PERMIT.value, Effect.FORBID.value


class Mode(Enumeration):
    """Whether a policy only reports or also blocks (enforcement mode)."""

    AUDIT = "audit"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class HasHash:
    """The file has this digest, of this kind."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class HasAnyHash:
    """The file has one of these digests, all of one kind: what an inventory is permitted by.

    It means the same as a rule for each digest (``model.lists``), in a thousandth of the memory.
    """

    kind: type[Digest]
    digests: frozenset[str]
    ordered: tuple[str, ...] = field(init=False, compare=False, repr=False)
    fingerprint: str = field(init=False, compare=False, repr=False)
    """SHA-256 of the sorted digests: what stands for them in the rule's meaning."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ordered", tuple(sorted(self.digests)))
        text = "\n".join(self.ordered).encode("ascii")
        object.__setattr__(self, "fingerprint", hashlib.sha256(text).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBy:
    """One signature of the file satisfies everything that is not None.

    ``issuer`` names any certificate of the chain by TBS hash, the leaf included (the rule
    App Control follows). ``common_name`` is the leaf's CN and ``program`` the name that the
    signer gave the program (SpcSpOpusInfo), both compared exactly. ``platform_binary`` is
    Apple's own code, whose signing ID begins with ``platform``. ``team``, ``signing_id`` and
    ``platform_binary`` need a PRODUCTION signature, everything else one that is PRODUCTION or
    DEVELOPMENT (SNTRuleIdentifiers.mm).
    """

    leaf: CertSha256 | None = None
    issuer: TbsHash | None = None
    publisher: PublisherName | None = None
    common_name: str | None = None
    team: TeamId | None = None
    signing_id: SigningId | None = None
    eku: Oid | None = None
    program: str | None = None
    platform_binary: Literal[True] | None = None

    @property
    def apple(self) -> bool:
        """Whether only code that Apple's tools signed can satisfy it."""
        return any(item is not None for item in (self.team, self.signing_id, self.platform_binary))


@dataclass(frozen=True, slots=True, kw_only=True)
class IsProduct:
    """The PE version resource says this; names compare without case, all given must hold.

    A version range other than "any" needs a binary file version inside it; a file without
    one counts as 0.0.0.0, as App Control and AppLocker count it.
    """

    name: str | None = None
    original_filename: str | None = None
    internal_name: str | None = None
    file_description: str | None = None
    version: VersionRange = field(default_factory=VersionRange)

    @property
    def names(self) -> tuple[str | None, ...]:
        """Product name, original file name, internal name and description, in this order."""
        return (self.name, self.original_filename, self.internal_name, self.file_description)


@dataclass(frozen=True, slots=True)
class AtPath:
    """The file stands at a path in the pattern."""

    pattern: PathPattern


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPackage:
    """A package delivered the file; ``name`` None means any package of the manager."""

    manager: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class OfType:
    """fapolicyd's MIME type of the file is this one."""

    ftype: str


@dataclass(frozen=True, slots=True)
class IsTrusted:
    """The endpoint's package database vouches for the file (fapolicyd trust)."""


@dataclass(frozen=True, slots=True)
class HasMasquerade:
    """The file has a masquerade finding at this level or a worse one.

    With ``codes`` (sorted) it is a finding of one of these checks.
    """

    level: Level
    codes: tuple[str, ...] = ()


Atom: TypeAlias = (
    HasHash
    | HasAnyHash
    | SignedBy
    | IsProduct
    | AtPath
    | FromPackage
    | OfType
    | IsTrusted
    | HasMasquerade
)
"""A closed union: every consumer matches it exhaustively and ends in assert_never."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every atom holds. The empty conjunction holds for every file."""

    atoms: frozenset[Atom]


class RuleId(NamedTuple):
    """A UUIDv5 of the rule's meaning, lower case with hyphens.

    A tuple, because ids are what the tables of a hundred thousand rules are looked up by.
    """

    value: str

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One permit or forbid rule.

    It applies to a file of one of its collections, on one of its platforms, that satisfies
    ``match`` and none of ``unless``. Principals are SIDs or user and group names; empty means
    everybody. ``name``, ``origin``, ``note``, ``owner`` and ``until`` are not part of its
    meaning: after ``until``, the last day it is meant for, it stays in force.
    """

    effect: Effect
    match: AllOf
    unless: frozenset[AllOf] = frozenset()
    collections: frozenset[Collection] = frozenset(Collection)
    platforms: frozenset[Platform] = frozenset(Platform)
    principals: frozenset[str] = frozenset()
    name: str = field(default="", compare=False)
    origin: Span = field(default=NOWHERE, compare=False)
    note: str = field(default="", compare=False)
    owner: str = field(default="", compare=False, repr=False)
    until: dt.date | None = field(default=None, compare=False, repr=False)
    id: RuleId = field(init=False, compare=False)
    """Derived from the meaning: the same rule has the same id in every artifact and every run.

    Made when it is first asked for: a comparison asks for those of a few rules only.
    """

    if not TYPE_CHECKING:  # or every misspelt name would be an attribute

        def __getattr__(self, name: str) -> RuleId:
            """The id, which is the only one of the slots that may be empty."""
            if name != "id":
                raise AttributeError(name, name=name, obj=self)
            own = _id_of(canonical(self))
            object.__setattr__(self, "id", own)
            return own


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedLoss:
    """The baseline accepts a widening loss by code, target and (optionally) rule.

    ``until`` is the last day on which it is meant to hold; ``policyc lint`` says when it is due.
    """

    code: str
    target: str
    reason: str
    rule: str | None = None
    owner: str = ""
    until: dt.date | None = None
    origin: Span = field(default=NOWHERE, compare=False)


Setting: TypeAlias = str | bool | int | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSettings:
    """What a baseline says about one target.

    ``collections`` None means all that the target can govern of what the baseline governs.
    ``modes`` gives single collections a mode of their own; ``mode`` is for the others.
    ``values`` holds the target's own settings, typed by its capabilities.
    """

    mode: Mode | None = None
    collections: frozenset[Collection] | None = None
    modes: Mapping[Collection, Mode] = field(default_factory=dict)
    values: Mapping[str, Setting] = field(default_factory=dict)
    origin: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyIR:
    """A whole policy. ``rules`` is a set: order and duplicates mean nothing."""

    name: str
    governs: Mapping[Collection, Mode]
    rules: frozenset[Rule]
    accepted: tuple[AcceptedLoss, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    targets: Mapping[str, TargetSettings] = field(default_factory=dict)
    origin: Span = field(default=NOWHERE, compare=False)

    def ordered(self) -> tuple[Rule, ...]:
        """The rules by id: the order everything deterministic iterates in."""
        return tuple(sorted(self.rules, key=by_id))


def by_id(rule: Rule) -> str:
    """The key that rules are sorted by."""
    return rule.id.value


def canonical(rule: Rule) -> str:
    """The text a rule's id is derived from: its meaning, independent of field order."""
    where = _where(rule.collections, rule.platforms)
    unless = ["unless", *sorted(map(canonical_match, rule.unless))] if rule.unless else ["unless"]
    whom = ["principals", *sorted(rule.principals)] if rule.principals else ["principals"]
    effect = _PERMIT if rule.effect is Effect.PERMIT else _FORBID
    return "\x1f".join([effect, canonical_match(rule.match), *unless, where, *whom])


@lru_cache(maxsize=512)
def _where(collections: frozenset[Collection], platforms: frozenset[Platform]) -> str:
    """The same for most rules of a policy."""
    own = sorted(item.value for item in collections), sorted(item.value for item in platforms)
    return "\x1f".join(["collections", *own[0], "platforms", *own[1]])


def _id_of(meaning: str) -> RuleId:
    """UUIDv5 of a meaning (RFC 9562); a hundred thousand are made, so without the class for it."""
    # Names from binaries can hold lone surrogates, which UTF-8 cannot.
    name = meaning.encode("utf-8", "backslashreplace")
    raw = bytearray(hashlib.sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x50
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return RuleId(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")


def canonical_match(match: AllOf) -> str:
    """An unambiguous text for a conjunction, whatever the order of its atoms."""
    if len(match.atoms) == 1:
        return canonical_atom(*match.atoms)
    return "\x1d".join(sorted(canonical_atom(atom) for atom in match.atoms))


def canonical_atom(atom: Atom) -> str:
    """An unambiguous text for an atom; also the order atoms are printed in."""
    if isinstance(atom, HasHash):
        return f"HasHash\x1edigest={type(atom.digest).__name__}:{atom.digest.value}"
    if isinstance(atom, HasAnyHash):
        return f"HasAnyHash\x1e{atom.kind.__name__}:{atom.fingerprint}"
    fields = [type(atom).__name__]
    for slot in atom.__slots__:
        value = getattr(atom, slot)
        if value is None or value == ():
            continue
        text = value.value if isinstance(value, enum.Enum) else str(value)
        fields.append(f"{slot}={text}")
    return "\x1e".join(fields)
