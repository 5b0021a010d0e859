"""Artifacts to a policy that can be evaluated: strict about what would have to be guessed at."""

from __future__ import annotations

from dataclasses import replace

from policyc.model.artifact import Artifact
from policyc.targets.base import ArtifactError
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.model import KERNEL, PLATFORM_ID, TAGGING, USER, SiPolicy
from policyc.targets.wdac.options import BITS
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.restore import restore, unreadable_parts

_SHA256 = 0x800C
_XML_STARTS = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def parse(artifacts: tuple[Artifact, ...]) -> SiPolicy:
    """Read a policy from its XML, its binary or both; ArtifactError for what is not evaluated.

    With both, the binary is kept beside the XML, and the two must be about the same policy.
    """
    texts = [item for item in artifacts if is_xml(item.data)]
    binaries = [item for item in artifacts if not is_xml(item.data)]
    if len(texts) > 1 or len(binaries) > 1 or not artifacts:
        names = ", ".join(item.name for item in artifacts) or "none"
        raise ArtifactError(f"an App Control policy is one XML file and its binary, got {names}")
    policy = _named(texts[0], _from_xml) if texts else None
    compiled = _named(binaries[0], _from_binary) if binaries else None
    if policy is None or compiled is None:
        found = policy or compiled
        assert found is not None
        return found
    if _identity(policy) != _identity(compiled):
        raise ArtifactError(
            "the binary is not of the XML beside it: id, version or options differ",
            artifact=binaries[0].name,
        )
    return replace(policy, compiled=compiled)


def is_xml(data: bytes) -> bool:
    """Whether a file is text; a binary begins with its format number or with PKCS#7."""
    return data.lstrip(b" \t\r\n").startswith(_XML_STARTS)


def _named(artifact: Artifact, read: object) -> SiPolicy:
    assert callable(read)
    try:
        policy: SiPolicy = read(artifact.data)
    except ArtifactError as error:
        raise ArtifactError(error.message, artifact=artifact.name, line=error.line) from error
    return policy


def _from_xml(data: bytes) -> SiPolicy:
    document = read_xml(data)
    for problem in document.problems:
        if problem.fatal:
            raise ArtifactError(problem.message, line=problem.line)
    _check(document.policy)
    return document.policy


def _from_binary(data: bytes) -> SiPolicy:
    raw = decode(unwrap(data).body)
    for part in unreadable_parts(raw):
        raise ArtifactError(f"has {part}, which are not evaluated")
    policy = restore(raw)
    _check(policy)
    return policy


def _check(policy: SiPolicy) -> None:
    """Refuse what is read and written, and whose effect nobody documents well enough."""
    if policy.policy_type == TAGGING:
        raise ArtifactError("tags processes and decides about no file", line=1)
    if policy.platform_id.upper() != PLATFORM_ID:
        raise ArtifactError("<SiPolicy> has an unknown PlatformID", line=1)
    if policy.artifact_rules:
        line = policy.artifact_rules[0].line
        raise ArtifactError("<ArtifactRule> is not supported", line=line)
    for rule in policy.file_rules:
        if rule.app_ids is not None or rule.hotpatch:
            name = "AppIDs" if rule.app_ids is not None else rule.hotpatch[0][0]
            raise ArtifactError(
                f"<{rule.kind.value}> has {name}, which is not supported", line=rule.line
            )
    for signer in policy.signers:
        if signer.sign_time_after is not None:
            raise ArtifactError(
                "<Signer> has SignTimeAfter, which is not supported", line=signer.line
            )
    for scenario in policy.scenarios:
        if scenario.value not in (KERNEL, USER):
            raise ArtifactError(
                f"<SigningScenario> has the value {scenario.value}, which is not supported",
                line=scenario.line,
            )
        if scenario.inherited or scenario.artifact:
            raise ArtifactError(
                "<SigningScenario> has InheritedScenarios or ArtifactSigners, which are not "
                "supported",
                line=scenario.line,
            )
        if scenario.minimum_hash not in (None, _SHA256):
            raise ArtifactError(
                "<SigningScenario> has a MinimumHashAlgorithm other than SHA-256, which is not "
                "supported",
                line=scenario.line,
            )


def _identity(policy: SiPolicy) -> tuple[object, ...]:
    base = policy.base_policy_id or policy.own_id
    options = {item for item in policy.options if item in BITS}
    return policy.own_id.upper(), base.upper(), policy.version, options, policy.is_supplemental
