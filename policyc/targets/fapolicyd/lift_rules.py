"""Loaded rules as rules of a baseline; what order and subjects said is told where lost.

Each collection is lifted by itself, scripts language by language, as the daemon sees programs,
libraries and scripts through different accesses (see ``evaluate``). A program must be allowed to
start and then to be opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from policyc.model.facts import Collection, Platform
from policyc.model.identity import Sha256Flat
from policyc.model.ir import AllOf, Atom, AtPath, Effect, HasHash, IsTrusted, OfType, Rule
from policyc.model.loss import Drift
from policyc.model.path import PathPattern
from policyc.targets.fapolicyd.accounts import Accounts
from policyc.targets.fapolicyd.capabilities import EXECUTABLE, LANGUAGES, SHARED
from policyc.targets.fapolicyd.daemon import (
    EXEC_DIRS,
    SYSTEM_DIRS,
    Field,
    Loaded,
    LoadedRule,
)
from policyc.targets.fapolicyd.lift_chain import (
    MOST,
    UNTRUSTED,
    Chain,
    Part,
    Parts,
    Step,
    Untrusted,
    both,
    normal,
    together,
    trimmed,
    trusts,
    unordered,
)
from policyc.targets.fapolicyd.lift_people import Inexpressible, People, people_of
from policyc.targets.fapolicyd.lint_context import MACROS, texts
from policyc.targets.fapolicyd.model import TrustEntry
from policyc.targets.lifted import Note

_LOWER = frozenset("0123456789abcdef")


@dataclass
class Lifting:
    """The way of one rule file to rules of a baseline and notes."""

    loaded: Loaded
    trust: tuple[TrustEntry, ...]
    accounts: Accounts
    database: bool
    rules: set[Rule] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)

    def run(self) -> set[Collection]:
        """Lift every collection; gives those that the rules decide about."""
        for complaint in self.loaded.notes:
            self._lost(complaint.line, f"{complaint.message}: {complaint.effect.value}")
        governs = {Collection.EXECUTABLE}
        self._programs()
        libraries = self._chain("open", SHARED)
        if libraries.steps or not libraries.ends_allowed:
            governs.add(Collection.LIBRARY)
            self._write(Collection.LIBRARY, frozenset(), self._parts(libraries))
        scripts = {language: self._chain("open", language) for language in LANGUAGES}
        if any(not chain.ends_allowed or chain.steps for chain in scripts.values()):
            governs.add(Collection.SCRIPT)
            self._scripts(scripts)
        return governs

    def _programs(self) -> None:
        """A program is started and then opened; what the second allows must include the first."""
        started = self._chain("execute", EXECUTABLE)
        steps, ends_allowed = self._steps("open", EXECUTABLE)
        if trusts(started):
            steps = [step for step in steps if step.allows or step.matches != UNTRUSTED]
        opened = trimmed(steps, ends_allowed=ends_allowed)
        if not opened.ends_allowed:
            self._lost(0, "every open is denied in the end; a baseline is about what runs")
        first, second = self._parts(started), self._parts(opened)
        forbids = first.forbids + second.forbids
        try:
            permits, left_out = both(first.permits, second.permits)
        except ValueError as error:
            self._lost(0, f"{error}: what cannot be opened is left out", Drift.WIDENS)
            permits, left_out = first.permits, False
        if left_out:
            message = "who may start a file as one and open it as another may not run it"
            self._lost(0, message, Drift.NARROWS)
        self._write(Collection.EXECUTABLE, frozenset(), Parts(permits, forbids))

    def _parts(self, chain: Chain) -> Parts:
        parts = unordered(chain)
        for line in sorted(parts.inexact):
            message = "an allow above is for some only, or for what is not trusted: the deny wins"
            self._lost(line, message, Drift.NARROWS)
        return parts

    def _scripts(self, chains: dict[str, Chain]) -> None:
        """Languages with the same chain as most are lifted together, others by their type."""
        groups: dict[Chain, list[str]] = {}
        for language, chain in chains.items():
            groups.setdefault(chain, []).append(language)
        for chain, languages in groups.items():
            parts = self._parts(chain)
            if len(groups) == 1:
                self._write(Collection.SCRIPT, frozenset(), parts)
                continue
            for language in languages:
                self._write(Collection.SCRIPT, frozenset({OfType(language)}), parts)

    def _lost(self, line: int, message: str, drift: Drift | None = None) -> None:
        rule = next((item for item in self.loaded.rules if item.line == line), None)
        what = "" if rule is None else rule.text
        what = what or message * (not line)
        self.notes.append(Note(message=message, line=line, what=what, drift=drift))

    def _left_out(self, rule: LoadedRule, why: str) -> None:
        """A rule that is not lifted: without an allow less is allowed, without a deny more."""
        drift = Drift.NARROWS if rule.allows else Drift.WIDENS
        more = "denies" if rule.allows else "allows"
        self._lost(rule.line, f"{why}: left out, the baseline {more} more", drift)

    def _chain(self, perm: str, ftype: str) -> Chain:
        steps, ends_allowed = self._steps(perm, ftype)
        return normal(steps, ends_allowed=ends_allowed)

    def _steps(self, perm: str, ftype: str) -> tuple[list[Step], bool]:
        """The rules about one access to files of one type, up to the first for all of them."""
        steps: list[Step] = []
        for rule in self.loaded.rules:
            if rule.perm not in (perm, "any"):
                continue
            matches = self._matches(rule, ftype)
            people = None if matches is None else self._people(rule)
            if matches is None or people is None:
                continue
            if frozenset() in matches:
                if not people.names:
                    return steps, rule.allows
                matches = (frozenset(),)
            steps.append(Step(rule.allows, matches, rule.line, people.names))
        return steps, True

    def _people(self, rule: LoadedRule) -> People | None:
        """Whom a rule is for; the guard of the loader is in every compile."""
        if _guards_loader(rule):
            message = "the guard of the dynamic loader, which every compile adds"
            self.notes.append(Note(message=message, line=rule.line, lost=False))
            return None
        try:
            people = people_of(rule, self.accounts)
        except Inexpressible as error:
            self._left_out(rule, str(error))
            return None
        if people.only_trusted:
            message = "the rule is for trusted programs; in the baseline it is for any program"
            drift = Drift.WIDENS if rule.allows else Drift.NARROWS
            self._lost(rule.line, message, drift)
        for name in people.named:
            message = f"give {name} its number under `principals`: rules are written by number"
            self.notes.append(Note(message=message, line=rule.line, lost=False))
        return people

    def _matches(self, rule: LoadedRule, ftype: str) -> tuple[frozenset[Atom], ...] | None:
        """The object of a rule as alternatives; None if it never matches such a file."""
        found: list[frozenset[Atom]] = [frozenset()]
        for item in rule.object:
            own = self._alternatives(item, ftype, rule)
            if own is None:
                return None
            found = [one | other for one in found for other in own]
            if len(found) > MOST:
                self._left_out(rule, f"more than {MOST} alternatives")
                return None
        try:
            settled = [one for item in found if (one := together(item)) is not None]
        except ValueError as error:
            self._left_out(rule, str(error))
            return None
        return tuple(dict.fromkeys(settled)) or None

    def _alternatives(
        self, item: Field, ftype: str, rule: LoadedRule
    ) -> list[frozenset[Atom]] | None:
        values = sorted(texts(item))
        match item.name:
            case "all" | "mode":
                return [frozenset()]
            case "ftype":
                return [frozenset()] if "any" in values or ftype in values else None
            case "trust":
                return [frozenset({IsTrusted() if item.value == 1 else Untrusted()})]
            case "sha256hash" | "filehash":
                return self._hashes(values, rule)
            case "path" | "dir":
                return self._paths(values, rule, tree=item.name == "dir")
            case _:
                self._left_out(rule, f"a baseline has no condition on {item.name}")
                return None

    def _hashes(self, values: Sequence[str], rule: LoadedRule) -> list[frozenset[Atom]] | None:
        """A digest in upper case matches no file, here as there."""
        found: list[frozenset[Atom]] = []
        for value in values:
            if not _LOWER.issuperset(value) or len(value) not in (64, 128):
                continue
            if len(value) == 128:
                self._left_out(rule, "a baseline has no SHA-512")
                return None
            found.append(frozenset({HasHash(Sha256Flat(value))}))
        return found or None

    def _paths(
        self, values: Sequence[str], rule: LoadedRule, *, tree: bool
    ) -> list[frozenset[Atom]] | None:
        """Each path or folder; one that cannot be said leaves out itself, not the rule."""
        found: list[frozenset[Atom]] = []
        for value in values:
            if tree and value in MACROS:
                found += self._macro(value, rule)
            elif value.startswith(("glob:", '"')):
                self._left_out(rule, f"{value!r} means something to some daemons only")
            elif value.startswith("/"):  # no other path is one of a file
                try:
                    found += [frozenset({AtPath(item)}) for item in _patterns(value, tree=tree)]
                except ValueError as error:
                    self._left_out(rule, str(error))
        return found or None

    def _macro(self, word: str, rule: LoadedRule) -> list[frozenset[Atom]]:
        """Folders that a word stands for since 1.4.4; before it matches nothing."""
        message = f"dir={word} matches nothing before 1.4.4; it is read as it does since"
        self.notes.append(Note(message=message, line=rule.line, lost=False))
        if word == "untrusted":
            return [frozenset({Untrusted()})]
        folders = SYSTEM_DIRS if word == "systemdirs" else EXEC_DIRS
        return [frozenset({AtPath(PathPattern(f"{item}**"))}) for item in folders]

    def _write(self, collection: Collection, own: frozenset[Atom], parts: Parts) -> None:
        """The rules of one collection; ``own`` is what all of them ask for."""
        for part in parts.permits:
            for atoms, unless in self._permits(part):
                self._rule(Effect.PERMIT, atoms | own, unless, collection, part.people)
        for part in parts.forbids:
            plain = _plain(part.atoms)
            unless = self._expanded(part.unless)
            if plain != part.atoms:
                unless |= self._vouched()
            for atoms in self._trusting(plain):
                self._rule(Effect.FORBID, atoms | own, unless, collection, part.people)

    def _rule(
        self,
        effect: Effect,
        atoms: frozenset[Atom],
        unless: frozenset[AllOf],
        collection: Collection,
        people: frozenset[str],
    ) -> None:
        if AllOf(frozenset()) in unless:
            return  # it never applies
        rule = Rule(
            effect=effect,
            match=AllOf(atoms),
            unless=unless,
            collections=frozenset({collection}),
            platforms=frozenset({Platform.LINUX}),
            principals=people,
            name=f"{collection.value} {effect.value}",
        )
        self.rules.add(rule)

    def _permits(self, part: Part) -> Iterator[tuple[frozenset[Atom], frozenset[AllOf]]]:
        """A permit as the conditions of a baseline, which cannot ask for what is not trusted.

        An exception of untrusted files only is one for the files that are not trusted: trusted
        ones are permitted by themselves.
        """
        soft = {_plain(item) for item in part.unless if Untrusted() in item}
        hard = self._expanded(item for item in part.unless if Untrusted() not in item)
        plain = _plain(part.atoms)
        if IsTrusted() in part.atoms:
            for atoms in self._trusting(part.atoms):
                yield atoms, hard
            return
        excepted = hard | frozenset(map(AllOf, soft))
        if plain != part.atoms:
            yield plain, excepted | self._vouched()
            return
        if soft:
            for atoms in self._trusting(plain | {IsTrusted()}):
                yield atoms, hard
        yield plain, excepted

    def _expanded(self, conditions: Iterable[frozenset[Atom]]) -> frozenset[AllOf]:
        return frozenset(AllOf(each) for item in conditions for each in self._trusting(item))

    def _vouched(self) -> frozenset[AllOf]:
        return frozenset(map(AllOf, self._trusting(frozenset({IsTrusted()}))))

    def _trusting(self, atoms: frozenset[Atom]) -> Iterator[frozenset[Atom]]:
        """What is trusted: by the package database, and each entry of the trust files."""
        if IsTrusted() not in atoms:
            yield atoms
            return
        if self.database:
            yield atoms
        rest = atoms - {IsTrusted()}
        for entry in self.trust:
            try:
                (path,) = _patterns(entry.path, tree=False)
            except ValueError as error:
                self._lost(0, f"{error}: a trust entry is left out")
                continue
            one = together(rest | {HasHash(Sha256Flat(entry.sha256)), AtPath(path)})
            if one is not None:
                yield one


def _plain(atoms: frozenset[Atom]) -> frozenset[Atom]:
    return frozenset(item for item in atoms if not isinstance(item, Untrusted))


def _patterns(value: str, *, tree: bool) -> list[PathPattern]:
    """A path, or a folder, as patterns; raises ValueError. A star is one of the name."""
    if "*" in value:
        raise ValueError(f"{value!r} has a star in its name, which a pattern cannot say")
    if not tree:
        return [PathPattern(value)]
    if value.endswith("/"):
        return [PathPattern(f"{value}**")]
    # A prefix without a slash names files and folders that begin with it.
    return [PathPattern(f"{value}*"), PathPattern(f"{value}*/**")]


def _guards_loader(rule: LoadedRule) -> bool:
    return not rule.allows and any(
        (item.name == "pattern" and item.value == "ld_so")
        or (item.name == "exe" and any("/ld-" in value for value in texts(item)))
        for item in rule.subject
    )
