"""One side of a comparison: a baseline or native policies, from files or from a git revision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from policyc.baseline import LoadedBaseline, UnknownProfileError, load_baseline
from policyc.baseline.load import read_source
from policyc.baseline.sources import SourceError
from policyc.diff.artifacts import (
    Files,
    UnreadableError,
    by_target,
    check_limits,
    files_of,
)
from policyc.diff.git import PREFIX, GitError, Revision, revision_of
from policyc.diff.native import Native, lifted, recorded
from policyc.lowering.specialise import asked_modes, on_platform
from policyc.model.artifact import PROVENANCE
from policyc.model.change import Cause
from policyc.model.decider import Decider
from policyc.model.decision import Decision, decide_by
from policyc.model.facts import Collection, FileFacts, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import Mode, PolicyIR, Rule, RuleId
from policyc.model.span import NOWHERE, Span
from policyc.targets import load_target
from policyc.targets.base import ArtifactError
from policyc.verify.nearest import condition_text

_YAML = (".yaml", ".yml")


class SideError(Exception):
    """A side that cannot be read; ``loaded`` has the diagnostics of a baseline."""

    def __init__(self, message: str, loaded: LoadedBaseline | None = None) -> None:
        super().__init__(message)
        self.loaded = loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one side says for one target. ``modes`` are the collections it governs, with modes.

    ``key`` is equal for views that decide every file alike. ``asks`` says whether the engine is
    asked about a file, ``decide`` takes the principals of the user too. ``policy`` is compared
    rule by rule; None where a native policy has no baseline.
    """

    target: str
    modes: Mapping[Collection, Mode]
    platform: Platform | None
    key: tuple[object, ...]
    asks: Callable[[FileFacts], bool]
    decide: Callable[[FileFacts, frozenset[str]], Decision]
    causes: Callable[[Decision], tuple[Cause, ...]]
    policy: PolicyIR | None
    native: Native | None = None


@dataclass(kw_only=True)
class Side:
    """A baseline (``loaded``), or the native policies of a folder by target."""

    name: str
    loaded: LoadedBaseline | None = None
    natives: Mapping[str, Native] = field(default_factory=dict)

    @property
    def place(self) -> Span:
        """The beginning of the side's main file."""
        file = self.name if self.loaded is None else self.loaded.file
        return Span(file=file, line=1, column=1, end_line=1, end_column=1)

    @cached_property
    def policy(self) -> PolicyIR | None:
        """The baseline, or the one baseline of a single native policy."""
        if self.loaded is not None:
            return self.loaded.policy
        found = [item.policy for item in self.natives.values()]
        return found[0] if len(found) == 1 else None

    @cached_property
    def _decider(self) -> Decider:
        assert self.loaded is not None
        assert self.loaded.policy is not None
        return Decider(self.loaded.policy)

    @cached_property
    def _on(self) -> dict[tuple[RuleId, Platform], Rule | None]:
        """Rules as a platform sees them, each made when it is first met."""
        return {}

    @cached_property
    def _written(self) -> dict[RuleId, Rule]:
        """The rule of the baseline that a rule of a platform stands for."""
        return {}

    def _rule_on(self, rule: Rule, platform: Platform) -> Rule | None:
        key = (rule.id, platform)
        if key not in self._on:
            own = self._on[key] = on_platform(rule, platform)
            if own is not None:
                self._written.setdefault(own.id, rule)
        return self._on[key]

    def view(self, target: str) -> View | None:
        """What the side says for a target, or None if it says nothing."""
        if self.loaded is None:
            native = self.natives.get(target)
            return None if native is None else _native_view(native, target)
        return self._baseline_view(target)

    def _baseline_view(self, target: str) -> View:
        policy, decider = self.policy, self._decider
        assert policy is not None
        capabilities = load_target(target).capabilities
        asked = asked_modes(policy, target)
        modes = {item: asked[item] for item in asked if item in capabilities.collections}
        own = _governing(policy, modes)
        platform = capabilities.platform

        def decide(facts: FileFacts, principals: frozenset[str]) -> Decision:
            found = (self._rule_on(rule, platform) for rule in decider.candidates(facts))
            rules = [rule for rule in found if rule is not None]
            return decide_by(rules, own, facts, platform=platform, principals=principals)

        return View(
            target=target,
            modes=modes,
            platform=platform,
            key=(platform, frozenset(modes)),
            asks=load_target(target).governs,
            decide=decide,
            causes=lambda decision: tuple(
                # By what the rule means here: another rule may mean the same on the platform.
                replace(cause_of(self._written[item]), key=item.value)
                for item in decision.because
            ),
            policy=policy,
        )


def cause_of(rule: Rule) -> Cause:
    """A rule of a baseline as a cause; one that is read from a native policy by what it says."""
    name = f"{rule.effect.value} {rule.name or rule.id}"
    if rule.origin != NOWHERE:
        return Cause(
            text=name, key=rule.id.value, family=f"{name}|{rule.origin}", origin=rule.origin
        )
    atoms = sorted(map(condition_text, rule.match.atoms)) or ["everything"]
    text = f"{name}: {' and '.join(atoms)}"
    return Cause(text=text, key=rule.id.value, family=rule.effect.value)


def open_side(
    text: str, given: Inventory | None, *, profile: str | None, target: str | None, folder: Path
) -> Side:
    """Read ``text``: a baseline, a compiled folder, a native policy, or ``git:REV:path``.

    ``given`` is what ``from: inventory`` means. Raises SideError.
    """
    try:
        if text.startswith(PREFIX):
            return _of_revision(text, given, profile, target, folder)
        path = Path(text)
        if path.suffix in _YAML and not path.is_dir():
            loaded = load_baseline(path, given, profile=profile)
            return _baseline(text, loaded)
        return _native(text, files_of(path), text, target)
    except UnknownProfileError as error:
        raise SideError(f"{text}: {error}") from error
    except OSError as error:
        raise SideError(f"{text}: {error.strerror or 'cannot be read'}") from error
    except (GitError, UnreadableError, SourceError) as error:
        raise SideError(str(error)) from error


def _of_revision(
    text: str, given: Inventory | None, profile: str | None, target: str | None, folder: Path
) -> Side:
    revision, path = revision_of(text.removeprefix(PREFIX), folder)
    if path.endswith(_YAML):
        return _baseline(text, read_source(revision.source(path, given), profile))
    return _native(text, _files_of_revision(revision, path), path, target)


def _files_of_revision(revision: Revision, path: str) -> dict[str, bytes]:
    entries = revision.entries(path)
    if not entries:
        raise GitError(f"{revision.shown} has no {path}")
    check_limits(len(entries), sum(item.size for item in entries), path)
    found = {}
    for item in entries:
        name = item.path.removeprefix(f"{path}/") if item.path != path else Path(path).name
        found[name] = revision.read(revision.entry(item.path))
    return found


def _baseline(text: str, loaded: LoadedBaseline) -> Side:
    if loaded.policy is None:
        count = len(loaded.diagnostics)
        message = f"{text} has {count} problem{'' if count == 1 else 's'}"
        raise SideError(message, loaded)
    return Side(name=text, loaded=loaded)


def _native(text: str, files: Files, path: str, wanted: str | None) -> Side:
    natives = {}
    for part in by_target(files, path, wanted):
        name, target, artifacts = part.name, part.target, part.artifacts
        shown = _shown(text, path, files, "" if part.files is files else f"{name}/")
        try:
            model = part.model
        except ArtifactError as error:
            where = f"{error.artifact}:{error.line}: " if error.artifact else ""
            raise SideError(f"{text}: {name}: {where}{error.message}") from error
        policy, lost = lifted(target, artifacts, model)
        natives[name] = Native(
            target=target,
            artifacts=artifacts,
            model=model,
            policy=policy,
            lost=lost,
            provenance=recorded(part.files.get(PROVENANCE, b"{}")),
            shown=shown,
        )
    return Side(name=text, natives=natives)


def _shown(text: str, path: str, files: Files, inner: str) -> str:
    """What comes before the names of files: their folder, as the side was written."""
    if list(files) == [Path(path).name]:
        return text.removesuffix(Path(path).name)
    return f"{text.rstrip('/')}/{inner}"


def _native_view(native: Native, target: str) -> View:
    capabilities = native.target.capabilities
    policy = native.policy
    modes: dict[Collection, Mode] = {}
    if policy is not None:
        asked = asked_modes(policy, target)
        modes = {item: asked[item] for item in asked if item in capabilities.collections}

    def decide(facts: FileFacts, principals: frozenset[str]) -> Decision:
        people = native.target.people
        if people is None or not principals:
            return native.target.evaluate(native.model, facts)
        return people.evaluate(native.model, facts, principals)

    return View(
        target=target,
        modes=modes,
        platform=capabilities.platform,
        key=(id(native),),
        asks=native.target.governs,
        decide=decide,
        causes=native.causes,
        policy=policy,
        native=native,
    )


def anywhere(view: View) -> View | None:
    """A view by the baseline that it stands for, as if its rules were for every platform."""
    if view.policy is None:
        return None
    everywhere = frozenset(Platform)
    rules = frozenset(replace(rule, platforms=everywhere) for rule in view.policy.rules)
    policy = replace(view.policy, rules=rules)
    decider, own = Decider(policy), _governing(policy, view.modes)
    by_id = {rule.id: rule for rule in rules}

    def decide(facts: FileFacts, principals: frozenset[str]) -> Decision:
        found = decider.candidates(facts)
        return decide_by(found, own, facts, platform=None, principals=principals)

    return View(
        target=view.target,
        modes=view.modes,
        platform=None,
        key=(id(policy),),
        asks=lambda facts: facts.collection in view.modes,
        decide=decide,
        causes=lambda decision: tuple(cause_of(by_id[item]) for item in decision.because),
        policy=policy,
    )


def _governing(policy: PolicyIR, modes: Mapping[Collection, Mode]) -> PolicyIR:
    """The policy with what a target governs; its rules stay with the decider."""
    return PolicyIR(name=policy.name, governs=modes, rules=frozenset())
