"""Rules by hash: sets of a thousand for the daemon, and trust in the files that are known."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from policyc.model.facts import FileFacts
from policyc.model.identity import Sha256Flat
from policyc.model.ir import HasAnyHash, HasHash, PolicyIR, Rule, RuleId
from policyc.model.lists import list_of
from policyc.targets.fapolicyd.capabilities import CAPABILITIES
from policyc.targets.fapolicyd.model import ALLOW, FaRule, SetDefinition, TrustEntry
from policyc.targets.fapolicyd.printer import trustable

_SET_SIZE = 1000
"""Members per set: one set of a thousand costs nothing per open, and lines stay readable."""

Fields: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """A rule that fapolicyd can say, and the baseline rule it stands for."""

    rule: Rule
    source: RuleId
    subject: Fields = ()

    @property
    def listed(self) -> HasAnyHash | None:
        """Its list of hashes, if it has one."""
        return list_of(self.rule)

    @property
    def digests(self) -> tuple[str, ...]:
        """The SHA-256 hashes it names, if it is a rule by hash."""
        for atom in self.rule.match.atoms:
            if isinstance(atom, HasHash) and isinstance(atom.digest, Sha256Flat):
                return (atom.digest.value,)
            if isinstance(atom, HasAnyHash):
                return atom.ordered
        return ()


def hash_rules(
    policy: PolicyIR,
    decision: str,
    items: list[Native],
    provenance: dict[str, set[RuleId]],
) -> tuple[list[SetDefinition], list[FaRule]]:
    """Hashes in sets of a thousand.

    Before 1.3.7 a set whose first member begins with a digit holds numbers and never
    matches a hash, so members are in descending order behind one that begins with a letter.
    """
    by_subject: dict[Fields, list[Native]] = {}
    for item in items:
        if item.digests:
            by_subject.setdefault(item.subject, []).append(item)
    version = str(CAPABILITIES.setting(policy, "version"))
    field = "filehash" if version in ("1.5", "2.0") else "sha256hash"
    sets: list[SetDefinition] = []
    rules: list[FaRule] = []
    word = "permit" if decision == ALLOW else "forbid"
    for subject, own in sorted(by_subject.items(), key=itemgetter(0)):
        whom = "".join(f" {name}={value}" for name, value in subject)
        ordered = [*reversed(_together(own))]
        lists: list[tuple[frozenset[str], RuleId]] = []
        for item in own:
            if item.listed is not None:
                lists.append((item.listed.digests, item.source))
                continue
            key = f"hash {word} {item.digests[0]}{whom}"
            provenance.setdefault(key, set()).add(item.source)
        for start in range(0, len(ordered), _SET_SIZE):
            members = ordered[start : start + _SET_SIZE]
            name = f"{word}_{len(sets)}"
            for digests, source in lists:
                if not digests.isdisjoint(members):
                    provenance.setdefault(f"hash {word} %{name}{whom}", set()).add(source)
            if members[0][0].isdigit():
                members = ["f" * 64, *members]
            sets.append(SetDefinition(name=name, values=tuple(members)))
            contents = ((field, f"%{name}"),)
            rules.append(FaRule(decision=decision, perm="any", subject=subject, object=contents))
    return sets, rules


def _together(items: list[Native]) -> tuple[str, ...]:
    """All their hashes, each once, in ascending order."""
    if len(items) == 1:
        return items[0].digests
    return tuple(sorted(set().union(*(item.digests for item in items))))


def trusted_files(permits: list[Native], files: tuple[FileFacts, ...]) -> tuple[TrustEntry, ...]:
    """Known files that everybody is permitted by hash: the daemon then need not try the hash rules.

    A file that pretends to be something else is not vouched for, whatever its content.
    """
    permitted = frozenset(_together([item for item in permits if not item.subject]))
    entries = [
        TrustEntry(path, facts.size, digest.value)
        for facts in files
        if isinstance(digest := facts.hashes.sha256, Sha256Flat)
        and digest.value in permitted
        and facts.masquerade != "error"
        and trustable(path := facts.path)
    ]
    entries.sort()
    return tuple(entry for entry, _ in groupby(entries))
