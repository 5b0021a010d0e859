"""Baseline rules to first-match rules: forbids, then permits, then the closing denies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policyc.lowering.expand import expand
from policyc.lowering.losses import loss
from policyc.lowering.principals import not_named
from policyc.lowering.whole import also_governed, one_mode
from policyc.model.facts import UNKNOWN, Collection, FileFacts
from policyc.model.identity import Digest, Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.ir import (
    AllOf,
    AtPath,
    Effect,
    FromPackage,
    HasAnyHash,
    HasHash,
    Mode,
    OfType,
    PolicyIR,
    Rule,
    RuleId,
)
from policyc.model.known_files import file_index, governed
from policyc.model.lists import list_of, singles
from policyc.model.loss import Drift, Loss
from policyc.model.path import PathShape
from policyc.targets.base import Lowered
from policyc.targets.fapolicyd.capabilities import (
    BAD,
    CAPABILITIES,
    EXECUTABLE,
    LANGUAGES,
    SHARED,
    governs,
    may_be_code,
)
from policyc.targets.fapolicyd.configuration import configuration
from policyc.targets.fapolicyd.daemon.version import DaemonVersion
from policyc.targets.fapolicyd.hashes import Fields, Native, hash_rules, trusted_files
from policyc.targets.fapolicyd.model import (
    ALLOW,
    DENY,
    FapolicydPolicy,
    FaRule,
    SetDefinition,
)
from policyc.targets.fapolicyd.packages import database_losses, from_database, is_database
from policyc.targets.fapolicyd.people import subject_of
from policyc.targets.fapolicyd.printer import expressible, rule_line

_TARGET = "fapolicyd"

_ELF = frozenset({Collection.EXECUTABLE, Collection.LIBRARY})
_LANGUAGE_SET = "%languages"
_NUMBERS = "name it uid:NUMBER, gid:NUMBER, exe:/REAL/PATH or comm:NAME"


def lower(policy: PolicyIR, inventory: Inventory) -> Lowered[FapolicydPolicy]:
    """Lower a policy that is specialised to fapolicyd."""
    files = governed(inventory.files, governs)
    code = files
    if len(files) < len(inventory.files):
        code = governed(inventory.files, may_be_code)
    losses = [*_scope_losses(policy, files), *database_losses(policy, files)]
    natives = _natives(policy, code, losses)
    forbids = [item for item in natives if item.rule.effect is Effect.FORBID]
    permits = [item for item in natives if item.rule.effect is Effect.PERMIT]
    sets, rules = [SetDefinition(name="languages", values=LANGUAGES)], _guards(policy)
    provenance: dict[str, set[RuleId]] = {}
    for decision, items in ((DENY, forbids), (ALLOW, permits)):
        own_sets, by_hash = hash_rules(policy, decision, items, provenance)
        field_rules = _field_rules(policy, decision, items, provenance)
        sets += own_sets
        if decision == DENY:
            rules += [*by_hash, *field_rules]
        else:
            trusted = FaRule(decision=ALLOW, perm="any", object=(("trust", "1"),))
            rules += [trusted, *field_rules, *by_hash]
    rules += _closing(policy)
    trust = trusted_files(permits, code)
    model = FapolicydPolicy(
        sets=tuple(sets),
        rules=tuple(rules),
        trust=trust,
        conf=configuration(
            DaemonVersion.parse(str(CAPABILITIES.setting(policy, "version"))),
            trust,
            permissive=Mode.ENFORCE not in policy.governs.values(),
            rpm=from_database(policy),
        ),
    )
    return Lowered(
        model=model,
        provenance={key: tuple(sorted(value)) for key, value in sorted(provenance.items())},
        losses=tuple(dict.fromkeys(losses)),
    )


def _scope_losses(policy: PolicyIR, files: tuple[FileFacts, ...]) -> list[Loss]:
    found = []
    if Collection.SCRIPT in policy.governs:
        found.append(
            loss(
                "L027",
                Drift.COSMETIC,
                target=_TARGET,
                covers=(),
                files=(),
                policy=policy,
                message="a script without an interpreter line, or with an unusual one, is text to "
                "fapolicyd, unless libmagic recognises its language",
                remedy="nothing to do; know that such files are outside what it governs",
            )
        )
    other = _ELF - policy.governs.keys()
    found += also_governed(
        policy,
        files,
        other if other != _ELF else (),
        target=_TARGET,
        message="fapolicyd cannot tell every library from a program, so both are governed",
        remedy="govern executable and library together",
    )
    found += one_mode(
        policy,
        files,
        target=_TARGET,
        message="fapolicyd has one mode; as some collections are only audited, all are",
    )
    return found


def _natives(policy: PolicyIR, files: tuple[FileFacts, ...], losses: list[Loss]) -> list[Native]:
    natives = []
    governed = frozenset(policy.governs)
    within = governed | _ELF if governed & _ELF else governed
    everything = within >= CAPABILITIES.collections
    others = [] if everything else [item for item in files if item.collection not in within]
    # The same tuple where it can be: what is worked out for a tuple is kept.
    own = tuple(facts for facts in files if facts.collection in within) if others else files
    database = from_database(policy)
    apart = frozenset(str(facts.hashes.sha256) for facts in others)
    for source in _sources(policy, governed, apart):
        if database and is_database(source, governed):
            natives.append(Native(rule=source, source=source.id))
            continue
        subjects = _subjects(source, own, losses, str(CAPABILITIES.setting(policy, "ld_so")))
        if not subjects:
            continue
        expansion = expand(
            [replace(source, principals=frozenset()) if source.principals else source],
            own,
            target=_TARGET,
            native=lambda item: _is_native(item, governed),
            digest_of=_digest,
        )
        losses += expansion.losses
        for derived in expansion.rules:
            if not _concerns(derived.rule, files, governed, losses):
                continue
            natives += [
                Native(rule=derived.rule, source=source.id, subject=subject) for subject in subjects
            ]
    return natives


def _sources(
    policy: PolicyIR, governed: frozenset[Collection], apart: frozenset[str]
) -> Iterator[Rule]:
    """The rules by id; a list of hashes is written out if it has conditions beside it.

    So is a forbid that names one of the digests ``apart``, which are of code that is not governed.
    """
    for rule in policy.ordered():
        plain = not rule.unless and governed <= rule.collections and len(rule.match.atoms) == 1
        listed = list_of(rule)
        if listed is not None and rule.effect is Effect.FORBID and listed.digests & apart:
            plain = False
        yield from (rule,) if plain else singles(rule)


def _subjects(
    rule: Rule, files: tuple[FileFacts, ...], losses: list[Loss], ld_so: str
) -> list[Fields]:
    """The subjects a rule is written for, one field each; no field is everybody.

    The loader is denied everything before any permit, so it is nobody to permit something to.
    """
    if not rule.principals:
        return [()]
    found: dict[str, list[str]] = {}
    unknown = []
    for name in sorted(rule.principals):
        field = subject_of(name)
        if field is None or (field == ("exe", ld_so) and rule.effect is Effect.PERMIT):
            unknown.append(name)
        else:
            found.setdefault(field[0], []).append(field[1])
    if unknown:
        losses.append(not_named(rule, unknown, files, target=_TARGET, remedy=_NUMBERS))
        if rule.effect is Effect.FORBID:
            return [()]
    return [((name, ",".join(dict.fromkeys(values))),) for name, values in found.items()]


def _digest(facts: FileFacts) -> Digest | None:
    digest = facts.hashes.sha256
    return None if digest is UNKNOWN else digest


def _is_native(rule: Rule, governed: frozenset[Collection]) -> bool:
    if rule.unless or len(rule.match.atoms) != 1:
        return False
    (atom,) = rule.match.atoms
    if isinstance(atom, HasHash):
        return isinstance(atom.digest, Sha256Flat)
    if isinstance(atom, HasAnyHash):
        return atom.kind is Sha256Flat and governed <= rule.collections
    return governed <= rule.collections and _fields(rule.match) is not None


def _fields(match: AllOf) -> Fields | None:
    """The object fields of a path or a type, or None if no rule can carry it."""
    (atom,) = match.atoms
    match atom:
        case OfType(ftype=ftype) if ftype in (EXECUTABLE, SHARED, *LANGUAGES):
            return (("ftype", ftype),)
        case AtPath(pattern=pattern) if expressible(pattern.text.removesuffix("**")):
            if pattern.shape is PathShape.EXACT:
                return (("path", pattern.text),)
            return (("dir", pattern.directory),) if pattern.shape is PathShape.TREE else None
        case _:
            return None


def _concerns(
    rule: Rule, files: tuple[FileFacts, ...], governed: frozenset[Collection], losses: list[Loss]
) -> bool:
    """Whether a rule is about something that is governed; a file's content decides about a hash."""
    (atom,) = rule.match.atoms
    if isinstance(atom, OfType):
        return bool(governed & ({Collection.SCRIPT} if atom.ftype in LANGUAGES else _ELF))
    if not isinstance(atom, HasHash):
        return True
    known = [
        facts
        for facts in file_index(files).possible(rule.match)
        if facts.hashes.sha256 == atom.digest
    ]
    wanted = rule.collections & governed
    if wanted == governed and wanted & _ELF:
        wanted |= _ELF
    if known:
        return any(facts.collection in wanted for facts in known)
    if governed <= rule.collections:
        return True
    losses.append(
        loss(
            "L003",
            Drift.WIDENS if rule.effect is Effect.PERMIT else Drift.NARROWS,
            target=_TARGET,
            covers=(rule.match,),
            files=files,
            rule=rule,
            message="the hash is in no inventory, so its collection is not known",
            remedy="scan the file, or leave out the rule's collections",
        )
    )
    return True


def _field_rules(
    policy: PolicyIR,
    decision: str,
    items: list[Native],
    provenance: dict[str, set[RuleId]],
) -> list[FaRule]:
    rules: dict[str, FaRule] = {}
    for item in items:
        if item.digests:
            continue
        if isinstance(next(iter(item.rule.match.atoms)), FromPackage):
            provenance.setdefault("trust rpmdb", set()).add(item.source)
            continue
        fields = _fields(item.rule.match)
        if fields is None:
            raise AssertionError("expansion leaves hashes, paths and types only")
        for bare in _written(policy, decision, fields):
            rule = replace(bare, subject=item.subject)
            line = rule_line(rule)
            rules[line] = rule
            provenance.setdefault(line, set()).add(item.source)
    return [rules[line] for line in sorted(rules)]


def _written(policy: PolicyIR, decision: str, fields: Fields) -> list[FaRule]:
    """A permit is one rule. A forbid must leave data alone: it names what runs there."""
    if decision == ALLOW or fields[0][0] == "ftype":
        return [FaRule(decision=decision, perm="any", object=fields)]
    types = []
    if policy.governs.keys() & _ELF:
        types += [EXECUTABLE, SHARED, BAD]
    if Collection.SCRIPT in policy.governs:
        types.append(_LANGUAGE_SET)
    return [
        FaRule(decision=DENY, perm="any", object=(*fields, ("ftype", ftype))) for ftype in types
    ]


def _guards(policy: PolicyIR) -> list[FaRule]:
    """The loader must not be used to run what could not run by itself."""
    ld_so = str(CAPABILITIES.setting(policy, "ld_so"))
    rules = [FaRule(decision=DENY, perm="any", subject=(("pattern", "ld_so"),))]
    if expressible(ld_so) and ld_so.startswith("/"):
        rules.append(FaRule(decision=DENY, perm="open", subject=(("exe", ld_so),)))
    return rules


def _closing(policy: PolicyIR) -> list[FaRule]:
    """Default deny for what is governed; without a match fapolicyd allows."""
    elf = bool(policy.governs.keys() & _ELF)
    script = Collection.SCRIPT in policy.governs
    rules = []
    if elf and script:
        rules.append(FaRule(decision=DENY, perm="execute"))
    elif elf:
        rules += [
            FaRule(decision=DENY, perm="execute", object=(("ftype", ftype),))
            for ftype in (EXECUTABLE, SHARED, BAD)
        ]
    if elf:
        rules += [
            FaRule(decision=DENY, perm="open", object=(("ftype", ftype),))
            for ftype in (SHARED, EXECUTABLE, BAD)
        ]
    if script:
        rules.append(FaRule(decision=DENY, perm="open", object=(("ftype", _LANGUAGE_SET),)))
    perm = "open" if elf and script else "any"
    return [*rules, FaRule(decision=ALLOW, perm=perm)]
