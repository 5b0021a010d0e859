"""What App Control decides about a file.

Order: explicit deny, explicit allow, implicit block ("Understand App Control policy rules
and file rules", file rule precedence order). Managed installers and the reputation service
are not part of a policy's own decision.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from policyc.model.decision import Decision, Tri, Verdict
from policyc.model.facts import (
    UNKNOWN,
    Collection,
    FileFacts,
    Signature,
    SignatureGrade,
    VersionInfo,
)
from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.targets.wdac.capabilities import governs
from policyc.targets.wdac.model import (
    KERNEL,
    USER,
    FileRule,
    FileRuleKind,
    Option,
    Scenario,
    Signer,
    SiPolicy,
)

_HOSTED = (Collection.SCRIPT, Collection.INSTALLER)
_SIGNED = (SignatureGrade.PRODUCTION, SignatureGrade.DEVELOPMENT)


def evaluate(policy: SiPolicy, facts: FileFacts) -> Decision:
    """The decision, with the id of the rule or signer that made it."""
    collection = facts.collection
    if collection is None:
        return Decision(verdict=Verdict.NOT_GOVERNED, reason="does not run")
    if collection in _HOSTED and Option.NO_SCRIPT_ENFORCEMENT in policy.options:
        return Decision(verdict=Verdict.NOT_GOVERNED, reason="no script enforcement")
    if collection is not Collection.DRIVER:
        if Option.UMCI not in policy.options:
            return Decision(verdict=Verdict.NOT_GOVERNED, reason="no user-mode code integrity")
        if not governs(facts):
            return Decision(verdict=Verdict.NOT_GOVERNED, reason="its host does not ask")
    index = _index(_Same(policy))
    part = index.parts.get(KERNEL if collection is Collection.DRIVER else USER)
    if part is None:
        return Decision(verdict=Verdict.DENY, reason="no signing scenario")
    denied, denied_by = _strongest(part.matches(facts, deny=True))
    if denied is True:
        return Decision(verdict=Verdict.DENY, reason=denied_by)
    allowed, allowed_by = _strongest(part.matches(facts, deny=False))
    if allowed is False:
        return Decision(verdict=Verdict.DENY, reason="implicit block")
    if denied is None or allowed is None:
        name = denied_by if denied is None else allowed_by
        return Decision(verdict=Verdict.UNDETERMINED, reason=f"facts are missing for {name}")
    return Decision(verdict=Verdict.ALLOW, reason=allowed_by)


def _strongest(matches: Iterator[tuple[str, Tri]]) -> tuple[Tri, str]:
    """True if some rule matches, else None if some might; with that rule's id."""
    value: Tri = False
    name = ""
    for own, match in matches:
        if match is True:
            return True, own
        if match is None and value is False:
            value, name = None, own
    return value, name


class _Part:
    """One signing scenario with its references resolved; hashes by value."""

    def __init__(self, policy: SiPolicy, scenario: Scenario) -> None:
        rules = {item.id: item for item in policy.file_rules}
        signers = {item.id: item for item in policy.signers}
        ekus = {item.id: item.value for item in policy.ekus}
        self._protected = Option.NO_PATH_PROTECTION not in policy.options
        self._attribs = rules
        self._ekus = ekus
        self._hashes: dict[bool, dict[str, str]] = {True: {}, False: {}}
        self._rules: dict[bool, list[FileRule]] = {True: [], False: []}
        for rule in (rules[item] for item in scenario.file_rules):
            deny = rule.kind is FileRuleKind.DENY
            if rule.hash is None:
                self._rules[deny].append(rule)
            else:
                self._hashes[deny][rule.hash] = rule.id
        self._signers = {
            True: [signers[item] for item in scenario.denied_signers],
            False: [signers[item] for item in scenario.allowed_signers],
        }

    def matches(self, facts: FileFacts, *, deny: bool) -> Iterator[tuple[str, Tri]]:
        """Every rule of one action that does not miss, by id."""
        hashes = self._hashes[deny]
        for digest in _digests(facts):
            if digest is None and hashes:
                yield "hash rules", None
            elif digest in hashes:
                yield hashes[digest], True
        for rule in self._rules[deny]:
            yield rule.id, self._rule(rule, facts)
        for signer in self._signers[deny]:
            yield signer.id, self._signer(signer, facts)

    def _rule(self, rule: FileRule, facts: FileFacts) -> Tri:
        if rule.file_path is None:
            return _attributes(rule, facts)
        if not _path_matches(rule.file_path, facts.path):
            return False
        if not self._protected:
            return True
        if facts.collection is Collection.INSTALLER:
            return False  # an MSI counts as writable by users ("known issues")
        return None if facts.writable_by_users is UNKNOWN else not facts.writable_by_users

    def _signer(self, signer: Signer, facts: FileFacts) -> Tri:
        if facts.signatures is UNKNOWN:
            return None
        ekus = {self._ekus[item] for item in signer.ekus}
        if not any(_signature(signer, ekus, item) for item in facts.signatures):
            return False
        if not signer.file_attribs:
            return True
        values = [_attributes(self._attribs[item], facts) for item in signer.file_attribs]
        return True if True in values else None if None in values else False


def _digests(facts: FileFacts) -> Iterator[str | None]:
    """PE files by Authenticode and first-page hash, others flat; None for an unknown one."""
    hashes = facts.hashes
    own: tuple[object, ...] = (hashes.sha256,)
    if facts.pe is not None:
        own = (
            hashes.authenticode_sha256,
            hashes.authenticode_sha1,
            hashes.page_sha256,
            hashes.page_sha1,
        )
    for digest in own:
        if digest is UNKNOWN:
            yield None
        elif digest is not None:
            yield str(digest)


def _signature(signer: Signer, ekus: set[str], signature: Signature) -> bool:
    """A TBS hash anywhere in the chain, the leaf's CN, and its EKUs.

    ECDSA signatures count for nothing ("Understand App Control policy rules"); that any
    certificate of the chain may match is how open simulators read it, so inferred.
    """
    leaf = signature.leaf
    if signature.grade not in _SIGNED or leaf is None or leaf.key == "ec":
        return False
    own = {_encoded(oid.value) for oid in leaf.ekus}
    return (
        any(certificate.tbs.value == signer.root for certificate in signature.chain)
        and (signer.publisher is None or leaf.common_name == signer.publisher)
        and ekus <= own
    )


def _encoded(dotted: str) -> str:
    """An object identifier the way the policy holds it, written independently of the printer."""
    numbers = [int(part) for part in dotted.split(".")]
    body = bytearray()
    for number in (numbers[0] * 40 + numbers[1], *numbers[2:]):
        groups = []
        rest = number
        while True:
            groups.append(rest % 128)
            rest //= 128
            if not rest:
                break
        body += bytes([*(group + 128 for group in groups[:0:-1]), groups[0]])
    return f"01{len(body):02x}{body.hex()}"


def _attributes(rule: FileRule, facts: FileFacts) -> Tri:
    """Names from the version resource, compared without case, and the version bounds.

    ``*`` as the only name is any file, scripts and installers included: so the AllowAll
    example policy lets them run ("Create a deny policy"). What has no version resource
    counts as 0.0.0.0. Inferred: that several names in one rule must all hold, and that the
    version of a script is that of a file without a resource.
    """
    unnamed = (rule.internal_name, rule.file_description, rule.product_name) == (None, None, None)
    if rule.file_name == "*" and unnamed and _any_version(rule):
        return True
    if facts.pe is not None and facts.version_info is UNKNOWN:
        return None
    known = None if facts.pe is None or facts.version_info is UNKNOWN else facts.version_info
    info = known or VersionInfo()
    pairs = (
        (rule.file_name, info.original_filename),
        (rule.internal_name, info.internal_name),
        (rule.file_description, info.file_description),
        (rule.product_name, info.product_name),
    )
    names = all(
        wanted in (None, "*") or (own is not None and own.upper() == str(wanted).upper())
        for wanted, own in pairs
    )
    return names and _version_fits(rule, info.file_version or LOWEST)


def _any_version(rule: FileRule) -> bool:
    if rule.kind is FileRuleKind.DENY and (rule.low is None) != (rule.high is None):
        return False
    return rule.low in (None, LOWEST) and rule.high in (None, HIGHEST)


def _version_fits(rule: FileRule, version: FileVersion) -> bool:
    """The bounds; on a deny, one bound alone means the opposite of what it says.

    Only a minimum blocks up to it, only a maximum blocks from it on ("Understand App
    Control policy rules", and the defaults ConfigCI compiles).
    """
    if rule.kind is FileRuleKind.DENY and (rule.low is None) != (rule.high is None):
        return version <= rule.low if rule.low is not None else version >= (rule.high or HIGHEST)
    return (rule.low or LOWEST) <= version <= (rule.high or HIGHEST)


_MACROS = {"%OSDRIVE%": "C:", "%WINDIR%": "C:\\WINDOWS", "%SYSTEM32%": "C:\\WINDOWS\\SYSTEM32"}
"""The three macros ("Understand App Control policy rules and file rules", file path rules),
with C: taken to be the system drive."""


def _path_matches(pattern: str, path: str) -> bool:
    """Any run of characters for ``*`` and one for ``?``, wherever they stand (Windows 11)."""
    return _matches(_wanted(pattern), _folded(path.replace("/", "\\")))


@lru_cache(maxsize=4096)
def _wanted(pattern: str) -> str:
    head, separator, tail = _folded(pattern).partition("\\")
    return _MACROS.get(head, head) + separator + tail


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    """Upper case as OrdinalIgnoreCase has it: one character for one, and nothing becomes ASCII."""
    if text.isascii():
        return text.upper()
    return "".join(
        upper if len(upper := char.upper()) == 1 and upper.isascii() == char.isascii() else char
        for char in text
    )


def _matches(pattern: str, text: str) -> bool:
    """Wildcards by going back to the last ``*`` only: the time is the product of the lengths."""
    literal = re.split(r"[*?]", pattern, maxsplit=1)[0]
    if not text.startswith(literal):
        return False
    at = here = len(literal)
    star, retry = -1, 0
    while here < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, retry = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            retry += 1
            at, here = star + 1, retry
        else:
            return False
    return pattern[at:].strip("*") == ""


class _Index:
    """A policy prepared for many files."""

    def __init__(self, policy: SiPolicy) -> None:
        self.parts = {item.value: _Part(policy, item) for item in policy.scenarios}


class _Same:
    """A key that compares by identity: hashing a whole policy for every file costs too much."""

    __slots__ = ("policy",)

    def __init__(self, policy: SiPolicy) -> None:
        self.policy = policy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.policy is other.policy

    def __hash__(self) -> int:
        return id(self.policy)


@lru_cache(maxsize=4)
def _index(key: _Same) -> _Index:
    return _Index(key.policy)
