"""What a target is: capabilities as data and five pure functions."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from policyc.model.artifact import Artifact
from policyc.model.decision import Decision
from policyc.model.facts import Collection, FileFacts, Platform
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR, RuleId, Setting, SignedBy
from policyc.model.loss import Loss
from policyc.targets.lifted import Lifted

M = TypeVar("M")


class Probe(enum.Enum):
    """A kind of condition, as the capability matrix lists them."""

    HASH_SHA256 = "hash: sha256"
    HASH_AUTHENTICODE = "hash: authenticode"
    HASH_PAGE = "hash: page"
    HASH_CDHASH = "hash: cdhash"
    SIGNER_PUBLISHER = "signer: publisher"
    SIGNER_COMMON_NAME = "signer: issuer + common name"
    SIGNER_ISSUER = "signer: issuer"
    SIGNER_LEAF = "signer: leaf"
    SIGNER_TEAM = "signer: team"
    SIGNER_SIGNING_ID = "signer: signing id"
    SIGNER_PLATFORM_BINARY = "signer: platform binary"
    PRODUCT_NAME = "product: name"
    PRODUCT_ORIGINAL_FILENAME = "product: original filename"
    PUBLISHER_PRODUCT_VERSION = "publisher + product + version"
    CHAIN_PRODUCT_VERSION = "issuer + common name + product + version"
    PATH_EXACT = "path: one file"
    PATH_TREE = "path: tree"
    PATH_GLOB = "path: * within a component"
    PACKAGE = "package"
    TYPE = "type"
    MASQUERADE = "masquerade"
    UNLESS_PATH = "path tree unless path"
    PRINCIPALS = "principals"


class Support(enum.Enum):
    """How a target carries a condition.

    EXACT: no Loss. LOSSY: a Loss always accompanies it. VACUOUS: no file that the target
    is asked about can satisfy it, so nothing is written and nothing is lost.
    """

    EXACT = "exact"
    LOSSY = "lossy"
    VACUOUS = "vacuous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supports:
    """Support for a permit and for a forbid, with one line for the matrix."""

    permit: Support
    forbid: Support
    note: str = ""


class SettingKind(enum.Enum):
    """The type of a target setting in the baseline."""

    CHOICE = "choice"
    FLAG = "flag"
    NUMBER = "number"
    TEXT = "text"
    LIST = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingSpec:
    """A key a baseline may write under ``targets.<name>``.

    ``check`` raises ValueError for a text, or an item of a list, that cannot stand there.
    """

    name: str
    kind: SettingKind
    doc: str
    default: Setting
    choices: tuple[str, ...] = ()
    check: Callable[[str], object] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a target can say. ``collections`` are those it can govern.

    The conformance suite probes every entry of ``supports``: a claim of EXACT that comes
    with a Loss, or of LOSSY without one, fails.
    """

    target: str
    title: str
    platform: Platform
    collections: frozenset[Collection]
    supports: Mapping[Probe, Supports]
    settings: tuple[SettingSpec, ...] = ()
    special: tuple[SignedBy, ...] = ()
    """Signers whose files the engine decides in a way of its own; witnesses try each of them."""
    lists: bool = False
    """Whether it takes rules about many digests as they are, not written out."""
    experimental: bool = False
    """An experimental target is compiled only when it is asked for by name."""

    def setting(self, policy: PolicyIR, name: str) -> Setting:
        """The baseline's value of a setting, or its default; KeyError for an unknown name."""
        spec = next((item for item in self.settings if item.name == name), None)
        if spec is None:
            raise KeyError(name)
        own = policy.targets.get(self.target)
        return spec.default if own is None else own.values.get(name, spec.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered(Generic[M]):
    """A native model, which baseline rule each native id stands for, and what was lost."""

    model: M
    provenance: Mapping[str, tuple[RuleId, ...]] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()


class ArtifactError(Exception):
    """An artifact that cannot be read: ``message``, and where if that is known.

    Lines and columns count from 1; 0 is not known.
    """

    def __init__(self, message: str, *, artifact: str = "", line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.artifact = artifact
        self.line = line
        self.column = column

    def place(self, file: str) -> str:
        """``file:line:column``, as far as it is known."""
        numbers = [str(item) for item in (self.line, self.column) if item]
        return ":".join([file, *numbers])


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLift:
    """``lift`` for a policy that is several files: which of a folder, by name, and how."""

    reads: Callable[[str], bool]
    lift: Callable[[tuple[Artifact, ...]], Lifted]


@dataclass(frozen=True, slots=True, kw_only=True)
class People(Generic[M]):
    """Principals as a target knows them.

    ``identify`` gives what the target calls one, None for one that it cannot name: two names
    with the same identity are the same. ``evaluate`` decides for somebody who is all of some
    principals.
    """

    identify: Callable[[str], str | None]
    evaluate: Callable[[M, FileFacts, frozenset[str]], Decision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Generic[M]):
    """One enforcement engine.

    ``governs`` says whether the engine is asked about a file at all (Santa never is about a
    PE file), whatever a baseline says. ``lower`` gets a policy already specialised to the
    target (``lowering.specialise``). ``parse`` raises ArtifactError. ``evaluate`` answers as
    the platform would; DENY and ALLOW do not depend on audit mode. ``lift`` makes a baseline
    of one file of anybody's, and raises ArtifactError for what is not the target's.
    """

    capabilities: Capabilities
    governs: Callable[[FileFacts], bool]
    lower: Callable[[PolicyIR, Inventory], Lowered[M]]
    emit: Callable[[M], tuple[Artifact, ...]]
    parse: Callable[[tuple[Artifact, ...]], M]
    evaluate: Callable[[M, FileFacts], Decision]
    people: People[M] | None = None
    """Who rules can be for; None where they are for everybody."""
    describe: Callable[[M, FileFacts], tuple[str, ...]] | None = None
    """Lines for people on how it comes to a decision, where the reason says too little."""
    cause: Callable[[M, str], str] | None = None
    """The words of the rule that a reason names, where the reason itself only counts rules."""
    lift: Callable[[Artifact], Lifted] | None = None
    lift_folder: FolderLift | None = None
