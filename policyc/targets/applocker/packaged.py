"""Baseline rules about packaged apps as AppLocker's Appx rules, which name publishers only.

Source: "Packaged apps and packaged app installer rules in AppLocker": a package has a publisher
(the subject of its signer as it is), a name and a version, and is always signed.
"""

from __future__ import annotations

from policyc.model.facts import Collection
from policyc.model.ir import AllOf, IsProduct, Rule, SignedBy
from policyc.targets.applocker.conditions import is_literal
from policyc.targets.applocker.covering import disjoint
from policyc.targets.applocker.model import PublisherCondition

_ONLY = frozenset({Collection.PACKAGED_APP})


def app_condition_for(match: AllOf) -> PublisherCondition | None:
    """The Appx condition of a conjunction, or None for what no package has: paths, hashes …

    A product's name is the package's, its version the package's; names keep their case.
    """
    signer, product = SignedBy(), IsProduct()
    for atom in match.atoms:
        if isinstance(atom, SignedBy) and atom == SignedBy(publisher=atom.publisher):
            signer = atom
        elif isinstance(atom, IsProduct) and atom == IsProduct(
            name=atom.name, version=atom.version
        ):
            product = atom
        else:
            return None
    texts = (
        "*" if signer.publisher is None else signer.publisher.written,
        "*" if product.name is None else product.name,
    )
    named = (signer.publisher, product.name)
    if any(
        own is not None and not is_literal(text) for text, own in zip(texts, named, strict=True)
    ):
        return None
    return PublisherCondition(
        publisher=texts[0],
        product=texts[1],
        low=product.version.low,
        high=product.version.high,
    )


def app_exceptions(rule: Rule, condition: PublisherCondition) -> tuple[PublisherCondition, ...]:
    """The exceptions that a package can be in; the others name files, and a package is none."""
    found = [app_condition_for(branch) for branch in rule.unless]
    kept = [item for item in found if item is not None and not disjoint(item, condition)]
    return tuple(sorted(kept, key=repr))


def is_about_apps_only(rule: Rule) -> bool:
    """Whether the baseline limits a rule to packaged apps."""
    return rule.collections == _ONLY


def says_apps(rule: Rule) -> bool:
    """Whether all of a rule can be said about packaged apps."""
    branches = (rule.match, *rule.unless)
    return all(app_condition_for(branch) is not None for branch in branches)
