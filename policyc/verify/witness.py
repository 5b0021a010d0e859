"""Witnesses from the policy: files made to match each rule, and to miss it by one condition.

An inventory is a weak test: it rarely holds the file just below a version bound, or the one
whose folder only begins like a rule's. Both sides decide every witness, so nothing here
needs to know the right answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import assert_never

from policyc.model.facets import facets_of
from policyc.model.facts import (
    Collection,
    FileFacts,
    FindingMark,
    MachoFacts,
    PackageRef,
    PackageState,
    Platform,
    VersionInfo,
)
from policyc.model.identity import CdHash
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    Effect,
    FromPackage,
    HasAnyHash,
    HasHash,
    HasMasquerade,
    IsProduct,
    IsTrusted,
    OfType,
    PolicyIR,
    Rule,
    SignedBy,
    canonical_atom,
)
from policyc.model.lists import list_of, singles
from policyc.model.path import PathPattern, PathStyle
from policyc.model.variants import varied
from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.verify.signing import other_signatures, signature_for
from policyc.verify.synthetic import (
    Known,
    blank,
    sealed,
    with_digest,
    with_product,
    with_signature,
)

ALL_PAIRS = 10_000
"""Up to so many pairs of a forbid and a permit each is tried."""
FULL = 100
"""Rules of one form that one line of the baseline became, which get every witness.

Such rules differ in their words only. The others get a file they match, with each exception,
and the versions about their bounds.
"""


def policy_witnesses(policy: PolicyIR, world: Known, platform: Platform) -> Iterator[FileFacts]:
    """Files around every rule, rule by rule in the order of ids, then pairs of rules."""
    listed = [rule for rule in policy.ordered() if platform in rule.platforms]
    alike: Counter[Hashable] = Counter()
    for rule in (single for item in listed for single in _written(item, world)):
        form = (rule.origin, _form(rule))
        alike[form] += 1
        if alike[form] > FULL:
            yield from _briefly(rule, world, platform, policy)
            continue
        for collection in _collections(rule, policy):
            yield from _around(rule, world, platform, collection)
    for forbid, permit in _pairs([single for item in listed for single in _first(item)]):
        both = forbid.match.atoms | permit.match.atoms
        shared = forbid.collections & permit.collections & policy.governs.keys()
        for collection in sorted(shared, key=_value)[:1]:
            yield from _made(both, world, platform, collection)


def _written(rule: Rule, world: Known) -> Iterator[Rule]:
    """The rules that a list stands for, without those of which there would be no witness.

    Beyond the first, a content of the inventory is decided with the inventory.
    """
    listed = list_of(rule)
    if listed is None:
        yield rule
        return
    files = world.by_digest[listed.kind]
    others = {item for item in listed.digests if rule.unless or item not in files}
    yield from singles(rule, frozenset(others.union(listed.ordered[:FULL])))


def _first(rule: Rule) -> Iterator[Rule]:
    listed = list_of(rule)
    yield from singles(rule, None if listed is None else frozenset(listed.ordered[:FULL]))


def rule_witnesses(
    rule: Rule,
    world: Known,
    platform: Platform,
    collections: Iterable[Collection],
    partners: Iterable[Rule] = (),
) -> Iterator[FileFacts]:
    """Files around one rule, then for each partner where both hold, and where its exceptions do."""
    chosen = sorted(collections, key=_value)
    for collection in chosen:
        yield from _around(rule, world, platform, collection)
    for partner in partners:
        branches = sorted(partner.unless, key=lambda item: sorted(map(canonical_atom, item.atoms)))
        for collection in [item for item in chosen if item in partner.collections][:1]:
            for branch in (partner.match, *branches):
                both = rule.match.atoms | branch.atoms
                yield from _made(both, world, platform, collection)


def special_witnesses(
    signers: Iterable[SignedBy], policy: PolicyIR, world: Known, platform: Platform
) -> Iterator[FileFacts]:
    """Files of signers that an engine treats in a way of its own: alone, and with what is named.

    Of many rules, one of each form of a forbid and of a permit is tried with each signer.
    """
    rules = [
        single for rule in policy.ordered() if platform in rule.platforms for single in _first(rule)
    ]
    forms = [
        rule
        for effect in Effect
        for rule in _one_of_each_form([item for item in rules if item.effect is effect])
    ]
    for signer in signers:
        for collection in sorted(policy.governs, key=_value):
            yield from _made((signer,), world, platform, collection)
            for rule in forms:
                yield from _made(rule.match.atoms | {signer}, world, platform, collection)


def _pairs(rules: list[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Every forbid with every permit; of many rules, with one of each form of the other side."""
    forbids = [rule for rule in rules if rule.effect is Effect.FORBID]
    permits = [rule for rule in rules if rule.effect is Effect.PERMIT]
    if len(forbids) * len(permits) <= ALL_PAIRS:
        yield from product(forbids, permits)
        return
    yield from product(forbids, _one_of_each_form(permits))
    yield from product(_one_of_each_form(forbids), permits)


def _one_of_each_form(rules: list[Rule]) -> list[Rule]:
    forms: dict[Hashable, Rule] = {}
    for rule in rules:
        forms.setdefault(_form(rule), rule)
    return list(forms.values())


def _form(rule: Rule) -> Hashable:
    """What kind of conditions a rule has, without their words."""
    words = sorted(facet for atom in rule.match.atoms for facet, _ in facets_of(atom))
    return (*words, len(rule.unless) > 0, rule.collections)


def _collections(rule: Rule, policy: PolicyIR) -> list[Collection]:
    """The governed ones; beyond those of the rule its match is tried in one it does not name."""
    own = sorted(rule.collections & policy.governs.keys(), key=_value)
    others = sorted(policy.governs.keys() - rule.collections, key=_value)
    return own + others[:1]


def _value(collection: Collection) -> str:
    return collection.value


def _around(
    rule: Rule, world: Known, platform: Platform, collection: Collection
) -> Iterator[FileFacts]:
    atoms = rule.match.atoms
    yield from _made(atoms, world, platform, collection)
    for branch in _exceptions(rule):
        yield from _made(atoms | branch.atoms, world, platform, collection)
    for atom in sorted(atoms, key=canonical_atom):
        settled = isinstance(atom, (SignedBy, IsProduct)) and _is_known(atoms - {atom}, world)
        for rest in _made(atoms - {atom}, world, platform, collection, seal=False):
            yield sealed(rest)
            if settled:
                continue  # the bytes say what the atom asks
            for near in _near(rest, atom, world, platform):
                yield sealed(near)


def _exceptions(rule: Rule) -> list[AllOf]:
    return sorted(rule.unless, key=lambda item: sorted(map(canonical_atom, item.atoms)))


def _briefly(rule: Rule, world: Known, platform: Platform, policy: PolicyIR) -> Iterator[FileFacts]:
    """The rule's own files in its first collection, and those about its versions' bounds."""
    atoms = rule.match.atoms
    if len(atoms) == 1 and not rule.unless and _is_known(atoms, world):
        return  # the inventory's own file, decided with the inventory
    for collection in sorted(rule.collections & policy.governs.keys(), key=_value)[:1]:
        yield from _made(atoms, world, platform, collection)
        for branch in _exceptions(rule):
            yield from _made(atoms | branch.atoms, world, platform, collection)
        for atom in sorted(atoms, key=canonical_atom):
            if not isinstance(atom, IsProduct) or atom.version.is_any:
                continue
            for rest in _made(atoms - {atom}, world, platform, collection, seal=False):
                for version in bounds(atom.version.low, atom.version.high):
                    near = with_product(rest, _info(atom, version))
                    if near is not None:
                        yield sealed(near)


def _is_known(atoms: Iterable[Atom], world: Known) -> bool:
    """Whether the inventory holds the content that the atoms name."""
    return any(isinstance(atom, HasHash) and world.of(atom.digest) is not None for atom in atoms)


def _made(
    atoms: Iterable[Atom],
    world: Known,
    platform: Platform,
    collection: Collection,
    *,
    seal: bool = True,
) -> Iterator[FileFacts]:
    """At most one file that satisfies the atoms; none if they cannot be made to hold together.

    None either if it is a file of the inventory as it is: that one is decided with the others.
    """
    chosen = sorted(atoms, key=canonical_atom)
    facts = blank(platform, collection)
    for atom in chosen:
        # A content that the inventory holds is taken whole: its bytes say everything else.
        if isinstance(atom, HasHash):
            facts = world.of(atom.digest) or facts
    if facts is None:
        return
    fixed = _is_known(chosen, world)
    for atom in chosen:
        if fixed and isinstance(atom, (HasHash, SignedBy, IsProduct, OfType)):
            continue
        changed = satisfied(facts, atom, world, platform)
        if changed is None:
            return
        facts = changed
    if fixed and seal and world.holds(facts):
        return
    yield sealed(facts) if seal and not fixed else facts


def satisfied(facts: FileFacts, atom: Atom, world: Known, platform: Platform) -> FileFacts | None:
    """The file changed so that ``atom`` holds; None where a file of its kind cannot be."""
    match atom:
        case HasHash():
            return with_digest(facts, atom.digest)
        case HasAnyHash():
            return with_digest(facts, atom.kind(atom.ordered[0]))
        case SignedBy():
            signature = signature_for(atom, world, platform)
            return None if signature is None else with_signature(facts, signature)
        case IsProduct():
            low = None if atom.version.is_any else atom.version.low
            return with_product(facts, _info(atom, low))
        case AtPath():
            return varied(facts, path=path_in(atom.pattern, facts.extension))
        case FromPackage():
            return varied(facts, package=_package(atom))
        case OfType():
            return facts if facts.ftype == atom.ftype else None
        case IsTrusted():
            return varied(facts, trusted=True)
        case HasMasquerade():
            mark = FindingMark(code=(*atom.codes, "M001")[0], level=atom.level.value)
            return varied(facts, masquerade=atom.level.value, findings=(mark,))
        case _:
            assert_never(atom)


def _info(atom: IsProduct, version: FileVersion | None) -> VersionInfo:
    return VersionInfo(
        product_name=atom.name,
        original_filename=atom.original_filename,
        internal_name=atom.internal_name,
        file_description=atom.file_description,
        file_version=version,
    )


def _near(facts: FileFacts, atom: Atom, world: Known, platform: Platform) -> Iterator[FileFacts]:
    """Variants of a file that satisfies everything but ``atom``: on and just beyond its edges."""
    match atom:
        case SignedBy():
            for signature in other_signatures(atom, world, platform):
                yield with_signature(facts, signature)
        case IsProduct():
            words = (
                _info(atom, version) for version in bounds(atom.version.low, atom.version.high)
            )
            for info in words:
                changed = with_product(facts, info)
                if changed is not None:
                    yield changed
            for name in ("product_name", "original_filename", "internal_name", "file_description"):
                info = _info(atom, atom.version.low)
                text = getattr(info, name)
                if text is not None:
                    for other in (text + "x", text.swapcase()):
                        changed = with_product(facts, replace(info, **{name: other}))
                        if changed is not None:
                            yield changed
        case AtPath():
            for path in paths_near(path_in(atom.pattern, facts.extension)):
                yield varied(facts, path=path)
            for path in _edges(atom.pattern, facts.extension):
                yield varied(facts, path=path)
            inside = path_in(atom.pattern, facts.extension)
            yield varied(facts, path=inside, writable_by_users=True)
        case FromPackage():
            own = _package(atom)
            yield varied(facts, package=replace(own, name=f"{own.name}-other"))
            yield varied(facts, package=replace(own, manager=f"{own.manager}-other"))
            yield varied(facts, package=replace(own, state=PackageState.MODIFIED))
        case HasHash(digest=CdHash()):
            enforced = with_digest(facts, atom.digest)
            if enforced is not None and enforced.macho is not None:
                lax = tuple(replace(piece, flags=0) for piece in enforced.macho.slices)
                yield varied(enforced, macho=MachoFacts(slices=lax))
        case HasMasquerade(codes=()) | HasHash() | HasAnyHash() | OfType() | IsTrusted():
            return
        case HasMasquerade():
            mark = FindingMark(code="M000", level=atom.level.value)  # a finding of another check
            yield varied(facts, masquerade=mark.level, findings=(mark,))
        case _:
            assert_never(atom)


def _package(atom: FromPackage) -> PackageRef:
    return PackageRef(manager=atom.manager, name=atom.name or "w", state=PackageState.VERIFIED)


def bounds(low: FileVersion, high: FileVersion) -> tuple[FileVersion, ...]:
    """Both bounds and the versions one below and one above, as far as they exist."""
    values = {low.value, high.value}
    if low > LOWEST:
        values.add(low.value - 1)
    if high < HIGHEST:
        values.add(high.value + 1)
    return tuple(FileVersion(value) for value in sorted(values))


def path_in(pattern: PathPattern, extension: str) -> str:
    """A path of the pattern, with the extension where the pattern leaves the name open."""
    separator = "\\" if pattern.style is PathStyle.WINDOWS else "/"
    pieces = {"*": "w", "**": f"w{separator}w"}
    text = "".join(pieces.get(token, token) for token in pattern.tokens())
    dotted = f".{extension}" if extension else ""
    return text + dotted if pattern.text.endswith("*") else text


def paths_near(path: str) -> tuple[str, ...]:
    """The case variant, the same name in a like folder and one below, the whole path below one."""
    separator = "\\" if "\\" in path else "/"
    head, _, name = path.rpartition(separator)
    drive = path[:1]
    changed = drive + path[1:].swapcase()
    root = path[: path.index(separator) + 1]
    return (
        changed,
        f"{head}x{separator}{name}",
        f"{head}{separator}x{separator}{name}",
        f"{root}x{separator}{path.removeprefix(root)}",
    )


def _edges(pattern: PathPattern, extension: str) -> Iterator[str]:
    """Just outside a tree: its folder's name as a file, and as the beginning of another's."""
    literal = pattern.tokens()[0]
    if literal == pattern.text:
        return
    dotted = f".{extension}" if extension else ""
    yield literal.rstrip("/\\") + "x" + dotted
    if literal[-1] in "/\\":
        yield literal + "w" + dotted
