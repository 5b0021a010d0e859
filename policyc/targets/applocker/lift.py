"""An AppLocker policy, XML or registry.pol, as a baseline; what a baseline cannot say is told.

Sources: the collections and variables of "Understanding the path rule condition in AppLocker",
"Working with AppLocker rules" (NotConfigured with rules is enforced). %PROGRAMFILES% is both
folders on the system drive, never any folder of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from policyc.model.artifact import Artifact
from policyc.model.facts import Collection, Platform
from policyc.model.identity import AuthenticodeSha256, PublisherName, Sha256Flat
from policyc.model.ir import (
    AllOf,
    AtPath,
    Effect,
    HasHash,
    IsProduct,
    Mode,
    PolicyIR,
    Rule,
    SignedBy,
    TargetSettings,
)
from policyc.model.path import PathPattern
from policyc.model.version import VersionRange
from policyc.targets.applocker.model import (
    EVERYONE,
    Action,
    AppLockerPolicy,
    AppRule,
    CollectionType,
    Condition,
    EnforcementMode,
    FileHash,
    HashCondition,
    PathCondition,
    PublisherCondition,
    RuleCollection,
)
from policyc.targets.applocker.parse import parse
from policyc.targets.applocker.registry import is_registry_policy, policy_of, read_entries
from policyc.targets.lifted import Lifted, Note

_COLLECTIONS = {
    CollectionType.EXE: Collection.EXECUTABLE,
    CollectionType.DLL: Collection.LIBRARY,
    CollectionType.SCRIPT: Collection.SCRIPT,
    CollectionType.MSI: Collection.INSTALLER,
    CollectionType.APPX: Collection.PACKAGED_APP,
}
_PROGRAMS = ("C:\\Program Files", "C:\\Program Files (x86)")
_VARIABLES = {
    "%OSDRIVE%": ("C:",),
    "%WINDIR%": ("C:\\Windows",),
    "%SYSTEM32%": ("C:\\Windows\\System32", "C:\\Windows\\SysWOW64"),
    "%PROGRAMFILES%": _PROGRAMS,
}
_PE = frozenset({Collection.EXECUTABLE, Collection.LIBRARY})


_WINDOWS = frozenset({Platform.WINDOWS})
_ONLY = {kind: frozenset({kind}) for kind in Collection}
"""One set for all rules of a collection."""


class _NotLiftedError(Exception):
    """Why a baseline cannot say a condition."""


def lift_artifact(artifact: Artifact) -> Lifted:
    """Read a policy and lift it; ArtifactError for what is no AppLocker policy."""
    if is_registry_policy(artifact.data):
        return lift(policy_of(read_entries(artifact.data)))
    return lift(parse((artifact,)))


def lift(policy: AppLockerPolicy) -> Lifted:
    """The baseline that decides as the policy does, as far as its notes do not say otherwise."""
    lifting = _Lifting()
    for collection in policy.collections:
        lifting.collection(collection)
    governs = {item: lifting.governs[item] for item in sorted(lifting.governs, key=_by_value)}
    found = PolicyIR(
        name="Imported from AppLocker",
        governs=governs or {Collection.EXECUTABLE: Mode.AUDIT},
        rules=frozenset(lifting.rules),
        targets={"applocker": TargetSettings()},
    )
    if not governs:
        lifting.note("the policy decides about no kind of file that a baseline governs")
    return Lifted(policy=found, notes=tuple(dict.fromkeys(lifting.notes)))


def _by_value(item: Collection) -> str:
    return item.value


@dataclass
class _Lifting:
    rules: set[Rule] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)
    governs: dict[Collection, Mode] = field(default_factory=dict)

    def note(self, message: str, *, lost: bool = True) -> None:
        self.notes.append(Note(message=message, lost=lost))

    def collection(self, own: RuleCollection) -> None:
        """The rules of one collection, and whether it is governed."""
        kind = _COLLECTIONS.get(own.type)
        if kind is None:
            self.note("managed installers have no place in a baseline: left out")
            return
        if not own.rules:
            if own.mode is not EnforcementMode.NOT_CONFIGURED:
                self.note(f"{own.type.value} has no rules and so allows everything", lost=False)
            return
        if own.mode is EnforcementMode.NOT_CONFIGURED:
            message = f"{own.type.value} is not configured, which with rules is enforced"
            self.note(message, lost=False)
        audit = own.mode is EnforcementMode.AUDIT_ONLY
        self.governs[kind] = Mode.AUDIT if audit else Mode.ENFORCE
        for rule in own.rules:
            self._rule(rule, kind)

    def _rule(self, rule: AppRule, kind: Collection) -> None:
        effect = Effect.PERMIT if rule.action is Action.ALLOW else Effect.FORBID
        try:
            matches = list(_alternatives(rule.condition, kind))
        except _NotLiftedError as error:
            self.note(f"{rule.id} {rule.name!r}: {error}: left out")
            return
        unless = frozenset(self._unless(rule, kind))
        principals = frozenset[str]() if rule.sid == EVERYONE else frozenset({rule.sid})
        self.rules.update(
            Rule(
                effect=effect,
                match=match,
                unless=unless,
                collections=_ONLY[kind],
                platforms=_WINDOWS,
                principals=principals,
                name=rule.name,
                note=rule.description,
            )
            for match in matches
        )

    def _unless(self, rule: AppRule, kind: Collection) -> Iterator[AllOf]:
        for exception in rule.exceptions:
            try:
                yield from _alternatives(exception, kind)
            except _NotLiftedError as error:
                self.note(f"{rule.id} {rule.name!r}: an exception: {error}: left out")


def _alternatives(condition: Condition, kind: Collection) -> Iterator[AllOf]:
    if isinstance(condition, HashCondition):
        for item in condition.hashes:
            yield AllOf(frozenset({_digest(item, kind)}))
    elif isinstance(condition, PathCondition):
        yield from _paths(condition.path)
    elif kind is Collection.PACKAGED_APP:
        yield _app(condition)
    else:
        yield _publisher(condition)


def _digest(item: FileHash, kind: Collection) -> HasHash:
    if item.kind == "SHA1":
        raise _NotLiftedError("a SHA-1 hash")
    if item.kind == "SHA256" and kind in _PE:
        return HasHash(AuthenticodeSha256(item.data))
    return HasHash(Sha256Flat(item.data))


def _app(condition: PublisherCondition) -> AllOf:
    """A condition about packaged apps: any publisher is any app, the binary is always APPX."""
    _check_texts(condition)
    if condition.binary.upper() not in ("*", "APPX"):
        raise _NotLiftedError(f"the binary {condition.binary!r} of a packaged app")
    atoms: set[SignedBy | IsProduct] = set()
    if condition.publisher != "*":
        atoms.add(SignedBy(publisher=PublisherName(condition.publisher)))
    product = _product(condition, binary="*")
    return AllOf(frozenset(atoms if product == IsProduct() else {*atoms, product}))


def _check_texts(condition: PublisherCondition) -> None:
    texts = (condition.publisher, condition.product, condition.binary)
    if any("*" in text and text != "*" for text in texts):
        raise _NotLiftedError("a publisher, product or binary with a star among other letters")
    if not all(text.strip() == text and text for text in texts):
        raise _NotLiftedError("an empty publisher, product or binary")


def _product(condition: PublisherCondition, *, binary: str) -> IsProduct:
    try:
        return IsProduct(
            name=None if condition.product == "*" else condition.product,
            original_filename=None if binary == "*" else binary,
            version=VersionRange(low=condition.low, high=condition.high),
        )
    except ValueError as error:
        raise _NotLiftedError(str(error)) from error


def _publisher(condition: PublisherCondition) -> AllOf:
    _check_texts(condition)
    if condition.publisher == "*":
        raise _NotLiftedError("any publisher")
    if not condition.publisher.upper().startswith("O="):
        raise _NotLiftedError(f"a publisher that is no O=…: {condition.publisher!r}")
    atoms: set[SignedBy | IsProduct] = {SignedBy(publisher=PublisherName(condition.publisher))}
    product = _product(condition, binary=condition.binary)
    if product != IsProduct():
        atoms.add(product)
    return AllOf(frozenset(atoms))


def _paths(text: str) -> Iterator[AllOf]:
    if text == "*":
        yield AllOf(frozenset())
        return
    if ":" in text[2:]:
        raise _NotLiftedError(f"streams of a folder ({text})")
    head, mark, tail = text.partition("\\")
    starts = (head,) if "%" not in head else _VARIABLES.get(head.upper(), ())
    if not starts:
        raise _NotLiftedError(f"{head} is no folder that a baseline knows")
    if not mark or "%" in tail or "?" in tail:
        raise _NotLiftedError(f"a baseline has no such path: {text}")
    for start in starts:
        pattern = f"{start}\\{tail}".replace("*", "**")
        while "****" in pattern:
            pattern = pattern.replace("****", "**")
        try:
            yield AllOf(frozenset({AtPath(PathPattern(pattern))}))
        except ValueError as error:
            raise _NotLiftedError(str(error)) from error
