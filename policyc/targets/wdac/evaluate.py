"""What App Control decides about a file, under one policy or under all that are active.

Order: explicit deny, explicit allow, implicit block ("Understand App Control policy rules
and file rules", file rule precedence order). What managed installers and the reputation
service would still allow is not part of a policy's own decision; the reason names them.
Of several policies: a file must be allowed by every base policy, and by a base or one of its
supplementals; what a supplemental denies is ignored ("Deploy multiple App Control policies").
Signers for test signing count only on machines in that mode, and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyc.model.decision import Decision, Tri, Verdict
from policyc.model.facts import UNKNOWN, Collection, FileFacts
from policyc.model.index import Index, once_per_object
from policyc.targets.wdac.capabilities import governs
from policyc.targets.wdac.facets import FACETS, rule_facet, signer_facet
from policyc.targets.wdac.match import (
    all_of,
    any_of,
    digests,
    encoded_eku,
    is_packaged,
    rule_matches,
    signer_matches,
)
from policyc.targets.wdac.meaning import meaning
from policyc.targets.wdac.model import (
    KERNEL,
    TAGGING,
    USER,
    FileRule,
    FileRuleKind,
    Scenario,
    SignerRef,
    SiPolicy,
)
from policyc.targets.wdac.options import Option

_HOSTED = (Collection.SCRIPT, Collection.INSTALLER)
_WHQL = encoded_eku("1.3.6.1.4.1.311.10.3.5")


def evaluate(policy: SiPolicy, facts: FileFacts) -> Decision:
    """The decision, with the id of the rule or signer that made it.

    With a binary beside the XML, what the binary decides counts where the two differ: it is
    what Windows loads.
    """
    own = evaluate_all((policy, *policy.supplementals), facts)
    if not _differs(policy):
        return own
    everything = (policy, *policy.supplementals)
    compiled = evaluate_all(tuple(item.compiled or item for item in everything), facts)
    if compiled.verdict is own.verdict:
        return own
    reason = f"the binary decides otherwise than the XML: {compiled.reason}"
    return Decision(verdict=compiled.verdict, reason=reason)


@once_per_object(8)
def _differs(policy: SiPolicy) -> bool:
    """Whether a binary is there that may decide otherwise than its XML."""
    return any(
        item.compiled is not None and meaning(item) != meaning(item.compiled)
        for item in (policy, *policy.supplementals)
    )


def evaluate_all(
    policies: tuple[SiPolicy, ...], facts: FileFacts, *, many_wildcards: bool = True
) -> Decision:
    """The decision under several policies: bases intersect, supplementals add to their base.

    A supplemental alone answers for what it adds. ``many_wildcards`` is false for Windows
    before 11, where a path rule may have one ``*`` only.
    """
    bases = [item for item in policies if not item.is_supplemental]
    supplementals = [item for item in policies if item.is_supplemental]
    if not bases:
        bases, supplementals = supplementals[:1], supplementals[1:]
    answers = [_under(item, supplementals, facts, many_wildcards=many_wildcards) for item in bases]
    for verdict in (Verdict.DENY, Verdict.UNDETERMINED, Verdict.ALLOW):
        for answer in answers:
            if answer.verdict is verdict:
                return answer
    return answers[0] if answers else Decision(verdict=Verdict.ALLOW, reason="no policy")


def _under(
    base: SiPolicy, supplementals: list[SiPolicy], facts: FileFacts, *, many_wildcards: bool
) -> Decision:
    """The decision of one base policy with the supplementals that are its own."""
    collection = facts.collection
    reason = _not_governed(base, facts)
    if reason is not None:
        return Decision(verdict=Verdict.NOT_GOVERNED, reason=reason)
    value = KERNEL if collection is Collection.DRIVER else USER
    own = _index(base).parts.get(value)
    added = [
        part
        for item in supplementals
        if _belongs(item, base) and (part := _index(item).parts.get(value)) is not None
    ]
    parts = [part for part in (own, *added) if part is not None]
    if not parts:
        return Decision(verdict=Verdict.DENY, reason="no signing scenario")
    denied: Tri = False
    denied_by = ""
    if own is not None and not base.is_supplemental:
        denied, denied_by = _strongest(own.matches(facts, deny=True, many=many_wildcards))
    if denied is True:
        return Decision(verdict=Verdict.DENY, reason=denied_by)
    allowed, allowed_by = _allowed(parts, facts, many=many_wildcards)
    if allowed is False:
        return Decision(verdict=Verdict.DENY, reason=_implicit(base, collection))
    extra, extra_by = _required(base, facts)
    if extra is False:
        return Decision(verdict=Verdict.DENY, reason=extra_by)
    for known, name in ((denied is not None, denied_by), (allowed, allowed_by), (extra, extra_by)):
        if not known:
            reason = f"facts are missing for {name}"
            return Decision(verdict=Verdict.UNDETERMINED, reason=reason)
    return Decision(verdict=Verdict.ALLOW, reason=allowed_by)


def _not_governed(base: SiPolicy, facts: FileFacts) -> str | None:
    collection = facts.collection
    if collection is None:
        return "does not run"
    if base.policy_type == TAGGING:
        return "a tagging policy blocks nothing"
    if collection in _HOSTED and Option.NO_SCRIPT_ENFORCEMENT in base.options:
        return "no script enforcement"
    if collection is not Collection.DRIVER:
        if Option.UMCI not in base.options and not base.is_supplemental:
            return "no user-mode code integrity"
        if not governs(facts):
            return "its host does not ask"
    return None


def _belongs(supplemental: SiPolicy, base: SiPolicy) -> bool:
    """A base takes supplementals with option 17 only, and only those that name it."""
    wanted = (supplemental.base_policy_id or "").upper()
    return Option.SUPPLEMENTAL_POLICIES in base.options and wanted == base.own_id.upper()


def _implicit(base: SiPolicy, collection: Collection | None) -> str:
    others = []
    if collection is not Collection.DRIVER:
        if Option.MANAGED_INSTALLER in base.options:
            others.append("a managed installer")
        if Option.INTELLIGENT_SECURITY_GRAPH in base.options:
            others.append("the reputation service")
    return "implicit block" + (f" ({' or '.join(others)} may allow)" if others else "")


def _required(base: SiPolicy, facts: FileFacts) -> tuple[Tri, str]:
    """What options ask of drivers beyond the rules (options 2 and 8)."""
    if facts.collection is not Collection.DRIVER:
        return True, ""
    if Option.WHQL in base.options:
        if facts.signatures is UNKNOWN:
            return None, Option.WHQL.value
        leaves = [item.leaf for item in facts.signatures if item.leaf is not None]
        if not any(_WHQL in {encoded_eku(oid.value) for oid in leaf.ekus} for leaf in leaves):
            return False, Option.WHQL.value
    # No fact tells an extended-validation certificate.
    return (None, Option.EV_SIGNERS.value) if Option.EV_SIGNERS in base.options else (True, "")


def _allowed(parts: list[_Part], facts: FileFacts, *, many: bool) -> tuple[Tri, str]:
    """By the base or a supplemental; with a rule on package families, packages by those only.

    Source: "Manage packaged apps with App Control".
    """
    by_family = any(part.names_packages for part in parts)
    packaged: Tri = is_packaged(facts) if by_family else False
    matches = (
        (name, value if packaged is False or is_family else _unless(packaged, value))
        for part in parts
        for name, value, is_family in part.allows(facts, many=many)
    )
    return _strongest(matches)


def _unless(packaged: Tri, value: Tri) -> Tri:
    return False if packaged is True else all_of((None, value))


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
        self._rules_by_id = {item.id: item for item in policy.file_rules}
        self._signers_by_id = {item.id: item for item in policy.signers}
        self._ekus = {item.id: item.value for item in policy.ekus}
        self._protected = Option.NO_PATH_PROTECTION not in policy.options
        self._hashes: dict[bool, dict[str, str]] = {True: {}, False: {}}
        self._rules: dict[bool, Index[FileFacts, FileRule]] = {}
        self._signers: dict[bool, Index[FileFacts, SignerRef]] = {}
        group = scenario.product
        for deny in (True, False):
            self._rules[deny], self._signers[deny] = Index(FACETS), Index(FACETS)
        self.names_packages = False
        for rule in (self._rules_by_id[item] for item in group.rules):
            deny = rule.kind is FileRuleKind.DENY
            if rule.hash is None:
                self._rules[deny].add(rule, *(rule_facet(rule) or (None,)))
                self.names_packages |= not deny and rule.package_family is not None
            else:
                self._hashes[deny][rule.hash] = rule.id
        for deny, references in ((True, group.denied), (False, group.allowed)):
            for reference in references:
                signer = self._signers_by_id[reference.signer]
                found = signer_facet(signer, self._rules_by_id)
                self._signers[deny].add(reference, *(found or (None,)))

    def matches(self, facts: FileFacts, *, deny: bool, many: bool) -> Iterator[tuple[str, Tri]]:
        """Every rule of one action that does not miss, by id."""
        for name, value, _ in self._found(facts, deny=deny, many=many):
            yield name, value

    def allows(self, facts: FileFacts, *, many: bool) -> Iterator[tuple[str, Tri, bool]]:
        """Every allow that does not miss, and whether it names a package family."""
        return self._found(facts, deny=False, many=many)

    def _found(
        self, facts: FileFacts, *, deny: bool, many: bool
    ) -> Iterator[tuple[str, Tri, bool]]:
        hashes = self._hashes[deny]
        for digest in digests(facts):
            if digest is None and hashes:
                yield "hash rules", None, False
            elif digest in hashes:
                yield hashes[digest], True, False
        for rule in self._rules[deny].find(facts):
            yield rule.id, self._rule(rule, facts, many=many), rule.package_family is not None
        for reference in self._signers[deny].find(facts):
            yield reference.signer, self._signer(reference, facts, deny=deny, many=many), False

    def _rule(self, rule: FileRule, facts: FileFacts, *, many: bool) -> Tri:
        return rule_matches(rule, facts, protected=self._protected, many_wildcards=many)

    def _signer(self, reference: SignerRef, facts: FileFacts, *, deny: bool, many: bool) -> Tri:
        """An exception that matches takes the signer away.

        The schema says so for allowed signers ("treated as allow signer rule did not match");
        for denied ones it is inferred.
        """
        signer = self._signers_by_id[reference.signer]
        own = signer_matches(signer, facts, self._ekus, self._rules_by_id, denied=deny)
        if own is False or not reference.exceptions:
            return own
        lifted = any_of(
            self._rule(self._rules_by_id[item], facts, many=many) for item in reference.exceptions
        )
        return all_of((own, None if lifted is None else not lifted))


class _Index:
    """A policy prepared for many files."""

    def __init__(self, policy: SiPolicy) -> None:
        self.parts = {item.value: _Part(policy, item) for item in policy.scenarios}


@once_per_object(64)
def _index(policy: SiPolicy) -> _Index:
    return _Index(policy)
