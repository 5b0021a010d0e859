"""What of a policy decides, without ids and names: two policies with the same decide alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace

from policyc.targets.wdac.model import FileRule, Signer, SignerRef, SiPolicy


def meaning(policy: SiPolicy) -> Hashable:
    """Everything the evaluator looks at. Equal is a proof; unequal may still decide alike."""
    ekus = {item.id: item.value for item in policy.ekus}
    rules = {item.id: _rule(item) for item in policy.file_rules}
    signers = {item.id: _signer(item, ekus, rules) for item in policy.signers}
    groups = tuple(
        (
            item.value,
            _references(item.product.allowed, signers, rules),
            _references(item.product.denied, signers, rules),
            _bag(rules[name] for name in item.product.rules),
        )
        for item in policy.scenarios
    )
    base = policy.base_policy_id or policy.own_id
    ids = policy.policy_type, policy.own_id.upper(), base.upper()
    return ids, frozenset(policy.options), frozenset(groups)


def _bag(items: Iterable[Hashable]) -> frozenset[tuple[Hashable, int]]:
    return frozenset(Counter(items).items())


def _rule(rule: FileRule) -> Hashable:
    return replace(rule, id="", friendly_name=None, generic=False)


def _signer(signer: Signer, ekus: Mapping[str, str], rules: Mapping[str, Hashable]) -> Hashable:
    bare = replace(signer, id="", name=None, ekus=(), except_ekus=(), file_attribs=())
    return (
        bare,
        _bag(ekus[name] for name in signer.ekus),
        _bag(ekus[name] for name in signer.except_ekus),
        _bag(rules[name] for name in signer.file_attribs),
    )


def _references(
    references: Iterable[SignerRef],
    signers: Mapping[str, Hashable],
    rules: Mapping[str, Hashable],
) -> Hashable:
    return _bag(
        (signers[item.signer], _bag(rules[name] for name in item.exceptions)) for item in references
    )
