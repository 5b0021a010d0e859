"""How many bytes of a compiled policy each of its rules and signers takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from policyc.targets.wdac.build import build
from policyc.targets.wdac.model import FileRule, FileRuleKind, Signer, SiPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributor:
    """``size`` bytes are of the rules with this label, references to them included."""

    label: str
    size: int
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """``kinds`` by kind of rule, ``largest`` single rules; the rest is what is always there.

    ``kinds`` and ``rest`` add up to ``total``.
    """

    total: int
    kinds: tuple[Contributor, ...]
    largest: tuple[Contributor, ...]
    rest: int


def measure(policy: SiPolicy, form: int = 7, most: int = 10) -> Size:
    """The exact sizes; BuildError for a policy that cannot be compiled."""
    total = len(build(policy, form))
    bare = replace(
        policy,
        file_rules=(),
        signers=(),
        scenarios=(),
        update_signers=(),
        ci_signers=(),
        supplemental_signers=(),
    )
    empty = len(build(bare, form))
    references = _references(policy)
    found: list[tuple[str, Contributor]] = []
    for rule in policy.file_rules:
        # Alone in the policy: rules are laid out one by one, so sizes add up.
        own = len(build(replace(bare, file_rules=(rule,)), form)) - empty
        size = own + 4 * references.get(rule.id, 0)
        found.append((_kind(rule), Contributor(label=_label(rule), size=size)))
    for signer in policy.signers:
        alone = replace(signer, ekus=(), except_ekus=(), file_attribs=())
        own = len(build(replace(bare, signers=(alone,)), form)) - empty
        own += 4 * len(signer.ekus) + 4 * references.get(signer.id, 0)
        found.append(("signers", Contributor(label=_label(signer), size=own)))
    kinds: dict[str, Contributor] = {}
    for kind, item in found:
        known = kinds.get(kind, Contributor(label=kind, size=0, count=0))
        kinds[kind] = replace(known, size=known.size + item.size, count=known.count + 1)
    items = [item for _, item in found]
    items.sort(key=lambda item: (-item.size, item.label))
    return Size(
        total=total,
        kinds=tuple(sorted(kinds.values(), key=lambda item: (-item.size, item.label))),
        largest=tuple(items[:most]),
        rest=total - sum(item.size for item in items),
    )


def _references(policy: SiPolicy) -> dict[str, int]:
    """How many words of four bytes refer to each id; a listed signer takes two."""
    counts: dict[str, int] = {}

    def add(name: str, words: int = 1) -> None:
        counts[name] = counts.get(name, 0) + words

    for scenario in policy.scenarios:
        for group in (scenario.product, scenario.test, scenario.test_signing):
            if group is None:
                continue
            for item in (*group.allowed, *group.denied):
                add(item.signer, 2)
                for name in item.exceptions:
                    add(name)
            for name in group.rules:
                add(name)
    for signer in policy.signers:
        for name in signer.file_attribs:
            add(name)
    for name in (*policy.update_signers, *policy.ci_signers, *policy.supplemental_signers):
        add(name)
    return counts


def _kind(rule: FileRule) -> str:
    if rule.kind is FileRuleKind.ATTRIBUTE:
        return "attributes of signers"
    if rule.hash is not None:
        return "hashes"
    if rule.file_path is not None:
        return "paths"
    return "packages" if rule.package_family is not None else "names"


def _label(item: FileRule | Signer) -> str:
    name = item.name if isinstance(item, Signer) else item.friendly_name
    return f"{item.id} {name}" if name else item.id
