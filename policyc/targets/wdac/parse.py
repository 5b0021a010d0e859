"""Artifacts to a policy that can be evaluated: strict about what would have to be guessed at."""

from __future__ import annotations

from dataclasses import replace

from policyc.model.artifact import Artifact
from policyc.targets.base import ArtifactError
from policyc.targets.wdac.container import unwrap
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.model import KERNEL, PLATFORM_ID, USER, SiPolicy
from policyc.targets.wdac.options import BITS
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.restore import restore, unreadable_parts

_SHA256 = 0x800C
_XML_STARTS = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def parse(artifacts: tuple[Artifact, ...]) -> SiPolicy:
    """Read policies from XML, binary or both; ArtifactError for what is not evaluated.

    With both, the binary is kept beside its XML. Of several policies one is the base, the
    others are its supplementals, in the order of their file names.
    """
    found: dict[str, SiPolicy] = {}
    binaries: list[tuple[Artifact, SiPolicy]] = []
    for item in sorted(artifacts, key=_by_name):
        if not is_xml(item.data):
            binaries.append((item, _named(item, _from_binary)))
            continue
        policy = _named(item, _from_xml)
        _add(found, policy, item)
    if not found:
        for item, compiled in binaries:
            _add(found, compiled, item)
        return _family(found)
    for item, compiled in binaries:
        policy_of = found.get(compiled.own_id.upper())
        if policy_of is None or policy_of.compiled is not None:
            raise ArtifactError("the binary is not of an XML beside it", artifact=item.name)
        if _identity(policy_of) != _identity(compiled):
            raise ArtifactError(
                "the binary is not of the XML beside it: id, version or options differ",
                artifact=item.name,
            )
        found[compiled.own_id.upper()] = replace(policy_of, compiled=compiled)
    return _family(found)


def _by_name(artifact: Artifact) -> tuple[int, str]:
    """Shorter names first, so that supplemental 10 comes after 9."""
    return len(artifact.name), artifact.name


def _add(found: dict[str, SiPolicy], policy: SiPolicy, artifact: Artifact) -> None:
    if policy.own_id.upper() in found:
        raise ArtifactError("there are two policies with this id", artifact=artifact.name)
    found[policy.own_id.upper()] = policy


def _family(found: dict[str, SiPolicy]) -> SiPolicy:
    """The only policy, or the base among its supplementals."""
    bases = [item for item in found.values() if not item.is_supplemental]
    if len(found) == 1:
        return next(iter(found.values()))
    if len(bases) != 1:
        raise ArtifactError(f"one base policy with its supplementals, got {len(bases)} bases")
    (base,) = bases
    others = tuple(item for item in found.values() if item.is_supplemental)
    for item in others:
        if (item.base_policy_id or "").upper() != base.own_id.upper():
            raise ArtifactError(f"the supplemental {item.own_id} is of another base policy")
    return replace(base, supplementals=others)


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
