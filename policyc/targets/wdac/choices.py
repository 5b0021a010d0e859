"""What a baseline chooses under ``targets.wdac``, typed."""

from __future__ import annotations

from dataclasses import dataclass

from policyc.model.ir import PolicyIR
from policyc.targets.wdac.capabilities import CAPABILITIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """``many_wildcards`` is true for Windows 11 only; ``also_hash`` are names of digests.

    ``kind`` is ``base``, ``supplemental`` or ``tagging``; ``max_bytes`` 0 is no limit.
    """

    protected: bool
    many_wildcards: bool
    by_issuer: bool
    also_hash: tuple[str, ...]
    signer_sets: tuple[str, ...]
    policy_id: str
    kind: str
    base: str
    allow_supplementals: bool
    tags: tuple[str, ...]
    managed_installer: bool
    intelligent_security_graph: bool
    max_bytes: int


def choices_of(policy: PolicyIR) -> Choices:
    """The settings of a policy, defaults filled in."""
    return Choices(
        protected=bool(CAPABILITIES.setting(policy, "runtime_path_protection")),
        many_wildcards=CAPABILITIES.setting(policy, "min_os") == "win11",
        by_issuer=CAPABILITIES.setting(policy, "publishers") == "issuer",
        also_hash=_words(policy, "also_hash"),
        signer_sets=_words(policy, "signer_sets"),
        policy_id=str(CAPABILITIES.setting(policy, "policy_id")),
        kind=str(CAPABILITIES.setting(policy, "kind")),
        base=str(CAPABILITIES.setting(policy, "base")),
        allow_supplementals=bool(CAPABILITIES.setting(policy, "allow_supplementals")),
        tags=_words(policy, "tags"),
        managed_installer=bool(CAPABILITIES.setting(policy, "managed_installer")),
        intelligent_security_graph=bool(CAPABILITIES.setting(policy, "intelligent_security_graph")),
        max_bytes=int(str(CAPABILITIES.setting(policy, "max_bytes"))),
    )


def _words(policy: PolicyIR, name: str) -> tuple[str, ...]:
    words = CAPABILITIES.setting(policy, name)
    assert isinstance(words, tuple)
    return tuple(sorted(set(words)))
