"""Rules and trust of a machine as a baseline; what order and subjects said is told where lost.

A first match becomes order-free: a deny below an allow is a forbid that leaves out what the
allow matches (``unless``), and a deny that nothing below it could allow is the default deny.
Each collection is lifted by itself, scripts language by language, as the daemon sees programs,
libraries and scripts through different accesses (see ``evaluate``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from policyc.model.artifact import Artifact
from policyc.model.facts import Collection, Platform
from policyc.model.identity import Sha256Flat
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    Effect,
    HasHash,
    IsTrusted,
    Mode,
    OfType,
    PolicyIR,
    Rule,
    TargetSettings,
)
from policyc.model.path import PathPattern, PathShape
from policyc.targets.base import ArtifactError
from policyc.targets.fapolicyd.capabilities import EXECUTABLE, LANGUAGES, SHARED
from policyc.targets.fapolicyd.daemon import (
    DaemonVersion,
    Field,
    Loaded,
    LoadedRule,
    RefusedError,
    load,
    merge,
)
from policyc.targets.fapolicyd.lint_context import is_everything, texts
from policyc.targets.fapolicyd.model import TrustEntry
from policyc.targets.fapolicyd.parse import trust_entries
from policyc.targets.lifted import Lifted, Note

_VERSION = DaemonVersion.parse("1.4")
_MOST = 4096
"""Alternatives of one rule; more are told as lost."""


@dataclass(frozen=True, slots=True)
class _Untrusted(IsTrusted):
    """Stands for trust=0 while a rule is read; no baseline condition."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule of a chain: what it matches, as alternatives, and what it does."""

    allows: bool
    matches: tuple[frozenset[Atom], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps for one access to one kind of file, and what happens behind the last."""

    steps: tuple[Step, ...]
    ends_allowed: bool


def lift_artifacts(artifacts: tuple[Artifact, ...]) -> Lifted:
    """Read rules, trust and settings and lift them; ArtifactError where a daemon refuses them."""
    rules: dict[str, str] = {}
    trust: list[TrustEntry] = []
    conf: dict[str, str] = {}
    for item in artifacts:
        text = item.data.decode("utf-8", "surrogateescape")
        if item.name.endswith(".rules"):
            rules[item.name] = text
        elif item.name.endswith("fapolicyd.conf"):
            conf |= dict(_settings(text))
    if not rules:
        raise ArtifactError("no rule file", artifact=artifacts[0].name)
    for item in artifacts:
        if not item.name.endswith((".rules", ".conf")):
            trust += trust_entries(item)
    parts = {name: text for name, text in rules.items() if not name.endswith("compiled.rules")}
    merged = merge(parts or rules, _VERSION)
    try:
        loaded = load(merged.text, _VERSION)
    except RefusedError as error:
        name, line = merged.origin[error.line - 1] if error.line else (min(rules), 0)
        raise ArtifactError(error.message, artifact=name, line=line) from error
    permissive = conf.get("permissive", "0") != "0"
    return lift(loaded, trust, mode=Mode.AUDIT if permissive else Mode.ENFORCE)


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if equals and not key.lstrip().startswith("#"):
            yield key.strip(), value.strip()


def lift(loaded: Loaded, trust: Iterable[TrustEntry] = (), mode: Mode = Mode.ENFORCE) -> Lifted:
    """The baseline that decides as the rules do, as far as its notes do not say otherwise."""
    lifting = _Lifting(loaded, tuple(trust))
    governs = lifting.run()
    policy = PolicyIR(
        name="Imported from fapolicyd",
        governs=dict.fromkeys(sorted(governs, key=lambda item: item.value), mode),
        rules=frozenset(lifting.rules),
        targets={"fapolicyd": TargetSettings()},
    )
    return Lifted(policy=policy, notes=tuple(sorted(set(lifting.notes), key=_note_order)))


def _note_order(note: Note) -> tuple[int, str]:
    return note.line, note.message


@dataclass
class _Lifting:
    loaded: Loaded
    trust: tuple[TrustEntry, ...]
    rules: set[Rule] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)

    def run(self) -> set[Collection]:
        """Lift every collection; gives those that the rules decide about."""
        for complaint in self.loaded.notes:
            self._lost(complaint.line, f"{complaint.message}: {complaint.effect.value}")
        governs = {Collection.EXECUTABLE}
        started = self._chain("execute", EXECUTABLE)
        opened = self._chain("open", EXECUTABLE, trusting=_trusts(started))
        if not self._emit(Collection.EXECUTABLE, None, started):
            everything = _rule(Effect.PERMIT, frozenset(), Collection.EXECUTABLE)
            self.rules.add(everything)
        self.rules.update(self._forbids(Collection.EXECUTABLE, None, opened))
        if not opened.ends_allowed:
            self._lost(0, "every open is denied in the end; a baseline is about what runs")
        if self._emit(Collection.LIBRARY, None, self._chain("open", SHARED)):
            governs.add(Collection.LIBRARY)
        scripts = {language: self._chain("open", language) for language in LANGUAGES}
        if any(not chain.ends_allowed or chain.steps for chain in scripts.values()):
            governs.add(Collection.SCRIPT)
            self._scripts(scripts)
        return governs

    def _scripts(self, chains: dict[str, Chain]) -> None:
        """Languages with the same chain as most are lifted together, others by their type."""
        groups: dict[Chain, list[str]] = {}
        for language, chain in chains.items():
            groups.setdefault(chain, []).append(language)
        usual = max(groups, key=lambda chain: len(groups[chain]))
        for chain, languages in groups.items():
            if chain is usual and len(groups) == 1:
                self._emit(Collection.SCRIPT, None, chain)
                continue
            for language in languages:
                self._emit(Collection.SCRIPT, OfType(language), chain)

    def _lost(self, line: int, message: str) -> None:
        rule = next((item for item in self.loaded.rules if item.line == line), None)
        what = "" if rule is None else rule.text
        self.notes.append(Note(message=message, line=line, what=what or message * (not line)))

    def _chain(self, perm: str, ftype: str, *, trusting: bool | None = None) -> Chain:
        """The rules about one access to files of one type, up to the first for all of them.

        ``trusting`` says that the chain only takes away from another one, which lets nothing run
        but what is trusted; None is a chain by itself.
        """
        steps: list[Step] = []
        for rule in self.loaded.rules:
            if rule.perm not in (perm, "any"):
                continue
            if not is_everything(rule.subject):
                self._limited(rule)
                continue
            matches = self._matches(rule, ftype)
            if matches is None:
                continue
            if frozenset() in matches:
                return self._ended(steps, ends_allowed=rule.allows, trusting=trusting)
            if not (trusting and not rule.allows and matches == _UNTRUSTED):
                steps.append(Step(rule.allows, matches, rule.line))
        return self._ended(steps, ends_allowed=True, trusting=trusting)

    def _ended(self, steps: list[Step], *, ends_allowed: bool, trusting: bool | None) -> Chain:
        if trusting is None:
            return _normal(steps, ends_allowed=ends_allowed)
        return _trimmed(steps, ends_allowed=ends_allowed)

    def _limited(self, rule: LoadedRule) -> None:
        """A rule about some programs or users; the guard of the loader is in every compile."""
        loader = any(
            (item.name == "pattern" and item.value == "ld_so")
            or (item.name == "exe" and any("/ld-" in value for value in texts(item)))
            for item in rule.subject
        )
        if loader and not rule.allows:
            message = "the guard of the dynamic loader, which every compile adds"
            self.notes.append(Note(message=message, line=rule.line, lost=False))
            return
        self._lost(rule.line, "the rule is about some programs or users only: left out")

    def _matches(self, rule: LoadedRule, ftype: str) -> tuple[frozenset[Atom], ...] | None:
        """The object of a rule as alternatives; None if it never matches such a file."""
        found: list[frozenset[Atom]] = [frozenset()]
        for item in rule.object:
            own = self._alternatives(item, ftype, rule)
            if own is None:
                return None
            found = [one | other for one in found for other in own]
            if len(found) > _MOST:
                self._lost(rule.line, f"more than {_MOST} alternatives: left out")
                return None
        try:
            settled = [one for item in found if (one := _together(item)) is not None]
        except ValueError as error:
            self._lost(rule.line, f"{error}: left out")
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
            case "trust" if item.value == 1:
                return [frozenset({IsTrusted()})]
            case "trust":
                return [frozenset({_Untrusted()})]
            case "sha256hash" | "filehash":
                return [
                    frozenset({HasHash(Sha256Flat(value))}) for value in values if len(value) == 64
                ]
            case "path":
                return self._paths(values, rule, suffix="")
            case "dir":
                return self._paths(values, rule, suffix="**")
            case _:
                self._lost(rule.line, f"a baseline has no condition on {item.name}: left out")
                return None

    def _paths(
        self, values: Sequence[str], rule: LoadedRule, suffix: str
    ) -> list[frozenset[Atom]] | None:
        found: list[frozenset[Atom]] = []
        for value in values:
            try:
                if suffix and not value.endswith("/"):
                    # A prefix without a slash names files and folders that begin with it.
                    found.append(frozenset({AtPath(PathPattern(f"{value}*"))}))
                    found.append(frozenset({AtPath(PathPattern(f"{value}*/{suffix}"))}))
                else:
                    found.append(frozenset({AtPath(PathPattern(value + suffix))}))
            except ValueError as error:
                self._lost(rule.line, f"{error}: left out")
        return found or None

    def _emit(self, collection: Collection, extra: OfType | None, chain: Chain) -> bool:
        """Rules for one collection; false if the chain decides nothing."""
        if not chain.steps and chain.ends_allowed:
            if extra is not None:
                self.rules.add(_rule(Effect.PERMIT, frozenset({extra}), collection))
            return extra is not None
        own: frozenset[Atom] = frozenset({extra} if extra else ())
        for step in chain.steps:
            for atoms in step.matches if step.allows else ():
                self._permit(collection, atoms | own)
        if chain.ends_allowed:
            self.rules.add(_rule(Effect.PERMIT, own, collection))
        self.rules.update(self._forbids(collection, extra, chain))
        return True

    def _permit(self, collection: Collection, atoms: frozenset[Atom]) -> None:
        plain = frozenset(item for item in atoms if not isinstance(item, _Untrusted))
        if plain != atoms:
            rule = _rule(Effect.PERMIT, plain, collection)
            self.rules.add(replace(rule, unless=self._vouched()))
            return
        for alternative in self._trusting(atoms):
            self.rules.add(_rule(Effect.PERMIT, alternative, collection))

    def _vouched(self) -> frozenset[AllOf]:
        return frozenset(map(AllOf, self._trusting(frozenset({IsTrusted()}))))

    def _forbids(
        self, collection: Collection, extra: OfType | None, chain: Chain
    ) -> Iterator[Rule]:
        """Denies that something below them could allow, without what was allowed above."""
        own: frozenset[Atom] = frozenset({extra} if extra else ())
        above: set[AllOf] = set()
        for at, step in enumerate(chain.steps):
            if step.allows:
                above |= self._exempt(step)
                continue
            if not (chain.ends_allowed or any(item.allows for item in chain.steps[at + 1 :])):
                continue
            for atoms in step.matches:
                plain = frozenset(item for item in atoms if not isinstance(item, _Untrusted))
                unless = above | (self._vouched() if plain != atoms else set())
                for alternative in self._trusting(plain):
                    rule = _rule(Effect.FORBID, alternative | own, collection)
                    yield replace(rule, unless=frozenset(unless))

    def _exempt(self, step: Step) -> set[AllOf]:
        """What an allow takes out of the denies below it."""
        found: set[AllOf] = set()
        for atoms in step.matches:
            if any(isinstance(item, _Untrusted) for item in atoms):
                message = "an allow for what is not trusted stands above a deny, which now wins"
                self._lost(step.line, message)
            found |= set(map(AllOf, self._trusting(atoms)))
        return found

    def _trusting(self, atoms: frozenset[Atom]) -> Iterator[frozenset[Atom]]:
        """What is trusted: by the package database, and each entry of the trust files."""
        if IsTrusted() not in atoms:
            if not any(isinstance(item, _Untrusted) for item in atoms):
                yield atoms
            return
        yield atoms
        rest = atoms - {IsTrusted()}
        for entry in self.trust:
            try:
                path = AtPath(PathPattern(entry.path))
            except ValueError as error:
                self._lost(0, f"{error}: a trust entry is left out")
                continue
            together = _together(rest | {HasHash(Sha256Flat(entry.sha256)), path})
            if together is not None:
                yield together


def _together(atoms: frozenset[Atom]) -> frozenset[Atom] | None:
    """The same condition with one path and one hash; None if no file can meet it.

    Raises ValueError for two patterns that neither settles.
    """
    hashes = {item for item in atoms if isinstance(item, HasHash)}
    paths = {item for item in atoms if isinstance(item, AtPath)}
    if len(hashes) > 1:
        return None
    exact = [item for item in paths if item.pattern.shape is PathShape.EXACT]
    if len(paths) < 2:
        return atoms
    if not exact:
        raise ValueError("two folders in one rule")
    if not all(item.pattern.matches(exact[0].pattern.text) for item in paths):
        return None
    return frozenset(atoms - paths | {exact[0]})


_UNTRUSTED = (frozenset({_Untrusted()}),)


def _trusts(chain: Chain) -> bool:
    """Whether everything that a chain allows is trusted."""
    return not chain.ends_allowed and all(
        IsTrusted() in atoms for step in chain.steps if step.allows for atoms in step.matches
    )


def _normal(steps: list[Step], *, ends_allowed: bool) -> Chain:
    """``deny trust=0`` before an end that allows is ``allow trust=1`` before one that denies."""
    last = steps[-1] if steps else None
    if last is not None and ends_allowed and not last.allows and last.matches == _UNTRUSTED:
        trusted = Step(allows=True, matches=(frozenset({IsTrusted()}),), line=last.line)
        return _trimmed([*steps[:-1], trusted], ends_allowed=False)
    return _trimmed(steps, ends_allowed=ends_allowed)


def _trimmed(steps: list[Step], *, ends_allowed: bool) -> Chain:
    """Without the last steps that do what the end does."""
    kept = list(steps)
    while kept and kept[-1].allows is ends_allowed:
        kept.pop()
    return Chain(tuple(kept), ends_allowed)


def _rule(effect: Effect, atoms: frozenset[Atom], collection: Collection) -> Rule:
    return Rule(
        effect=effect,
        match=AllOf(frozenset(atoms)),
        collections=frozenset({collection}),
        platforms=frozenset({Platform.LINUX}),
        name=f"{collection.value} {effect.value}",
    )
