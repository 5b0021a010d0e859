"""What the tests of both Windows targets build on: compile one rule, ask about one file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from policyc.compiler import TargetResult, compile_target
from policyc.lowering.specialise import specialise
from policyc.model.artifact import Artifact
from policyc.model.decision import Decision, decide
from policyc.model.facts import Collection, FileFacts, Hashes, PeKind, Platform, ScriptFacts
from policyc.model.formats import FileFormat
from policyc.model.identity import AuthenticodeSha256, Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Atom, AtPath, Effect, Mode, PolicyIR, Rule, TargetSettings
from policyc.model.loss import Drift, Loss
from policyc.model.path import PathPattern
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.targets import load_target
from policyc.verify.compare import Agreement, explaining, relate
from tests.conformance.probes import CA, LEAF, file_on

WINDOWS = (
    Collection.EXECUTABLE,
    Collection.LIBRARY,
    Collection.SCRIPT,
    Collection.INSTALLER,
)
PROGRAM = file_on(Platform.WINDOWS, 1)
OTHER = file_on(Platform.WINDOWS, 2, directory="elsewhere")
assert PROGRAM.pe is not None
LIBRARY = replace(
    PROGRAM,
    path="C:\\acme\\part.dll",
    pe=replace(PROGRAM.pe, kind=PeKind.LIBRARY),
    hashes=Hashes(sha256=Sha256Flat("d" * 64), authenticode_sha256=AuthenticodeSha256("c" * 64)),
)
SCRIPT = FileFacts(
    path="C:\\acme\\setup.js",
    size=3,
    actual=FileFormat.SCRIPT,
    hashes=Hashes(sha256=Sha256Flat("e" * 64)),
    script=ScriptFacts(language="javascript"),
    writable_by_users=False,
    package=None,
    masquerade=None,
)


def signed(*chain: Certificate) -> tuple[Signature, ...]:
    """One valid signature with this chain."""
    return (
        Signature(kind=SignatureKind.AUTHENTICODE, grade=SignatureGrade.PRODUCTION, chain=chain),
    )


SIGNED_SCRIPT = replace(SCRIPT, signatures=signed(LEAF, CA))


def all_of(*atoms: Atom) -> AllOf:
    return AllOf(frozenset(atoms))


def permit(*atoms: Atom, **others: Any) -> Rule:
    return Rule(effect=Effect.PERMIT, match=all_of(*atoms), name="rule", **others)


def forbid(*atoms: Atom, **others: Any) -> Rule:
    return Rule(effect=Effect.FORBID, match=all_of(*atoms), name="rule", **others)


def below(path: str) -> AtPath:
    return AtPath(PathPattern(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A policy compiled for one target, read back from its artifact."""

    name: str
    policy: PolicyIR
    result: TargetResult
    model: Any

    @property
    def document(self) -> bytes:
        """The XML."""
        (data,) = (
            item.data
            for item in self.result.artifacts
            if item.enforced and item.media_type == "application/xml"
        )
        return data

    @property
    def losses(self) -> list[tuple[str, str]]:
        """Code and direction of what was lost, for rules only."""
        return [(item.code, item.drift.value) for item in self.result.losses if item.rule]

    def wanted(self, facts: FileFacts) -> Decision:
        return decide(self.policy, facts, platform=Platform.WINDOWS)

    def got(self, facts: FileFacts) -> Decision:
        decision: Decision = load_target(self.name).evaluate(self.model, facts)
        return decision

    def explanation(self, facts: FileFacts) -> tuple[Agreement, Loss | None]:
        """How the decisions about a file relate, and the loss that says so."""
        agreement = relate(self.wanted(facts).verdict, self.got(facts).verdict)
        return agreement, explaining(facts, agreement, self.result.losses)

    def agrees(self, *files: FileFacts) -> bool:
        return all(self.explanation(facts)[0] is Agreement.AGREE for facts in files)

    def told(self, facts: FileFacts, code: str, drift: Drift) -> bool:
        """Whether the file is decided differently and this loss says so."""
        _, loss = self.explanation(facts)
        return loss is not None and (loss.code, loss.drift) == (code, drift)


def compiled(
    name: str,
    *rules: Rule,
    known: Iterable[FileFacts] = (),
    governs: tuple[Collection, ...] = WINDOWS,
    mode: Mode = Mode.ENFORCE,
    title: str = "Test",
    **values: Any,
) -> Compiled:
    """Compile; our own output must verify."""
    policy = PolicyIR(
        name=title,
        governs=dict.fromkeys(governs, mode),
        rules=frozenset(rules),
        targets={name: TargetSettings(values=values)},
    )
    inventory = Inventory(files=tuple(known))
    result = compile_target(policy, inventory, name)
    assert result.failure is None, result.failure
    target = load_target(name)
    own = specialise(
        policy,
        tuple(facts for facts in inventory.files if target.governs(facts)),
        target=name,
        platform=Platform.WINDOWS,
        collections=target.capabilities.collections,
    ).policy
    model = target.parse(tuple(item for item in result.artifacts if item.enforced))
    return Compiled(name=name, policy=own, result=result, model=model)


def read(name: str, document: bytes | str) -> Any:
    """Parse a document as it might come from elsewhere."""
    data = document.encode() if isinstance(document, str) else document
    artifact = Artifact(name="given.xml", data=data, media_type="application/xml")
    return load_target(name).parse((artifact,))
