"""XML to the model with everything that is wrong in it, each at its line and column.

What the schema (AppIdPolicy.xsd) refuses is a problem, and what it lets through although no
engine could take it: an unknown collection type, a version of other than four 16-bit parts, a
hash of the wrong length, ids that differ in case only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.targets.applocker.model import (
    Action,
    AppLockerPolicy,
    AppRule,
    CollectionType,
    Condition,
    EnforcementMode,
    Extensions,
    FileHash,
    HashCondition,
    PathCondition,
    PublisherCondition,
    RuleCollection,
)
from policyc.targets.applocker.tree import Node

E = TypeVar("E", bound=Enum)

_GUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}", re.ASCII)
_HASH = re.compile(r"0x(?:[0-9A-Fa-f]{64}|[0-9A-Fa-f]{40})", re.ASCII)
_SID = re.compile(r"S-1(?:-[0-9A-Fa-f]+)+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{0,20})?", re.ASCII)
_RULES = {
    "FilePublisherRule": PublisherCondition,
    "FilePathRule": PathCondition,
    "FileHashRule": HashCondition,
}
_DIGITS = {"SHA256": 64, "SHA256Flat": 64, "SHA1": 40}
_RULE_ATTRIBUTES = ("Id", "Name", "Description", "UserOrGroupSid", "Action")
_MOST_TEXT = 1024
_MOST_PATH = 32_767


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something that is refused. ``code`` is that of the lint rule which tells it."""

    line: int
    column: int
    message: str
    code: str = "A001"


@dataclass(frozen=True, slots=True)
class Placed:
    """A collection, and the line of it and of each of its rules (0 where there are no lines)."""

    collection: RuleCollection
    line: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read, and the problems in the order of the document.

    ``wrapped`` is false for a bare RuleCollection, the form of Intune.
    """

    placed: tuple[Placed, ...]
    problems: tuple[Problem, ...] = ()
    wrapped: bool = True

    @property
    def policy(self) -> AppLockerPolicy:
        """The collections that could be read; a rule with a problem is not in them."""
        return AppLockerPolicy(collections=tuple(item.collection for item in self.placed))


class _RefusedError(Exception):
    def __init__(self, node: Node, what: str, code: str = "A001") -> None:
        super().__init__(what)
        message = f"<{node.tag}> {what}"
        self.problem = Problem(node.line, node.column, message, code)


def read(root: Node) -> Reading:
    """Read an AppLockerPolicy or a RuleCollection; never raises."""
    reader = _Reader()
    wrapped = root.tag != "RuleCollection"
    placed: list[Placed] = []
    if not wrapped:
        placed += reader.collection(root)
    elif root.tag == "AppLockerPolicy":
        reader.keep(lambda: _only(root, ("Version",)))
        reader.keep(lambda: _decimal(root))
        for child in root.children:
            placed += reader.collection(child)
    else:
        reader.refuse(root, "is no AppLockerPolicy")
    return Reading(tuple(placed), tuple(sorted(reader.problems)), wrapped)


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._types: set[CollectionType] = set()
        self._ids: set[str] = set()

    def refuse(self, node: Node, what: str, code: str = "A001") -> None:
        """Note a problem."""
        self.problems.append(_RefusedError(node, what, code).problem)

    def keep(self, make: Callable[[], E | None]) -> E | None:
        """The value, or None with the problem noted."""
        try:
            return make()
        except _RefusedError as error:
            self.problems.append(error.problem)
            return None

    def collection(self, node: Node) -> Iterator[Placed]:
        """One collection, unless its type cannot be read; a mode that cannot counts as audit."""
        if node.tag != "RuleCollection":
            self.refuse(node, "is not supported")
            return
        self.keep(lambda: _only(node, ("Type", "EnforcementMode")))
        mode = self.keep(lambda: _word(node, "EnforcementMode", EnforcementMode, "NotConfigured"))
        kind = self.keep(lambda: _word(node, "Type", CollectionType))
        if kind in self._types:
            self.refuse(node, "is the second collection of its type")
            kind = None
        rules, lines = self._rules(node)
        extensions = self._extended(node)
        if kind is None:
            return
        self._types.add(kind)
        own = RuleCollection(
            type=kind,
            mode=mode or EnforcementMode.AUDIT_ONLY,
            rules=tuple(rules),
            extensions=extensions,
        )
        yield Placed(own, node.line, tuple(lines))

    def _rules(self, node: Node) -> tuple[list[AppRule], list[int]]:
        rules: list[AppRule] = []
        lines: list[int] = []
        for child in node.children:
            if child.tag == "RuleCollectionExtensions":
                continue
            try:
                rule = _rule(child)
            except _RefusedError as error:
                self.problems.append(error.problem)
                continue
            if rule.id.lower() in self._ids:
                self.refuse(child, f"has the id {rule.id} of an earlier rule", "A003")
                continue
            self._ids.add(rule.id.lower())
            rules.append(rule)
            lines.append(child.line)
        return rules, lines

    def _extended(self, node: Node) -> Extensions | None:
        found = [item for item in node.children if item.tag == "RuleCollectionExtensions"]
        if not found:
            return None
        if len(found) > 1 or node.children[-1] is not found[0]:
            self.refuse(found[0], "must stand once, behind the rules", "A008")
        try:
            return _extensions(found[0])
        except _RefusedError as error:
            self.problems.append(error.problem)
            return None


def _only(node: Node, names: tuple[str, ...]) -> None:
    unknown = [name for name in node.attributes if name not in names]
    if unknown:
        raise _RefusedError(node, f"has an unknown attribute {min(unknown)}")
    if node.stray:
        raise _RefusedError(node, "has text in it")


def _decimal(node: Node) -> None:
    if not _DECIMAL.fullmatch(_attribute(node, "Version").strip()):
        raise _RefusedError(node, "has no number for its Version")


def _attribute(node: Node, name: str) -> str:
    value = node.attributes.get(name)
    if value is None:
        raise _RefusedError(node, f"has no {name}")
    return value


def _word(node: Node, name: str, kind: type[E], otherwise: str | None = None) -> E:
    text = node.attributes.get(name, otherwise)
    if text is None:
        raise _RefusedError(node, f"has no {name}")
    try:
        return kind(text)
    except ValueError as error:
        possible = ", ".join(str(item.value) for item in kind)
        raise _RefusedError(node, f"has the {name} {text!r}; possible: {possible}") from error


def _rule(node: Node) -> AppRule:
    if node.tag not in _RULES:
        raise _RefusedError(node, "is not supported")
    _only(node, _RULE_ATTRIBUTES)
    condition, exceptions = _conditions(node)
    name, description = _attribute(node, "Name"), _attribute(node, "Description")
    if not 1 <= len(name) <= _MOST_TEXT or len(description) > _MOST_TEXT:
        raise _RefusedError(node, f"has a name or description of more than {_MOST_TEXT}, or none")
    identifier, sid = _attribute(node, "Id"), _attribute(node, "UserOrGroupSid")
    if not _GUID.fullmatch(identifier):
        raise _RefusedError(node, f"has the id {identifier!r}, which is no GUID")
    if not _SID.fullmatch(sid) or len(sid) < len("S-1-1-0"):
        raise _RefusedError(node, f"is for {sid!r}, which is no SID")
    return AppRule(
        id=identifier,
        name=name,
        description=description,
        sid=sid,
        action=_word(node, "Action", Action),
        condition=condition,
        exceptions=exceptions,
    )


def _conditions(node: Node) -> tuple[Condition, tuple[Condition, ...]]:
    """The one condition, of the rule's own kind, and the exceptions; either may come first."""
    parts: dict[str, list[Condition]] = {}
    for child in node.children:
        if child.tag not in ("Conditions", "Exceptions") or child.tag in parts:
            raise _RefusedError(child, "is not supported")
        _only(child, ())
        parts[child.tag] = [_condition(item) for item in child.children]
    conditions = parts.get("Conditions", [])
    if len(conditions) != 1 or not isinstance(conditions[0], _RULES[node.tag]):
        raise _RefusedError(node, "has not exactly one condition of its kind")
    if "Exceptions" in parts and isinstance(conditions[0], HashCondition):
        raise _RefusedError(node, "is a hash rule, which has no exceptions")
    return conditions[0], tuple(parts.get("Exceptions", []))


def _condition(node: Node) -> Condition:
    match node.tag:
        case "FilePublisherCondition":
            return _publisher(node)
        case "FilePathCondition":
            _only(node, ("Path",))
            path = _attribute(node, "Path")
            if not 1 <= len(path) <= _MOST_PATH:
                raise _RefusedError(node, f"has a path of {len(path)} characters")
            return PathCondition(path=path)
        case "FileHashCondition":
            _only(node, ())
            if not node.children:
                raise _RefusedError(node, "has no hash")
            return HashCondition(hashes=tuple(_hash(child) for child in node.children))
        case _:
            raise _RefusedError(node, "is not supported")


def _publisher(node: Node) -> PublisherCondition:
    _only(node, ("PublisherName", "ProductName", "BinaryName"))
    if len(node.children) != 1 or node.children[0].tag != "BinaryVersionRange":
        raise _RefusedError(node, "has not exactly one BinaryVersionRange")
    publisher = _attribute(node, "PublisherName")
    if not publisher:
        raise _RefusedError(node, "has an empty PublisherName")
    span = node.children[0]
    _only(span, ("LowSection", "HighSection"))
    return PublisherCondition(
        publisher=publisher,
        product=_attribute(node, "ProductName"),
        binary=_attribute(node, "BinaryName"),
        low=_version(span, "LowSection", LOWEST),
        high=_version(span, "HighSection", HIGHEST),
        written=(_attribute(span, "LowSection"), _attribute(span, "HighSection")),
    )


def _version(node: Node, name: str, limit: FileVersion) -> FileVersion:
    text = _attribute(node, name)
    if text == "*":
        return limit
    try:
        return FileVersion.parse(text)
    except ValueError as error:
        raise _RefusedError(node, f"{name}: {error}", "A010") from error


def _hash(node: Node) -> FileHash:
    if node.tag != "FileHash":
        raise _RefusedError(node, "is not supported")
    _only(node, ("Type", "Data", "SourceFileName", "SourceFileLength"))
    kind, data = _attribute(node, "Type"), _attribute(node, "Data")
    if not _HASH.fullmatch(data) or _DIGITS.get(kind) != len(data) - 2:
        raise _RefusedError(node, f"has no {kind} hash", "A010")
    names = ("SourceFileName", "SourceFileLength")
    source = (node.attributes.get(names[0]), node.attributes.get(names[1]))
    return FileHash(kind=kind, data=data[2:].lower(), source=source)


def _extensions(node: Node) -> Extensions:
    known = {"ThresholdExtensions", "RedstoneExtensions", "Services", "SystemApps"}
    for item in node.below():
        if item.tag not in known:
            raise _RefusedError(item, "is not supported", "A008")
    threshold, redstone = node.find("ThresholdExtensions"), node.find("RedstoneExtensions")
    services = None if threshold is None else threshold.find("Services")
    system_apps = None if redstone is None else redstone.find("SystemApps")
    return Extensions(
        services=None
        if services is None
        else _choice(services, "EnforcementMode", ("NotConfigured", "Enabled", "ServicesOnly")),
        system_apps=None
        if system_apps is None
        else _choice(system_apps, "Allow", ("Enabled", "NotEnabled")),
    )


def _choice(node: Node, name: str, possible: tuple[str, ...]) -> str:
    text = _attribute(node, name)
    if text not in possible:
        message = f"has the {name} {text!r}; possible: {', '.join(possible)}"
        raise _RefusedError(node, message, "A008")
    return text
