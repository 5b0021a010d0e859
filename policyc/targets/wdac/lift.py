"""An App Control policy, XML or binary, as a baseline; what a baseline cannot say is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from policyc.model.artifact import Artifact
from policyc.model.facts import Collection, Platform
from policyc.model.ir import AllOf, Effect, Mode, PolicyIR, Rule, Setting, SignedBy, TargetSettings
from policyc.targets.base import ArtifactError
from policyc.targets.lifted import Lifted, Note
from policyc.targets.wdac.conditions import encoded_eku
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.lift_rules import (
    NotLiftedError,
    Part,
    conditions_of,
    signers_of,
)
from policyc.targets.wdac.lift_settings import governed_by, setting_notes, settings_of
from policyc.targets.wdac.model import (
    KERNEL,
    USER,
    FileRule,
    FileRuleKind,
    Scenario,
    Signer,
    SignerRef,
    SiPolicy,
)
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.parse import is_xml
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.restore import restore, unreadable_parts
from policyc.targets.wdac.signer_sets import SETS, BuiltIn

_USER_MODE = frozenset(Collection) - {Collection.DRIVER}


def lift_artifact(artifact: Artifact) -> Lifted:
    """Read a policy and lift it; ArtifactError, with the line, for what is no policy."""
    try:
        policy, lost = _policy_of(artifact.data)
    except ArtifactError as error:
        raise ArtifactError(error.message, artifact=artifact.name, line=error.line) from error
    found = lift(policy)
    return replace(found, notes=_sorted([*lost, *found.notes]))


def _policy_of(data: bytes) -> tuple[SiPolicy, list[Note]]:
    if is_xml(data):
        document = read_xml(data)
        for problem in document.problems:
            if problem.fatal:
                raise ArtifactError(problem.message, line=problem.line)
        return document.policy, []
    raw = decode(unwrap(data).body)
    return restore(raw), [Note(message=f"{part} are left out") for part in unreadable_parts(raw)]


def lift(policy: SiPolicy) -> Lifted:
    """The baseline that decides as the policy does, as far as its notes do not say otherwise."""
    lifting = _Lifting(
        policy,
        signers={item.id: item for item in policy.signers},
        rules={item.id: item for item in policy.file_rules},
        ekus={item.id: item.value for item in policy.ekus},
    )
    sets = _signer_sets(policy)
    for scenario in policy.scenarios:
        lifting.scenario(scenario, sets.get(scenario.value, frozenset()))
    values: dict[str, Setting] = dict(settings_of(policy))
    names = {name for name in SETS if _holds(policy, name)}
    if sets:
        values["signer_sets"] = tuple(sorted(_maximal(names)))
    mode = Mode.AUDIT if Option.AUDIT_MODE in policy.options else Mode.ENFORCE
    governed = governed_by(policy)
    if not governed:
        # It decides about nothing: every program runs, or a supplemental adds none.
        governed = frozenset({Collection.EXECUTABLE})
        if not policy.is_supplemental:
            every = Part(AllOf(frozenset()))
            lifting.add(Effect.PERMIT, every, governed, "decides about nothing")
    governs = dict.fromkeys(sorted(governed, key=_by_value), mode)
    found = PolicyIR(
        name=policy.name or policy.own_id,
        governs=governs,
        rules=lifting.governing(frozenset(governs)),
        targets={"wdac": TargetSettings(values=values)},
    )
    return Lifted(policy=found, notes=_sorted([*lifting.notes, *setting_notes(policy)]))


def _by_value(item: Collection) -> str:
    return item.value


def _sorted(notes: list[Note]) -> tuple[Note, ...]:
    return tuple(sorted(dict.fromkeys(notes), key=lambda item: (item.line, item.message)))


def _signer_keys(policy: SiPolicy, value: int) -> dict[tuple[object, ...], str]:
    """What allowed signers without further conditions say, by which a set is known."""
    ekus = {item.id: item.value.lower() for item in policy.ekus}
    by_id = {item.id: item for item in policy.signers}
    found: dict[tuple[object, ...], str] = {}
    for scenario in policy.scenarios:
        for reference in scenario.product.allowed if scenario.value == value else ():
            signer = by_id[reference.signer]
            plain = replace(signer, id="", name=None, ekus=(), line=0)
            bare = type(signer)(id="", root=signer.root, well_known=signer.well_known)
            if plain == bare and not reference.exceptions:
                usages = frozenset(ekus[item] for item in signer.ekus)
                found[signer.root.lower(), signer.well_known, usages] = signer.id
    return found


def _key(item: BuiltIn) -> tuple[object, ...]:
    root = f"{item.root:02x}" if isinstance(item.root, int) else item.root.value
    usages = frozenset() if item.eku is None else frozenset({encoded_eku(item.eku)})
    return root, isinstance(item.root, int), usages


def _wanted(name: str, value: int) -> set[tuple[object, ...]]:
    return {_key(item) for item in SETS[name] if value in item.scenarios}


def _holds(policy: SiPolicy, name: str) -> bool:
    """Whether the policy allows all of a set, in every scenario that decides."""
    governed = governed_by(policy)
    scenarios = [USER] if governed & _USER_MODE else []
    scenarios += [KERNEL] if Collection.DRIVER in governed else []
    return bool(scenarios) and all(
        _wanted(name, value) <= _signer_keys(policy, value).keys() for value in scenarios
    )


def _maximal(names: set[str]) -> set[str]:
    """Without sets that others hold."""
    return {
        name
        for name in names
        if not any(other != name and set(SETS[name]) < set(SETS[other]) for other in names)
    }


def _signer_sets(policy: SiPolicy) -> dict[int, frozenset[str]]:
    """The signers that built-in sets stand for, by scenario."""
    names = [name for name in SETS if _holds(policy, name)]
    found = {}
    for value in (USER, KERNEL):
        keys = _signer_keys(policy, value)
        wanted = {key for name in names for key in _wanted(name, value)}
        signers = frozenset(keys[key] for key in wanted if key in keys)
        if signers:
            found[value] = signers
    return found


_Said = tuple[Effect, AllOf, frozenset[AllOf]]
"""What a rule says, whatever the scenario."""


@dataclass(slots=True)
class _Lifting:
    """The rules and notes while a policy is gone through."""

    policy: SiPolicy
    signers: dict[str, Signer]
    rules: dict[str, FileRule]
    ekus: dict[str, str]
    found: dict[_Said, tuple[str, frozenset[Collection]]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def scenario(self, scenario: Scenario, built_in: frozenset[str]) -> None:
        """Everything that one scenario refers to."""
        if scenario.value not in (USER, KERNEL):
            self.notes.append(
                Note(message=f"scenario {scenario.value} is left out", line=scenario.line)
            )
            return
        collections = _USER_MODE if scenario.value == USER else frozenset({Collection.DRIVER})
        for name in scenario.product.rules:
            self._file_rule(self.rules[name], collections)
        for effect, references in (
            (Effect.PERMIT, scenario.product.allowed),
            (Effect.FORBID, scenario.product.denied),
        ):
            for reference in references:
                if reference.signer not in built_in or effect is Effect.FORBID:
                    self._signer(reference, effect, collections)

    def _file_rule(self, rule: FileRule, collections: frozenset[Collection]) -> None:
        effect = Effect.FORBID if rule.kind is FileRuleKind.DENY else Effect.PERMIT
        if effect is Effect.FORBID and self.policy.is_supplemental:
            self._note(f"{rule.id}: Windows ignores what a supplemental denies", rule.line)
            return
        if rule.file_path is not None and Collection.DRIVER in collections:
            return  # path rules are for user mode
        try:
            parts = conditions_of(rule)
        except NotLiftedError as error:
            self.notes.append(Note(message=f"{rule.id} is left out: it {error}", line=rule.line))
            return
        for part in parts:
            self.add(effect, part, collections, rule.friendly_name or rule.id)

    def _signer(
        self,
        reference: SignerRef,
        effect: Effect,
        collections: frozenset[Collection],
    ) -> None:
        signer = self.signers[reference.signer]
        permit = effect is Effect.PERMIT
        if not permit and self.policy.is_supplemental:
            self._note(f"{signer.id}: Windows ignores what a supplemental denies", signer.line)
            return
        try:
            who, remarks = signers_of(signer, self.ekus, permit=permit)
            unless = tuple(self._exceptions(reference, permit=permit))
            parts = list(self._attributes(signer.file_attribs, permit=permit))
        except NotLiftedError as error:
            self.notes.append(
                Note(message=f"{signer.id} is left out: it {error}", line=signer.line)
            )
            return
        self.notes += [Note(message=f"{signer.id} {text}", line=signer.line) for text in remarks]
        for part in parts:
            match = Part(AllOf(part.match.atoms | {who}), part.only)
            label = signer.name or signer.id
            self.add(effect, match, collections, label, unless=frozenset(unless))

    def _exceptions(self, reference: SignerRef, *, permit: bool) -> Iterator[AllOf]:
        """Conditions that lift the signer. One that is left out makes a deny reach further."""
        for name in reference.exceptions:
            try:
                yield from _branches(self.rules[name])
            except NotLiftedError:
                if permit:
                    raise
                self._lost(f"{name}: the exception is left out", self.rules[name].line)

    def _attributes(self, names: tuple[str, ...], *, permit: bool) -> Iterator[Part]:
        """What the file must say beside being signed; one of several is enough."""
        if not names:
            yield Part(AllOf(frozenset()))
        for name in names:
            rule = replace(self.rules[name], file_path=None, package_family=None, hash=None)
            if not permit and (rule.low is None) != (rule.high is None):
                self._lost(f"{name}: one bound under a denied signer: every version", rule.line)
                rule = replace(rule, low=None, high=None)
            try:
                yield from conditions_of(rule, deny=False)
            except NotLiftedError as error:
                if not permit:
                    raise
                self._lost(f"{name} is left out: it {error}", rule.line)

    def _lost(self, message: str, line: int) -> None:
        self.notes.append(Note(message=message, line=line))

    def _note(self, message: str, line: int) -> None:
        self.notes.append(Note(message=message, line=line, lost=False))

    def add(
        self,
        effect: Effect,
        part: Part,
        collections: frozenset[Collection],
        name: str,
        *,
        unless: frozenset[AllOf] = frozenset(),
    ) -> None:
        """Take a rule in, for the collections of the scenario that the part is about."""
        wanted = collections if part.only is None else collections & part.only
        if not wanted:
            return
        # The same rule in both scenarios is one for the collections of both.
        said = effect, part.match, unless
        first, before = self.found.get(said, (name, wanted))
        self.found[said] = first, before if before >= wanted else before | wanted

    def governing(self, governed: frozenset[Collection]) -> frozenset[Rule]:
        """The rules that are for something governed; one for all of that is for everything."""
        every, platforms = frozenset(Collection), frozenset({Platform.WINDOWS})
        return frozenset(
            Rule(
                effect=effect,
                match=match,
                unless=unless,
                platforms=platforms,
                collections=every if collections >= governed else collections,
                name=name,
            )
            for (effect, match, unless), (name, collections) in self.found.items()
            if collections & governed
        )


def _branches(rule: FileRule) -> list[AllOf]:
    """The conditions of an exception; it cannot be limited to some collections."""
    parts = conditions_of(rule)
    if any(part.only is not None and not _is_hash(part) for part in parts):
        raise NotLiftedError("excepts a version without a name")
    return [part.match for part in parts]


def _is_hash(part: Part) -> bool:
    return bool(part.match.atoms) and not any(
        isinstance(atom, SignedBy) for atom in part.match.atoms
    )
