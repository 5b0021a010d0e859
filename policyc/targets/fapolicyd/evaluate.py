"""What fapolicyd decides about a file: rules from top to bottom, the first match decides.

Source: policy.c and rules.c. The subject is trusted and in the middle of its life, so no
start-up pattern fits, and no rule names its user, group or program unless it is asked for.
Permissive mode decides the same and only reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from policyc.model.decision import Decision, Tri, Verdict
from policyc.model.facets import LONGEST_FOLDER, flat, parents
from policyc.model.facts import UNKNOWN, Collection, FileFacts, PackageState
from policyc.model.index import REMEMBERED, Facet, Index, once_per_object
from policyc.targets.fapolicyd.model import FapolicydPolicy, FaRule, TrustEntry
from policyc.targets.fapolicyd.people import subject_of

Subject: TypeAlias = Mapping[str, frozenset[str]]
_FILTERED = ("/usr/share/", "/usr/src/")
"""Folders that the usual fapolicyd-filter.conf leaves out in part."""
_EVENTS = {
    # An execve is an execute and then an open of the same file; either can deny it.
    Collection.EXECUTABLE: ("execute", "open"),
    Collection.LIBRARY: ("open",),
    # An interpreter only opens a script, so an open that is allowed runs it.
    Collection.SCRIPT: ("open",),
}


def evaluate(policy: FapolicydPolicy, facts: FileFacts) -> Decision:
    """The decision, with the number of the rule as the daemon's log gives it."""
    return _index(policy).decide(facts, frozenset())


def evaluate_for(policy: FapolicydPolicy, facts: FileFacts, principals: frozenset[str]) -> Decision:
    """``evaluate`` for somebody who is all of the principals that a rule can name."""
    return _index(policy).decide(facts, principals)


def _subject(principals: frozenset[str]) -> Subject:
    own: dict[str, set[str]] = {"trust": {"1"}}
    for name in principals:
        found = subject_of(name)
        if found is not None:
            own.setdefault(found[0], set()).add(found[1])
    return {name: frozenset(values) for name, values in own.items()}


def _decided(index: _Index, facts: FileFacts, subject: Subject) -> Decision:
    events = () if facts.collection is None else _EVENTS.get(facts.collection, ())
    if not events:
        return Decision(verdict=Verdict.NOT_GOVERNED, reason="opened as data")
    decision = Decision(verdict=Verdict.NOT_GOVERNED)
    rules = index.rules.find(facts)
    for event in events:
        decision = _event(index, rules, facts, event, subject)
        if decision.verdict is not Verdict.ALLOW:
            return decision
    return decision


def _event(
    index: _Index,
    rules: list[tuple[int, FaRule]],
    facts: FileFacts,
    event: str,
    subject: Subject,
) -> Decision:
    for number, rule in rules:
        if rule.perm not in (event, "any"):
            continue
        value = _matches(rule, index, facts, subject)
        if value is None:
            return Decision(verdict=Verdict.UNDETERMINED, reason=f"rule={number} needs a fact")
        if value:
            verdict = Verdict.ALLOW if rule.decision.startswith("allow") else Verdict.DENY
            return Decision(verdict=verdict, reason=f"rule={number} perm={event}")
    return Decision(verdict=Verdict.ALLOW, reason=f"rule=0 perm={event} no-opinion")


def _matches(rule: FaRule, index: _Index, facts: FileFacts, subject: Subject) -> Tri:
    for name, value in rule.subject:
        if subject.get(name, frozenset()).isdisjoint(index.values(value)):
            return False
    unknown = False
    for name, value in rule.object:
        held = _field(name, value, index, facts)
        if held is False:
            return False
        unknown = unknown or held is None
    return None if unknown else True


def _field(name: str, value: str, index: _Index, facts: FileFacts) -> Tri:
    values = index.values(value)
    match name:
        case "path":
            return facts.path in values
        case "dir":
            return any(facts.path.startswith(item) for item in values)
        case "ftype":
            if "any" in values:
                return True
            return None if facts.ftype is UNKNOWN else facts.ftype in values
        case "trust":
            own = index.trusted(facts)
            return None if own is None else own == (value == "1")
        case "sha256hash" | "filehash":
            digest = facts.hashes.sha256
            if digest is UNKNOWN:
                return None
            return digest is not None and digest.value in values
        case _:
            return False


_Alike: TypeAlias = tuple[object, ...]


class _Index:
    """Sets as sets, trust by path and rules by what they need, built once for a policy."""

    def __init__(self, policy: FapolicydPolicy) -> None:
        self._sets = {f"%{item.name}": item.values for item in policy.sets}
        self._values: dict[str, frozenset[str]] = {}
        self._database = "rpmdb" in dict(policy.conf).get("trust", "").split(",")
        self._trust = {entry.path: entry for entry in policy.trust}
        self._more: dict[str, list[TrustEntry]] = {}
        """All entries of the paths that have several."""
        if len(self._trust) < len(policy.trust):
            for entry in policy.trust:
                self._more.setdefault(entry.path, []).append(entry)
        self.rules: Index[FileFacts, tuple[int, FaRule]] = Index(_FACETS)
        for number, rule in enumerate(policy.rules, 1):
            facet, values = _facet(rule, self)
            self.rules.add((number, rule), facet, values, certain=_is_certain(rule, facet))
        self._subjects: dict[frozenset[str], Subject] = {}
        self._decided: dict[_Alike, Decision] = {}

    def decide(self, facts: FileFacts, principals: frozenset[str]) -> Decision:
        """The decision for somebody; made once for all files that no rule tells apart."""
        subject = self._subjects.get(principals)
        if subject is None:
            subject = self._subjects[principals] = _subject(principals)
        numbers = self.rules.certain(facts)
        if numbers is None:
            return _decided(self, facts, subject)
        # The identity of an enumeration's member will do: its hash is made in Python.
        alike = (id(facts.collection), facts.ftype, self.trusted(facts), numbers, principals)
        decided = self._decided.get(alike)
        if decided is None:
            decided = _decided(self, facts, subject)
            if len(self._decided) < REMEMBERED:
                self._decided[alike] = decided
        return decided

    def values(self, text: str) -> frozenset[str]:
        """What ``listed`` gives, to look a value up."""
        found = self._values.get(text)
        if found is None:
            found = self._values[text] = frozenset(self.listed(text))
        return found

    def listed(self, text: str) -> tuple[str, ...]:
        """The values of a field: a set's members, or the comma-separated ones."""
        return self._sets.get(text) or tuple(text.split(","))

    def trusted(self, facts: FileFacts) -> Tri:
        """By a trust file, or by the rpm database where the configuration names it."""
        own = self._trust.get(facts.path)
        listed: Tri = False if own is None else self._listed(facts, own)
        if listed or not self._database:
            return listed
        packaged = self._packaged(facts)
        return True if packaged else None if None in (listed, packaged) else False

    def _packaged(self, facts: FileFacts) -> Tri:
        """Files of verified packages; what the daemon's filter says is not known here."""
        package = facts.package
        if package is None:
            return False
        if package is UNKNOWN:
            return None
        if package.manager != "rpm" or package.state is PackageState.MODIFIED:
            return False
        filtered = facts.path.startswith(_FILTERED) or package.state is not PackageState.VERIFIED
        return None if filtered else True

    def _listed(self, facts: FileFacts, entry: TrustEntry) -> Tri:
        """Path, size and hash must be listed together (integrity=sha256)."""
        digest = facts.hashes.sha256
        if digest is UNKNOWN or digest is None:
            return None if digest is UNKNOWN else False
        wanted = (facts.path, facts.size, digest.value)
        return entry == wanted or wanted in self._more.get(facts.path, ())


@once_per_object(4)
def _index(policy: FapolicydPolicy) -> _Index:
    return _Index(policy)


_FACETS: Mapping[str, Facet[FileFacts]] = {
    "path": lambda facts: (facts.path,),
    "dir": lambda facts: parents(facts.path, "/"),
    "sha256hash": flat,
    "filehash": flat,
    "ftype": lambda facts: None if facts.ftype is UNKNOWN else (facts.ftype,),
}


def _facet(rule: FaRule, index: _Index) -> tuple[str | None, tuple[str, ...]]:
    """What a file needs for a rule not to miss it, by its most selective field."""
    fields = dict(rule.object)
    for name in _FACETS:
        if name not in fields:
            continue
        values = index.listed(fields[name])
        folders = name != "dir" or all(
            item.endswith("/") and len(item) <= LONGEST_FOLDER for item in values
        )
        if folders and "any" not in values:
            return name, values
    return None, ()


def _is_certain(rule: FaRule, facet: str | None) -> bool:
    """Whether only type and trust are left to ask of a file that the rule is found for."""
    names = [name for name, _ in rule.object]
    return len(set(names)) == len(names) and set(names) <= {"ftype", "trust", facet}
